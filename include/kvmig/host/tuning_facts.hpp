// SPDX-License-Identifier: MIT
/// The facts of `kvmig/tuning`, read from a host's sysfs and procfs. Absent files are absent
/// features; files that cannot be read, or hold something else, are errors that name them.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <kvmig/host/kernel_files.hpp>
#include <kvmig/tuning/huge_pages.hpp>
#include <kvmig/tuning/ksm.hpp>
#include <kvmig/tuning/ksm_policy.hpp>
#include <kvmig/tuning/memory_facts.hpp>
#include <kvmig/tuning/profile.hpp>
#include <kvmig/tuning/transparent_huge_pages.hpp>
#include <kvmig/tuning/value.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

namespace kvmig::host {

/// `/sys/kernel/mm/ksm`.
[[nodiscard]] inline expected<tuning::ksm_facts> read_ksm(const kernel_files &files) {
    tuning::ksm_facts out;
    for (const tuning::ksm_file &file : tuning::ksm_files) {
        const std::string path = std::string(tuning::ksm_directory) + std::string(file.name);
        const auto text = files.read(path);
        if (!text) return fail(text.error());
        if (!*text) continue;
        if (auto taken = set(out, file.name, **text); !taken) {
            return fail(std::move(taken.error()).about(path));
        }
    }
    return out;
}

/// `/proc/meminfo`.
[[nodiscard]] inline expected<tuning::memory_facts> read_memory(const kernel_files &files) {
    const auto text = files.read("/proc/meminfo");
    if (!text) return fail(text.error());
    return tuning::parse_meminfo(text->value_or(""));
}

/// `/proc/pressure/memory`; absent on kernels without PSI, and where it is switched off.
[[nodiscard]] inline expected<std::optional<tuning::memory_pressure>>
read_pressure(const kernel_files &files) {
    const auto text = files.read("/proc/pressure/memory");
    if (!text) {
        // Built in and switched off (psi=0): the file is there and refuses to be read.
        if (text.error().system == EOPNOTSUPP) return std::nullopt;
        return fail(text.error());
    }
    if (!*text) return std::nullopt;
    auto out = tuning::parse_pressure(**text);
    if (!out) return fail(std::move(out.error()));
    return *out;
}

/// `/sys/kernel/mm/transparent_hugepage`.
[[nodiscard]] inline expected<tuning::thp_facts> read_thp(const kernel_files &files) {
    tuning::thp_facts out;
    const std::string directory{tuning::thp_directory};
    const std::vector<std::pair<const char *, std::optional<std::string> *>> all = {
        {"enabled", &out.enabled}, {"defrag", &out.defrag}, {"shmem_enabled", &out.shmem_enabled}};
    for (const auto &[name, into] : all) {
        auto text = files.read(directory + name);
        if (!text) return fail(std::move(text.error()));
        *into = std::move(*text);
    }
    return out;
}

namespace detail {

/// The number in a file of that path; fails with `protocol` where the file is absent.
[[nodiscard]] inline expected<std::uint64_t> read_number(const kernel_files &files,
                                                         const std::string &path) {
    const auto text = files.read(path);
    if (!text) return fail(text.error());
    return tuning::number<std::uint64_t>(text->value_or(""), path);
}

/// The number between two marks of a path, e.g. of `node0` or `hugepages-2048kB`.
[[nodiscard]] inline std::optional<std::uint64_t>
number_within(std::string_view path, std::string_view before, std::string_view after) {
    const auto at = path.find(before);
    if (at == std::string_view::npos) return std::nullopt;
    const auto from = at + before.size();
    const auto value =
        tuning::number<std::uint64_t>(path.substr(from, path.find(after, from) - from), path);
    return value ? std::optional(*value) : std::nullopt;
}

/// Takes off the free pages what a mapping has reserved and not touched yet. The kernel tells that
/// of the whole host only: it is taken from where most pages lie free.
[[nodiscard]] inline expected<void> take_reserved(const kernel_files &files,
                                                  std::vector<tuning::huge_page_pool> &pools) {
    for (const std::string &path :
         files.matching("/sys/kernel/mm/hugepages/hugepages-*kB/resv_hugepages")) {
        const auto size = number_within(path, "hugepages-", "kB");
        if (!size) continue;
        const auto told = read_number(files, path);
        if (!told) return fail(told.error());
        for (std::uint64_t left = *told; left != 0;) {
            tuning::huge_page_pool *most = nullptr;
            for (tuning::huge_page_pool &p : pools) {
                if (p.size == bytes::kib(*size) && (most == nullptr || p.free > most->free))
                    most = &p;
            }
            if (most == nullptr || most->free.count() == 0) break;
            const std::uint64_t taken = std::min(left, most->free.count());
            most->free = pages{most->free.count() - taken};
            left -= taken;
        }
    }
    return {};
}

} // namespace detail

/// The pools and the memory of each NUMA node.
[[nodiscard]] inline expected<tuning::huge_page_facts> read_huge_pages(const kernel_files &files) {
    tuning::huge_page_facts out;
    out.compaction = !files.matching("/proc/sys/vm/compact_memory").empty();
    for (const std::string &path : files.matching("/sys/devices/system/node/node*/meminfo")) {
        const auto node = detail::number_within(path, "/node/node", "/");
        if (!node) continue; // not the directory of a node
        const auto text = files.read(path);
        if (!text) return fail(text.error());
        const std::string before = "Node " + std::to_string(*node);
        const auto total = tuning::detail::kb_of(text->value_or(""), "MemTotal", before);
        const auto free = tuning::detail::kb_of(text->value_or(""), "MemFree", before);
        if (!total || !free || !*total || !*free) {
            return fail(
                make_error(error_kind::protocol, "does not tell the node's memory").about(path));
        }
        out.nodes.push_back({static_cast<std::uint32_t>(*node), **total, **free});
    }
    for (const std::string &path :
         files.matching("/sys/devices/system/node/node*/hugepages/hugepages-*kB")) {
        const auto node = detail::number_within(path, "/node/node", "/");
        const auto size = detail::number_within(path, "hugepages-", "kB");
        if (!node || !size || *size == 0) continue;
        const auto nr = detail::read_number(files, path + "/nr_hugepages");
        if (!nr) return fail(nr.error());
        const auto free = detail::read_number(files, path + "/free_hugepages");
        if (!free) return fail(free.error());
        out.pools.push_back(
            {static_cast<std::uint32_t>(*node), bytes::kib(*size), pages{*nr}, pages{*free}});
    }
    if (auto taken = detail::take_reserved(files, out.pools); !taken) {
        return fail(std::move(taken.error()));
    }
    return out;
}

/// The files that a profile asks for, and those that could not be read, each named with the reason.
struct profile_files {
    /// Content of each file by its path; without those that are missing.
    tuning::file_texts texts = {};
    std::vector<std::string> unreadable = {}; ///< path, a space and the reason
};

/// What now stands in each file that `wanted` sets.
[[nodiscard]] inline profile_files read_profile(const kernel_files &files,
                                                const tuning::profile &wanted) {
    profile_files out;
    std::vector<std::string> patterns(tuning::profile_helpers.begin(),
                                      tuning::profile_helpers.end());
    for (const tuning::profile_setting &s : wanted.settings) {
        patterns.emplace_back(s.pattern);
    }
    for (const std::string &pattern : patterns) {
        for (const std::string &path : files.matching(pattern)) {
            auto text = files.read(path);
            if (!text)
                out.unreadable.push_back(path + " " + text.error().what);
            else if (*text)
                out.texts.emplace(path, std::move(**text));
        }
    }
    return out;
}

/// The id of this boot; empty where the host tells none.
[[nodiscard]] inline expected<std::string> read_boot_id(const kernel_files &files) {
    const auto text = files.read("/proc/sys/kernel/random/boot_id");
    if (!text) return fail(text.error());
    return std::string(tuning::trimmed(text->value_or("")));
}

namespace detail {

/// The arguments of a process; none when it has ended.
[[nodiscard]] inline std::vector<std::string> arguments_of(const kernel_files &files,
                                                           const std::string &process) {
    const auto text = files.read(process + "/cmdline");
    std::vector<std::string> out;
    if (!text || !*text) return out;
    std::string_view rest = **text;
    while (!rest.empty()) {
        const auto end = std::min(rest.find('\0'), rest.size());
        out.emplace_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return out;
}

/// The domain of a QEMU process that runs with KVM; nothing of any other process.
[[nodiscard]] inline std::optional<std::string>
guest_of(const std::vector<std::string> &arguments) {
    if (arguments.empty()) return std::nullopt;
    const std::string program = arguments[0].substr(arguments[0].rfind('/') + 1);
    if (!program.starts_with("qemu-") && program != "kvm") return std::nullopt;
    bool kvm = program == "kvm" || program == "qemu-kvm";
    std::string name;
    for (std::size_t i = 1; i < arguments.size(); ++i) {
        const std::string &word = arguments[i];
        const std::string next = i + 1 < arguments.size() ? arguments[i + 1] : "";
        kvm = kvm || word == "-enable-kvm" || word == "--enable-kvm" ||
              ((word == "-accel" || word == "-machine" || word == "-M") &&
               (next.starts_with("kvm") || next.find("accel=kvm") != std::string::npos));
        if (word != "-name") continue;
        // libvirt writes guest=NAME,debug-threads=on; by hand it may be the name alone.
        const auto at = next.find("guest=");
        const std::string_view value =
            std::string_view(next).substr(at == std::string::npos ? 0 : at + 6);
        name = std::string(value.substr(0, value.find(',')));
    }
    if (!kvm) return std::nullopt;
    return name;
}

/// The figure of a line `NAME: NUMBER …` or `NAME NUMBER`.
[[nodiscard]] inline std::optional<std::int64_t> figure_of(std::string_view text,
                                                           std::string_view name) {
    const auto all = tuning::words(text);
    for (std::size_t i = 0; i + 1 < all.size(); ++i) {
        if (all[i] != name && all[i] != std::string(name) + ':') continue;
        const auto value = tuning::number<std::int64_t>(all[i + 1], name);
        return value ? std::optional(*value) : std::nullopt;
    }
    return std::nullopt;
}

[[nodiscard]] inline bytes kib_of(std::string_view text, std::string_view name) {
    return bytes::kib(
        static_cast<std::uint64_t>(std::max<std::int64_t>(figure_of(text, name).value_or(0), 0)));
}

} // namespace detail

/// The guests that run on this host, by their QEMU processes. Figures that cannot be read, because
/// the process ended or belongs to someone else, are absent.
[[nodiscard]] inline std::vector<tuning::ksm_guest> read_guests(const kernel_files &files) {
    std::vector<tuning::ksm_guest> out;
    for (const std::string &process : files.matching("/proc/*")) {
        if (process.find_first_not_of("0123456789", 6) != std::string::npos) continue;
        const auto name = detail::guest_of(detail::arguments_of(files, process));
        if (!name) continue;
        const auto text_of = [&](const char *file) {
            const auto text = files.read(process + file);
            return text ? text->value_or("") : std::string{};
        };
        tuning::ksm_guest guest;
        guest.name = name->empty() ? process.substr(6) : *name;
        guest.rss = detail::kib_of(text_of("/status"), "VmRSS");
        const std::string rollup = text_of("/smaps_rollup");
        if (detail::figure_of(rollup, "Pss")) {
            guest.pss = detail::kib_of(rollup, "Pss");
            const bytes huge = detail::kib_of(rollup, "Private_Hugetlb") +
                               detail::kib_of(rollup, "Shared_Hugetlb");
            guest.hugepages = huge > *guest.pss;
        }
        const std::string ksm = text_of("/ksm_stat");
        if (const auto items = detail::figure_of(ksm, "ksm_rmap_items"); items && *items >= 0) {
            guest.ksm.rmap_items = static_cast<std::uint64_t>(*items);
        }
        if (const auto merging = detail::figure_of(ksm, "ksm_merging_pages");
            merging && *merging >= 0) {
            guest.ksm.merging_pages = pages{static_cast<std::uint64_t>(*merging)};
        }
        guest.ksm.process_profit = detail::figure_of(ksm, "ksm_process_profit");
        out.push_back(std::move(guest));
    }
    return out;
}

/// The CPU time that ksmd has taken since boot; absent where there is none.
[[nodiscard]] inline std::optional<std::chrono::milliseconds>
read_ksmd_cpu(const kernel_files &files) {
    const long ticks = ::sysconf(_SC_CLK_TCK);
    if (ticks <= 0) return std::nullopt;
    for (const std::string &path : files.matching("/proc/*/stat")) {
        const auto text = files.read(path);
        if (!text || !*text || (*text)->find("(ksmd)") == std::string::npos) continue;
        // After the name: state is the 3rd field, utime the 14th and stime the 15th (proc(5)).
        const auto fields = tuning::words(std::string_view(**text).substr((*text)->rfind(')') + 1));
        if (fields.size() < 13) return std::nullopt;
        const auto user = tuning::number<std::int64_t>(fields[11], path);
        const auto system = tuning::number<std::int64_t>(fields[12], path);
        if (!user || !system) return std::nullopt;
        return std::chrono::milliseconds((*user + *system) * 1000 / ticks);
    }
    return std::nullopt;
}

/// One look at a host for the policies of KSM; `at` is the caller's clock.
[[nodiscard]] inline expected<tuning::ksm_sample> read_ksm_sample(const kernel_files &files,
                                                                  std::chrono::milliseconds at) {
    tuning::ksm_sample out;
    out.at = at;
    auto ksm = read_ksm(files);
    if (!ksm) return fail(std::move(ksm.error()));
    auto memory = read_memory(files);
    if (!memory) return fail(std::move(memory.error()));
    auto pressure = read_pressure(files);
    if (!pressure) return fail(std::move(pressure.error()));
    out.ksm = std::move(*ksm);
    out.memory = *memory;
    out.pressure = *pressure;
    out.ksmd_cpu = read_ksmd_cpu(files);
    out.guests = read_guests(files);
    if (const long page = ::sysconf(_SC_PAGESIZE); page > 0) {
        out.page = bytes{static_cast<std::uint64_t>(page)};
    }
    return out;
}

} // namespace kvmig::host
