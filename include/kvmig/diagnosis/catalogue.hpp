// SPDX-License-Identifier: MIT
/// All entries of the catalogue, and the words that are no failure at all.
#pragma once

#include <kvmig/diagnosis/catalogue/cpu.hpp>
#include <kvmig/diagnosis/catalogue/cpu_kvm.hpp>
#include <kvmig/diagnosis/catalogue/daemon.hpp>
#include <kvmig/diagnosis/catalogue/definition.hpp>
#include <kvmig/diagnosis/catalogue/devices.hpp>
#include <kvmig/diagnosis/catalogue/devices_models.hpp>
#include <kvmig/diagnosis/catalogue/identity.hpp>
#include <kvmig/diagnosis/catalogue/lifecycle.hpp>
#include <kvmig/diagnosis/catalogue/load.hpp>
#include <kvmig/diagnosis/catalogue/memory.hpp>
#include <kvmig/diagnosis/catalogue/names.hpp>
#include <kvmig/diagnosis/catalogue/network.hpp>
#include <kvmig/diagnosis/catalogue/noise.hpp>
#include <kvmig/diagnosis/catalogue/options.hpp>
#include <kvmig/diagnosis/catalogue/orchestrator.hpp>
#include <kvmig/diagnosis/catalogue/postcopy.hpp>
#include <kvmig/diagnosis/catalogue/security.hpp>
#include <kvmig/diagnosis/catalogue/security_access.hpp>
#include <kvmig/diagnosis/catalogue/storage.hpp>
#include <kvmig/diagnosis/catalogue/storage_copy.hpp>
#include <kvmig/diagnosis/catalogue/storage_images.hpp>
#include <kvmig/diagnosis/catalogue/stream.hpp>
#include <kvmig/diagnosis/catalogue/stream_devices.hpp>
#include <kvmig/diagnosis/catalogue/time.hpp>
#include <kvmig/diagnosis/catalogue/tls.hpp>
#include <kvmig/diagnosis/catalogue/tls_certificates.hpp>
#include <kvmig/diagnosis/catalogue/transport.hpp>
#include <kvmig/diagnosis/catalogue/transport_ports.hpp>
#include <kvmig/diagnosis/catalogue/transport_ssh.hpp>
#include <kvmig/diagnosis/catalogue/versions.hpp>
#include <kvmig/diagnosis/entry.hpp>

#include <array>
#include <span>
#include <string_view>

namespace kvmig::diagnosis {

/// The catalogue, topic after topic in the order of `topics`.
inline constexpr std::array<std::span<const entry>, 29> catalogue{entries::identity,
                                                                  entries::names,
                                                                  entries::transport,
                                                                  entries::transport_ports,
                                                                  entries::transport_ssh,
                                                                  entries::tls,
                                                                  entries::tls_certificates,
                                                                  entries::security_access,
                                                                  entries::security,
                                                                  entries::versions,
                                                                  entries::cpu,
                                                                  entries::cpu_kvm,
                                                                  entries::memory,
                                                                  entries::storage,
                                                                  entries::storage_images,
                                                                  entries::storage_copy,
                                                                  entries::network,
                                                                  entries::devices,
                                                                  entries::devices_models,
                                                                  entries::definition,
                                                                  entries::options,
                                                                  entries::lifecycle,
                                                                  entries::postcopy,
                                                                  entries::stream_devices,
                                                                  entries::stream,
                                                                  entries::daemon,
                                                                  entries::time,
                                                                  entries::load,
                                                                  entries::orchestrator};

/// The entry with that id; null when there is none.
[[nodiscard]] constexpr const entry *find_entry(std::string_view id) noexcept {
    for (const auto &part : catalogue) {
        for (const entry &one : part) {
            if (one.id == id) return &one;
        }
    }
    return nullptr;
}

} // namespace kvmig::diagnosis
