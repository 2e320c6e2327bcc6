// SPDX-License-Identifier: MIT
// What is refused before a migration starts, over fakes of both hosts.
#include <fakes/hypervisor.hpp>
#include <kvmig/run/migrate_between.hpp>
#include <support/catch.hpp>

#include <string>

using namespace kvmig;
using migration::flag;
using model::domain_state;

namespace {

struct refusing {
    fakes::hypervisor source{"kvm01"};
    fakes::hypervisor destination{"kvm02"};
    uuid id = uuid::random();
    migration::options options;

    refusing() {
        source.put(id, {domain_state::running, 1, "booted", true, true});
        source.on_migrate = [](fakes::hypervisor &) -> expected<void> {
            return fail(error_kind::failed, "it was started");
        };
    }
    /// The refusal; nothing may have been started, or changed.
    error refusal() {
        const auto result = run::migrate_between(source, id, "vm1", destination, options);
        REQUIRE_FALSE(result);
        CHECK(source.migrations == 0);
        CHECK(destination.migrations == 0);
        CHECK(source.aborts == 0);
        return result.error();
    }
};

} // namespace

TEST_CASE("options that contradict each other are refused, all named, before a host is asked") {
    refusing s;
    s.source.host_problem = make_error(error_kind::unreachable, "nobody may ask");
    s.options.flags = {flag::live, flag::offline, flag::tunnelled, flag::parallel};
    const error err = s.refusal();
    CHECK(err.kind == error_kind::invalid_argument);
    CHECK(err.causes.size() == 5);
}

TEST_CASE("options that a host's libvirt does not know are refused with the host") {
    refusing s;
    s.options.bandwidth_avail_switchover = byte_rate::mib(100);
    s.destination.self.libvirt = {11, 3, 0};
    const error err = s.refusal();
    CHECK(err.kind == error_kind::invalid_argument);
    REQUIRE(err.causes.size() == 1);
    CHECK(err.causes[0].what ==
          "bandwidth.avail.switchover came with libvirt 11.1.0, and kvm01 has 9.0.0");
}

TEST_CASE("one connection is no migration") {
    refusing s;
    s.destination.connection_identity = s.source.connection_identity;
    const error err = s.refusal();
    CHECK(err.kind == error_kind::invalid_argument);
    CHECK(err.what == "source and destination are one connection, to kvm01");
}

TEST_CASE("the same host by its UUID and name is refused") {
    refusing s;
    s.destination.self = s.source.self;
    s.destination.self.uri = "fake+ssh://other.name/system";
    const error err = s.refusal();
    CHECK(err.kind == error_kind::invalid_argument);
    CHECK(err.what == "source and destination are the same host kvm01");
}

TEST_CASE("the same host is refused where no UUID is told, by name and URI") {
    refusing s;
    s.source.self.uuid.reset();
    s.destination.self = s.source.self;
    CHECK(s.refusal().what == "source and destination are the same host kvm01");
}

TEST_CASE("two hosts of one name and distinct UUIDs are two hosts") {
    refusing s;
    s.destination.self.hostname = s.source.self.hostname;
    const auto result = run::migrate_between(s.source, s.id, "vm1", s.destination, s.options);
    REQUIRE_FALSE(result);
    CHECK(s.source.migrations == 1);
}

TEST_CASE("two hosts with one host UUID are named, with what to change") {
    refusing s;
    s.destination.self.uuid = s.source.self.uuid;
    const error err = s.refusal();
    CHECK(err.kind == error_kind::conflict);
    CHECK_THAT(err.what, Catch::Contains("kvm01 and kvm02 have the same host UUID " +
                                         s.source.self.uuid->text()));
    CHECK_THAT(err.remedy, Catch::Contains("host_uuid"));
}

TEST_CASE("a peer-to-peer migration to a local URI is refused") {
    refusing s;
    s.options.flags = {flag::live, flag::peer2peer};
    s.destination.self.uri = "qemu:///system";
    const error err = s.refusal();
    REQUIRE(err.causes.size() == 1);
    CHECK_THAT(err.causes[0].what,
               Catch::Contains("the daemon on kvm01 is to open 'qemu:///system'"));
    s.options.destination_uri = "qemu+ssh://kvm02/system";
    const auto result = run::migrate_between(s.source, s.id, "vm1", s.destination, s.options);
    CHECK(s.source.migrations == 1);
    CHECK_FALSE(result);
}

