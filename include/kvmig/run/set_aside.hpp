// SPDX-License-Identifier: MIT
/// Devices of the host that a guest lets go of while it moves: what is kept of them in the record,
/// so that whoever takes the migration up knows what to attach where.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/migration/options_text.hpp>
#include <kvmig/model/pci_address.hpp>
#include <kvmig/xml/host_devices.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::run {

/// One such device.
struct set_aside_device {
    model::pci_address source;                     ///< of the source
    std::optional<model::pci_address> destination; ///< what takes its place; absent: nothing does
    std::string xml; ///< its element as the source has it, by which it is detached

    friend bool operator==(const set_aside_device &, const set_aside_device &) = default;
};

/// With it a line of the record begins that tells of a device; other lines are paths of images.
inline constexpr std::string_view device_mark = "hostdev ";

/// Devices as the record keeps them, one a line: `hostdev SOURCE DESTINATION XML`, with `-` where
/// nothing takes its place.
[[nodiscard]] inline std::string to_text(const std::vector<set_aside_device> &devices) {
    std::string out;
    for (const set_aside_device &each : devices) {
        out += device_mark;
        out += each.source.text() + ' ' + (each.destination ? each.destination->text() : "-") + ' ';
        out += migration::detail::on_one_line(each.xml) + '\n';
    }
    return out;
}

/// Those in a record's detail, in order. Fails with `protocol`, naming the line that does not fit.
[[nodiscard]] inline expected<std::vector<set_aside_device>>
devices_from_text(std::string_view text) {
    std::vector<set_aside_device> out;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
        if (!line.starts_with(device_mark)) continue;
        std::string_view rest = line.substr(device_mark.size());
        const auto word = [&rest] {
            const std::string_view first = rest.substr(0, rest.find(' '));
            rest.remove_prefix(std::min(rest.size(), first.size() + 1));
            return first;
        };
        const auto source = model::pci_address::parse(word());
        const std::string_view there = word();
        set_aside_device device;
        device.xml = migration::detail::as_it_was(rest);
        bool fits = source && xml::attachable(device.xml, *source);
        if (fits && there != "-") {
            const auto destination = model::pci_address::parse(there);
            fits = destination.has_value();
            if (fits) device.destination = *destination;
        }
        if (!fits) {
            return fail(error_kind::protocol, "the record of the guest's devices has the line '" +
                                                  std::string(line) + "', which does not fit");
        }
        device.source = *source;
        out.push_back(std::move(device));
    }
    return out;
}

} // namespace kvmig::run
