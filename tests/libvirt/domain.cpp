// SPDX-License-Identifier: MIT
// Against libvirt's own test driver, whose default node has the running domain `test`.
#include <kvmig/libvirt/domain.hpp>
#include <kvmig/xml/domain.hpp>
#include <support/catch.hpp>
#include <support/node.hpp>

#include <algorithm>
#include <string>

using namespace kvmig;
using model::domain_state;

namespace {

std::string small(const std::string &name) {
    return "<domain type='test'><name>" + name +
           "</name><memory unit='MiB'>64</memory><os><type>hvm</type></os></domain>";
}

} // namespace

TEST_CASE("a domain is found by name, by UUID, and by either") {
    const auto on = test::node();
    const auto named = libvirt::domain::lookup(on, "test");
    REQUIRE(named);
    CHECK(named->name() == "test");
    const uuid id = named->id();
    const auto numbered = libvirt::domain::lookup(on, id);
    REQUIRE(numbered);
    CHECK(numbered->name() == "test");
    CHECK(libvirt::domain::find(on, "test")->id() == id);
    CHECK(libvirt::domain::find(on, id.text())->name() == "test");
    const auto all = libvirt::domain::list(on);
    REQUIRE(all);
    CHECK(std::any_of(all->begin(), all->end(), [](const auto &d) { return d.name() == "test"; }));
}

TEST_CASE("a domain that is not there is told by name and host") {
    const auto on = test::node();
    const std::string absent = "00000000-0000-4000-8000-000000000001";
    for (const auto &found :
         {libvirt::domain::lookup(on, "nope").error(), libvirt::domain::find(on, "nope").error(),
          libvirt::domain::lookup(on, uuid::parse(absent).value()).error(),
          libvirt::domain::find(on, absent).error()}) {
        CHECK(found.kind == error_kind::not_found);
        REQUIRE(found.libvirt);
        CHECK(found.libvirt->code == VIR_ERR_NO_DOMAIN);
        CHECK(found.host == on.hostname());
        CHECK((found.object == "nope" || found.object == absent));
    }
}

TEST_CASE("the XML of a real driver's domain can be read") {
    const auto on = test::node();
    const auto text = libvirt::domain::lookup(on, "test")->xml();
    REQUIRE(text);
    const auto parsed = xml::parse_domain(*text);
    REQUIRE(parsed);
    CHECK(parsed->type == "test");
    CHECK(parsed->name == "test");
    CHECK(parsed->uuid == libvirt::domain::lookup(on, "test")->id());
    CHECK(parsed->memory == bytes::gib(8));
    CHECK(parsed->current_memory == bytes::gib(2));
    CHECK(parsed->vcpus == 2);
    REQUIRE(parsed->disks.size() == 1);
    CHECK(parsed->disks[0].source.path == "/guest/diskimage1");
    REQUIRE(parsed->interfaces.size() == 1);
    CHECK(parsed->interfaces[0].source == "default");
}

TEST_CASE("a domain lives through its states") {
    const auto on = test::node();
    const auto made = libvirt::domain::define(on, small("lives"));
    REQUIRE(made);
    auto status = made->status();
    REQUIRE(status);
    CHECK(status->state == domain_state::shutoff);
    CHECK_FALSE(status->active);
    CHECK(status->persistent);

    REQUIRE(made->start());
    status = made->status();
    CHECK(status->state == domain_state::running);
    CHECK(status->reason_text == "booted");
    CHECK(status->active);

    REQUIRE(made->suspend());
    status = made->status();
    CHECK(status->state == domain_state::paused);
    CHECK(status->reason_text == "user");
    CHECK(status->active);

    REQUIRE(made->resume());
    CHECK(made->status()->reason_text == "unpaused");

    const auto twice = made->start();
    REQUIRE_FALSE(twice);
    CHECK(twice.error().libvirt);
    CHECK(twice.error().object == "lives");

    REQUIRE(made->shutdown()); // the test driver's guests obey at once
    CHECK(made->status()->state == domain_state::shutoff);
    CHECK(made->status()->reason_text == "shutdown");
    REQUIRE(made->start());
    REQUIRE(made->destroy());
    CHECK(made->status()->reason_text == "destroyed");
    REQUIRE(made->undefine());
    const auto gone = made->status();
    REQUIRE_FALSE(gone);
    CHECK(gone.error().kind == error_kind::not_found);
}

