// SPDX-License-Identifier: MIT
#include <lab/machine/remote.hpp>
#include <lab/scenario/host_look.hpp>
#include <lab/scenario/huge_memory.hpp>
#include <lab/topology/files.hpp>

#include <kvmig/host/kernel_files.hpp>
#include <kvmig/host/remote_command.hpp>
#include <kvmig/host/tuning_facts.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <utility>

namespace kvmig::lab {

namespace {

/// Milliseconds since boot, of the text of /proc/uptime.
expected<std::chrono::milliseconds> uptime_in(const std::string &text) {
    const auto seconds = text.substr(0, text.find(' '));
    const auto point = std::min(seconds.find('.'), seconds.size());
    const auto whole =
        tuning::number<std::int64_t>(std::string_view(seconds).substr(0, point), "/proc/uptime");
    if (!whole) return fail(whole.error());
    std::string part = seconds.substr(std::min(point + 1, seconds.size()));
    part.resize(3, '0');
    const auto rest = tuning::number<std::int64_t>(part, "/proc/uptime");
    if (!rest) return fail(rest.error());
    return std::chrono::milliseconds{*whole * 1000 + *rest};
}

} // namespace

expected<std::map<std::string, std::string>> texts_by_path(std::string_view said) {
    std::map<std::string, std::string> out;
    while (!said.empty()) {
        const auto end = std::min(said.find('\n'), said.size());
        const std::string_view line = said.substr(0, end);
        said.remove_prefix(std::min(end + 1, said.size()));
        const auto colon = line.find(':');
        if (!line.starts_with('/') || colon == std::string_view::npos) {
            return fail(
                make_error(error_kind::protocol, fmt::format("'{}' is no line of a file", line))
                    .advise("expected PATH:TEXT, as grep -H says it"));
        }
        std::string &text = out[std::string(line.substr(0, colon))];
        text += line.substr(colon + 1);
        text += '\n';
    }
    return out;
}

expected<std::string> shell_of(const tuning::plan &plan) {
    std::string out = "set -e";
    for (const tuning::change &each : plan.changes) {
        if (each.what.kind != tuning::target_kind::file) {
            return fail(make_error(error_kind::unsupported, "a shell writes files only")
                            .about(each.what.name));
        }
        out +=
            fmt::format("; printf %s {} > {}", host::quoted(each.to), host::quoted(each.what.name));
    }
    return out;
}

expected<host_look> host_look::at(const machine_spec &machine, std::filesystem::path folder,
                                  std::stop_token stop) {
    auto said = remote_output(machine, {"pgrep", "-d,", "^(ksmd|qemu-system-.*)$"}, stop);
    if (!said) return fail(std::move(said).error());
    return host_look{machine, std::move(folder), "{" + said->substr(0, said->find('\n')) + "}",
                     std::move(stop)};
}

expected<std::string> host_look::shell(const std::string &text) const {
    return remote_output(*machine_, {"bash", "-c", text}, stop_);
}

expected<tuning::ksm_sample> host_look::look() const {
    // Of files that are missing or refuse, as on older kernels, it says nothing and goes on.
    const auto said =
        shell(fmt::format("grep -asH '' /proc/uptime /proc/meminfo /proc/pressure/memory {}* "
                          "/proc/{}/{{cmdline,status,smaps_rollup,ksm_stat,stat}}; true",
                          tuning::ksm_directory, processes_));
    if (!said) return fail(said.error());
    const auto texts = texts_by_path(*said);
    if (!texts) return fail(texts.error());
    if (auto removed = remove_tree(folder_); !removed) return fail(std::move(removed).error());
    for (const auto &[path, text] : *texts) {
        const auto place = folder_ / std::filesystem::path(path).relative_path();
        std::error_code code;
        std::filesystem::create_directories(place.parent_path(), code);
        // Not by `write_file`: these are read once and need not outlive a crash.
        if (!(std::ofstream{place, std::ios::binary} << text)) {
            return fail(make_error(error_kind::io, "cannot be written").about(place.string()));
        }
    }
    const auto uptime = texts->find("/proc/uptime");
    const auto at = uptime_in(uptime == texts->end() ? "" : uptime->second);
    if (!at) return fail(at.error());
    return host::read_ksm_sample(host::kernel_files{folder_}, *at);
}

expected<tuning::ksm_sample> leave_memory(const host_look &host, bytes left) {
    if (auto tidy = host.shell("sync; echo 3 > /proc/sys/vm/drop_caches; echo 1 > "
                               "/proc/sys/vm/compact_memory");
        !tidy) {
        return fail(std::move(tidy).error());
    }
    auto now = host.look();
    if (!now || now->memory.to_be_had() <= left) return now;
    const auto pool = (now->memory.to_be_had() - left).count() / bytes::mib(2).count();
    if (auto taken = host.shell(fmt::format("echo {} > {}", pool, reserved_huge_pages)); !taken) {
        return fail(std::move(taken).error());
    }
    return host.look();
}

expected<void> host_look::carry_out(const tuning::plan &plan) const {
    const auto text = shell_of(plan);
    if (!text) return fail(text.error());
    if (auto done = shell(*text); !done) return fail(std::move(done).error());
    return {};
}

} // namespace kvmig::lab
