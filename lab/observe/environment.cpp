// SPDX-License-Identifier: MIT
#include <lab/machine/lifecycle.hpp>
#include <lab/machine/remote.hpp>
#include <lab/observe/environment.hpp>

#include <kvmig/core/version.hpp>
#include <kvmig/host/command.hpp>

#include <array>
#include <cstdlib>
#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fstream>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <thread>

namespace kvmig::lab {

namespace {

std::string cpu_model() {
    std::ifstream file{"/proc/cpuinfo"};
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with("model name")) continue;
        const auto begin = line.find_first_not_of(" \t", line.find(':') + 1);
        return begin == std::string::npos ? std::string{} : line.substr(begin);
    }
    return "unknown";
}

std::string first_line(const std::string &text) { return text.substr(0, text.find('\n')); }

} // namespace

expected<nlohmann::json> describe_environment(const lab_paths &paths, const std::stop_token &stop) {
    auto settings = read_settings(paths);
    if (!settings) return fail(std::move(settings).error());
    host::command ask;
    ask.argv = {"qemu-system-x86_64", "--version"};
    auto qemu = host::output_of(ask, stop);
    if (!qemu) return fail(std::move(qemu).error());
    // Both hosts have the same image: one is asked.
    auto host = remote_output(
        *find_machine("kvm01"),
        {"sh", "-c", "uname -r; libvirtd --version; qemu-system-x86_64 --version"}, stop);
    if (!host) return fail(std::move(host).error());
    nlohmann::json lines = nlohmann::json::array();
    for (std::size_t begin = 0; begin < host->size();) {
        const auto end = std::min(host->find('\n', begin), host->size());
        lines.push_back(host->substr(begin, end - begin));
        begin = end + 1;
    }
    utsname kernel{};
    ::uname(&kernel);
    std::array<double, 3> load{};
    ::getloadavg(load.data(), 3);
    struct sysinfo memory {};
    ::sysinfo(&memory);
    return nlohmann::json{
        {"time", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))},
        {"kvmig", kvmig::version},
        {"kernel", static_cast<const char *>(kernel.release)},
        {"qemu", first_line(*qemu)},
        {"cpu", cpu_model()},
        {"cpus", std::thread::hardware_concurrency()},
        {"memory_bytes", memory.totalram * memory.mem_unit},
        {"load", load},
        {"acceleration", name_of(settings->accel)},
        {"release", settings->release},
        {"host", {{"kernel", lines.at(0)}, {"libvirt", lines.at(1)}, {"qemu", lines.at(2)}}},
    };
}

} // namespace kvmig::lab
