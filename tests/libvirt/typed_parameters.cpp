// SPDX-License-Identifier: MIT
#include <kvmig/libvirt/job.hpp>
#include <kvmig/libvirt/migration.hpp>
#include <kvmig/libvirt/typed_parameters.hpp>
#include <support/catch.hpp>

#include <limits>
#include <string>
#include <utility>

using namespace kvmig;
using namespace std::chrono_literals;
using libvirt::typed_parameters;
using migration::flag;

TEST_CASE("numbers are read whatever integer type they have") {
    typed_parameters params;
    REQUIRE(params.add("int", 7));
    REQUIRE(params.add("uint", 8U));
    REQUIRE(params.add("llong", 9LL));
    REQUIRE(params.add("ullong", std::numeric_limits<unsigned long long>::max()));
    REQUIRE(params.add("negative", -1));
    REQUIRE(params.add("text", "7"));
    REQUIRE(params.add("double", 1.5));
    const auto view = params.view();
    CHECK(view.number("int") == 7U);
    CHECK(view.number("uint") == 8U);
    CHECK(view.number("llong") == 9U);
    CHECK(view.number("ullong") == std::numeric_limits<std::uint64_t>::max());
    CHECK_FALSE(view.number("negative"));
    CHECK_FALSE(view.number("text"));
    CHECK_FALSE(view.number("double"));
    CHECK_FALSE(view.number("nothing"));
    CHECK(params.size() == 7);
}

TEST_CASE("booleans and texts are read as such only") {
    typed_parameters params;
    REQUIRE(params.add("yes", true));
    REQUIRE(params.add("no", false));
    REQUIRE(params.add("text", std::string("words")));
    const auto view = params.view();
    CHECK(view.boolean("yes") == true);
    CHECK(view.boolean("no") == false);
    CHECK_FALSE(view.boolean("text"));
    CHECK(view.text("text") == "words");
    CHECK_FALSE(view.text("yes"));
}

TEST_CASE("one name may stand several times") {
    typed_parameters params;
    REQUIRE(params.add("disk", "vda"));
    REQUIRE(params.add("other", "x"));
    REQUIRE(params.add("disk", "vdb"));
    CHECK(params.view().texts("disk") == std::vector<std::string>{"vda", "vdb"});
    CHECK(params.view().texts("none").empty());
}

TEST_CASE("a name too long for libvirt is refused with its name") {
    typed_parameters params;
    const std::string name(VIR_TYPED_PARAM_FIELD_LENGTH, 'x');
    const auto outcome = params.add(name.c_str(), 1);
    REQUIRE_FALSE(outcome);
    CHECK_THAT(outcome.error().what, Catch::Contains(name));
}

TEST_CASE("parameters move, and what was moved from is empty") {
    typed_parameters one;
    REQUIRE(one.add("n", 1));
    typed_parameters two = std::move(one);
    CHECK(two.view().number("n") == 1U);
    typed_parameters three;
    REQUIRE(three.add("m", 2));
    three = std::move(two);
    CHECK(three.view().number("n") == 1U);
    CHECK_FALSE(three.view().number("m"));
}

