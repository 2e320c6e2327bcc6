// SPDX-License-Identifier: MIT
/// What the agent does as the guest's first process: everything that an init system would.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/guest/agent/console.hpp>
#include <lab/guest/settings.hpp>

#include <string>
#include <vector>

namespace kvmig::lab::guest {

/// Where the image keeps the kernel's modules, and the file that lists them in loading order.
inline constexpr const char *modules_folder = "/modules";
inline constexpr const char *modules_list = "/modules/order";

/// Mounts /proc, /sys, /dev and /tmp, and makes the console this process's standard streams.
/// Returns what failed.
[[nodiscard]] std::vector<std::string> mount_file_systems();

/// Loads the modules of the image. Returns what failed.
[[nodiscard]] std::vector<std::string> load_modules();

/// The guest's settings, from the kernel's command line.
[[nodiscard]] expected<guest_settings> settings_from_kernel();

/// Gives the interface its address and brings it up, and `lo` with it. `not_found` while the
/// interface is not there.
[[nodiscard]] expected<void> configure_network(const guest_settings &settings);

/// Starts a busybox shell on the terminal /dev/`name`; its process id.
[[nodiscard]] expected<int> start_shell(const std::string &name);

/// Switches the machine off. Does not return.
[[noreturn]] void power_off();

/// Runs until the guest is asked to stop, and switches it off.
[[noreturn]] void run_as_init();

} // namespace kvmig::lab::guest
