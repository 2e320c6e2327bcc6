// SPDX-License-Identifier: MIT
/// The names under which settings of domains are recorded.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/tuning/value.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <string_view>

namespace kvmig::run {

/// A group of settings that is written as one, by the name of libvirt's element.
enum class setting_group : std::uint8_t {
    memtune,   ///< limits of the memory
    iotune,    ///< limits of one disk
    blkiotune, ///< weights and limits on disks of the host
    cputune,   ///< where vCPUs and the emulator may run
};

/// As the record says it.
[[nodiscard]] constexpr std::string_view to_string(setting_group group) noexcept {
    switch (group) {
    case setting_group::memtune: return "memtune";
    case setting_group::iotune: return "iotune";
    case setting_group::blkiotune: return "blkiotune";
    case setting_group::cputune: return "cputune";
    }
    return "unknown";
}

/// Names a group of settings of one domain.
struct setting_key {
    setting_group group = setting_group::memtune; ///< what is written as one
    std::string disk = {};                        ///< its target, for `iotune`; else empty
    /// The mark of the run that a live setting is of (`libvirt::mark_run`); absent: it is of the
    /// definition.
    std::optional<uuid> run = {};
    uuid domain = {};     ///< whose settings they are
    std::string uri = {}; ///< of the connection by which the domain is reached

    friend bool operator==(const setting_key &, const setting_key &) = default;
};

/// As it stands in the record: `iotune vda live:MARK UUID URI`, `memtune config UUID URI`.
[[nodiscard]] inline std::string to_text(const setting_key &key) {
    return fmt::format("{}{}{} {} {} {}", to_string(key.group), key.disk.empty() ? "" : " ",
                       key.disk, key.run ? "live:" + key.run->text() : "config", key.domain.text(),
                       key.uri);
}

/// Reads what `to_text` wrote; fails with `invalid_argument`.
[[nodiscard]] inline expected<setting_key> parse_setting_key(std::string_view text) {
    const auto wrong = [&] {
        return fail(make_error(error_kind::invalid_argument, "names no setting of a domain")
                        .about(std::string(text)));
    };
    constexpr std::array groups = {setting_group::memtune, setting_group::iotune,
                                   setting_group::blkiotune, setting_group::cputune};
    auto all = tuning::words(text);
    if (all.empty()) return wrong();
    const auto *const group = std::find_if(groups.begin(), groups.end(), [&](setting_group each) {
        return to_string(each) == all[0];
    });
    if (group == groups.end()) return wrong();
    setting_key out;
    out.group = *group;
    if (out.group == setting_group::iotune && all.size() == 5) {
        out.disk = std::string(all[1]);
        all.erase(all.begin());
    }
    if (all.size() != 4 || out.disk.empty() == (out.group == setting_group::iotune)) return wrong();
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

} // namespace kvmig::run
