// SPDX-License-Identifier: MIT
/// What is to become of the host's PCI devices that a guest holds while it moves.
#pragma once

#include <kvmig/model/pci_address.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::migration {

/// Whether the guest lets go of such devices before it moves, and what it gets in their place.
/// Network cards with `<teaming type='transient'>` are not meant: libvirt and QEMU unplug and
/// replug them by themselves.
struct host_device_wish {
    /// Detach them at the source, and attach those of the destination after arrival; where the
    /// migration fails, they are attached at the source again.
    bool set_aside = false;
    /// Which device of the destination takes the place of one at the source. Of others it is the
    /// one at the same address, where vendor and product are the same; otherwise none.
    std::vector<std::pair<model::pci_address, model::pci_address>> at_destination{};

    friend bool operator==(const host_device_wish &, const host_device_wish &) = default;
};

/// `0000:00:05.0=0000:00:06.0`: the source's device, then the destination's. Fails with
/// `invalid_argument`, naming the text.
[[nodiscard]] inline expected<std::pair<model::pci_address, model::pci_address>>
parse_device_pair(std::string_view text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) {
        return fail(make_error(error_kind::invalid_argument,
                               "'" + std::string(text) + "' names no two PCI devices")
                        .advise("write the source's and the destination's, as in "
                                "0000:00:05.0=0000:00:06.0"));
    }
    const auto source = model::pci_address::parse(text.substr(0, equals));
    if (!source) return fail(source.error());
    const auto destination = model::pci_address::parse(text.substr(equals + 1));
    if (!destination) return fail(destination.error());
    return std::pair(*source, *destination);
}

/// What `parse_device_pair` reads.
[[nodiscard]] inline std::string
to_text(const std::pair<model::pci_address, model::pci_address> &of) {
    return of.first.text() + '=' + of.second.text();
}

} // namespace kvmig::migration
