// SPDX-License-Identifier: MIT
/// A profile of one's own, in the format of tuned's `tuned.conf`.
///
/// Sections in brackets, `KEY=VALUE` below them; `#` and `;` begin a comment. `[main]` has
/// `include` (one of tuned's own profiles) and `summary`; `[sysctl]` the kernel's names; `[sysfs]`
/// paths, in which `*` stands for any part of a name; `[vm]`, `[cpu]` and `[disk]` those of tuned's
/// keys that `profile_keys` lists. `>NUMBER` leaves a greater one as it is. tuned's variables and
/// functions (`${…}`) are not known.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/tuning/profile.hpp>
#include <kvmig/tuning/value.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::tuning {

/// A key of tuned's that stands for files.
struct profile_key {
    /// Without its brackets.
    std::string_view section;
    /// As tuned spells it.
    std::string_view key;
    /// The files: see `profile_setting::pattern`.
    std::string_view pattern;
    bool number = false; ///< takes a number, or `>NUMBER`
};

/// Those that are known, beside any of `[sysctl]` and `[sysfs]`.
inline constexpr std::array<profile_key, 12> profile_keys = {{
    {"vm", "transparent_hugepages", "/sys/kernel/mm/transparent_hugepage/enabled"},
    {"vm", "transparent_hugepage", "/sys/kernel/mm/transparent_hugepage/enabled"},
    {"vm", "transparent_hugepage.defrag", "/sys/kernel/mm/transparent_hugepage/defrag"},
    {"cpu", "governor", detail::governor.pattern},
    {"cpu", "energy_perf_bias", detail::energy_perf_bias.pattern},
    {"cpu", "energy_performance_preference",
     "/sys/devices/system/cpu/cpu*/cpufreq/energy_performance_preference"},
    {"cpu", "min_perf_pct", detail::min_perf_pct.pattern, true},
    {"cpu", "max_perf_pct", "/sys/devices/system/cpu/intel_pstate/max_perf_pct", true},
    {"cpu", "no_turbo", "/sys/devices/system/cpu/intel_pstate/no_turbo", true},
    {"cpu", "force_latency", detail::resume_latency},
    {"disk", "readahead", "/sys/block/*/queue/read_ahead_kb", true},
    {"disk", "elevator", "/sys/block/*/queue/scheduler"},
}};

/// Files that start something, or that the kernel lets nobody put back.
inline constexpr std::array<std::string_view, 12> not_to_be_put_back = {
    "/proc/sys/vm/drop_caches",
    "/proc/sys/vm/compact_memory",
    "/proc/sys/vm/stat_refresh",
    "/proc/sys/vm/dirty_bytes",
    "/proc/sys/vm/dirty_background_bytes",
    "/proc/sys/kernel/modules_disabled",
    "/proc/sys/kernel/kexec_load_disabled",
    "/proc/sys/kernel/unprivileged_bpf_disabled",
    "/proc/sys/kernel/yama/ptrace_scope",
    "/proc/sys/net/ipv4/route/flush",
    "/proc/sys/net/ipv6/route/flush",
    "/sys/power/*"};

namespace detail {

/// Reads one such file, line by line, and gathers what is wrong with it.
class profile_reader {
public:
    explicit profile_reader(std::string_view file) : file_(file) { out.name = std::string(file); }

    profile out;
    std::vector<error> wrong;

    void take(std::string_view line) {
        ++line_;
        line = trimmed(without_comment(line));
        if (line.empty()) return;
        if (line.front() == '[') {
            begin(line);
            return;
        }
        const auto equals = line.find('=');
        if (equals == std::string_view::npos) {
            say(fmt::format("'{}' is neither [SECTION] nor KEY=VALUE", line));
            return;
        }
        set(trimmed(line.substr(0, equals)), trimmed(line.substr(equals + 1)));
    }

private:
    static constexpr std::string_view sections = "main, sysctl, sysfs, vm, cpu, disk";

    /// As tuned: `;` begins a comment at the start of a line only, `#` behind a blank too.
    [[nodiscard]] static std::string_view without_comment(std::string_view line) {
        const std::string_view text = trimmed(line);
        if (text.starts_with('#') || text.starts_with(';')) return {};
        for (std::size_t at = 1; at < line.size(); ++at) {
            if (line[at] == '#' && (line[at - 1] == ' ' || line[at - 1] == '\t')) {
                return line.substr(0, at);
            }
        }
        return line;
    }

