// SPDX-License-Identifier: MIT
/// One machine of the lab: a QEMU process, its disks, its monitor and its guest agent.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/image/root_image.hpp>
#include <lab/machine/acceleration.hpp>
#include <lab/machine/qmp.hpp>
#include <lab/topology/paths.hpp>
#include <lab/topology/topology.hpp>

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace kvmig::lab {

/// What a machine is made of.
enum class hardware : std::uint8_t {
    usual,
    /// For a host that hands devices to its guests, beside all that is usual: an IOMMU, a second
    /// network card behind it (at `card_address`), and an NVMe controller that can show two virtual
    /// functions (SR-IOV; at `nvme_address`).
    passthrough,
};

/// The second network card's PCI address, on every host the same. It has a port of its own, as PCI
/// Express has it: QEMU lets an interface stand in for no other card.
inline constexpr std::string_view card_address = "0000:01:00.0";
/// The NVMe controller's. Behind a port of its own each of its functions has an IOMMU group.
inline constexpr std::string_view nvme_address = "0000:02:00.0";

/// What a machine's QEMU is started with: the same for a first boot and for a restore, or the
/// saved memory would not fit.
struct machine_setup {
    root_image image;
    acceleration accel;
    std::string host_uuid; ///< the SMBIOS UUID, which libvirt takes for the host's
    hardware made_of = hardware::usual;
};

/// QEMU's command line for this machine. `restore`: wait for the memory of a saved machine.
[[nodiscard]] std::vector<std::string> qemu_command(const machine_spec &machine,
                                                    const lab_paths &paths,
                                                    const machine_setup &setup, bool restore);

/// A fresh overlay over `backing` (of QEMU's format `backing_format`) for the machine's root disk.
[[nodiscard]] expected<void> make_overlay(const std::filesystem::path &overlay,
                                          const std::filesystem::path &backing,
                                          std::string_view backing_format,
                                          const std::stop_token &stop);

/// Starts the machine, stopped at its first instruction, and leaves it behind as a daemon that
/// carries the lab's mark. Must be called inside the lab's namespace, where its tap is.
[[nodiscard]] expected<void> start_machine(const machine_spec &machine, const lab_paths &paths,
                                           const machine_setup &setup, bool restore,
                                           const std::stop_token &stop);

/// Connects to a running machine's monitor.
[[nodiscard]] expected<qmp_client> monitor_of(const machine_spec &machine, const lab_paths &paths,
                                              const std::stop_token &stop);

/// Writes the memory of a stopped machine to `file` and flushes it.
[[nodiscard]] expected<void> save_memory(qmp_client &monitor, const std::filesystem::path &file);

/// Loads it into a machine that was started with `restore`; the machine stays stopped.
[[nodiscard]] expected<void> load_memory(qmp_client &monitor, const std::filesystem::path &file);

} // namespace kvmig::lab