TEST_CASE("every field of the job statistics is read in its unit") {
    typed_parameters params;
    REQUIRE(params.add(VIR_DOMAIN_JOB_OPERATION,
                       static_cast<int>(VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT)));
    // A number of its own for each, so that no two can be mixed up.
    unsigned long long next = 100;
    model::for_each_field(model::job_statistics{}, [&](const char *name, const auto &field) {
        using value = typename std::decay_t<decltype(field)>::value_type;
        if constexpr (std::is_same_v<value, bool>) {
            REQUIRE(params.add(name, true));
        } else if constexpr (std::is_same_v<value, std::string>) {
            REQUIRE(params.add(name, "went wrong"));
        } else {
            REQUIRE(params.add(name, next));
            ++next;
        }
    });
    const auto s = libvirt::to_job_statistics(VIR_DOMAIN_JOB_UNBOUNDED, params.view());
    CHECK(s.type == model::job_type::unbounded);
    CHECK(s.operation == model::job_operation::migration_out);
    // In the order of libvirt-domain.h.
    const auto number = [&](const char *name) { return params.view().number(name).value(); };
    const auto ms = [&](const char *name) {
        return std::chrono::milliseconds(static_cast<std::int64_t>(number(name)));
    };
    CHECK(s.time_elapsed == ms(VIR_DOMAIN_JOB_TIME_ELAPSED));
    CHECK(s.time_elapsed_net == ms(VIR_DOMAIN_JOB_TIME_ELAPSED_NET));
    CHECK(s.time_remaining == ms(VIR_DOMAIN_JOB_TIME_REMAINING));
    CHECK(s.downtime == ms(VIR_DOMAIN_JOB_DOWNTIME));
    CHECK(s.downtime_net == ms(VIR_DOMAIN_JOB_DOWNTIME_NET));
    CHECK(s.setup_time == ms(VIR_DOMAIN_JOB_SETUP_TIME));
    CHECK(s.data_total == bytes{number(VIR_DOMAIN_JOB_DATA_TOTAL)});
    CHECK(s.data_processed == bytes{number(VIR_DOMAIN_JOB_DATA_PROCESSED)});
    CHECK(s.data_remaining == bytes{number(VIR_DOMAIN_JOB_DATA_REMAINING)});
    CHECK(s.memory_total == bytes{number(VIR_DOMAIN_JOB_MEMORY_TOTAL)});
    CHECK(s.memory_processed == bytes{number(VIR_DOMAIN_JOB_MEMORY_PROCESSED)});
    CHECK(s.memory_remaining == bytes{number(VIR_DOMAIN_JOB_MEMORY_REMAINING)});
    CHECK(s.memory_constant == pages{number(VIR_DOMAIN_JOB_MEMORY_CONSTANT)});
    CHECK(s.memory_normal == pages{number(VIR_DOMAIN_JOB_MEMORY_NORMAL)});
    CHECK(s.memory_normal_bytes == bytes{number(VIR_DOMAIN_JOB_MEMORY_NORMAL_BYTES)});
    CHECK(s.memory_bps == byte_rate{number(VIR_DOMAIN_JOB_MEMORY_BPS)});
    CHECK(s.memory_dirty_rate == page_rate{number(VIR_DOMAIN_JOB_MEMORY_DIRTY_RATE)});
    CHECK(s.memory_page_size == bytes{number(VIR_DOMAIN_JOB_MEMORY_PAGE_SIZE)});
    CHECK(s.memory_iteration == number(VIR_DOMAIN_JOB_MEMORY_ITERATION));
    CHECK(s.memory_postcopy_requests == number(VIR_DOMAIN_JOB_MEMORY_POSTCOPY_REQS));
    CHECK(s.disk_total == bytes{number(VIR_DOMAIN_JOB_DISK_TOTAL)});
    CHECK(s.disk_processed == bytes{number(VIR_DOMAIN_JOB_DISK_PROCESSED)});
    CHECK(s.disk_remaining == bytes{number(VIR_DOMAIN_JOB_DISK_REMAINING)});
    CHECK(s.disk_bps == byte_rate{number(VIR_DOMAIN_JOB_DISK_BPS)});
    CHECK(s.compression_cache == bytes{number(VIR_DOMAIN_JOB_COMPRESSION_CACHE)});
    CHECK(s.compression_bytes == bytes{number(VIR_DOMAIN_JOB_COMPRESSION_BYTES)});
    CHECK(s.compression_pages == pages{number(VIR_DOMAIN_JOB_COMPRESSION_PAGES)});
    CHECK(s.compression_cache_misses == pages{number(VIR_DOMAIN_JOB_COMPRESSION_CACHE_MISSES)});
    CHECK(s.compression_overflow == pages{number(VIR_DOMAIN_JOB_COMPRESSION_OVERFLOW)});
    CHECK(s.auto_converge_throttle == number(VIR_DOMAIN_JOB_AUTO_CONVERGE_THROTTLE));
    CHECK(s.success == true);
    CHECK(s.errmsg == "went wrong");
}