    void say(std::string what, std::string remedy = {}) {
        error err = make_error(error_kind::invalid_argument, std::move(what)).about(place());
        err.remedy = std::move(remedy);
        wrong.push_back(std::move(err));
    }
    [[nodiscard]] std::string place() const { return fmt::format("{}, line {}", file_, line_); }

    void begin(std::string_view line) {
        section_.clear();
        const std::string_view name =
            line.back() == ']' ? trimmed(line.substr(1, line.size() - 2)) : std::string_view{};
        for (const std::string_view one : {"main", "sysctl", "sysfs", "vm", "cpu", "disk"}) {
            if (name == one) section_ = std::string(name);
        }
        skips_ = section_.empty();
        if (skips_)
            say(fmt::format("{} is no section that is known", line),
                fmt::format("the sections are {}", sections));
    }

    void set(std::string_view key, std::string_view value) {
        if (skips_) return; // told already
        if (section_.empty()) {
            say(fmt::format("{} stands in no section", key),
                fmt::format("write one before it: {}", sections));
            return;
        }
        if (value.find("${") != std::string_view::npos) {
            say(fmt::format("{}: variables and functions of tuned are not known here", key),
                "write the value itself");
            return;
        }
        if (section_ == "main") return set_main(key, value);
        if (value.empty()) return say(fmt::format("{} has no value", key));
        if (section_ == "sysctl") return set_path(key, sysctl_path(key), value);
        if (section_ == "sysfs") return set_path(key, std::string(key), value);
        std::string known;
        for (const profile_key &k : profile_keys) {
            if (k.section != section_) continue;
            if (k.key == key) return set_known(k, value);
            known += fmt::format("{}{}", known.empty() ? "" : ", ", k.key);
        }
        say(fmt::format("[{}] has no {} that is known", section_, key),
            fmt::format("it has {}", known));
    }

    void set_main(std::string_view key, std::string_view value) {
        if (key == "summary") return;
        if (key != "include") {
            return say(fmt::format("[main] has no {} that is known", key),
                       "it has include, summary");
        }
        if (!out.settings.empty()) {
            return say("include stands behind settings", "write [main] first");
        }
        auto below = find_profile(value);
        if (!below) {
            return say(fmt::format("include: there is no profile '{}'", value),
                       std::move(below.error().remedy));
        }
        out.settings = std::move(below->settings);
    }

    /// The kernel's names have dots for slashes, or slashes; then dots are of the name (sysctl(8)).
    [[nodiscard]] static std::string sysctl_path(std::string_view key) {
        std::string path(key);
        const auto first = path.find_first_of("./");
        if (first != std::string::npos && path[first] == '.') {
            for (char &c : path) c = c == '.' ? '/' : c == '/' ? '.' : c;
        }
        return "/proc/sys/" + path;
    }

    void set_path(std::string_view key, std::string path, std::string_view value) {
        if (!is_pattern(path)) {
            return section_ == "sysfs" ? say(fmt::format("{} is no path below /sys", key),
                                             "write it in full, with at most one * in a name")
                                       : say(fmt::format("{} is no name of a sysctl", key),
                                             "write one as sysctl -a lists it");
        }
        for (const std::string_view one : not_to_be_put_back) {
            if (!matches(one, path)) continue;
            return say(fmt::format("{} cannot be put back, and so is not set", key),
                       path.ends_with("_bytes") ? "set the _ratio of the same name" : "");
        }
        profile_setting s;
        s.name = std::string(key);
        s.pattern = std::move(path);
        add(std::move(s), value, value.starts_with('>'));
    }

    [[nodiscard]] bool is_pattern(std::string_view path) const {
        const bool sysfs = section_ == "sysfs";
        if (!path.starts_with(sysfs ? "/sys/" : "/proc/sys/")) return false;
        path.remove_prefix(1);
        // A star for the first name below /sys would stand for what cannot be put back as well.
        const std::size_t fixed = sysfs ? std::string_view("sys/").size() : path.size();
        if (path.substr(0, path.find('/', fixed)).find('*') != std::string_view::npos) return false;
        while (true) {
            const std::string_view name = path.substr(0, path.find('/'));
            if (name.empty() || name == "." || name == ".." ||
                name.find_first_of(" \t?[]") != std::string_view::npos ||
                std::count(name.begin(), name.end(), '*') > 1) {
                return false;
            }
            if (name.size() == path.size()) return true;
            path.remove_prefix(name.size() + 1);
        }
    }