TEST_CASE("a domain that does not exist is not found") {
    refusing s;
    s.source.forget(s.id);
    const error err = s.refusal();
    CHECK(err.kind == error_kind::not_found);
    CHECK(err.what == "the domain 'vm1' does not exist");
    CHECK(err.host == "kvm01");
}

TEST_CASE("a domain that does not run is refused, with both ways out") {
    refusing s;
    s.source.put(s.id, {domain_state::shutoff, 1, "shutdown", false, true});
    const error err = s.refusal();
    CHECK(err.kind == error_kind::conflict);
    CHECK(err.what == "the domain 'vm1' does not run: it is shut off");
    CHECK_THAT(err.remedy, Catch::Contains("start it"));
    CHECK_THAT(err.remedy, Catch::Contains("offline"));
}

TEST_CASE("a domain with an active job is refused, with the job's name") {
    refusing s;
    s.source.on_job = [] {
        model::job_statistics job;
        job.type = model::job_type::unbounded;
        job.operation = model::job_operation::backup;
        return job;
    };
    const error err = s.refusal();
    CHECK(err.kind == error_kind::conflict);
    CHECK(err.what == "the domain 'vm1' has an active job (backup)");
    CHECK_THAT(err.remedy, Catch::Contains("domjobabort vm1"));
}

TEST_CASE("a job without a name is refused as well") {
    refusing s;
    s.source.on_job = [] {
        model::job_statistics job;
        job.type = model::job_type::bounded;
        return job;
    };
    CHECK(s.refusal().what == "the domain 'vm1' has an active job");
}

TEST_CASE("a driver without jobs has none, any other failure to read them is told") {
    refusing s;
    s.source.on_job = []() -> expected<model::job_statistics> {
        return fail(error_kind::unsupported, "no such call");
    };
    const auto result = run::migrate_between(s.source, s.id, "vm1", s.destination, s.options);
    CHECK_FALSE(result);
    CHECK(s.source.migrations == 1);

    refusing other;
    other.source.on_job = []() -> expected<model::job_statistics> {
        return fail(error_kind::refused, "access denied");
    };
    CHECK(other.refusal().what == "access denied");
}

TEST_CASE("a domain active at the destination too is refused") {
    refusing s;
    s.destination.put(s.id, {domain_state::paused, 0, "unknown", true, false});
    const error err = s.refusal();
    CHECK(err.kind == error_kind::conflict);
    CHECK(err.host == "kvm02");
    CHECK(err.what == "a domain with the UUID of 'vm1' is active at the destination: paused");
}

TEST_CASE("a domain defined but shut off at the destination is no obstacle") {
    refusing s;
    s.destination.put(s.id, {domain_state::shutoff, 4, "migrated", false, true});
    const auto result = run::migrate_between(s.source, s.id, "vm1", s.destination, s.options);
    CHECK_FALSE(result);
    CHECK(s.source.migrations == 1);
}

TEST_CASE("a post-copy migration to be resumed is active on both sides, with its job") {
    refusing s;
    s.source.put(s.id, {domain_state::paused, 13, "post-copy failed", true, true});
    s.destination.put(s.id, {domain_state::paused, 13, "post-copy failed", true, true});
    s.source.on_job = [] {
        model::job_statistics job;
        job.type = model::job_type::unbounded;
        return job;
    };
    s.options.flags = {flag::live, flag::postcopy, flag::postcopy_resume, flag::change_protection};
    const auto result = run::migrate_between(s.source, s.id, "vm1", s.destination, s.options);
    CHECK_FALSE(result);
    CHECK(s.source.migrations == 1);
}

TEST_CASE("a host that does not answer is told, whichever it is") {
    refusing s;
    s.destination.host_problem = make_error(error_kind::unreachable, "kvm02 is gone");
    CHECK(s.refusal().what == "kvm02 is gone");
    s.source.host_problem = make_error(error_kind::unreachable, "kvm01 is gone");
    CHECK(s.refusal().what == "kvm01 is gone");

    refusing t;
    t.destination.status_problem = []() -> std::optional<error> {
        return make_error(error_kind::unreachable, "kvm02 went away");
    };
    CHECK(t.refusal().what == "kvm02 went away");
}
