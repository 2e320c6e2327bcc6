// SPDX-License-Identifier: MIT
/// What is needed of a host to hand its PCI devices to a guest that runs, and to take them back.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/model/pci_address.hpp>

#include <concepts>
#include <optional>
#include <string>

namespace kvmig::ports {

/// A hypervisor whose guests may hold devices of the host.
///
/// - `live_definition(id)`: the XML of the guest as it runs now, with the devices that it holds.
/// - `definition(id)`: the XML of the definition that stays, with its secrets.
/// - `detach_device(id, xml)`: asks the guest to let go of the device; it may have done so when the
///   call returns, or later, or never: `live_definition` tells.
/// - `attach_device(id, xml)`: hands the device to the guest that runs; its definition stays as it
///   is.
/// - `pci_device(address)`: what the host has there; nothing when it has nothing.
template <class T>
concept device_host = requires(T &h, const uuid &id, const std::string &xml,
                               const model::pci_address &address) {
    { h.live_definition(id) } -> std::same_as<expected<std::string>>;
    { h.definition(id) } -> std::same_as<expected<std::string>>;
    { h.detach_device(id, xml) } -> std::same_as<expected<void>>;
    { h.attach_device(id, xml) } -> std::same_as<expected<void>>;
    { h.pci_device(address) } -> std::same_as<expected<std::optional<model::pci_device>>>;
};

} // namespace kvmig::ports
