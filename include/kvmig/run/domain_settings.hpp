// SPDX-License-Identifier: MIT
/// What libvirt holds of domains, as settings that `host::apply` and `host::revert` can write,
/// read back and record.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/domain.hpp>
#include <kvmig/libvirt/domain_limits.hpp>
#include <kvmig/libvirt/run_mark.hpp>
#include <kvmig/tuning/iotune.hpp>
#include <kvmig/tuning/memtune.hpp>
#include <kvmig/tuning/plan.hpp>
#include <kvmig/tuning/value.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fmt/format.h>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::run {

/// Names a group of settings that is written as one.
struct setting_key {
    std::string disk = {}; ///< its target, for `iotune`; empty: `memtune`
    /// The mark of the run that a live setting is of (`libvirt::mark_run`); absent: it is of the
    /// definition.
    std::optional<uuid> run = {};
    uuid domain = {};
    std::string uri = {};

    friend bool operator==(const setting_key &, const setting_key &) = default;
};

/// As it stands in the record: `iotune vda live:MARK UUID URI`.
[[nodiscard]] inline std::string to_text(const setting_key &key) {
    return fmt::format("{} {} {} {}", key.disk.empty() ? "memtune" : "iotune " + key.disk,
                       key.run ? "live:" + key.run->text() : "config", key.domain.text(), key.uri);
}

/// Reads what `to_text` wrote; fails with `invalid_argument`.
[[nodiscard]] inline expected<setting_key> parse_setting_key(std::string_view text) {
    const auto wrong = [&] {
        return fail(make_error(error_kind::invalid_argument, "names no setting of a domain")
                        .about(std::string(text)));
    };
    auto all = tuning::words(text);
    setting_key out;
    if (all.size() == 5 && all[0] == "iotune") {
        out.disk = std::string(all[1]);
        all.erase(all.begin());
    }
    if (all.size() != 4 || (out.disk.empty() && all[0] != "memtune")) return wrong();
    if (all[1].starts_with("live:")) {
        const auto mark = uuid::parse(all[1].substr(5));
        if (!mark) return wrong();
        out.run = *mark;
    } else if (all[1] != "config") {
        return wrong();
    }
    const auto id = uuid::parse(all[2]);
    if (!id) return wrong();
    out.domain = *id;
    out.uri = std::string(all[3]);
    return out;
}

namespace detail {

/// A value of one word, without the brackets in which files show what is chosen.
[[nodiscard]] inline std::string one_word(std::string_view value) {
    std::string out;
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte <= 0x20 || byte >= 0x7F || c == '%' || c == '[' || c == ']')
            out += fmt::format("%{:02x}", byte);
        else
            out += c;
    }
    return out;
}

[[nodiscard]] inline std::string of_one_word(std::string_view word) {
    const std::string_view digits = "0123456789abcdef";
    std::string out;
    for (std::size_t i = 0; i < word.size(); ++i) {
        if (word[i] != '%' || i + 2 >= word.size()) {
            out += word[i];
            continue;
        }
        const auto high = digits.find(word[i + 1]);
        const auto low = digits.find(word[i + 2]);
        out += static_cast<char>(static_cast<unsigned char>((high % 16) * 16 + low % 16));
        i += 2;
    }
    return out;
}

/// `NAME=VALUE` for each word; fails for a word that is none.
[[nodiscard]] inline expected<std::vector<std::pair<std::string, std::string>>>
parse_settings(std::string_view text) {
    std::vector<std::pair<std::string, std::string>> out;
    for (const std::string_view word : tuning::words(text)) {
        const auto equals = word.find('=');
        if (equals == std::string_view::npos) {
            return fail(make_error(error_kind::invalid_argument,
                                   fmt::format("'{}' is no NAME=VALUE", word)));
        }
        out.emplace_back(word.substr(0, equals), of_one_word(word.substr(equals + 1)));
    }
    return out;
}

} // namespace detail

/// Limits in the one form in which they are compared: a burst lasts 1 s unless more is said, none
/// has no length, and a group without limits is none.
[[nodiscard]] inline std::string to_text(tuning::iotune io) {
    bool any = false;
    for (tuning::io_bucket &each : io.limits) {
        each.length = each.max == 0 ? 0 : std::max<std::uint64_t>(each.length, 1);
        any = any || each.avg != 0 || each.max != 0;
    }
    if (!any) io.group_name.clear();
    std::string out;
    for (const auto &[name, value] : tuning::parameters(io)) {
        out += fmt::format("{}{}={}", out.empty() ? "" : " ", name, detail::one_word(value));
    }
    return out;
}

/// Reads what `to_text` wrote; fails with `invalid_argument`.
[[nodiscard]] inline expected<tuning::iotune> parse_iotune(std::string_view text) {
    const auto all = detail::parse_settings(text);
    if (!all) return fail(all.error());
    tuning::iotune out;
    for (const auto &[name, value] : *all) {
        if (auto taken = tuning::set(out, name, value); !taken) {
            return fail(std::move(taken).error());
        }
    }
    return out;
}

/// Limits in KiB, in the one form in which they are compared.
[[nodiscard]] inline std::string to_text(const tuning::memtune &limits) {
    const auto kib = [](const std::optional<bytes> &limit) {
        return limit ? std::to_string(limit->count() / 1024) : std::string("unlimited");
    };
    return fmt::format("hard_limit={} soft_limit={} swap_hard_limit={}", kib(limits.hard_limit),
                       kib(limits.soft_limit), kib(limits.swap_hard_limit));
}