TEST_CASE("fields that are not told stay absent, unknown ones are left out") {
    typed_parameters params;
    REQUIRE(params.add("something_from_the_future", 1ULL));
    const auto s = libvirt::to_job_statistics(VIR_DOMAIN_JOB_NONE, params.view());
    CHECK(s == model::job_statistics{});
}

TEST_CASE("types and operations that came later are not mistaken for known ones") {
    typed_parameters params;
    REQUIRE(params.add(VIR_DOMAIN_JOB_OPERATION, 4711));
    const auto s = libvirt::to_job_statistics(4711, params.view());
    CHECK(s.type == model::job_type::unbounded);
    CHECK(s.operation == model::job_operation::unknown);
    CHECK(libvirt::to_job_statistics(-1, params.view()).type == model::job_type::unbounded);
}

TEST_CASE("migration options become libvirt's parameters, in its units") {
    migration::options o;
    o.migrate_uri = "tcp://192.0.2.1";
    o.destination_name = "vm2";
    o.destination_xml = "<domain/>";
    o.persistent_xml = "<domain id='p'/>";
    o.bandwidth = byte_rate::mib(20);
    o.postcopy_bandwidth = byte_rate::mib(30);
    o.graphics_uri = "vnc://x";
    o.listen_address = "0.0.0.0";
    o.migrate_disks = {"vda", "vdb"};
    o.disks_port = 49200;
    o.disks_uri = "tcp://192.0.2.2";
    o.compression = {"xbzrle", "mt"};
    o.compression_mt_level = 1;
    o.compression_mt_threads = 2;
    o.compression_mt_dthreads = 3;
    o.compression_xbzrle_cache = bytes::mib(64);
    o.auto_converge_initial = 20;
    o.auto_converge_increment = 10;
    o.parallel_connections = 4;
    o.tls_destination = "kvm02";
    const auto params = libvirt::to_parameters(o);
    REQUIRE(params);
    const auto view = params->view();
    CHECK(params->size() == 22); // 20 parameters, two of them with two values
    CHECK(view.text("migrate_uri") == "tcp://192.0.2.1");
    CHECK(view.text("destination_name") == "vm2");
    CHECK(view.text("destination_xml") == "<domain/>");
    CHECK(view.text("persistent_xml") == "<domain id='p'/>");
    CHECK(view.number("bandwidth") == 20U);
    CHECK(view.number("bandwidth.postcopy") == 30U);
    CHECK(view.text("graphics_uri") == "vnc://x");
    CHECK(view.text("listen_address") == "0.0.0.0");
    CHECK(view.texts("migrate_disks") == std::vector<std::string>{"vda", "vdb"});
    CHECK(view.number("disks_port") == 49200U);
    CHECK(view.text("disks_uri") == "tcp://192.0.2.2");
    CHECK(view.texts("compression") == std::vector<std::string>{"xbzrle", "mt"});
    CHECK(view.number("compression.mt.level") == 1U);
    CHECK(view.number("compression.mt.threads") == 2U);
    CHECK(view.number("compression.mt.dthreads") == 3U);
    CHECK(view.number("compression.xbzrle.cache") == 64U << 20U);
    CHECK(view.number("auto_converge.initial") == 20U);
    CHECK(view.number("auto_converge.increment") == 10U);
    CHECK(view.number("parallel.connections") == 4U);
    CHECK(view.text("tls.destination") == "kvm02");
    // The types libvirt checks them against.
    CHECK(virTypedParamsGet(params->data(), params->size(), "bandwidth")->type ==
          VIR_TYPED_PARAM_ULLONG);
    CHECK(virTypedParamsGet(params->data(), params->size(), "disks_port")->type ==
          VIR_TYPED_PARAM_INT);
    CHECK(virTypedParamsGet(params->data(), params->size(), "compression.xbzrle.cache")->type ==
          VIR_TYPED_PARAM_ULLONG);
}

