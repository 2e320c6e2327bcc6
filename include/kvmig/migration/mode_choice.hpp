// SPDX-License-Identifier: MIT
/// Which kind of migration fits a guest, by what is known of its disks.
#pragma once

#include <kvmig/core/error.hpp>
#include <kvmig/core/expected.hpp>
#include <kvmig/migration/kind.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::migration {

/// Whether the destination has the same image.
enum class sharing : std::uint8_t { shared, not_shared, unknown };

/// What is known of one disk. Media that are only read are no matter of the mode: none moves them.
struct disk_seen {
    std::string disk; ///< `vda`
    /// Whether the destination has the same image; `unknown` leaves no choice.
    sharing is = sharing::unknown;
    std::string why; ///< a clause: what was seen
    /// libvirt would copy it: it is written to, and not shared between guests.
    bool copyable = true;
    /// The destination has every file below its image.
    bool backing_there = false;
    std::string backing_why = {}; ///< a clause: what is there, or what is missing
};

/// What is known of the guest when a mode is chosen.
struct guest_seen {
    std::string name;             ///< of the domain, for messages
    bool active = true;           ///< it has a process: running or paused; false: it moves cold
    std::vector<disk_seen> disks; ///< those that are written to
};

/// The mode that fits, and why.
struct mode_choice {
    kind mode = kind::live; ///< `cold` for a guest that is off
    std::string why;        ///< a clause
    /// The disks to copy, where some are shared and must not be; empty: all that libvirt would.
    std::vector<std::string> disks;

    friend bool operator==(const mode_choice &, const mode_choice &) = default;
};

namespace detail {

/// `vda (why), vdb (why)` of the disks that are `is`.
[[nodiscard]] inline std::string disks_that(const guest_seen &guest, sharing is) {
    std::string out;
    for (const disk_seen &each : guest.disks) {
        if (each.is != is) continue;
        out += (out.empty() ? "" : ", ") + each.disk + " (" + each.why + ")";
    }
    return out;
}

} // namespace detail

/// Decides. A guest that is off moves cold; one that runs moves live where all its disks are
/// shared, and otherwise with those that are not: incrementally where the destination has what lies
/// below each of them, whole where it has not. Fails with `conflict` where that is not known of a
/// disk, or libvirt would not copy one that is not shared; the error names the modes that would
/// fit.
[[nodiscard]] inline expected<mode_choice> choose_mode(const guest_seen &guest) {
    if (!guest.active) return mode_choice{kind::cold, "the guest is off", {}};
    const auto refuse = [&](const std::string &what, std::string remedy) {
        return fail(make_error(error_kind::conflict, "mode auto: " + what)
                        .about(guest.name)
                        .advise(std::move(remedy)));
    };
    if (const auto open = detail::disks_that(guest, sharing::unknown); !open.empty()) {
        return refuse("whether these disks are shared is not known: " + open,
                      "`kvmig check --prove-storage` finds it out; or say it: --mode live where "
                      "they are shared, --mode block or --mode incremental where they are not");
    }
    mode_choice out;
    bool some_shared = false;
    std::string missing;
    for (const disk_seen &each : guest.disks) {
        if (each.is == sharing::shared) {
            some_shared = true;
            continue;
        }
        if (!each.copyable) {
            return refuse("the disk " + each.disk +
                              " is not shared, and libvirt copies no disk that is read-only or "
                              "shared between guests: " +
                              each.why,
                          "put it on shared storage; or name it with --migrate-disks and --mode "
                          "block; or shut the guest down and migrate with --mode cold "
                          "--copy-images");
        }
        out.disks.push_back(each.disk);
        if (!each.backing_there) missing += (missing.empty() ? "" : "; ") + each.backing_why;
    }
    if (out.disks.empty()) {
        out.why = guest.disks.empty() ? "the guest runs and has no disk"
                                      : "the guest runs and all its disks are shared: " +
                                            detail::disks_that(guest, sharing::shared);
        return out;
    }
    out.mode = missing.empty() ? kind::incremental : kind::block;
    out.why = "the guest runs and not all its disks are shared: " +
              detail::disks_that(guest, sharing::not_shared);
    out.why += missing.empty() ? "; the destination has what lies below them" : "; " + missing;
    if (!some_shared) out.disks.clear();
    return out;
}

} // namespace kvmig::migration
