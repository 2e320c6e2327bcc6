// SPDX-License-Identifier: MIT
// The limits of a domain of libvirt's test driver. It refuses a limit of a disk without a burst,
// which QEMU takes.
#include <kvmig/libvirt/domain_limits.hpp>
#include <support/catch.hpp>
#include <support/node.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace kvmig;
using tuning::io_limit;

namespace {

/// A defined domain of two disks, with a group where one is named.
class limited_domain {
public:
    explicit limited_domain(const std::string &group = {}) {
        auto of = libvirt::domain::define(
            test::node(),
            "<domain type='test'><name>limited</name><memory unit='MiB'>64</memory>"
            "<os><type>hvm</type></os><devices>"
            "<disk type='file'><source file='/a'/><target dev='vda' bus='virtio'/>" +
                group +
                "</disk><disk type='file'><source file='/b'/><target dev='vdb' bus='virtio'/>" +
                group + "</disk></devices></domain>");
        REQUIRE(of);
        of_.push_back(*std::move(of));
    }
    ~limited_domain() {
        if (virDomainIsActive(domain().raw()) == 1) static_cast<void>(domain().destroy());
        static_cast<void>(domain().undefine());
    }
    limited_domain(const limited_domain &) = delete;
    limited_domain &operator=(const limited_domain &) = delete;

    [[nodiscard]] const libvirt::domain &domain() const { return of_.front(); }

private:
    std::vector<libvirt::domain> of_; // one
};

constexpr unsigned affects_run = VIR_DOMAIN_AFFECT_LIVE;
constexpr unsigned affects_definition = VIR_DOMAIN_AFFECT_CONFIG;

} // namespace

TEST_CASE("limits of a disk are read back as they were set, of the run and of the definition") {
    const limited_domain guest;
    REQUIRE(guest.domain().start());
    for (const unsigned flags : {affects_run, affects_definition}) {
        const auto none = libvirt::read_iotune(guest.domain(), "vda", flags);
        REQUIRE(none);
        CHECK(*none == tuning::iotune{});
        tuning::iotune to;
        to[io_limit::read_bytes] = {1000 * flags, 2000, 3};
        to[io_limit::write_iops] = {10, 20 * flags, 1};
        to.size_iops_sec = 4096;
        REQUIRE(libvirt::write_iotune(guest.domain(), "vda", to, flags));
        const auto now = libvirt::read_iotune(guest.domain(), "vda", flags);
        REQUIRE(now);
        CHECK(now->limits == to.limits);
        CHECK(now->size_iops_sec == 4096);
        CHECK(libvirt::read_iotune(guest.domain(), "vdb", flags)->limits == none->limits);
    }
    // The one does not show in the other.
    CHECK(libvirt::read_iotune(guest.domain(), "vda", affects_run)
              .value()[io_limit::read_bytes]
              .avg == 1000);
    // Written as a whole: what is zero is no limit any more.
    REQUIRE(libvirt::write_iotune(guest.domain(), "vda", {}, affects_run));
    CHECK(libvirt::read_iotune(guest.domain(), "vda", affects_run)->limits ==
          tuning::iotune{}.limits);
}

TEST_CASE("a disk of a group is written as a whole, and stays in it") {
    const limited_domain guest("<iotune><total_iops_sec>100</total_iops_sec>"
                               "<total_iops_sec_max>200</total_iops_sec_max>"
                               "<group_name>slow</group_name></iotune>");
    REQUIRE(guest.domain().start());
    auto to = libvirt::read_iotune(guest.domain(), "vda", affects_run);
    REQUIRE(to);
    CHECK(to->group_name == "slow");
    CHECK((*to)[io_limit::total_iops].max == 200);
    (*to)[io_limit::total_iops] = {50, 60, 1};
    REQUIRE(libvirt::write_iotune(guest.domain(), "vda", *to, affects_run));
    const auto now = libvirt::read_iotune(guest.domain(), "vda", affects_run);
    REQUIRE(now);
    CHECK(*now == *to);
    // To the others of the group it is QEMU that gives the limits.
    CHECK(libvirt::read_iotune(guest.domain(), "vdb", affects_run)->group_name == "slow");
    // A group that is not named is kept.
    to->group_name.clear();
    REQUIRE(libvirt::write_iotune(guest.domain(), "vda", *to, affects_run));
    CHECK(libvirt::read_iotune(guest.domain(), "vda", affects_run)->group_name == "slow");
}

TEST_CASE("limits of the memory are read back as they were set, none as none") {
    const limited_domain guest;
    REQUIRE(guest.domain().start());
    for (const unsigned flags : {affects_run, affects_definition}) {
        REQUIRE(libvirt::read_memtune(guest.domain(), flags).value() == tuning::memtune{});
        const tuning::memtune to{.hard_limit = bytes::gib(1),
                                 .soft_limit = bytes::mib(256 * std::uint64_t{flags}),
                                 .swap_hard_limit = bytes::gib(2)};
        REQUIRE(libvirt::write_memtune(guest.domain(), to, flags));
        CHECK(libvirt::read_memtune(guest.domain(), flags).value() == to);
    }
    CHECK(libvirt::read_memtune(guest.domain(), affects_run)->soft_limit == bytes::mib(256));
    REQUIRE(libvirt::write_memtune(guest.domain(), {}, affects_run));
    CHECK(libvirt::read_memtune(guest.domain(), affects_run).value() == tuning::memtune{});
}

TEST_CASE("limits of what is not there are an error that names it") {
    const limited_domain guest;
    const auto absent = libvirt::read_iotune(guest.domain(), "vdz", affects_definition);
    REQUIRE_FALSE(absent);
    CHECK(absent.error().kind == error_kind::not_found);
    CHECK(absent.error().remedy == "it has vda, vdb");
    CHECK_FALSE(libvirt::write_iotune(guest.domain(), "vdz", {}, affects_definition));

    // It does not run.
    for (const error &err : {libvirt::read_iotune(guest.domain(), "vda", affects_run).error(),
                             libvirt::write_iotune(guest.domain(), "vda", {}, affects_run).error(),
                             libvirt::read_memtune(guest.domain(), affects_run).error(),
                             libvirt::write_memtune(guest.domain(), {}, affects_run).error()}) {
        CHECK(err.kind == error_kind::conflict);
        CHECK(err.object == "limited");
        CHECK_THAT(err.what, Catch::Contains("limits") && Catch::Contains("not running"));
    }
    CHECK(libvirt::read_rss(guest.domain()) == std::nullopt);

    // What libvirt itself refuses.
    const tuning::memtune crossed{.hard_limit = bytes::gib(2), .swap_hard_limit = bytes::gib(1)};
    CHECK(libvirt::write_memtune(guest.domain(), crossed, affects_definition).error().kind ==
          error_kind::invalid_argument);
    tuning::iotune both;
    both[io_limit::total_bytes] = {5, 6, 1};
    both[io_limit::read_bytes] = {5, 6, 1};
    CHECK(libvirt::write_iotune(guest.domain(), "vda", both, affects_definition).error().kind ==
          error_kind::invalid_argument);
    CHECK(libvirt::read_iotune(guest.domain(), "vda", affects_definition).value() ==
          tuning::iotune{});
}
