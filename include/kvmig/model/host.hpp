// SPDX-License-Identifier: MIT
/// A host as its libvirt daemon describes it.
#pragma once

#include <kvmig/core/uuid.hpp>
#include <kvmig/model/version.hpp>

#include <optional>
#include <string>
#include <vector>

namespace kvmig::model {

/// What the capabilities XML says of the host (`virConnectGetCapabilities`, element `host`).
struct capabilities {
    std::optional<kvmig::uuid> host_uuid; ///< some drivers tell none
    std::string arch;
    std::string cpu_model;
    std::string cpu_vendor;
    bool live_migration = false;
    std::vector<std::string> migration_transports; ///< `tcp`, `rdma`, …

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
