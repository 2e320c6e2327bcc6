// SPDX-License-Identifier: MIT
// Against libvirt's own test driver.
#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/network.hpp>
#include <kvmig/xml/capabilities.hpp>
#include <support/catch.hpp>

#include <atomic>
#include <string>

using namespace kvmig;

TEST_CASE("a connection knows its host, its driver and their versions") {
    const auto on = libvirt::connection::open("test:///default");
    REQUIRE(on);
    CHECK_FALSE(on->hostname().empty());
    CHECK(on->uri() == "test:///default");
    CHECK(on->is_alive());
    CHECK(on->type() == "TEST");
    const auto version = on->libvirt_version();
    REQUIRE(version);
    CHECK(*version == model::version::from_number(LIBVIR_VERSION_NUMBER));
    const auto hypervisor = on->hypervisor_version();
    REQUIRE(hypervisor);
    CHECK(hypervisor->has_value());
}

TEST_CASE("the capabilities of a real driver can be read") {
    const auto on = libvirt::connection::open("test:///default");
    REQUIRE(on);
    const auto text = on->capabilities();
    REQUIRE(text);
    const auto read = xml::parse_capabilities(*text);
    REQUIRE(read);
    CHECK(read->arch == "i686");
}

TEST_CASE("a shared connection is the same one, and outlives the first owner") {
    auto first = libvirt::connection::open("test:///default");
    REQUIRE(first);
    const auto second = first->share();
    CHECK(second.raw() == first->raw());
    first = fail(error_kind::failed, "the first owner is gone");
    CHECK(second.is_alive());
    CHECK(second.type() == "TEST");
}

TEST_CASE("a URI that cannot be parsed is refused before libvirt sees it") {
    const auto on = libvirt::connection::open("qemu+ssh://192.168.30.132:/system");
    REQUIRE_FALSE(on);
    CHECK(on.error().kind == error_kind::invalid_argument);
    CHECK_FALSE(on.error().libvirt);
    CHECK_THAT(on.error().what, Catch::Contains("a colon follows the host '192.168.30.132'"));
}

TEST_CASE("a connection that fails tells libvirt's error, and the URI") {
    const auto on = libvirt::connection::open("test:///nonexistent/node.xml");
    REQUIRE_FALSE(on);
    REQUIRE(on.error().libvirt);
    CHECK(on.error().libvirt->code != 0);
    CHECK_THAT(on.error().what, Catch::StartsWith("cannot connect to 'test:///nonexistent/"));
    CHECK(on.error().object == "test:///nonexistent/node.xml");
    CHECK_FALSE(on.error().remedy.empty());
}

TEST_CASE("an unreachable daemon is unreachable") {
    // Port 1 of this machine: nothing listens there.
    const auto on = libvirt::connection::open("qemu+tcp://127.0.0.1:1/system");
    REQUIRE_FALSE(on);
    CHECK(on.error().kind == error_kind::unreachable);
    CHECK(on.error().system == ECONNREFUSED);
}

TEST_CASE("the program's error handler is left alone until asked") {
    static std::atomic<int> calls = 0;
    virSetErrorFunc(nullptr, [](void *, virErrorPtr) { ++calls; });
    CHECK_FALSE(libvirt::connection::open("test:///nonexistent/node.xml"));
    CHECK(calls > 0);
    libvirt::quiet_errors();
    const int before = calls;
    CHECK_FALSE(libvirt::connection::open("test:///nonexistent/node.xml"));
    CHECK(calls == before);
    virSetErrorFunc(nullptr, nullptr);
    libvirt::quiet_errors(); // the other cases of this program provoke errors too
}

TEST_CASE("networks are found by name") {
    const auto on = libvirt::connection::open("test:///default");
    REQUIRE(on);
    const auto net = libvirt::network::lookup(*on, "default");
    REQUIRE(net);
    CHECK(net->name() == "default");
    CHECK(net->is_active() == true);
    const auto none = libvirt::network::lookup(*on, "nowhere");
    REQUIRE_FALSE(none);
    CHECK(none.error().kind == error_kind::not_found);
    CHECK(none.error().object == "nowhere");
    CHECK(none.error().host == on->hostname());
}
