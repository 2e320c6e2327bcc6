// SPDX-License-Identifier: MIT
/// The lab's guest as a libvirt domain.
#pragma once

#include <kvmig/core/units.hpp>
#include <kvmig/tuning/memtune.hpp>
#include <lab/guest/settings.hpp>
#include <lab/image/seed.hpp>
#include <lab/topology/site.hpp>

#include <filesystem>
#include <string>

namespace kvmig::lab {

struct guest_domain {
    std::string name = "vm1";
    unsigned index = 0; ///< its address and MAC (topology.hpp)
    bytes memory = bytes::mib(256);
    unsigned vcpus = 1;
    std::filesystem::path kernel = std::filesystem::path(guest_directory) / "vmlinuz";
    std::filesystem::path initramfs = std::filesystem::path(guest_directory) / "initramfs";
    /// Or `network`; or `direct`: macvtap that has a network card of the host for itself.
    std::string interface_kind = "bridge";
    std::string interface_source{guest_bridge};
    std::string mac;            ///< empty: by its index
    bool console_log = true;    ///< kept in a file of the host; else a pty
    std::filesystem::path disk; ///< on the host; empty: none
    std::string disk_format = "qcow2";
    std::string disk_server;           ///< of NFS, which QEMU itself reaches; empty: none
    std::filesystem::path second_disk; ///< raw, with which the guest does nothing; empty: none
    std::filesystem::path cdrom;       ///< a medium on the host; empty: no drive
    std::string second_bridge;         ///< of a second network interface; empty: there is none
    std::string second_network;        ///< libvirt's, of a further interface; empty: there is none
    /// A PCI device of the host that it is handed, as in `0000:00:10.0`; empty: none.
    std::string host_device;
    /// The device is a network card, and the interface stands in for it while it is away
    /// (`<teaming>`): `mac` is the card's.
    bool teaming = false;
    bool huge_pages = false; ///< its memory on pages of 2 MiB
    tuning::memtune limits;  ///< of its memory; of these the hard and the soft one
    bool nesting = false;    ///< a CPU of the host's model that virtualizes, not the host's own
    guest::guest_settings settings; ///< what the agent is told
};

/// A guest with usual settings: `vm1` at 192.0.2.101, 48 MiB of pattern, of which 8 are
/// dirtied, and 16 MiB of disk pattern.
[[nodiscard]] guest_domain usual_guest();

/// `guest` as it stands in this place: its name, address, kernel and network.
[[nodiscard]] guest_domain placed(guest_domain guest, const site &where);

/// Domain XML: KVM, direct kernel boot, virtio disk and network on the hosts' bridge.
[[nodiscard]] std::string domain_xml(const guest_domain &guest);

} // namespace kvmig::lab
