// SPDX-License-Identifier: MIT
#include <kvmig/libvirt/domain_blkiotune.hpp>
#include <support/catch.hpp>
#include <support/node.hpp>

#include <cstdint>
#include <vector>

using namespace kvmig;

TEST_CASE(
    "weights and limits are read back as they were set, and taken out of the definition again") {
    const auto of = libvirt::domain::define(
        test::node(), "<domain type='test'><name>weighed</name><memory unit='MiB'>64</memory>"
                      "<os><type>hvm</type></os></domain>");
    REQUIRE(of);
    const unsigned config = VIR_DOMAIN_AFFECT_CONFIG;
    const tuning::blkiotune none;
    CHECK(libvirt::read_blkiotune(*of, config).value() == none);
    CHECK(libvirt::read_blkiotune(*of, VIR_DOMAIN_AFFECT_LIVE).error().kind ==
          error_kind::conflict);
    const tuning::blkiotune some{.weight = 500,
                                 .device_weight = {{"/dev/sda", 300}, {"/dev/sdb", 200}},
                                 .device_read_iops_sec = {{"/dev/sda", 50}},
                                 .device_write_iops_sec = {{"/dev/sda", 60}},
                                 .device_read_bytes_sec = {{"/dev/sdb", 1ULL << 33U}},
                                 .device_write_bytes_sec = {{"/dev/sda", 4096}}};
    REQUIRE(libvirt::write_blkiotune(*of, some, config));
    CHECK(libvirt::read_blkiotune(*of, config).value() == some);
    const tuning::blkiotune fewer{.weight = 136,
                                  .device_weight = {{"/dev/sdb", 400}},
                                  .device_write_iops_sec = {{"/dev/sda", 61}}};
    REQUIRE(libvirt::write_blkiotune(*of, fewer, config));
    CHECK(libvirt::read_blkiotune(*of, config).value() == fewer);
    REQUIRE(libvirt::write_blkiotune(*of, none, config));
    CHECK(libvirt::read_blkiotune(*of, config).value() == none);
    REQUIRE(of->undefine());
}

TEST_CASE("a weight that systemd squeezed is set so that bfq has it") {
    struct fake_cgroup {
        bool systemd;
        std::uint32_t weight = 100;
        std::vector<std::uint32_t> asked = {};
    };
    const auto set = [](fake_cgroup &at, std::uint32_t to) {
        return libvirt::detail::set_weight(
            to,
            [&](std::uint32_t weight) -> expected<void> {
                at.asked.push_back(weight);
                at.weight = at.systemd ? tuning::bfq_weight_of(weight) : weight;
                return {};
            },
            [&]() -> expected<std::uint32_t> { return at.weight; });
    };
    fake_cgroup plain{.systemd = false};
    REQUIRE(set(plain, 500));
    CHECK(plain.asked == std::vector<std::uint32_t>{500});
    fake_cgroup squeezed{.systemd = true};
    REQUIRE(set(squeezed, 500));
    CHECK(squeezed.weight == 500);
    CHECK(squeezed.asked == std::vector<std::uint32_t>{500, 4500});
    REQUIRE(set(squeezed, 80));
    CHECK(squeezed.weight == 80);
    CHECK(squeezed.asked.size() == 3);
}
