// SPDX-License-Identifier: MIT
/// The definition of a canary: a tiny guest that asks of two hosts what a guest would ask of them,
/// made from that guest's own.
#pragma once

#include <kvmig/core/units.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/model/canary.hpp>
#include <kvmig/xml/disk.hpp>
#include <kvmig/xml/document.hpp>
#include <kvmig/xml/writer.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::xml {

/// A canary that can be started, once its images are there.
struct canary {
    std::string name; ///< which tells when it was made: see `model::canary_name`
    uuid id;          ///< its own, not the guest's
    std::string text; ///< the domain's XML
    /// One for each folder or pool that the guest writes to.
    std::vector<model::canary_image> images;
    std::vector<std::string> left_out; ///< what of the guest it does without, a few words each
};

/// The namespace of the mark in a canary's metadata.
inline constexpr const char *canary_namespace = "urn:kvmig:canary:1";

namespace detail {

class canary_maker {
public:
    canary_maker(const pugi::xml_node &guest, const model::token_id &made, const uuid &id)
        : guest_(guest) {
        out_.name = model::canary_name(made);
        out_.id = id;
    }

    [[nodiscard]] expected<canary> make(const document &doc) {
        write_identity();
        write_machine();
        pugi::xml_node devices = root_.append_child("devices");
        if (const pugi::xml_node emulator = guest_.child("devices").child("emulator")) {
            devices.append_copy(emulator);
        }
        if (auto ok = write_disks(doc, devices); !ok) return fail(std::move(ok).error());
        write_interfaces(devices);
        // Nothing that libvirt would add by itself.
        if (!usb_) {
            add_with(devices, "controller", "type", "usb").append_attribute("model") = "none";
        }
        add_with(devices, "memballoon", "model", "none");
        write_labels();
        list_devices();
        out_.text = text_of(text_);
        return std::move(out_);
    }

private:
    /// An element of the guest's, as it is.
    void copy(const char *name) {
        if (const pugi::xml_node found = guest_.child(name)) root_.append_copy(found);
    }
    void leave_out(std::string what) {
        auto &all = out_.left_out;
        if (std::find(all.begin(), all.end(), what) == all.end()) all.push_back(std::move(what));
    }
    void leave_out_if(bool has, const char *what) {
        if (has) leave_out(what);
    }
    [[nodiscard]] std::string_view arch() const {
        return guest_.child("os").child("type").attribute("arch").as_string();
    }

    void write_identity() {
        root_ = text_.append_child("domain");
        root_.append_attribute("type") = guest_.attribute("type").value();
        add(root_, "name", out_.name);
        add(root_, "uuid", out_.id.text());
        pugi::xml_node mark = root_.append_child("metadata").append_child("kvmig:canary");
        mark.append_attribute("xmlns:kvmig") = canary_namespace;
        mark.append_attribute("name") = out_.name.c_str();
        mark.append_attribute("of") = guest_.child_value("name");
        // What POWER's firmware takes at least, though it never runs; libvirt rounds up to it.
        add_amount(root_, "memory", bytes::mib(arch().starts_with("ppc64") ? 256 : 64));
        add(root_, "vcpu", "1");
    }

    /// Machine type, CPU and what belongs to them.
    void write_machine() {
        const pugi::xml_node os = guest_.child("os");
        root_.append_child("os").append_copy(os.child("type"));
        leave_out_if(os.attribute("firmware") || os.child("loader") || os.child("nvram"),
                     "firmware");
        leave_out_if(static_cast<bool>(os.child("kernel")), "kernel");
        copy("features");
        // Without UEFI, QEMU has no ACPI but on PCs.
        if (arch() != "x86_64" && arch() != "i686") {
            root_.child("features").remove_child("acpi");
        }
        copy("cpu");
        for (const char *each : {"topology", "numa"}) root_.child("cpu").remove_child(each);
        copy("clock");
        for (const char *each : {"on_poweroff", "on_reboot", "on_crash"}) {
            add(root_, each, "destroy");
        }
        const pugi::xml_node backing = guest_.child("memoryBacking");
        leave_out_if(static_cast<bool>(backing.child("hugepages")), "huge pages");
        leave_out_if(static_cast<bool>(backing.child("locked")), "locked memory");
        leave_out_if(static_cast<bool>(guest_.child("launchSecurity")), "encrypted memory");
        leave_out_if(static_cast<bool>(guest_.child("qemu:commandline")), "QEMU's own arguments");
    }

