// SPDX-License-Identifier: MIT
/// Storage pool and volume XML (docs/formatstorage): read, and written for libvirt.
#pragma once

#include <kvmig/model/storage.hpp>
#include <kvmig/xml/document.hpp>
#include <kvmig/xml/writer.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace kvmig::xml {

namespace detail {

/// Where the options of a mount stand; pools of type `fs` and `netfs` only.
inline constexpr const char *mount_namespace = "http://libvirt.org/schemas/storagepool/fs/1.0";

/// Reads `<permissions>`. A mode is octal; owner −1 means that libvirt is to choose.
inline expected<void> read_permissions(const document &doc, const pugi::xml_node &target,
                                       std::optional<std::uint32_t> &mode,
                                       std::optional<std::uint32_t> &owner,
                                       std::optional<std::uint32_t> &group) {
    const pugi::xml_node permissions = target.child("permissions");
    const auto read = [&](const char *name, int base,
                          std::optional<std::uint32_t> &into) -> expected<void> {
        const pugi::xml_node child = permissions.child(name);
        if (!child || document::trimmed(child.text().get()) == "-1") return {};
        auto value = doc.small(child, child.text().get(), base);
        if (!value) return fail(std::move(value).error());
        into = *value;
        return {};
    };
    if (auto ok = read("mode", 8, mode); !ok) return ok;
    if (auto ok = read("owner", 10, owner); !ok) return ok;
    return read("group", 10, group);
}

/// Reads an amount that may be missing.
inline expected<std::optional<bytes>> read_amount(const document &doc, const pugi::xml_node &in,
                                                  const char *name) {
    const pugi::xml_node child = in.child(name);
    if (!child) return std::nullopt;
    auto value = doc.amount(child, "bytes");
    if (!value) return fail(std::move(value).error());
    return std::optional(*value);
}

inline void write_permissions(pugi::xml_node target, const std::optional<std::uint32_t> &mode,
                              const std::optional<std::uint32_t> &owner,
                              const std::optional<std::uint32_t> &group) {
    if (!mode && !owner && !group) return;
    pugi::xml_node permissions = target.append_child("permissions");
    if (mode) {
        // As chmod(1) takes it; the leading 0 is how libvirt writes it.
        std::string octal;
        for (std::uint32_t rest = *mode; rest != 0; rest >>= 3U) {
            octal.insert(octal.begin(), static_cast<char>('0' + (rest & 7U)));
        }
        add(permissions, "mode", "0" + octal);
    }
    if (owner) add(permissions, "owner", std::to_string(*owner));
    if (group) add(permissions, "group", std::to_string(*group));
}

} // namespace detail

/// Reads the XML of a pool. Errors name path and line.
[[nodiscard]] inline expected<model::storage_pool> parse_storage_pool(std::string_view text) {
    auto doc = document::parse(text, "pool");
    if (!doc) return fail(std::move(doc).error());
    const pugi::xml_node root = doc->root();
    model::storage_pool out;
    auto type = doc->required_attribute(root, "type");
    if (!type) return fail(std::move(type).error());
    out.type = *std::move(type);
    const pugi::xml_node source = root.child("source");
    out.source_name = source.child_value("name");
    // A pool may go by its source's name; libvirt does the same.
    out.name = root.child("name") ? root.child_value("name") : out.source_name;
    if (out.name.empty()) return fail(doc->problem(root, "<name> is missing or empty"));
    auto id = doc->id(root);
    if (!id) return fail(std::move(id).error());
    out.uuid = *id;

    out.source_host = source.child("host").attribute("name").value();
    out.source_dir = source.child("dir").attribute("path").value();
    out.source_format = source.child("format").attribute("type").value();
    out.source_protocol = source.child("protocol").attribute("ver").value();
    for (const pugi::xml_node &each : source.children("device")) {
        auto path = doc->required_attribute(each, "path");
        if (!path) return fail(std::move(path).error());
        out.source_devices.push_back(*std::move(path));
    }
    for (const pugi::xml_node &options : root.children()) {
        if (without_prefix(options.name()) != "mount_opts") continue;
        for (const pugi::xml_node &each : options.children()) {
            if (without_prefix(each.name()) != "option") continue;
            auto name = doc->required_attribute(each, "name");
            if (!name) return fail(std::move(name).error());
            out.mount_options.push_back(*std::move(name));
        }
    }
    const pugi::xml_node target = root.child("target");
    out.target_path = target.child_value("path");
    if (auto ok = detail::read_permissions(*doc, target, out.target_mode, out.target_owner,
                                           out.target_group);
        !ok) {
        return fail(std::move(ok).error());
    }
    for (const auto &[name, into] :
         {std::pair{"capacity", &out.capacity}, std::pair{"allocation", &out.allocation},
          std::pair{"available", &out.available}}) {
        auto amount = detail::read_amount(*doc, root, name);
        if (!amount) return fail(std::move(amount).error());
        *into = *amount;
    }
    return out;
}

