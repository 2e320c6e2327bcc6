// SPDX-License-Identifier: MIT
/// Devices of the host: handing them to a guest that runs, taking them back, and what there is.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/domain.hpp>
#include <kvmig/libvirt/handle.hpp>
#include <kvmig/model/pci_address.hpp>
#include <kvmig/xml/pci_address.hpp>

#include <optional>
#include <string>
#include <utility>

namespace kvmig::libvirt {

/// Asks the guest to let go of the device of the element `xml`, which its live XML has. libvirt
/// waits for some seconds and calls it a success also when the guest has not done so by then
/// (`virDomainDetachDeviceFlags`): the live XML tells.
[[nodiscard]] inline expected<void> detach_device(const domain &of, const std::string &xml) {
    if (virDomainDetachDeviceFlags(of.raw(), xml.c_str(), VIR_DOMAIN_AFFECT_LIVE) < 0) {
        return fail(of.problem("cannot detach a device"));
    }
    return {};
}

/// Hands the device to the guest that runs, and leaves its definition as it is
/// (`virDomainAttachDeviceFlags`).
[[nodiscard]] inline expected<void> attach_device(const domain &of, const std::string &xml) {
    if (virDomainAttachDeviceFlags(of.raw(), xml.c_str(), VIR_DOMAIN_AFFECT_LIVE) < 0) {
        return fail(of.problem("cannot attach a device"));
    }
    return {};
}

/// What the host has at that address, of libvirt's node devices; nothing when it has nothing there.
/// Fails where the daemon does not list node devices.
[[nodiscard]] inline expected<std::optional<model::pci_device>>
read_pci_device(const connection &on, const model::pci_address &at) {
    const node_device_handle device(virNodeDeviceLookupByName(on.raw(), at.node_name().c_str()));
    const auto problem = [&] {
        return last_error("cannot read the host's PCI device " + at.text(), on.hostname())
            .about(at.text());
    };
    if (!device) {
        error why = problem();
        if (why.kind == error_kind::not_found) return std::nullopt;
        return fail(std::move(why));
    }
    char *text = virNodeDeviceGetXMLDesc(device.get(), 0);
    if (text == nullptr) return fail(problem());
    auto told = xml::parse_pci_device(take_text(text));
    if (!told) return fail(std::move(told).error().on(on.hostname()));
    return std::optional(*std::move(told));
}

} // namespace kvmig::libvirt