    /// One disk for each place that the guest has writable images in.
    [[nodiscard]] expected<void> write_disks(const document &doc, pugi::xml_node devices) {
        for (const pugi::xml_node &each : guest_.child("devices").children("disk")) {
            auto told = read_disk(doc, each);
            if (!told) return fail(std::move(told).error());
            const model::disk_source &source = told->source;
            if (source.kind == model::source_kind::none) continue;
            const std::string_view type = each.attribute("type").as_string("file");
            if (told->device != "disk" || told->readonly) {
                leave_out(told->device + ' ' + told->target);
                continue;
            }
            model::canary_image image;
            if (source.kind == model::source_kind::file) {
                const auto slash = source.path.find_last_of('/');
                if (slash != std::string::npos) image.place.folder = source.path.substr(0, slash);
                if (slash == 0) image.place.folder = "/";
            } else if (source.kind == model::source_kind::volume) {
                image.place.pool = source.pool;
            }
            if (image.place == model::canary_place{}) {
                leave_out("disk " + told->target + " (" + std::string(type) + ')');
                continue;
            }
            if (std::any_of(out_.images.begin(), out_.images.end(),
                            [&](const auto &known) { return known.place == image.place; })) {
                continue;
            }
            const bool known_format = source.format == "qcow2" || source.format == "raw";
            image.format = known_format ? source.format : "raw";
            if (!known_format && !source.format.empty()) {
                leave_out("format " + source.format + " of disk " + told->target);
            }
            leave_out_if(each.child("encryption") || each.child("source").child("encryption"),
                         "encrypted disks");
            image.name = out_.name + '-' + std::to_string(out_.images.size()) + '.' + image.format;
            write_disk(devices, each, image);
            out_.images.push_back(std::move(image));
        }
        return {};
    }

    /// Its way to the image is the guest's: bus, cache, and how it is read and written.
    void write_disk(pugi::xml_node devices, const pugi::xml_node &like,
                    const model::canary_image &image) {
        pugi::xml_node disk = add_with(devices, "disk", "type", like.attribute("type").value());
        disk.append_attribute("device") = "disk";
        pugi::xml_node driver = add_with(disk, "driver", "name", "qemu");
        driver.append_attribute("type") = image.format.c_str();
        for (const char *name : {"cache", "io", "discard"}) {
            if (const auto set = like.child("driver").attribute(name)) driver.append_copy(set);
        }
        pugi::xml_node source = disk.append_child("source");
        if (image.place.pool.empty()) {
            const std::string &folder = image.place.folder;
            source.append_attribute("file") =
                (folder + (folder.ends_with('/') ? "" : "/") + image.name).c_str();
        } else {
            source.append_attribute("pool") = image.place.pool.c_str();
            source.append_attribute("volume") = image.name.c_str();
        }
        const pugi::xml_node target = like.child("target");
        pugi::xml_node own = add_with(disk, "target", "dev", target.attribute("dev").value());
        const std::string bus = target.attribute("bus").value();
        if (!bus.empty()) own.append_attribute("bus") = bus.c_str();
        if (bus == "scsi") write_scsi(devices);
        usb_ = usb_ || bus == "usb";
    }

    /// Which SCSI controller a host has to offer is the guest's choice.
    void write_scsi(pugi::xml_node devices) {
        if (devices.find_child_by_attribute("controller", "type", "scsi")) return;
        for (const pugi::xml_node &each : guest_.child("devices").children("controller")) {
            if (std::string_view(each.attribute("type").value()) != "scsi") continue;
            pugi::xml_node own = devices.append_child("controller");
            for (const char *name : {"type", "index", "model"}) {
                if (const auto set = each.attribute(name)) own.append_copy(set);
            }
        }
    }

