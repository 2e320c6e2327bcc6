// SPDX-License-Identifier: MIT
#include <lab/machine/remote.hpp>
#include <lab/observe/logs.hpp>
#include <lab/topology/files.hpp>

#include <fmt/format.h>

namespace kvmig::lab {

namespace {

struct log_source {
    std::string_view file;
    std::vector<std::string> argv;
};

/// What each guest that runs is doing: its CPU twice, to see whether it goes on.
constexpr std::string_view look_at_guests = R"(
for guest in $(virsh list --name); do
    virsh domstats "$guest"
    for look in 'info status' 'info registers' 'info lapic' 'info registers'; do
        virsh qemu-monitor-command --hmp "$guest" "$look"
    done
done
ip -s neighbour; bridge fdb)";

std::vector<log_source> sources_of(const machine_spec &machine) {
    std::vector<log_source> sources{
        {"journal.log", {"journalctl", "--boot", "--no-pager", "--output", "short-precise"}}};
    if (machine.role == machine_role::host) {
        sources.push_back({"qemu.log",
                           {"find", "/var/log/libvirt/qemu", "-name", "*.log", "-print", "-exec",
                            "cat", "{}", ";"}});
        sources.push_back({"domains.txt", {"virsh", "list", "--all"}});
        sources.push_back({"guests.txt", {"sh", "-c", std::string{look_at_guests}}});
    } else {
        sources.push_back({"exports.txt", {"exportfs", "-v"}});
    }
    return sources;
}

} // namespace

std::vector<error> collect_logs(const lab_paths &paths, const std::filesystem::path &folder) {
    std::vector<error> gaps;
    if (auto made = make_directory(folder); !made) return {std::move(made).error()};
    for (const machine_spec &machine : machines) {
        const auto name = [&](std::string_view file) {
            return folder / fmt::format("{}-{}", machine.name, file);
        };
        std::error_code code;
        std::filesystem::copy_file(paths.console(machine.name), name("console.log"),
                                   std::filesystem::copy_options::overwrite_existing, code);
        if (code) {
            gaps.push_back(make_error(error_kind::io, fmt::format("the console of {}: {}",
                                                                  machine.name, code.message())));
        }
        for (const log_source &source : sources_of(machine)) {
            host::command cmd = remote_command(machine, source.argv);
            cmd.timeout = std::chrono::minutes{1};
            auto said = host::output_of(cmd);
            if (!said) {
                gaps.push_back(std::move(said).error().on(std::string{machine.name}));
                // One that does not answer at all will not answer the next question either.
                if (gaps.back().kind == error_kind::timed_out) break;
                continue;
            }
            if (auto written = write_file(name(source.file), *said); !written) {
                gaps.push_back(std::move(written).error());
            }
        }
    }
    return gaps;
}

} // namespace kvmig::lab
