// SPDX-License-Identifier: MIT
#include <kvmig/libvirt/domain_weights.hpp>
#include <support/catch.hpp>
#include <support/node.hpp>

#include <cstdint>
#include <vector>

using namespace kvmig;

TEST_CASE("weights are read back as they were set, and taken out of the definition again") {
    const auto of = libvirt::domain::define(
        test::node(), "<domain type='test'><name>weighed</name><memory unit='MiB'>64</memory>"
                      "<os><type>hvm</type></os></domain>");
    REQUIRE(of);
    const unsigned config = VIR_DOMAIN_AFFECT_CONFIG;
    const tuning::blkio_weights none;
    CHECK(libvirt::read_blkio_weights(*of, config).value() == none);
    CHECK(libvirt::read_blkio_weights(*of, VIR_DOMAIN_AFFECT_LIVE).error().kind ==
          error_kind::conflict);
    const tuning::blkio_weights some{.weight = 500,
                                     .devices = {{"/dev/sda", 300}, {"/dev/sdb", 200}}};
    REQUIRE(libvirt::write_blkio_weights(*of, some, config));
    CHECK(libvirt::read_blkio_weights(*of, config).value() == some);
    const tuning::blkio_weights fewer{.weight = 136, .devices = {{"/dev/sdb", 400}}};
    REQUIRE(libvirt::write_blkio_weights(*of, fewer, config));
    CHECK(libvirt::read_blkio_weights(*of, config).value() == fewer);
    REQUIRE(libvirt::write_blkio_weights(*of, none, config));
    CHECK(libvirt::read_blkio_weights(*of, config).value() == none);
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
