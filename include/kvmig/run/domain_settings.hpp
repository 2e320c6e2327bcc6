// SPDX-License-Identifier: MIT
/// What libvirt holds of domains, as settings that `host::apply` and `host::revert` can write,
/// read back and record.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/domain.hpp>
#include <kvmig/libvirt/domain_blkiotune.hpp>
#include <kvmig/libvirt/domain_limits.hpp>
#include <kvmig/libvirt/domain_pins.hpp>
#include <kvmig/libvirt/run_mark.hpp>
#include <kvmig/run/setting_key.hpp>
#include <kvmig/run/setting_texts.hpp>
#include <kvmig/tuning/plan.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace kvmig::run {

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
        const auto text = [](const auto &told) -> expected<std::optional<std::string>> {
            if (told) return to_text(*told);
            if (told.error().kind == error_kind::not_found) return std::nullopt;
            return fail(told.error());
        };
        switch (parsed->group) {
        case setting_group::memtune: return text(libvirt::read_memtune(**of, flags(*parsed)));
        case setting_group::iotune:
            return text(libvirt::read_iotune(**of, parsed->disk, flags(*parsed)));
        case setting_group::blkiotune: return text(libvirt::read_blkiotune(**of, flags(*parsed)));
        case setting_group::cputune: return text(libvirt::read_cpu_pins(**of, flags(*parsed)));
        }
        return std::nullopt;
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
        const auto put = [](const auto &to, auto set) -> expected<void> {
            if (!to) return fail(to.error());
            return set(*to);
        };
        const unsigned where = flags(*parsed);
        switch (parsed->group) {
        case setting_group::memtune:
            return put(parse_memtune(text), [&](const tuning::memtune &to) {
                return libvirt::write_memtune(**of, to, where);
            });
        case setting_group::iotune:
            return put(parse_iotune(text), [&](const tuning::iotune &to) {
                return libvirt::write_iotune(**of, parsed->disk, to, where);
            });
        case setting_group::blkiotune:
            return put(parse_blkiotune(text), [&](const tuning::blkiotune &to) {
                return libvirt::write_blkiotune(**of, to, where);
            });
        case setting_group::cputune:
            return put(parse_cpu_pins(text), [&](const tuning::cpu_pins &to) {
                return libvirt::write_cpu_pins(**of, to, where);
            });
        }
        return {};
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