    /// One on each bridge, network and device; its link is down, so that it never speaks.
    void write_interfaces(pugi::xml_node devices) {
        std::vector<std::string> known;
        for (const pugi::xml_node &each : guest_.child("devices").children("interface")) {
            const pugi::xml_node from = each.child("source");
            std::string type = each.attribute("type").value();
            if (from.attribute("network")) type = "network"; // of a running guest: where it led to
            const bool alone = std::string_view(from.attribute("mode").value()) == "passthrough";
            if ((type != "network" && type != "bridge" && type != "direct") || alone) {
                leave_out("interface of the type " + type + (alone ? " in passthrough" : ""));
                continue;
            }
            pugi::xml_document scratch;
            pugi::xml_node own = add_with(scratch, "interface", "type", type);
            pugi::xml_node source = own.append_child("source");
            const auto names = type == "network"  ? std::array{"network", "portgroup"}
                               : type == "bridge" ? std::array{"bridge", "bridge"}
                                                  : std::array{"dev", "mode"};
            for (const char *name : names) {
                const auto set = from.attribute(name);
                if (set && !source.attribute(name)) source.append_copy(set);
            }
            if (const auto port = each.child("virtualport").attribute("type")) {
                own.append_child("virtualport").append_copy(port); // its identity is the guest's
            }
            if (const auto model = each.child("model").attribute("type")) {
                own.append_child("model").append_copy(model);
            }
            for (const char *name : {"filterref", "vlan"}) {
                if (const pugi::xml_node found = each.child(name)) own.append_copy(found);
            }
            add_with(own, "link", "state", "down");
            std::string text = text_of(scratch);
            if (std::find(known.begin(), known.end(), text) != known.end()) continue;
            own.prepend_child("mac").append_attribute("address") = mac(known.size()).c_str();
            devices.append_copy(own);
            known.push_back(std::move(text));
        }
    }
    /// Of the range that QEMU gives out, and from the UUID, so that no one else has it.
    [[nodiscard]] std::string mac(std::size_t number) const {
        const auto &raw = out_.id.raw();
        std::string out = "52:54:00";
        for (const std::size_t at : {13U, 14U, 15U}) {
            auto byte = raw[at];
            if (at == 15U) byte = static_cast<std::uint8_t>(byte + number);
            constexpr std::string_view hex = "0123456789abcdef";
            out += ':';
            out += hex[byte >> 4U];
            out += hex[byte & 0x0FU];
        }
        return out;
    }

    /// The same models; a label that libvirt made for the guest is the guest's alone.
    void write_labels() {
        for (const pugi::xml_node &each : guest_.children("seclabel")) {
            pugi::xml_node own = root_.append_copy(each);
            const std::string_view type = each.attribute("type").as_string("dynamic");
            if (type == "dynamic") own.remove_child("label");
            own.remove_child("imagelabel");
        }
    }

    /// The other kinds of devices. Those that every guest has go without saying.
    void list_devices() {
        constexpr std::array usual{"emulator", "disk",       "interface", "controller", "input",
                                   "console",  "memballoon", "audio",     "hub"};
        for (const pugi::xml_node &each : guest_.child("devices").children()) {
            const std::string_view name = each.name();
            if (each.type() != pugi::node_element) continue;
            if (std::find(usual.begin(), usual.end(), name) == usual.end()) {
                leave_out(std::string(name));
            }
        }
    }

    pugi::xml_node guest_;
    pugi::xml_document text_;
    pugi::xml_node root_;
    bool usb_ = false; ///< a disk stands on it
    canary out_;
};

} // namespace detail

/// A canary for the guest of this XML, best as libvirt would send it (`VIR_DOMAIN_XML_MIGRATABLE`):
/// type, machine, CPU, features, clock, security labels, one small disk in each folder or pool with
/// writable images, an interface on each bridge and network. It has one vCPU and no firmware, host
/// device or console, and is never to run. Fails with `invalid_argument`, naming path and line, for
/// XML that cannot be read; with `unsupported` for a guest that is no fully virtualized one of
/// QEMU.
[[nodiscard]] inline expected<canary> derive_canary(std::string_view guest,
                                                    const model::token_id &made, const uuid &id) {
    auto doc = document::parse(guest, "domain");
    if (!doc) return fail(std::move(doc).error());
    const pugi::xml_node root = doc->root();
    auto type = doc->required_attribute(root, "type");
    if (!type) return fail(std::move(type).error());
    const std::string_view os = document::trimmed(root.child("os").child_value("type"));
    constexpr std::array drivers{"kvm", "qemu", "hvf", "test"};
    if (std::find(drivers.begin(), drivers.end(), *type) == drivers.end() || os != "hvm") {
        return fail(make_error(error_kind::unsupported,
                               "there is no canary for a guest of the type " + *type + " and '" +
                                   std::string(os) + "', only for QEMU's with 'hvm'")
                        .about(root.child_value("name")));
    }
    return detail::canary_maker(root, made, id).make(*doc);
}

/// The canary whose definition this is, by the mark in its metadata; nothing when it is another's,
/// whatever its name is. Fails with `invalid_argument` for XML that cannot be read.
[[nodiscard]] inline expected<std::optional<model::token_id>>
canary_of(std::string_view definition) {
    auto doc = document::parse(definition, "domain");
    if (!doc) return fail(std::move(doc).error());
    for (const pugi::xml_node &each : doc->root().child("metadata").children()) {
        const bool ours =
            without_prefix(each.name()) == "canary" &&
            std::any_of(each.attributes_begin(), each.attributes_end(), [](const auto &one) {
                return std::string_view(one.value()) == canary_namespace;
            });
        const std::string_view name = each.attribute("name").value();
        if (!ours || name != doc->root().child_value("name")) continue;
        return model::parse_canary_name(name);
    }
    return std::nullopt;
}

} // namespace kvmig::xml
