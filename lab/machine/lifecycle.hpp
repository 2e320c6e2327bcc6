// SPDX-License-Identifier: MIT
/// Brings a lab up, puts it back to its clean state, and takes it down.
///
/// What is there is never remembered, always looked up: processes by their mark, files by their
/// content. So every function here can be called after a crash at any point, and heals.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/image/root_image.hpp>
#include <lab/image/seed.hpp>
#include <lab/machine/acceleration.hpp>
#include <lab/machine/machine.hpp>
#include <lab/topology/paths.hpp>

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace kvmig::lab {

/// The Debian release of a lab's machines when none is asked for.
inline constexpr std::string_view default_release = "bookworm";

/// What a lab is made from, kept in `paths.settings()`.
struct lab_settings {
    std::string release;
    acceleration accel;
    root_image image;
    std::string guest_digest;
    std::filesystem::path guest_initramfs;
    std::map<std::string, std::string, std::less<>> host_uuids; ///< by machine

    /// Of everything that the saved state depends on.
    [[nodiscard]] expected<std::string> digest(const lab_paths &paths) const;
};

[[nodiscard]] expected<lab_settings> read_settings(const lab_paths &paths);
/// Keeps them for the next `read_settings`.
[[nodiscard]] expected<void> write_settings(const lab_paths &paths, const lab_settings &settings);

/// Whether a lab can be brought up like this here: a release and acceleration that exist, and, when
/// no machine of it runs yet, a machine that has what it takes. Changes nothing.
[[nodiscard]] expected<void> preflight(const lab_paths &paths, std::string_view release,
                                       std::string_view accel);

/// The first half of `up`, in this machine's own network, where Debian's mirrors are reached: looks
/// at the machine, makes images, and writes the settings. An empty `release` or `accel` is what the
/// lab had before, or else the default. A lab that is up with another one is a `conflict`.
[[nodiscard]] expected<lab_settings> prepare(const lab_paths &paths, std::string_view release,
                                             std::string_view accel, const progress &tell,
                                             const std::stop_token &stop);

/// The second half, inside the lab's namespace: restores the saved machines, or boots them and
/// saves them first. Does nothing when all machines run.
[[nodiscard]] expected<void> bring_up(const lab_paths &paths, const progress &tell,
                                      const std::stop_token &stop);

/// Inside the lab's namespace: throws the running machines away and restores the saved ones.
[[nodiscard]] expected<void> reset(const lab_paths &paths, const progress &tell,
                                   const std::stop_token &stop);

/// Cuts a machine's power: its process ends at once. Its disk is left as it stood; whether it ran
/// does not matter.
[[nodiscard]] expected<void> cut_power(const machine_spec &machine, const lab_paths &paths);

/// Inside the lab's namespace: boots a machine without power from its disk as it stands, and
/// returns when it is up. What `provision` started on it is not started. Leaves one that runs
/// alone, whatever it is made of.
[[nodiscard]] expected<void> boot(const machine_spec &machine, const lab_paths &paths,
                                  const std::stop_token &stop, hardware made_of = hardware::usual);

/// Ends every process of the lab; namespace, bridge and taps go with them. `purge` also removes
/// the lab's files, saved machines and keys among them.
[[nodiscard]] expected<void> bring_down(const lab_paths &paths, bool purge);

struct machine_status {
    std::string name;
    std::string address;
    std::optional<pid_t> pid;
    std::string run_state; ///< QEMU's word (`running`, `paused`, …), `down`, or why it is not known
};

struct lab_status {
    std::string state;  ///< `up`, `down`, or `partial`
    std::string holder; ///< who works on the lab now; empty when nobody does
    bool network = false;
    bool saved = false; ///< machines are saved, so that `up` takes seconds
    std::optional<lab_settings> settings;
    std::vector<machine_status> machines;
};

[[nodiscard]] expected<lab_status> status_of_lab(const lab_paths &paths);

} // namespace kvmig::lab
