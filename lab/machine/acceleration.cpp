// SPDX-License-Identifier: MIT
#include <lab/machine/acceleration.hpp>

#include <fmt/format.h>
#include <fstream>
#include <sstream>

namespace kvmig::lab {

namespace {

/// The first of `vmx` and `svm` among the CPU's flags; empty when there is neither.
std::string virtualization_flag(const std::filesystem::path &root) {
    std::ifstream file{root / "proc/cpuinfo"};
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with("flags")) continue;
        std::istringstream words{line};
        for (std::string word; words >> word;) {
            if (word == "vmx" || word == "svm") return word;
        }
        return {};
    }
    return {};
}

} // namespace

std::string_view name_of(const acceleration &accel) noexcept { return accel.kvm ? "kvm" : "tcg"; }

acceleration detect_acceleration(const std::filesystem::path &root) {
    const std::string flag = virtualization_flag(root);
    if (flag.empty()) {
        return {false, "the CPU shows neither vmx nor svm in /proc/cpuinfo"};
    }
    const std::string module = flag == "vmx" ? "kvm_intel" : "kvm_amd";
    std::ifstream parameter{root / "sys/module" / module / "parameters/nested"};
    std::string nested;
    if (!(parameter >> nested)) return {false, fmt::format("the module {} is not loaded", module)};
    if (nested != "Y" && nested != "1") {
        return {false, fmt::format("{} is loaded with nested={}", module, nested)};
    }
    std::error_code code;
    if (!std::filesystem::exists(root / "dev/kvm", code)) return {false, "/dev/kvm does not exist"};
    return {true, fmt::format("the CPU has {} and {} allows nested guests", flag, module)};
}

expected<acceleration> choose_acceleration(std::string_view wish,
                                           const std::filesystem::path &root) {
    acceleration found = detect_acceleration(root);
    if (wish == "auto") return found;
    if (wish == "tcg") return acceleration{false, "emulation was asked for"};
    if (wish != "kvm") {
        return fail(make_error(error_kind::invalid_argument,
                               fmt::format("'{}' is no way to run the lab's hosts", wish))
                        .advise("--accel auto, kvm or tcg"));
    }
    if (found.kvm) return found;
    return fail(
        make_error(error_kind::environment, "nested KVM does not work here: " + found.reason)
            .advise("use --accel tcg, or enable nested virtualization"));
}

} // namespace kvmig::lab