TEST_CASE("a transient domain is gone when it ends") {
    const auto on = test::node();
    const auto made = libvirt::domain::create(on, small("transient"));
    REQUIRE(made);
    CHECK(made->status()->active);
    CHECK_FALSE(made->status()->persistent);
    REQUIRE(made->destroy());
    CHECK(libvirt::domain::lookup(on, "transient").error().kind == error_kind::not_found);
}

TEST_CASE("a domain keeps its connection open, and can be shared") {
    auto on = libvirt::connection::open("test:///default");
    REQUIRE(on);
    const auto first = libvirt::domain::lookup(*on, "test");
    REQUIRE(first);
    on = fail(error_kind::failed, "closed");
    const auto second = first->share();
    CHECK(second.raw() == first->raw());
    CHECK(second.status()->active);
}

TEST_CASE("XML that libvirt cannot read is refused with its words") {
    const auto on = test::node();
    const auto made = libvirt::domain::define(on, "<domain type='test'/>");
    REQUIRE_FALSE(made);
    CHECK(made.error().kind == error_kind::invalid_argument);
    CHECK(made.error().libvirt);
}

TEST_CASE("what the driver cannot do is unsupported") {
    const auto on = test::node();
    const auto test = libvirt::domain::lookup(on, "test");
    REQUIRE(test);
    for (const error &each :
         {test->start_postcopy().error(), test->max_downtime().error(),
          test->set_max_downtime(std::chrono::milliseconds(300)).error(), test->max_speed().error(),
          test->set_max_speed(byte_rate::mib(1)).error(),
          test->set_compression_cache(bytes::mib(64)).error()}) {
        CHECK(each.kind == error_kind::unsupported);
        CHECK(each.object == "test");
    }
}

TEST_CASE("reasons have virsh's words, and unknown ones are unknown") {
    using libvirt::reason_text;
    CHECK(reason_text(domain_state::running, VIR_DOMAIN_RUNNING_MIGRATED) == "migrated");
    CHECK(reason_text(domain_state::running, VIR_DOMAIN_RUNNING_MIGRATION_CANCELED) ==
          "migration canceled");
    CHECK(reason_text(domain_state::running, VIR_DOMAIN_RUNNING_POSTCOPY_FAILED) ==
          "post-copy failed");
    CHECK(reason_text(domain_state::paused, VIR_DOMAIN_PAUSED_MIGRATION) == "migrating");
    CHECK(reason_text(domain_state::paused, VIR_DOMAIN_PAUSED_IOERROR) == "I/O error");
    CHECK(reason_text(domain_state::paused, VIR_DOMAIN_PAUSED_POSTCOPY_FAILED) ==
          "post-copy failed");
    CHECK(reason_text(domain_state::shutdown, VIR_DOMAIN_SHUTDOWN_USER) == "user");
    CHECK(reason_text(domain_state::shutoff, VIR_DOMAIN_SHUTOFF_MIGRATED) == "migrated");
    CHECK(reason_text(domain_state::shutoff, VIR_DOMAIN_SHUTOFF_DAEMON) == "daemon");
    CHECK(reason_text(domain_state::crashed, VIR_DOMAIN_CRASHED_PANICKED) == "panicked");
    CHECK(reason_text(domain_state::running, 4711) == "unknown");
    CHECK(reason_text(domain_state::running, -1) == "unknown");
    CHECK(reason_text(domain_state::pm_suspended, 1) == "unknown");
    CHECK(libvirt::to_status(4711, 0, true, true).state == domain_state::no_state);
}