/// Reads what `to_text` wrote; fails with `invalid_argument`.
[[nodiscard]] inline expected<tuning::memtune> parse_memtune(std::string_view text) {
    const auto all = detail::parse_settings(text);
    if (!all) return fail(all.error());
    tuning::memtune out;
    const std::array<std::pair<std::string_view, std::optional<bytes> *>, 3> known = {
        {{"hard_limit", &out.hard_limit},
         {"soft_limit", &out.soft_limit},
         {"swap_hard_limit", &out.swap_hard_limit}}};
    for (const auto &[name, value] : *all) {
        const auto *const found = std::find_if(known.begin(), known.end(),
                                               [&n = name](const auto &k) { return k.first == n; });
        if (found == known.end()) {
            return fail(
                make_error(error_kind::invalid_argument, "memtune has no such limit").about(name));
        }
        if (value == "unlimited") continue;
        const auto kib = tuning::number<std::uint64_t>(value, name);
        if (!kib) return fail(kib.error());
        *found->second = bytes::kib(*kib);
    }
    return out;
}

/// Settings by their keys (`setting_key`), as `host::apply` and `host::revert` take files. Keeps
/// its connections.
class domain_settings {
public:
    using opener = std::function<expected<libvirt::connection>(const std::string &)>; ///< By URI.

    /// Opens connections as `open` does.
    explicit domain_settings(opener open) : open_(std::move(open)) {}

    /// Marks the runs that the live settings of a plan are of, which `read` finds only then. A run
    /// that bears another mark by now fails with `conflict`.
    [[nodiscard]] expected<void> mark_runs(const tuning::plan &all) const {
        for (const tuning::change &step : all.changes) {
            const auto key = parse_setting_key(step.what.name);
            if (!key) return fail(key.error());
            if (!key->run) continue;
            const auto of = find(*key);
            if (!of) return fail(of.error());
            if (!*of) continue; // as `writable` will tell
            const auto mark = libvirt::read_run_mark(**of);
            if (!mark) return fail(mark.error());
            if (!*mark) {
                if (auto made = libvirt::mark_run(**of, *key->run); !made) return made;
            } else if (**mark != *key->run) {
                return fail(make_error(error_kind::conflict,
                                       "another began to tune this run, or it is another run, "
                                       "since the plan was made")
                                .about((*of)->name())
                                .advise("make the plan anew"));
            }
        }
        return {};
    }

    /// The text of a setting; nothing when there is no such domain or disk any more, or a live
    /// setting is of a run that has ended.
    [[nodiscard]] expected<std::optional<std::string>> read(std::string_view key) const {
        const auto parsed = parse_setting_key(key);
        if (!parsed) return fail(parsed.error());
        const auto of = find_run(*parsed);
        if (!of) return fail(of.error());
        if (!*of) return std::nullopt;
        if (parsed->disk.empty()) {
            const auto told = libvirt::read_memtune(**of, flags(*parsed));
            if (!told) return fail(told.error());
            return to_text(*told);
        }
        const auto told = libvirt::read_iotune(**of, parsed->disk, flags(*parsed));
        if (!told && told.error().kind == error_kind::not_found) return std::nullopt;
        if (!told) return fail(told.error());
        return to_text(*told);
    }

    /// Whether it is there; fails with `unsupported` where it is not.
    [[nodiscard]] expected<void> writable(std::string_view key) const {
        const auto told = read(key);
        if (!told) return fail(told.error());
        if (*told) return {};
        return fail(
            make_error(error_kind::unsupported, "there is no such domain, or it ran anew since")
                .about(std::string(key)));
    }

    /// Sets it to what `read` told or would tell.
    [[nodiscard]] expected<void> write(std::string_view key, std::string_view text) const {
        const auto parsed = parse_setting_key(key);
        if (!parsed) return fail(parsed.error());
        const auto of = find_run(*parsed);
        if (!of) return fail(of.error());
        if (!*of) return writable(key);
        if (parsed->disk.empty()) {
            const auto to = parse_memtune(text);
            if (!to) return fail(to.error());
            return libvirt::write_memtune(**of, *to, flags(*parsed));
        }
        const auto to = parse_iotune(text);
        if (!to) return fail(to.error());
        return libvirt::write_iotune(**of, parsed->disk, *to, flags(*parsed));
    }

private:
    [[nodiscard]] static unsigned flags(const setting_key &key) {
        return key.run ? VIR_DOMAIN_AFFECT_LIVE : VIR_DOMAIN_AFFECT_CONFIG;
    }

    [[nodiscard]] expected<std::optional<libvirt::domain>> find(const setting_key &key) const {
        auto at = connections_.find(key.uri);
        if (at == connections_.end()) {
            auto opened = open_(key.uri);
            if (!opened) return fail(std::move(opened).error());
            at = connections_.emplace(key.uri, *std::move(opened)).first;
        }
        auto of = libvirt::domain::lookup(at->second, key.domain);
        if (!of && of.error().kind == error_kind::not_found) return std::nullopt;
        if (!of) return fail(std::move(of).error());
        return *std::move(of);
    }

    /// The same of a live setting only while the run lasts.
    [[nodiscard]] expected<std::optional<libvirt::domain>> find_run(const setting_key &key) const {
        auto of = find(key);
        if (!key.run || !of || !*of) return of;
        const auto mark = libvirt::read_run_mark(**of);
        if (!mark) return fail(mark.error());
        if (*mark != key.run) return std::nullopt;
        return of;
    }

    opener open_;
    mutable std::map<std::string, libvirt::connection> connections_;
};

} // namespace kvmig::run
