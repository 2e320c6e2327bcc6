// SPDX-License-Identifier: MIT
/// The groups in which a domain's disks share their limits.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/xml/document.hpp>

#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace kvmig::xml {

/// `<iotune><group_name>` by the disk's target (`vda`), empty where there is none. Errors name path
/// and line.
[[nodiscard]] inline expected<std::map<std::string, std::string>>
parse_iotune_groups(std::string_view text) {
    auto doc = document::parse(text, "domain");
    if (!doc) return fail(std::move(doc).error());
    std::map<std::string, std::string> out;
    for (const pugi::xml_node &disk : doc->root().child("devices").children("disk")) {
        out[disk.child("target").attribute("dev").as_string()] =
            disk.child("iotune").child_value("group_name");
    }
    return out;
}

} // namespace kvmig::xml