TEST_CASE("options left alone make no parameters") {
    const auto params = libvirt::to_parameters(migration::options{});
    REQUIRE(params);
    CHECK(params->size() == 0);
}

TEST_CASE("a parameter the linked libvirt does not know is refused by name") {
    const auto refused = [](const migration::options &o, [[maybe_unused]] const char *name) {
        const auto params = libvirt::to_parameters(o);
        if (params) return std::string();
        CHECK(params.error().kind == error_kind::unsupported);
        return params.error().object;
    };
    migration::options zlib;
    zlib.compression_zlib_level = 1;
    migration::options zstd;
    zstd.compression_zstd_level = 1;
    migration::options zeroes;
    zeroes.migrate_disks_detect_zeroes = {"vda"};
    migration::options switchover;
    switchover.bandwidth_avail_switchover = byte_rate::mib(1);
    CHECK(refused(zlib, "") == (LIBVIR_VERSION_NUMBER >= 9004000 ? "" : "compression.zlib.level"));
    CHECK(refused(zstd, "") == (LIBVIR_VERSION_NUMBER >= 9004000 ? "" : "compression.zstd.level"));
    CHECK(refused(zeroes, "") ==
          (LIBVIR_VERSION_NUMBER >= 10009000 ? "" : "migrate_disks_detect_zeroes"));
    CHECK(refused(switchover, "") ==
          (LIBVIR_VERSION_NUMBER >= 11001000 ? "" : "bandwidth.avail.switchover"));
}

TEST_CASE("every flag has libvirt's bit") {
    const std::pair<flag, unsigned> all[] = {
        {flag::live, VIR_MIGRATE_LIVE},
        {flag::peer2peer, VIR_MIGRATE_PEER2PEER},
        {flag::tunnelled, VIR_MIGRATE_TUNNELLED},
        {flag::persist_dest, VIR_MIGRATE_PERSIST_DEST},
        {flag::undefine_source, VIR_MIGRATE_UNDEFINE_SOURCE},
        {flag::paused, VIR_MIGRATE_PAUSED},
        {flag::non_shared_disk, VIR_MIGRATE_NON_SHARED_DISK},
        {flag::non_shared_inc, VIR_MIGRATE_NON_SHARED_INC},
        {flag::change_protection, VIR_MIGRATE_CHANGE_PROTECTION},
        {flag::unsafe, VIR_MIGRATE_UNSAFE},
        {flag::offline, VIR_MIGRATE_OFFLINE},
        {flag::compressed, VIR_MIGRATE_COMPRESSED},
        {flag::abort_on_error, VIR_MIGRATE_ABORT_ON_ERROR},
        {flag::auto_converge, VIR_MIGRATE_AUTO_CONVERGE},
        {flag::rdma_pin_all, VIR_MIGRATE_RDMA_PIN_ALL},
        {flag::postcopy, VIR_MIGRATE_POSTCOPY},
        {flag::tls, VIR_MIGRATE_TLS},
        {flag::parallel, VIR_MIGRATE_PARALLEL},
        {flag::non_shared_synchronous_writes, VIR_MIGRATE_NON_SHARED_SYNCHRONOUS_WRITES},
        {flag::postcopy_resume, VIR_MIGRATE_POSTCOPY_RESUME},
        {flag::zerocopy, VIR_MIGRATE_ZEROCOPY},
    };
    for (const auto &[mine, theirs] : all) {
        INFO(to_string(mine));
        CHECK(static_cast<unsigned>(mine) == theirs);
    }
}
