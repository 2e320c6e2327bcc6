// SPDX-License-Identifier: MIT
#include <precheck/healthy.hpp>

using namespace kvmig;
using namespace kvmig::test;

namespace {

std::optional<precheck::known_domain> known(std::string name, uuid id, bool active) {
    return precheck::known_domain{std::move(name), id, active};
}

} // namespace

TEST_CASE("a guest that can move calls forth no finding") {
    const auto report = test::check(healthy());
    for (const auto &each : report.findings) FAIL(each.id << ": " << each.seen);
    CHECK(report.verdict == precheck::verdict::clear);
}

TEST_CASE("hosts of one UUID are one host to libvirt, whatever their names") {
    auto f = healthy();
    recast(f.destination, [](auto &told) { told.host_uuid = id_of(11); });
    CHECK(told(f, "KVM-IDN-004") == blocks);
    CHECK_THAT(findings_of(f, "KVM-IDN-004").front().seen, Catch::Contains(id_of(11).text()));
}

TEST_CASE("two hosts of one name and two UUIDs are two, and hard to tell apart") {
    auto f = healthy();
    f.destination.hostname = std::string("kvm01");
    CHECK_FALSE(told(f, "KVM-IDN-004"));
    CHECK(told(f, "KVM-DNS-101") == warns);
    forget(f.source.hostname);
    CHECK(told(f, "KVM-DNS-101") == unknown);
}

TEST_CASE("without UUIDs the same name and URI are the same host") {
    auto f = healthy();
    recast(f.source, [](auto &told) { told.host_uuid.reset(); });
    recast(f.destination, [](auto &told) { told.host_uuid.reset(); });
    CHECK(findings_of(f, "KVM-IDN-004").size() == 2);
    for (const auto &each : findings_of(f, "KVM-IDN-004")) CHECK(each.how == unknown);
    f.destination.hostname = std::string("kvm01");
    f.destination.uri = f.source.uri;
    CHECK(told(f, "KVM-IDN-004") == blocks);
    CHECK_FALSE(told(f, "KVM-DNS-101")); // said once
}

TEST_CASE("a host whose UUID cannot be read may be the same one") {
    auto f = healthy();
    forget(f.destination.capabilities);
    CHECK(told(f, "KVM-IDN-004") == unknown);
    CHECK_THAT(findings_of(f, "KVM-IDN-004").front().seen, Catch::Contains("the daemon is silent"));
}

TEST_CASE("another domain of the name blocks, the same domain does not") {
    auto f = healthy();
    f.destination.same_name = known("vm1", id_of(2), false);
    CHECK(told(f, "KVM-IDN-001") == blocks);
    f.destination.same_name = known("vm1", id_of(1), false);
    CHECK_FALSE(told(f, "KVM-IDN-001"));
    f.domain.uuid.reset();
    CHECK(told(f, "KVM-IDN-001") == unknown);
    forget(f.destination.same_name);
    CHECK(told(f, "KVM-IDN-001") == unknown);
}

TEST_CASE("the UUID under another name blocks") {
    auto f = healthy();
    f.destination.same_uuid = known("other", id_of(1), false);
    CHECK(told(f, "KVM-IDN-002") == blocks);
    CHECK_FALSE(told(f, "KVM-IDN-101"));
    forget(f.destination.same_uuid);
    CHECK(told(f, "KVM-IDN-002") == unknown);
}

TEST_CASE("the domain itself at the destination: active blocks, inactive is told") {
    auto f = healthy();
    f.destination.same_uuid = known("vm1", id_of(1), true);
    CHECK(told(f, "KVM-IDN-003") == blocks);
    CHECK_FALSE(told(f, "KVM-IDN-101"));
    f.destination.same_uuid = known("vm1", id_of(1), false);
    CHECK_FALSE(told(f, "KVM-IDN-003"));
    CHECK(told(f, "KVM-IDN-101") == info);
    CHECK(test::check(f).verdict == precheck::verdict::clear);
}

TEST_CASE("a destination that calls itself localhost blocks") {
    auto f = healthy();
    f.destination.hostname = std::string("localhost.localdomain");
    CHECK(told(f, "KVM-DNS-003") == blocks);
    forget(f.destination.hostname);
    CHECK(told(f, "KVM-DNS-003") == unknown);
}

TEST_CASE("a name that leads the source to itself blocks, one that leads nowhere too") {
    auto f = healthy();
    f.destination.addresses = std::vector<std::string>{"127.0.1.1", "::1"};
    CHECK(told(f, "KVM-DNS-003") == blocks);
    CHECK_FALSE(told(f, "KVM-DNS-001"));
    f.destination.addresses = std::vector<std::string>{"127.0.1.1", "192.0.2.12"};
    CHECK_FALSE(told(f, "KVM-DNS-003"));
    f.destination.addresses = std::vector<std::string>{};
    CHECK_FALSE(told(f, "KVM-DNS-003"));
    CHECK(told(f, "KVM-DNS-001") == blocks);
    forget(f.destination.addresses);
    CHECK(told(f, "KVM-DNS-001") == unknown);
}

TEST_CASE("ports to which the source does not get through block, each in its way") {
    using model::port_answer;
    auto f = healthy();
    const auto all_but = [&](const char *one) {
        for (const char *id : {"KVM-NET-001", "KVM-NET-002", "KVM-NET-005"}) {
            if (id != std::string(one)) CHECK_FALSE(told(f, id));
        }
    };
    f.destination.ports =
        std::vector<model::tried_port>{{49152, port_answer::open}, {49215, port_answer::closed}};
    all_but("");
    // One that is stuck is enough: which one libvirt will take is not known.
    f.destination.ports = std::vector<model::tried_port>{{49152, port_answer::closed},
                                                         {49215, port_answer::rejected}};
    CHECK(told(f, "KVM-NET-001") == blocks);
    all_but("KVM-NET-001");
    f.destination.ports = std::vector<model::tried_port>{{49152, port_answer::dropped},
                                                         {49215, port_answer::dropped}};
    CHECK(told(f, "KVM-NET-002") == blocks);
    all_but("KVM-NET-002");
    f.destination.ports = std::vector<model::tried_port>{{49152, port_answer::unreachable}};
    CHECK(told(f, "KVM-NET-005") == blocks);
    all_but("KVM-NET-005");
    // What is not known is told once.
    forget(f.destination.ports);
    CHECK(told(f, "KVM-NET-001") == unknown);
    all_but("KVM-NET-001");
}

TEST_CASE("drivers that differ or do not migrate block") {
    auto f = healthy();
    f.destination.driver = std::string("Xen");
    CHECK(told(f, "KVM-NET-022") == blocks);
    forget(f.destination.driver);
    CHECK(told(f, "KVM-NET-022") == unknown);

    f = healthy();
    recast(f.source, [](auto &told) { told.live_migration = false; });
    CHECK(told(f, "KVM-NET-022") == blocks);
    f = healthy();
    recast(f.destination, [](auto &told) { told.migration_transports = {"rdma"}; });
    CHECK(told(f, "KVM-NET-022") == blocks);
    forget(f.destination.capabilities);
    CHECK(told(f, "KVM-NET-022") == unknown);
}
