// SPDX-License-Identifier: MIT
/// Rules: devices of the host, and devices backed by programs of the host.
#pragma once

#include <kvmig/precheck/rule.hpp>

#include <string>

namespace kvmig::precheck::rules {

/// How a passed-through device is called for people.
[[nodiscard]] inline std::string text_of(const model::host_device &device) {
    const std::string address = device.address.empty() ? "" : " " + device.address;
    return "host device (" + device.type + ")" + address;
}

/// The finding for a device that QEMU decides about: before 8.1 it refuses every VFIO device; since
/// then some move by their vendor's driver, and libvirt does not tell which.
inline observation look_at_passthrough(const facts &f, const std::string &device) {
    const auto &qemu = f.source.hypervisor;
    const auto end = [](const host_facts &of) {
        return of.uri.empty() ? of.name : shell_word(of.uri);
    };
    const std::vector<std::string> remedy = {
        "kvmig migrate " + shell_word(f.domain.name) + " --from " + end(f.source) + " --to " +
            end(f.destination) + " --detach-hostdevs # and --hostdev-map for a device elsewhere",
        virsh(f.source, {"detach-device", f.domain.name}) + " device.xml --live # or by hand",
        virsh(f.source, {"migrate", "--live", f.domain.name, f.destination.uri}),
        virsh(f.destination, {"attach-device", f.domain.name}) +
            " device.xml --live # when the destination has one"};
    if (!qemu.known()) {
        return missing(f.source, "whether QEMU moves the " + device + ": its version", qemu,
                       remedy);
    }
    if (*qemu < model::version{8, 1, 0}) {
        return {severity::blocks, f.source.name,
                "the guest holds a " + device + ", which QEMU " + qemu->text() + " does not move",
                remedy};
    }
    return {severity::unknown, f.source.name,
            "whether the " + device + " moves is not known: QEMU " + qemu->text() +
                " moves some by their vendor's driver",
            remedy};
}

/// Prevents the refusal of passed-through devices. Silent for network cards that `<teaming>` lets
/// the guest do without; USB devices are told by `usb_device`.
inline observations look_host_device(const facts &f) {
    observations out;
    for (const model::host_device &each : f.domain.host_devices) {
        if (each.teaming == "transient" || each.type == "usb") continue;
        if (each.mode == "capabilities") {
            out.push_back({severity::blocks, f.source.name,
                           "the guest holds a " + text_of(each) + " of the mode 'capabilities'"});
        } else if (each.type == "pci" || each.type == "mdev") {
            out.push_back(look_at_passthrough(f, text_of(each)));
        } else {
            out.push_back({severity::unknown,
                           f.source.name,
                           "whether the " + text_of(each) +
                               " is at the destination too is not known: libvirt does not compare "
                               "them",
                           {virsh(f.destination, {"nodedev-list", "--tree"})}});
        }
    }
    for (const model::interface &each : f.domain.interfaces) {
        if (each.type != "hostdev" || each.teaming == "transient") continue;
        out.push_back(look_at_passthrough(f, "host device (network card) " + each.mac));
    }
    return out;
}

inline constexpr rule host_device{
    "KVM-DEV-001", "A passed-through device keeps the guest on this host",
    "The device's state is in hardware of this host.",
    "libvirt: \"cannot migrate a domain with <hostdev mode='subsystem' type='pci'>\"; QEMU: 'VFIO "
    "device doesn't support migration'",
    look_host_device};

/// Prevents a start without a USB device of the host. libvirt lets it pass; the guest sees it
/// unplugged, and the destination must have one of the same kind.
inline observations look_usb_device(const facts &f) {
    observations out;
    for (const model::host_device &each : f.domain.host_devices) {
        if (each.type != "usb") continue;
        out.push_back({severity::unknown,
                       f.destination.name,
                       "whether the guest's USB device is at the destination too is not known: it "
                       "was not asked for",
                       {virsh(f.destination, {"nodedev-list", "--cap", "usb_device"}),
                        virsh(f.source, {"detach-device", f.domain.name}) + " usb.xml --live"}});
    }
    return out;
}

inline constexpr rule usb_device{
    "KVM-DEV-017", "A host device that the definition names is missing or taken on the destination",
    "The destination opens its own device of that kind before the guest arrives.",
    "libvirt: 'Did not find USB device'", look_usb_device};

/// Prevents the refusal of vDPA cards.
inline observations look_vdpa(const facts &f) {
    observations out;
    for (const model::interface &each : f.domain.interfaces) {
        if (each.type != "vdpa") continue;
        out.push_back({severity::blocks,
                       f.source.name,
                       "an interface is a vDPA device (" + each.source + ")",
                       {virsh(f.source, {"detach-interface", f.domain.name, "vdpa", "--mac"}) +
                        ' ' + shell_word(each.mac) + " --live"}});
    }
    return out;
}

inline constexpr rule vdpa{"KVM-DEV-008", "A vDPA device cannot be migrated",
                           "libvirt has no way to move its state.",
                           "libvirt: 'vDPA devices cannot be migrated'", look_vdpa};

/// Tells of devices that a program of the host serves: whether it logs what it writes is its own
/// affair.
inline observations look_vhost_user(const facts &f) {
    observations out;
    const auto found = [&](const std::string &what) {
        out.push_back({severity::unknown,
                       f.source.name,
                       "whether the program behind " + what +
                           " can take part is not known: libvirt does not ask it",
                       {virsh(f.source, {"dumpxml", f.domain.name})}});
    };
    for (const model::interface &each : f.domain.interfaces) {
        if (each.type == "vhostuser") found("the interface at " + each.source);
    }
    for (const model::disk &each : f.domain.disks) {
        const bool user = each.source.kind == model::source_kind::vhostuser;
        if (user || each.source.kind == model::source_kind::vhostvdpa) {
            found("the disk " + each.target + " at " + each.source.path);
        }
    }
    return out;
}

inline constexpr rule vhost_user{
    "KVM-DEV-013", "vhost or vhost-user cannot log what it writes",
    "Memory that the program writes while the guest moves is lost unless it logs it; and a program "
    "that listens at the same path must run at the destination.",
    "QEMU: 'Migration disabled: vhost-user backend lacks VHOST_USER_PROTOCOL_F_LOG_SHMFD feature'",
    look_vhost_user};

/// Prevents the refusal of virtiofs. libvirt 9.0 and older refuse it always; later ones look at
/// virtiofsd.
inline observations look_virtiofs(const facts &f) {
    observations out;
    const auto &libvirt = f.source.libvirt;
    for (const std::string &driver : f.domain.filesystems) {
        if (driver != "virtiofs") continue;
        const std::vector<std::string> remedy = {
            virsh(f.source, {"detach-device", f.domain.name}) +
            " filesystem.xml --live # after umount in the guest"};
        if (!libvirt.known()) {
            out.push_back(
                missing(f.source, "whether virtiofs can move: libvirt's version", libvirt, remedy));
        } else if (*libvirt < model::version{9, 1, 0}) {
            out.push_back({severity::blocks, f.source.name,
                           "the guest has a virtiofs share, which libvirt " + libvirt->text() +
                               " does not move",
                           remedy});
        } else {
            out.push_back({severity::unknown, f.source.name,
                           "whether virtiofsd can hand over its state is not known: libvirt " +
                               libvirt->text() + " asks it when the migration begins",
                           remedy});
        }
    }
    return out;
}

inline constexpr rule virtiofs{"KVM-DEV-004", "virtiofs keeps the guest on this host",
                               "The open files of the share are virtiofsd's state.",
                               "libvirt: 'migration with virtiofs device is not supported'",
                               look_virtiofs};

/// Tells of 9p shares, which block while the guest has them mounted.
inline observations look_9p(const facts &f) {
    observations out;
    for (const std::string &driver : f.domain.filesystems) {
        if (driver != "path" && driver != "handle") continue;
        out.push_back({severity::unknown,
                       f.source.name,
                       "whether the guest has its 9p share mounted is not known: only the guest "
                       "can tell",
                       {"grep 9p /proc/mounts # in the guest"}});
    }
    return out;
}

inline constexpr rule share_9p{
    "KVM-DEV-005", "A 9p share that the guest has mounted blocks migration",
    "The open files of the share are QEMU's state, and it does not send them.",
    "QEMU: \"Migration is disabled when VirtFS export path 'PATH' is mounted in the guest\"",
    look_9p};

} // namespace kvmig::precheck::rules
