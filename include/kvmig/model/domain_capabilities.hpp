// SPDX-License-Identifier: MIT
/// What a host offers to domains of one emulator, architecture and machine type.
#pragma once

#include <string>
#include <vector>

namespace kvmig::model {

/// What `virConnectGetDomainCapabilities` tells, as far as a migration asks for it.
struct domain_capabilities {
    std::vector<std::string> cpu_modes;    ///< supported: `host-passthrough`, `custom`, …
    std::vector<std::string> cpu_models;   ///< of `custom`: those that can be used on this host
    std::vector<std::string> loaders;      ///< firmware images that libvirt knows and that exist
    std::vector<std::string> tpm_backends; ///< `emulator` where swtpm is there, `passthrough`

    friend bool operator==(const domain_capabilities &, const domain_capabilities &) = default;
};

} // namespace kvmig::model
