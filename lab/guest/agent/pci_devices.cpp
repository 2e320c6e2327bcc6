// SPDX-License-Identifier: MIT
#include <lab/guest/agent/pci_devices.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

namespace kvmig::lab::guest {

namespace {

/// The number in one of sysfs's files, which begins with `0x`; empty when the device has just gone.
std::string number_in(const std::filesystem::path &file) {
    std::string text;
    std::ifstream{file} >> text;
    return text.starts_with("0x") ? text.substr(2) : std::string{};
}

} // namespace

std::vector<std::string> pci_devices() {
    std::vector<std::string> result;
    std::error_code missing;
    for (const auto &entry : std::filesystem::directory_iterator{"/sys/bus/pci/devices", missing}) {
        std::string name = number_in(entry.path() / "vendor");
        const std::string device = number_in(entry.path() / "device");
        if (name.empty() || device.empty()) continue;
        result.push_back(name.append(":").append(device));
    }
    std::sort(result.begin(), result.end());
    return result;
}

} // namespace kvmig::lab::guest
