// SPDX-License-Identifier: MIT
// Against libvirt's own test driver, which has domains and no migration.
#include <kvmig/run/migrate.hpp>
#include <support/catch.hpp>
#include <support/temporary_directory.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

using namespace kvmig;

namespace {

/// A node of the test driver of its own, with one running domain; its file is removed again.
class own_node {
public:
    explicit own_node(const std::string &domain) {
        libvirt::quiet_errors();
        const auto file = folder_.path() / "node.xml";
        std::ofstream(file)
            << "<node><domain type='test'><name>" << domain
            << "</name><memory>65536</memory><os><type>hvm</type></os></domain></node>";
        auto opened = libvirt::connection::open("test://" + file.string());
        REQUIRE(opened);
        on_.emplace(*std::move(opened));
    }
    [[nodiscard]] const libvirt::connection &on() const { return *on_; }

private:
    test::temporary_directory folder_;
    std::optional<libvirt::connection> on_;
};

} // namespace

TEST_CASE("a migration to the same connection, or the same host, is refused") {
    libvirt::quiet_errors();
    const auto on = libvirt::connection::open("test:///default");
    REQUIRE(on);
    const auto domain = libvirt::domain::lookup(*on, "test");
    REQUIRE(domain);
    const auto one = run::migrate(*domain, *on);
    REQUIRE_FALSE(one);
    CHECK(one.error().kind == error_kind::invalid_argument);
    CHECK_THAT(one.error().what, Catch::Contains("one connection"));

    const auto again = libvirt::connection::open("test:///default");
    REQUIRE(again);
    const auto same = run::migrate(*domain, *again);
    REQUIRE_FALSE(same);
    CHECK(same.error().kind == error_kind::invalid_argument);
    CHECK(same.error().what == "source and destination are the same host " + on->hostname());
    CHECK(domain->status()->state == model::domain_state::running);
}

TEST_CASE("a driver that cannot migrate says so, and the guest is at the source") {
    const own_node one("vm1");
    const own_node two("other");
    const auto domain = libvirt::domain::lookup(one.on(), "vm1");
    REQUIRE(domain);
    const auto result = run::migrate(*domain, two.on());
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == error_kind::unsupported);
    CHECK_THAT(result.error().what, Catch::Contains("failed; the guest is at the source"));
    REQUIRE(result.error().causes.size() == 1);
    REQUIRE(result.error().causes[0].libvirt);
    CHECK(result.error().causes[0].libvirt->code == VIR_ERR_NO_SUPPORT);
    CHECK(domain->status()->state == model::domain_state::running);
}

TEST_CASE("a driver that knows no peer-to-peer says so") {
    const own_node one("vm1");
    const own_node two("other");
    const auto domain = libvirt::domain::lookup(one.on(), "vm1");
    REQUIRE(domain);
    migration::options options;
    options.flags.set(migration::flag::peer2peer);
    options.destination_uri = "qemu+ssh://kvm02.example/system";
    const auto result = run::migrate(*domain, two.on(), options);
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == error_kind::unsupported);
    REQUIRE(result.error().causes.size() == 1);
    CHECK(result.error().causes[0].libvirt->code == VIR_ERR_ARGUMENT_UNSUPPORTED);
}

TEST_CASE("a domain that is shut off is refused") {
    const own_node one("vm1");
    const own_node two("other");
    const auto domain = libvirt::domain::lookup(one.on(), "vm1");
    REQUIRE(domain);
    REQUIRE(domain->destroy());
    const auto result = run::migrate(*domain, two.on());
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == error_kind::conflict);
    CHECK(result.error().what == "the domain 'vm1' does not run: it is shut off");
    REQUIRE(domain->undefine());
    const auto gone = run::migrate(*domain, two.on());
    REQUIRE_FALSE(gone);
    CHECK(gone.error().kind == error_kind::not_found);
}
