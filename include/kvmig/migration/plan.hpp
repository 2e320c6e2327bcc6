// SPDX-License-Identifier: MIT
/// What a migration will do, told before anything is done.
#pragma once

#include <kvmig/core/units.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/migration/kind.hpp>
#include <kvmig/migration/options.hpp>
#include <kvmig/migration/options_text.hpp>
#include <kvmig/migration/state.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::migration {

/// One step, in the state of the machine in which it is done.
struct planned_step {
    state at = state::planned; ///< in the machine of the plan's mode
    std::string host;          ///< the host's name; `both` for both
    std::string what;          ///< a clause: `make a volume of 512 MiB`
    std::string object;        ///< what it is done to: a path, a disk, the domain

    friend bool operator==(const planned_step &, const planned_step &) = default;
};

/// One image of the guest.
struct planned_disk {
    std::string disk;     ///< as the guest knows it, `vda`; empty where none of its disks is meant
    std::string source;   ///< the path at the source
    bool travels = false; ///< its content is sent to the destination
    std::string why;      ///< a clause: why it does, or does not
    std::string target;   ///< the path at the destination
    std::string pool;     ///< of the destination; empty where none is needed or known
    std::string volume;   ///< its name in that pool
    /// `raw`, `qcow2`; `state` of a saved guest's memory; empty: left to libvirt.
    std::string format;
    /// Of a file or device that a cold migration copies, its own; otherwise what the guest sees.
    /// Absent where it is not known.
    std::optional<bytes> size;
    std::string below;          ///< the backing file upon which the target stands; empty: none
    std::optional<bool> exists; ///< at the destination now; absent where it is not known

    friend bool operator==(const planned_disk &, const planned_disk &) = default;
};

/// A device of the host that the guest lets go of in order to move.
struct planned_device {
    std::string source;      ///< its PCI address at the source
    std::string destination; ///< of what takes its place; empty: the guest goes on without one
    std::string why;         ///< a clause: why this one, or why none

    friend bool operator==(const planned_device &, const planned_device &) = default;
};

/// One of the two hosts.
struct planned_end {
    std::string hostname; ///< what the host calls itself
    std::string uri;      ///< canonical, by which it was reached
};

/// What a migration would do, as `kvmig migrate --dry-run` tells it.
struct plan {
    kind mode = kind::live;          ///< as asked for, or as `choose_mode` chose
    std::string why;                 ///< why this mode: a clause
    std::string domain;              ///< its name at the source
    uuid id;                         ///< which it keeps
    planned_end source;              ///< where the guest is
    planned_end destination;         ///< where it would go
    std::vector<planned_step> steps; ///< in order
    /// In the order of the definition; where images are copied, with those below them.
    std::vector<planned_disk> disks;
    std::vector<planned_device> devices; ///< in the order of the guest's XML
    std::vector<std::string> transport;  ///< clauses: what goes which way, to which address
    /// Flags and parameters under libvirt's names.
    std::vector<std::pair<std::string, std::string>> options;
    /// From the guest's XML at the source to the one that the destination gets, as `diff -u` shows
    /// it; empty where they are the same, absent where it could not be told.
    std::optional<std::string> xml_difference;
    std::vector<std::string> unknown; ///< what only the migration itself will show
};

/// The options as libvirt takes them. Of XML only the size is told, and of `host_devices` nothing,
/// which is not libvirt's.
[[nodiscard]] inline std::vector<std::pair<std::string, std::string>>
named_options(const options &o) {
    std::vector<std::pair<std::string, std::string>> out;
    const std::string text = to_text(o);
    std::string_view rest = text;
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        const std::size_t equals = line.find('=');
        const std::string name(line.substr(0, equals));
        std::string value = detail::as_it_was(line.substr(equals + 1));
        if (name.starts_with("host_devices.")) continue;
        if (name.ends_with("_xml")) value = std::to_string(value.size()) + " bytes of XML";
        out.emplace_back(name, std::move(value));
    }
    return out;
}

} // namespace kvmig::migration
