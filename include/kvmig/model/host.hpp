// SPDX-License-Identifier: MIT
/// A host as its libvirt daemon describes it.
#pragma once

#include <kvmig/core/units.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/model/version.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kvmig::model {

/// A machine type that a host can start.
struct machine_type {
    std::string name;            ///< `pc-q35-7.2`, or an alias such as `q35`
    std::uint32_t max_vcpus = 0; ///< 0: not told

    friend bool operator==(const machine_type &, const machine_type &) = default;
};

/// Guests of one kind and architecture that a host can run (element `guest`).
struct guest_support {
    std::string os_type;            ///< `hvm`, `xen`, …
    std::string arch;               ///< of the guest: `x86_64`, `i686`, …
    std::string emulator;           ///< its path on the host
    std::vector<std::string> types; ///< of `<domain type='…'>`: `qemu`, `kvm`, …
    /// Also under their short names: `pc` beside `pc-i440fx-7.2`.
    std::vector<machine_type> machines;

    friend bool operator==(const guest_support &, const guest_support &) = default;
};

/// What the capabilities XML says of the host (`virConnectGetCapabilities`).
struct capabilities {
    std::optional<kvmig::uuid> host_uuid; ///< some drivers tell none
    std::string arch;                     ///< of the host itself: `x86_64`, …
    std::string cpu_model;  ///< the nearest of libvirt's models, e.g. `EPYC-Rome`; empty: not told
    std::string cpu_vendor; ///< `Intel`, `AMD`, …; empty: not told
    bool live_migration = false;                   ///< `<migration_features><live/>`
    std::vector<std::string> migration_transports; ///< `tcp`, `rdma`, …
    std::vector<std::string> security_models;      ///< `selinux`, `apparmor`, `dac`
    std::vector<bytes> page_sizes;                 ///< of memory, the usual one among them
    std::uint32_t numa_cells = 0;                  ///< 0: not told
    std::vector<guest_support> guests;             ///< one for each kind and architecture

    friend bool operator==(const capabilities &, const capabilities &) = default;
};

/// One host, as the end of a connection.
struct host {
    std::string hostname;              ///< `virConnectGetHostname`
    std::string uri;                   ///< the connection's, `virConnectGetURI`
    std::string driver;                ///< `QEMU`, `TEST`, …: `virConnectGetType`
    version libvirt;                   ///< of the daemon, not of the library linked here
    std::optional<version> hypervisor; ///< absent where the daemon does not know it
    std::optional<kvmig::uuid> uuid;   ///< from the capabilities

    friend bool operator==(const host &, const host &) = default;
};

} // namespace kvmig::model
