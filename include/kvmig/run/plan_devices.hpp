// SPDX-License-Identifier: MIT
/// Which of the host's devices a guest lets go of in order to move, and what takes their place.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/shell_word.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/migration/host_device_wish.hpp>
#include <kvmig/migration/options.hpp>
#include <kvmig/model/pci_address.hpp>
#include <kvmig/ports/device_host.hpp>
#include <kvmig/run/before_migration.hpp>
#include <kvmig/run/set_aside.hpp>
#include <kvmig/xml/host_devices.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

/// A device that is set aside, and why this one or none takes its place.
struct planned_place {
    set_aside_device device; ///< as it will be recorded
    std::string why;         ///< a clause
};

/// Those to be recorded.
[[nodiscard]] inline std::vector<set_aside_device>
devices_of(const std::vector<planned_place> &planned) {
    std::vector<set_aside_device> out;
    for (const planned_place &each : planned) out.push_back(each.device);
    return out;
}

/// From the source's address to the destination's, for `xml::with_host_devices`.
[[nodiscard]] inline std::vector<xml::host_device_place>
places_of(const std::vector<planned_place> &planned) {
    std::vector<xml::host_device_place> out;
    for (const planned_place &each : planned) {
        out.emplace_back(each.device.source, each.device.destination);
    }
    return out;
}

namespace detail {

/// `kvm02 has there: I350, Intel Corporation (0x8086 0x1521)`.
[[nodiscard]] inline std::string text_of(const model::pci_device &device) {
    std::string numbers = device.vendor + ' ' + device.product;
    return device.name.empty() ? numbers : device.name + " (" + numbers + ')';
}

/// Why the destination would not hand the device to a guest, as a remark; empty where it may.
[[nodiscard]] inline std::string remark_on(const model::pci_device &device) {
    return device.iommu_group ? "" : "; it is in no IOMMU group now";
}

/// Where the request names none: the device at the same address, if it is of the same kind.
template <ports::device_host H>
void choose_place(H &source, H &destination, const host_pair &hosts, planned_place &of) {
    const model::pci_address &at = of.device.source;
    const std::string where = hosts.destination.hostname;
    const auto there = destination.pci_device(at);
    if (!there) {
        of.why = "what " + where + " has at " + at.text() + " is not known: " + there.error().what;
        return;
    }
    if (!*there) {
        of.why = where + " has nothing at " + at.text();
        return;
    }
    const auto here = source.pci_device(at);
    if (!here || !*here) {
        of.why = hosts.source.hostname + " does not tell of what kind the guest's device is";
        return;
    }
    if (!(**here).same_kind(**there)) {
        of.why = where + " has another device at " + at.text() + ": " + text_of(**there);
        return;
    }
    of.device.destination = at;
    of.why = "of the same kind at the same address: " + text_of(**there) + remark_on(**there);
}

} // namespace detail

/// The devices of the guest that are to be set aside, in its order. Asks both hosts, and changes
/// nothing. Fails with `invalid_argument` for a wish that names a device that the guest or the
/// destination does not have, all of them named; and as the hosts tell.
template <ports::device_host H>
[[nodiscard]] expected<std::vector<planned_place>>
plan_devices(H &source, const uuid &id, H &destination, const host_pair &hosts,
             const migration::host_device_wish &wish) {
    const auto live = source.live_definition(id);
    if (!live) return fail(live.error());
    auto held = xml::host_devices(*live);
    if (!held) return fail(std::move(held).error().on(hosts.source.hostname));
    std::vector<planned_place> out;
    for (xml::host_device_element &each : *held) {
        out.push_back({{each.address, {}, std::move(each.xml)}, {}});
    }
    std::string all;
    for (const planned_place &each : out) {
        all += (all.empty() ? "" : ", ") + each.device.source.text();
    }
    std::vector<migration::objection> found;
    for (const auto &[from, to] : wish.at_destination) {
        const auto place = std::find_if(out.begin(), out.end(), [&, &at = from](const auto &each) {
            return each.device.source == at;
        });
        if (place == out.end()) {
            found.push_back({"the guest has no device " + from.text() + " that must be set aside",
                             all.empty() ? "leave it out: it has none" : "it has " + all});
            continue;
        }
        const auto there = destination.pci_device(to);
        if (!there) return fail(there.error());
        if (!*there) {
            found.push_back(
                {hosts.destination.hostname + " has no PCI device " + to.text(),
                 "virsh -c " + shell_word(hosts.destination.uri) + " nodedev-list --cap pci"});
            continue;
        }
        place->device.destination = to;
        place->why = "as asked for: " + detail::text_of(**there) + detail::remark_on(**there);
    }
    if (auto fits = detail::refuse(std::move(found)); !fits) return fail(std::move(fits).error());
    for (planned_place &each : out) {
        if (each.device.destination) continue;
        const auto taken = std::any_of(out.begin(), out.end(), [&](const planned_place &other) {
            return other.device.destination == each.device.source;
        });
        if (taken) {
            each.why = "what is at " + each.device.source.text() + " takes another's place";
        } else {
            detail::choose_place(source, destination, hosts, each);
        }
    }
    return out;
}

} // namespace kvmig::run
