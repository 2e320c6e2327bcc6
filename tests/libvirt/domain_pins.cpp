// SPDX-License-Identifier: MIT
// Pins of a domain of libvirt's test driver, whose host has the CPUs 0, 2 and 4 online.
#include <kvmig/libvirt/domain_pins.hpp>
#include <kvmig/libvirt/node.hpp>
#include <support/catch.hpp>
#include <support/node.hpp>

#include <optional>
#include <string>

using namespace kvmig;
using tuning::cpu_set;

TEST_CASE("pins are read back as they were set, and taken out of the definition again") {
    const auto on = test::node();
    CHECK(libvirt::read_online_cpus(on).value() == cpu_set{0, 2, 4});
    const auto of = libvirt::domain::define(
        on, "<domain type='test'><name>pinned</name><memory unit='MiB'>64</memory><vcpu>2</vcpu>"
            "<os><type>hvm</type></os></domain>");
    REQUIRE(of);
    const unsigned config = VIR_DOMAIN_AFFECT_CONFIG;
    const unsigned live = VIR_DOMAIN_AFFECT_LIVE;
    const tuning::cpu_pins none{.vcpus = {{0, std::nullopt}, {1, std::nullopt}}};
    CHECK(libvirt::read_cpu_pins(*of, config).value() == none);
    CHECK_FALSE(libvirt::read_cpu_pins(*of, live));
    REQUIRE(of->start());

    const tuning::cpu_pins some{.vcpus = {{0, cpu_set{0, 2}}, {1, std::nullopt}},
                                .emulator = cpu_set{4}};
    REQUIRE(libvirt::write_cpu_pins(*of, some, config));
    CHECK(libvirt::read_cpu_pins(*of, config).value() == some);
    REQUIRE(libvirt::write_cpu_pins(*of, none, config));
    CHECK(libvirt::read_cpu_pins(*of, config).value() == none);

    const auto floating = libvirt::read_cpu_pins(*of, live);
    REQUIRE(floating);
    CHECK(floating->vcpus.size() == 2);
    CHECK(floating->emulator);
    CHECK(floating->vcpus.at(0)->size() > 3);
    tuning::cpu_pins to = *floating;
    to.vcpus[1] = cpu_set{2};
    to.emulator = cpu_set{0, 4};
    REQUIRE(libvirt::write_cpu_pins(*of, to, live));
    CHECK(libvirt::read_cpu_pins(*of, live).value() == to);
    CHECK(libvirt::read_cpu_pins(*of, config).value() == none);
    REQUIRE(libvirt::write_cpu_pins(*of, *floating, live));
    CHECK(libvirt::read_cpu_pins(*of, live).value() == *floating);

    to.vcpus[7] = cpu_set{0};
    const auto wrong = libvirt::write_cpu_pins(*of, to, live);
    REQUIRE_FALSE(wrong);
    CHECK_THAT(wrong.error().what, Catch::Contains("vCPU 7"));
    REQUIRE(of->destroy());
    REQUIRE(of->undefine());
}
