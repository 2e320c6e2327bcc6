// SPDX-License-Identifier: MIT
/// Capabilities XML (docs/formatcaps).
#pragma once

#include <kvmig/model/host.hpp>
#include <kvmig/xml/document.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace kvmig::xml {

namespace detail {

/// The machines of an `<arch>`, or of a `<domain>` below it that has its own.
inline expected<void> read_machines(const document &doc, const pugi::xml_node &node,
                                    model::guest_support &into) {
    for (const pugi::xml_node &each : node.children("machine")) {
        model::machine_type machine;
        machine.name = document::trimmed(each.text().get());
        if (const pugi::xml_attribute most = each.attribute("maxCpus")) {
            auto number = doc.small(each, most.value());
            if (!number) return fail(std::move(number).error());
            machine.max_vcpus = *number;
        }
        into.machines.push_back(std::move(machine));
    }
    return {};
}

inline expected<model::guest_support> read_guest(const document &doc, const pugi::xml_node &node) {
    model::guest_support out;
    out.os_type = document::trimmed(node.child_value("os_type"));
    const pugi::xml_node arch = node.child("arch");
    out.arch = arch.attribute("name").value();
    out.emulator = document::trimmed(arch.child_value("emulator"));
    if (auto ok = read_machines(doc, arch, out); !ok) return fail(std::move(ok).error());
    for (const pugi::xml_node &each : arch.children("domain")) {
        out.types.emplace_back(each.attribute("type").value());
        if (auto ok = read_machines(doc, each, out); !ok) return fail(std::move(ok).error());
    }
    return out;
}

} // namespace detail

/// Reads what `virConnectGetCapabilities` gives. Errors name path and line.
[[nodiscard]] inline expected<model::capabilities> parse_capabilities(std::string_view text) {
    auto doc = document::parse(text, "capabilities");
    if (!doc) return fail(std::move(doc).error());
    const pugi::xml_node host = doc->root().child("host");
    if (!host) return fail(doc->problem(doc->root(), "<host> is missing"));
    model::capabilities out;
    auto id = doc->id(host);
    if (!id) return fail(std::move(id).error());
    out.host_uuid = *id;
    const pugi::xml_node cpu = host.child("cpu");
    out.arch = cpu.child_value("arch");
    out.cpu_model = cpu.child_value("model");
    out.cpu_vendor = cpu.child_value("vendor");
    const pugi::xml_node migration = host.child("migration_features");
    out.live_migration = static_cast<bool>(migration.child("live"));
    for (const pugi::xml_node &each : migration.child("uri_transports").children("uri_transport")) {
        out.migration_transports.emplace_back(document::trimmed(each.text().get()));
    }
    for (const pugi::xml_node &each : host.children("secmodel")) {
        out.security_models.emplace_back(document::trimmed(each.child_value("model")));
    }
    for (const pugi::xml_node &each : cpu.children("pages")) {
        auto size = doc->required_attribute(each, "size");
        if (!size) return fail(std::move(size).error());
        auto scaled = doc->scaled(each, *size, "KiB");
        if (!scaled) return fail(std::move(scaled).error());
        out.page_sizes.push_back(*scaled);
    }
    if (const pugi::xml_node cells = host.child("topology").child("cells")) {
        auto number = doc->small(cells, cells.attribute("num").as_string("0"));
        if (!number) return fail(std::move(number).error());
        out.numa_cells = *number;
    }
    for (const pugi::xml_node &each : doc->root().children("guest")) {
        auto guest = detail::read_guest(*doc, each);
        if (!guest) return fail(std::move(guest).error());
        out.guests.push_back(*std::move(guest));
    }
    return out;
}

} // namespace kvmig::xml
