// SPDX-License-Identifier: MIT
// Facts collected from libvirt's own test driver.
#include <kvmig/precheck/report.hpp>
#include <kvmig/run/check.hpp>
#include <support/catch.hpp>
#include <support/node.hpp>

#include <string>
#include <vector>

using namespace kvmig;
using precheck::presence;
using texts = std::vector<std::string>;

namespace {

constexpr const char *guest_xml =
    "<domain type='test'><name>checked</name>"
    "<uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>"
    "<memory>65536</memory><os><type>hvm</type></os><devices>"
    "<disk type='volume'><source pool='default-pool' volume='none'/><target dev='vda'/></disk>"
    "<disk type='volume'><source pool='kvmig-none' volume='none'/><target dev='vdb'/></disk>"
    "<interface type='network'><source network='default'/></interface>"
    "<interface type='network'><source network='kvmig-none'/></interface>"
    "<interface type='bridge'><source bridge='kvmig-none'/></interface>"
    "</devices></domain>";

precheck::facts collect() {
    const auto on = test::node();
    const auto domain = libvirt::domain::create(on, guest_xml);
    REQUIRE(domain);
    auto told = run::collect_facts(*domain, on, on.uri());
    CHECK(domain->destroy());
    REQUIRE(told);
    return *std::move(told);
}

} // namespace

TEST_CASE("what both hosts tell is collected") {
    const auto f = collect();
    CHECK(f.domain.name == "checked");
    CHECK(f.source.uri == "test:///default");
    REQUIRE(f.source.driver.known());
    CHECK(*f.source.driver == "TEST");
    CHECK(f.source.driver == f.destination.driver);
    REQUIRE(f.destination.libvirt.known());
    CHECK(f.destination.libvirt->major_number >= 9);
    REQUIRE(f.destination.capabilities.known());
    CHECK_FALSE(f.destination.capabilities->live_migration);
}

TEST_CASE("what the source tells of the domain is collected") {
    const auto f = collect();
    REQUIRE(f.source.status.known());
    CHECK(f.source.status->state == model::domain_state::running);
    REQUIRE(f.source.snapshots.known());
    CHECK(*f.source.snapshots == 0);
    REQUIRE(f.source.job.known());
    CHECK(f.source.job->type == model::job_type::none);
}

TEST_CASE("names at the destination are looked up, and absent is not unknown") {
    const auto f = collect();
    CHECK(f.destination.networks.of("default") == precheck::fact(presence::active));
    CHECK(f.destination.networks.of("kvmig-none") == precheck::fact(presence::absent));
    CHECK(f.destination.interfaces.of("kvmig-none") == precheck::fact(presence::absent));
    CHECK(f.destination.pools.of("default-pool") == precheck::fact(presence::active));
    CHECK(f.destination.pools.of("kvmig-none") == precheck::fact(presence::absent));
    REQUIRE(f.destination.same_name.known());
    REQUIRE(*f.destination.same_name); // it is its own destination
    CHECK((**f.destination.same_name).active);
    CHECK(f.destination.same_name == f.destination.same_uuid);
}

TEST_CASE("images are looked for in their pools") {
    const auto f = collect();
    const auto there = f.destination.storage.of("default-pool/none");
    REQUIRE(there.known());
    CHECK(there->pool == "default-pool");
    CHECK(there->active);
    CHECK_FALSE(there->image);
    CHECK(f.destination.stale.of("default-pool") == precheck::fact(false));
    const auto none = f.destination.storage.of("kvmig-none/none");
    REQUIRE(none.known());
    CHECK(*none == precheck::storage_place{});
}

TEST_CASE("a CPU lacks only what the guest's own host has by the same measure") {
    const std::string lacks = "cannot compare the CPU: the CPU is incompatible with host CPU: Host "
                              "CPU does not provide required features: ";
    struct row {
        std::string there, here, left;
    };
    for (const row &each : std::vector<row>{
             {lacks + "topoext", lacks + "topoext", ""},
             {lacks + "svm, npt, topoext", lacks + "topoext", lacks + "svm, npt"},
             {lacks + "topoext, svm", lacks + "svm, npt, topoext", ""},
             {lacks + "svm", lacks + "svme-addr-chk", lacks + "svm"},
             {lacks + "svm", "", lacks + "svm"},
             {"svm", "svm", ""},
             {"", lacks + "svm", ""},
             // These are no features: what both say is still in the way.
             {"it is incompatible: unknown host CPU", "it is incompatible: unknown host CPU",
              "it is incompatible: unknown host CPU"},
             {"unknown host CPU", lacks + "svm", "unknown host CPU"},
         }) {
        INFO(each.there << " | " << each.here);
        CHECK(run::lacked_there_alone(each.there, each.here) == each.left);
    }
}

TEST_CASE("what a driver cannot tell is unknown, with its reason") {
    const auto f = collect();
    // The test driver knows no block jobs.
    REQUIRE_FALSE(f.source.block_jobs.known());
    CHECK_FALSE(f.source.block_jobs.reason().empty());
    CHECK(precheck::check(f).verdict == precheck::verdict::blocked);
}

TEST_CASE("a name is resolved where libvirt goes, and as it goes there") {
    const texts words{"getent", "ahosts", "kvm02; true"};
    const auto here = run::command_at("qemu:///system", words);
    REQUIRE(here);
    CHECK(here->argv == words);
    const auto there = run::command_at("qemu+ssh://root@kvm01:2222/system", words);
    REQUIRE(there);
    CHECK(there->argv == texts{"ssh", "-o", "BatchMode=yes", "-p", "2222", "-T", "-o",
                               "ConnectTimeout=10", "root@kvm01", "--", "'getent'", "'ahosts'",
                               "'kvm02; true'"});
    const auto tls = run::command_at("qemu+tls://kvm01/system", words);
    REQUIRE_FALSE(tls);
    CHECK(tls.error().kind == error_kind::unsupported);
}

TEST_CASE("names are resolved here") {
    const auto found = run::resolve_at("test:///default", "127.0.0.1");
    REQUIRE(found);
    CHECK(*found == texts{"127.0.0.1"});
    const auto none = run::resolve_at("test:///default", "kvmig-none.invalid");
    REQUIRE(none);
    CHECK(none->empty());
}