/// Reads the XML of a volume. Errors name path and line.
[[nodiscard]] inline expected<model::storage_volume> parse_storage_volume(std::string_view text) {
    auto doc = document::parse(text, "volume");
    if (!doc) return fail(std::move(doc).error());
    const pugi::xml_node root = doc->root();
    model::storage_volume out;
    auto name = doc->required(root, "name");
    if (!name) return fail(std::move(name).error());
    out.name = *std::move(name);
    out.type = root.attribute("type").value();
    auto capacity = detail::read_amount(*doc, root, "capacity");
    if (!capacity) return fail(std::move(capacity).error());
    if (!*capacity) return fail(doc->problem(root, "<capacity> is missing"));
    out.capacity = **capacity;
    auto allocation = detail::read_amount(*doc, root, "allocation");
    if (!allocation) return fail(std::move(allocation).error());
    out.allocation = *allocation;
    const pugi::xml_node target = root.child("target");
    out.path = target.child_value("path");
    if (const pugi::xml_attribute format = target.child("format").attribute("type")) {
        out.format = format.value();
    }
    if (auto ok = detail::read_permissions(*doc, target, out.mode, out.owner, out.group); !ok) {
        return fail(std::move(ok).error());
    }
    out.modified = target.child("timestamps").child_value("mtime");
    if (const pugi::xml_node backing = root.child("backingStore"); backing.child("path")) {
        out.backing = model::backing_store{backing.child_value("path"),
                                           backing.child("format").attribute("type").value()};
    }
    return out;
}

/// XML that defines the pool; what libvirt tells by itself (capacity, …) is left out.
[[nodiscard]] inline std::string build_storage_pool(const model::storage_pool &pool) {
    pugi::xml_document doc;
    pugi::xml_node root = doc.append_child("pool");
    root.append_attribute("type") = pool.type.c_str();
    if (!pool.mount_options.empty()) {
        root.append_attribute("xmlns:fs") = detail::mount_namespace;
    }
    add(root, "name", pool.name);
    if (pool.uuid) add(root, "uuid", pool.uuid->text());

    pugi::xml_node source = root.append_child("source");
    if (!pool.source_host.empty()) add_with(source, "host", "name", pool.source_host);
    if (!pool.source_dir.empty()) add_with(source, "dir", "path", pool.source_dir);
    for (const std::string &each : pool.source_devices) add_with(source, "device", "path", each);
    if (!pool.source_name.empty()) add(source, "name", pool.source_name);
    if (!pool.source_format.empty()) add_with(source, "format", "type", pool.source_format);
    if (!pool.source_protocol.empty()) add_with(source, "protocol", "ver", pool.source_protocol);

    pugi::xml_node target = root.append_child("target");
    if (!pool.target_path.empty()) add(target, "path", pool.target_path);
    detail::write_permissions(target, pool.target_mode, pool.target_owner, pool.target_group);
    if (!pool.mount_options.empty()) {
        pugi::xml_node options = root.append_child("fs:mount_opts");
        for (const std::string &each : pool.mount_options) {
            add_with(options, "fs:option", "name", each);
        }
    }
    return text_of(doc);
}

/// XML from which libvirt creates the volume in a pool.
[[nodiscard]] inline std::string build_storage_volume(const model::storage_volume &volume) {
    pugi::xml_document doc;
    pugi::xml_node root = doc.append_child("volume");
    add(root, "name", volume.name);
    add_amount(root, "capacity", volume.capacity);
    if (volume.allocation) add_amount(root, "allocation", *volume.allocation);
    pugi::xml_node target = root.append_child("target");
    add_with(target, "format", "type", volume.format);
    detail::write_permissions(target, volume.mode, volume.owner, volume.group);
    if (volume.backing) {
        pugi::xml_node backing = root.append_child("backingStore");
        add(backing, "path", volume.backing->path);
        if (!volume.backing->format.empty()) {
            add_with(backing, "format", "type", volume.backing->format);
        }
    }
    return text_of(doc);
}

} // namespace kvmig::xml
