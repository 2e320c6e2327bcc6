// SPDX-License-Identifier: MIT
/// What makes one machine of the lab itself: its name, keys, addresses and role.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/topology/paths.hpp>
#include <lab/topology/topology.hpp>

#include <filesystem>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::lab {

/// A file of a machine's root, laid there before systemd starts.
struct seed_file {
    std::string path; ///< absolute, on the machine
    std::string content;
    unsigned mode = 0644;
};

/// The files that a machine has, apart from keys, guests and what is random.
[[nodiscard]] std::vector<seed_file> configuration_of(const machine_spec &machine);

/// Of everything that `configuration_of` says for all machines.
[[nodiscard]] std::string configuration_digest();

/// Kernel and initramfs of the lab's guest, put on every host at `guest_directory`.
struct guest_files {
    std::filesystem::path kernel;
    std::filesystem::path initramfs;
};
/// Where Debian's AppArmor profile lets libvirt take a kernel from.
inline constexpr const char *guest_directory = "/var/lib/kvmig/guest";

/// Makes keys, the controller's SSH configuration and one seed disk a machine in
/// `paths.identity()`; all or nothing. What was made from the same `digest` (of image and guest) is
/// kept; anything else is made anew, so no machine of the lab may be running then.
[[nodiscard]] expected<void> ensure_identity(const lab_paths &paths, const std::string &digest,
                                             const guest_files &guest, const std::stop_token &stop);

} // namespace kvmig::lab
