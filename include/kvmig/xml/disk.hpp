// SPDX-License-Identifier: MIT
/// `<disk>` in domain XML, with its backing chain.
#pragma once

#include <kvmig/model/domain.hpp>
#include <kvmig/xml/document.hpp>

#include <array>
#include <string_view>
#include <utility>

namespace kvmig::xml::detail {

/// The kinds by the words of the attribute `type`.
inline constexpr std::array source_kinds = {
    std::pair{std::string_view("file"), model::source_kind::file},
    std::pair{std::string_view("block"), model::source_kind::block},
    std::pair{std::string_view("dir"), model::source_kind::dir},
    std::pair{std::string_view("network"), model::source_kind::network},
    std::pair{std::string_view("volume"), model::source_kind::volume},
    std::pair{std::string_view("nvme"), model::source_kind::nvme},
    std::pair{std::string_view("vhostuser"), model::source_kind::vhostuser},
    std::pair{std::string_view("vhostvdpa"), model::source_kind::vhostvdpa},
};

/// What `<source>` of this type says. Without a source the drive is empty.
inline model::disk_source read_source(std::string_view type, const pugi::xml_node &source,
                                      std::string_view format) {
    model::disk_source out;
    out.format = format;
    if (!source) return out;
    out.kind = model::source_kind::other;
    for (const auto &[word, kind] : source_kinds) {
        if (word == type) out.kind = kind;
    }
    switch (out.kind) {
    case model::source_kind::file: out.path = source.attribute("file").value(); break;
    case model::source_kind::block:
    case model::source_kind::vhostvdpa: out.path = source.attribute("dev").value(); break;
    case model::source_kind::dir: out.path = source.attribute("dir").value(); break;
    case model::source_kind::vhostuser: out.path = source.attribute("path").value(); break;
    case model::source_kind::volume:
        out.pool = source.attribute("pool").value();
        out.volume = source.attribute("volume").value();
        break;
    case model::source_kind::network:
        out.protocol = source.attribute("protocol").value();
        out.path = source.attribute("name").value();
        for (const pugi::xml_node &host : source.children("host")) {
            const bool socket = static_cast<bool>(host.attribute("socket"));
            out.hosts.push_back({host.attribute(socket ? "socket" : "name").value(),
                                 host.attribute("port").value(),
                                 host.attribute("transport").value()});
        }
        break;
    default: break;
    }
    // A file without a name is an empty drive too.
    if (out.kind == model::source_kind::file && out.path.empty()) {
        out.kind = model::source_kind::none;
    }
    return out;
}

inline expected<model::disk> read_disk(const document &doc, const pugi::xml_node &node) {
    model::disk out;
    if (const pugi::xml_attribute device = node.attribute("device")) out.device = device.value();
    const pugi::xml_node target = node.child("target");
    if (!target) return fail(doc.problem(node, "<target> is missing"));
    auto name = doc.required_attribute(target, "dev");
    if (!name) return fail(std::move(name).error());
    out.target = *std::move(name);
    out.bus = target.attribute("bus").value();
    const pugi::xml_node driver = node.child("driver");
    out.cache = driver.attribute("cache").value();
    out.source = read_source(node.attribute("type").as_string("file"), node.child("source"),
                             driver.attribute("type").value());
    // An empty <backingStore/> ends the chain.
    for (pugi::xml_node below = node.child("backingStore"); below.attribute("type");
         below = below.child("backingStore")) {
        out.backing.push_back(read_source(below.attribute("type").value(), below.child("source"),
                                          below.child("format").attribute("type").value()));
    }
    out.readonly = static_cast<bool>(node.child("readonly"));
    out.shareable = static_cast<bool>(node.child("shareable"));
    out.transient = static_cast<bool>(node.child("transient"));
    out.startup_policy = node.child("source").attribute("startupPolicy").value();
    return out;
}

} // namespace kvmig::xml::detail
