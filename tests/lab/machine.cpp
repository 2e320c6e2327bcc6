// SPDX-License-Identifier: MIT
#include <lab/machine/machine.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace kvmig::lab;

namespace {

std::vector<std::string> command_of(hardware made_of) {
    machine_setup setup;
    setup.made_of = made_of;
    return qemu_command(*find_machine("kvm01"), {"test", "/lab"}, setup, false);
}

} // namespace

TEST_CASE("hardware to hand to guests leaves the usual devices in their places") {
    const auto usual = command_of(hardware::usual);
    const auto more = command_of(hardware::passthrough);
    const auto first_device = [](const std::vector<std::string> &argv) {
        return *std::next(std::find(argv.begin(), argv.end(), "-device"));
    };
    CHECK(first_device(usual).starts_with("virtio-blk-pci"));
    CHECK(first_device(more).starts_with("intel-iommu"));
    const auto devices = [](const std::vector<std::string> &argv) {
        std::vector<std::string> out;
        for (std::size_t i = 0; i + 1 < argv.size(); ++i) {
            if (argv[i] == "-device") out.push_back(argv[i + 1]);
        }
        return out;
    };
    const auto before = devices(usual);
    auto after = devices(more);
    after.erase(after.begin());
    REQUIRE(after.size() > before.size());
    CHECK(std::equal(before.begin(), before.end(), after.begin()));
}
