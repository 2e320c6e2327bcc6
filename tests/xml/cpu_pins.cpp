// SPDX-License-Identifier: MIT
#include <kvmig/xml/cpu_pins.hpp>
#include <kvmig/xml/numa_cells.hpp>
#include <support/catch.hpp>

#include <string>

using namespace kvmig;

TEST_CASE("pins are read from a definition, and written into it") {
    const std::string pinned =
        "<domain type='kvm'><name>a</name><vcpu current='1'>3</vcpu><cputune>"
        "<shares>512</shares><vcpupin vcpu='0' cpuset='0-3,^2'/><vcpupin vcpu='9' cpuset='1'/>"
        "<emulatorpin cpuset='1'/></cputune></domain>";
    const auto read = xml::parse_cpu_pins(pinned);
    REQUIRE(read);
    CHECK(*read == xml::cpu_pin_texts{{{0, "0-3,^2"}, {1, ""}, {2, ""}}, "1"});
    const xml::cpu_pin_texts to{{{0, ""}, {1, "4"}, {2, "5"}}, ""};
    const auto written = xml::with_cpu_pins(pinned, to);
    REQUIRE(written);
    CHECK(xml::parse_cpu_pins(*written).value() == to);
    CHECK_THAT(*written, Catch::Contains("<shares>512</shares>") && Catch::Contains("vcpu=\"9\"") &&
                             !Catch::Contains("emulatorpin"));

    const std::string none = "<domain type='kvm'><name>a</name></domain>";
    CHECK(xml::parse_cpu_pins(none).value() == xml::cpu_pin_texts{{{0, ""}}, ""});
    const auto one = xml::with_cpu_pins(none, {{{0, "7"}}, "6"});
    REQUIRE(one);
    CHECK(xml::parse_cpu_pins(*one).value() == xml::cpu_pin_texts{{{0, "7"}}, "6"});
    CHECK_THAT(*xml::with_cpu_pins(*one, {{{0, ""}}, ""}), !Catch::Contains("cputune"));

    CHECK_FALSE(xml::parse_cpu_pins("<domain><vcpu>x</vcpu></domain>"));
    CHECK_FALSE(xml::parse_cpu_pins("<domain><cputune><vcpupin vcpu='x'/></cputune></domain>"));
    CHECK_FALSE(xml::with_cpu_pins("<pool/>", to));
}

TEST_CASE("NUMA cells are read with their memory and CPUs") {
    const auto cells = xml::parse_numa_cells(
        "<capabilities><host><topology><cells num='2'>"
        "<cell id='0'><memory unit='KiB'>1024</memory><cpus><cpu id='0'/><cpu "
        "id='2'/></cpus></cell>"
        "<cell id='1'><cpus/></cell></cells></topology></host></capabilities>");
    REQUIRE(cells);
    REQUIRE(cells->size() == 2);
    CHECK(cells->at(0) == model::numa_cell{0, bytes::mib(1), {0, 2}});
    CHECK(cells->at(1) == model::numa_cell{1, {}, {}});
    CHECK(xml::parse_numa_cells("<capabilities/>")->empty());
    CHECK_FALSE(xml::parse_numa_cells("<capabilities><host><topology><cells><cell id='x'/></cells>"
                                      "</topology></host></capabilities>"));
}
