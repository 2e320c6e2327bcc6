// SPDX-License-Identifier: MIT
/// Capabilities XML (docs/formatcaps).
#pragma once

#include <kvmig/model/host.hpp>
#include <kvmig/xml/document.hpp>

#include <string>
#include <string_view>

namespace kvmig::xml {

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
    return out;
}

} // namespace kvmig::xml
