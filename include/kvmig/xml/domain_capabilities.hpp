// SPDX-License-Identifier: MIT
/// Domain capabilities XML (docs/formatdomaincaps).
#pragma once

#include <kvmig/model/domain_capabilities.hpp>
#include <kvmig/xml/document.hpp>
#include <kvmig/xml/domain_needs.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace kvmig::xml {

/// Reads what `virConnectGetDomainCapabilities` gives. Errors name path and line.
[[nodiscard]] inline expected<model::domain_capabilities>
parse_domain_capabilities(std::string_view text) {
    auto doc = document::parse(text, "domainCapabilities");
    if (!doc) return fail(std::move(doc).error());
    const pugi::xml_node root = doc->root();
    model::domain_capabilities out;
    for (const pugi::xml_node &mode : root.child("cpu").children("mode")) {
        if (!detail::says_yes(mode.attribute("supported"))) continue;
        auto name = doc->required_attribute(mode, "name");
        if (!name) return fail(std::move(name).error());
        if (*name == "custom") {
            for (const pugi::xml_node &each : mode.children("model")) {
                // What is not said to be unusable may do.
                if (std::string_view(each.attribute("usable").value()) == "no") continue;
                out.cpu_models.emplace_back(document::trimmed(each.text().get()));
            }
        }
        out.cpu_modes.push_back(*std::move(name));
    }
    for (const pugi::xml_node &each : root.child("os").child("loader").children("value")) {
        out.loaders.emplace_back(document::trimmed(each.text().get()));
    }
    const pugi::xml_node tpm = root.child("devices").child("tpm");
    for (const pugi::xml_node &each : tpm.children("enum")) {
        if (std::string_view(each.attribute("name").value()) != "backendModel") continue;
        for (const pugi::xml_node &value : each.children("value")) {
            out.tpm_backends.emplace_back(document::trimmed(value.text().get()));
        }
    }
    return out;
}

} // namespace kvmig::xml