    void set_known(const profile_key &key, std::string_view value) {
        profile_setting s;
        s.name = std::string(key.key);
        s.pattern = std::string(key.pattern);
        if (key.key == "force_latency") {
            const std::string us = set_latency(s, value);
            if (!us.empty()) add(std::move(s), us, false);
            return;
        }
        if (key.key == "energy_perf_bias") return add(std::move(s), bias_of(value), false);
        add(std::move(s), value, key.number);
    }

    /// Takes a setting whose value is a number where that is asked for.
    void add(profile_setting s, std::string_view value, bool number_only) {
        const bool least = number_only && value.starts_with('>');
        if (least) value = trimmed(value.substr(1));
        if (number_only && !number<std::int64_t>(value, s.name)) {
            return say(fmt::format("{}: '{}' is no number", s.name, value),
                       "write NUMBER, or >NUMBER to leave a greater one");
        }
        s.value = std::string(value);
        if (least) s.how = wanted::at_least;
        s.source = place();
        add_setting(out, std::move(s));
    }

    /// `N`, `cstate.id:N|US` or `cstate.id_no_zero:N|US`; a state without latency is never meant.
    /// Returns the microseconds; empty when the value is none.
    [[nodiscard]] std::string set_latency(profile_setting &s, std::string_view value) {
        s.how = wanted::latency_of_state;
        std::string_view us = value;
        for (const std::string_view form : {"cstate.id:", "cstate.id_no_zero:"}) {
            if (!value.starts_with(form)) continue;
            const auto bar = std::min(value.find('|'), value.size());
            const auto state =
                number<std::uint32_t>(value.substr(form.size(), bar - form.size()), s.name);
            us = value.substr(std::min(bar + 1, value.size()));
            if (!state) us = {};
            if (state) s.state = *state;
        }
        const auto told = number<std::uint32_t>(us, s.name);
        if (!told || *told == 0) {
            say(fmt::format("force_latency: '{}' is no latency", value),
                "write microseconds, or cstate.id_no_zero:STATE|MICROSECONDS");
            return {};
        }
        return std::to_string(*told);
    }

    /// The kernel's number for a word (MSR_IA32_ENERGY_PERF_BIAS); the first of several that is
    /// known, as tuned takes them.
    [[nodiscard]] static std::string bias_of(std::string_view value) {
        constexpr std::array<std::pair<std::string_view, std::string_view>, 5> biases = {
            {{"performance", "0"},
             {"balance-performance", "4"},
             {"normal", "6"},
             {"balance-power", "8"},
             {"powersave", "15"}}};
        for (std::string_view rest = value; !rest.empty();) {
            const std::string_view one = rest.substr(0, rest.find('|'));
            for (const auto &[word, code] : biases) {
                if (one == word) return std::string(code);
            }
            rest.remove_prefix(std::min(one.size() + 1, rest.size()));
        }
        return std::string(value);
    }

    std::string file_;
    std::string section_;
    bool skips_ = false; ///< within a section that is not known
    std::size_t line_ = 0;
};

} // namespace detail

/// The profile in the text of `file`, by whose name it is told. Fails with `invalid_argument`; the
/// causes name each line that is wrong, and what would be right.
[[nodiscard]] inline expected<profile> parse_profile(std::string_view text, std::string_view file) {
    detail::profile_reader reader(file);
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        reader.take(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (reader.wrong.empty() && reader.out.settings.empty()) {
        return fail(make_error(error_kind::invalid_argument, "sets nothing")
                        .about(std::string(file))
                        .advise("write [sysctl] and below it vm.swappiness=10, for one"));
    }
    if (reader.wrong.empty()) return std::move(reader.out);
    error err = make_error(error_kind::invalid_argument, "is no profile that can be applied")
                    .about(std::string(file));
    err.causes = std::move(reader.wrong);
    return fail(std::move(err));
}

} // namespace kvmig::tuning
