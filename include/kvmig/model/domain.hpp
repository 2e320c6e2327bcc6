// SPDX-License-Identifier: MIT
/// A domain: its configuration, as far as its XML tells, and its state.
#pragma once

#include <kvmig/core/units.hpp>
#include <kvmig/core/uuid.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kvmig::model {

/// `virDomainState`.
enum class domain_state : std::uint8_t {
    no_state,
    running,
    blocked,
    paused,
    shutdown, ///< being shut down
    shutoff,
    crashed,
    pm_suspended,
};

/// virsh's words for them.
[[nodiscard]] constexpr std::string_view to_string(domain_state state) noexcept {
    switch (state) {
    case domain_state::no_state: return "no state";
    case domain_state::running: return "running";
    case domain_state::blocked: return "idle";
    case domain_state::paused: return "paused";
    case domain_state::shutdown: return "in shutdown";
    case domain_state::shutoff: return "shut off";
    case domain_state::crashed: return "crashed";
    case domain_state::pm_suspended: return "pmsuspended";
    }
    return "unknown";
}

/// What a host says of a domain it knows.
struct domain_status {
    domain_state state = domain_state::no_state; ///< by libvirt's number (`virDomainGetState`)
    int reason = 0;          ///< the number, of the enum that goes with the state
    std::string reason_text; ///< virsh's words for it, e.g. `post-copy failed`
    bool active = false;     ///< it has a process: running, paused or on the way between
    bool persistent = false; ///< it is defined, and outlives being shut off

    friend bool operator==(const domain_status &, const domain_status &) = default;
};

/// What a disk is made of (attribute `type` of `<disk>`, `<backingStore>`, `<mirror>`).
enum class source_kind : std::uint8_t {
    none, ///< an empty drive
    file,
    block,
    dir,
    network,
    volume,
    nvme,
    vhostuser,
    vhostvdpa,
    other, ///< a kind this version does not know
};

/// A server of a network disk.
struct network_host {
    std::string name;      ///< name or address; for `unix`, the path of the socket
    std::string port;      ///< as written; empty: the protocol's own
    std::string transport; ///< `tcp` (also when empty), `rdma`, `unix`

    friend bool operator==(const network_host &, const network_host &) = default;
};

/// One image, of a disk or in its backing chain.
struct disk_source {
    /// From the type of the `<disk>` or `<backingStore>`; `none` for an empty drive.
    source_kind kind = source_kind::none;
    std::string format;   ///< `raw`, `qcow2`, …; empty where the XML does not tell
    std::string path;     ///< file, device, directory or socket; network: the name on the server
    std::string protocol; ///< network: `nfs`, `nbd`, `rbd`, …
    /// Network: its servers, in the order of the XML; may be empty.
    std::vector<network_host> hosts;
    std::string pool;   ///< volume: its pool
    std::string volume; ///< volume: its name

    friend bool operator==(const disk_source &, const disk_source &) = default;
};

/// A disk.
struct disk {
    std::string device = "disk"; ///< `disk`, `cdrom`, `floppy`, `lun`
    std::string target;          ///< the name in the guest, e.g. `vda`: what `migrate_disks` takes
    std::string bus;    ///< `virtio`, `scsi`, `sata`, …; empty where the XML does not tell
    std::string cache;  ///< empty: the hypervisor's default
    disk_source source; ///< the image that the guest writes to, the top of the chain
    /// Below the image, from the top: only a running domain's XML holds the whole chain.
    std::vector<disk_source> backing;
    bool readonly = false;  ///< `<readonly/>`: the guest cannot write to it
    bool shareable = false; ///< `<shareable/>`: other guests may write to it at the same time
    bool transient = false; ///< `<transient/>`: what the guest writes is dropped when it ends
    /// Whether the medium may be left out where it is missing: `mandatory` (also when empty),
    /// `requisite`, `optional`.
    std::string startup_policy = {};

    friend bool operator==(const disk &, const disk &) = default;
};

/// A network interface.
struct interface {
    std::string type;        ///< `network`, `bridge`, `direct`, `user`, `ethernet`, `hostdev`, …
    std::string source;      ///< the network's, bridge's or device's name on the host
    std::string mode;        ///< `direct`: `passthrough`, `bridge`, …
    std::string mac;         ///< as written, `52:54:00:…`; empty where libvirt is still to choose
    std::string model;       ///< `virtio`, `e1000e`, …; empty: the hypervisor's default
    std::string target;      ///< the device on the host, of a running domain
    std::string teaming;     ///< `persistent` or `transient`; empty without `<teaming>`
    std::string filter = {}; ///< the nwfilter it refers to
    /// The libvirt network by which the interface of a running domain came to its bridge or device.
    std::string network = {};

    /// The libvirt network it stands on; empty where it stands on none.
    [[nodiscard]] const std::string &stands_on() const noexcept {
        return type == "network" ? source : network;
    }

    friend bool operator==(const interface &, const interface &) = default;
};

/// A graphical console.
struct graphics {
    std::string type;                ///< `vnc`, `spice`, …
    std::optional<int> port;         ///< absent, or −1 in the XML, while libvirt is to choose
    std::vector<std::string> listen; ///< addresses, network names or socket paths

    friend bool operator==(const graphics &, const graphics &) = default;
};

/// A device of the host in the guest's hands.
struct host_device {
    std::string mode;         ///< `subsystem`, `capabilities`
    std::string type;         ///< `pci`, `usb`, `mdev`, …
    std::string address;      ///< PCI: `0000:06:12.5`; otherwise empty
    std::string teaming = {}; ///< as that of an interface

    friend bool operator==(const host_device &, const host_device &) = default;
};

/// A feature that the definition asks of the CPU or forbids it (`<cpu><feature>`).
struct cpu_feature {
    std::string name;   ///< `vmx`, `invtsc`, …, as libvirt spells it
    std::string policy; ///< `require` (also when empty), `disable`, `forbid`, `optional`, `force`

    friend bool operator==(const cpu_feature &, const cpu_feature &) = default;
};

/// A module of memory (`<memory>` below `<devices>`).
struct memory_device {
    std::string model;   ///< `dimm`, `nvdimm`, `virtio-mem`, …
    bool placed = false; ///< it has an address of the type `dimm`: slot and base

    friend bool operator==(const memory_device &, const memory_device &) = default;
};

/// Memory shared with other processes of the host (`<shmem>`).
struct shared_memory {
    std::string name;  ///< of the memory on the host, which is how guests meet in it
    std::string model; ///< `ivshmem`, `ivshmem-plain`, `ivshmem-doorbell`; may be empty
    std::string role;  ///< `master`, `peer`; empty where the XML does not tell

    friend bool operator==(const shared_memory &, const shared_memory &) = default;
};

/// A trusted platform module.
struct tpm {
    std::string backend; ///< `emulator`, `passthrough`, `external`

    friend bool operator==(const tpm &, const tpm &) = default;
};

/// A graphics card.
struct video {
    std::string model;    ///< `qxl`, `virtio`, `vga`, `none`, …
    bool accel3d = false; ///< `<acceleration accel3d='yes'/>`: drawn by the host's graphics card

    friend bool operator==(const video &, const video &) = default;
};

/// A domain's configuration.
struct domain {
    std::string type;                    ///< `kvm`, `qemu`, `test`, …
    std::string name;                    ///< unique among the domains of a host
    std::optional<kvmig::uuid> uuid;     ///< absent in XML written by hand
    bytes memory;                        ///< the maximum at boot
    std::optional<bytes> current_memory; ///< what the balloon leaves it; absent: all of `memory`
    std::uint32_t vcpus = 1;             ///< the maximum
    std::optional<std::uint32_t> current_vcpus; ///< those plugged in; absent: all

    std::string arch; ///< `x86_64`, `aarch64`, …; empty: the host's own
    /// `pc-q35-7.2`, …; empty, or an alias such as `q35`, in XML written by hand.
    std::string machine;
    std::string loader;    ///< firmware image; empty: the hypervisor's default
    std::string nvram;     ///< path of the UEFI variables; empty: none, or left to libvirt
    std::string emulator;  ///< path on the host; empty: the host's default
    std::string cpu_mode;  ///< `host-passthrough`, `host-model`, `custom`, …
    std::string cpu_model; ///< with `custom`
    std::vector<std::string> features; ///< `acpi`, `apic`, …
    bool hugepages = false;            ///< `<memoryBacking><hugepages/>`

    std::vector<disk> disks; ///< with drives that hold no medium, in the order of the XML
    /// Of every type; a NIC in a plain `<hostdev>` is in `host_devices`.
    std::vector<interface> interfaces;
    std::vector<kvmig::model::graphics> graphics; ///< VNC, SPICE and the like; empty: none
    std::vector<host_device> host_devices;        ///< devices of the host, handed through
    std::vector<std::string> filesystems;         ///< the driver of each: `virtiofs`, `path`, …

    std::vector<cpu_feature> cpu_features;      ///< those named beside the CPU's model
    std::optional<std::uint64_t> tsc_frequency; ///< Hz, of `<timer name='tsc'>`
    std::string hyperv_mode;                    ///< `custom`, `passthrough`; empty without
    std::vector<bytes> hugepage_sizes;          ///< as named; with `hugepages`, empty: the default
    bool locked = false;                        ///< `<memoryBacking><locked/>`
    std::vector<memory_device> memory_devices;  ///< DIMMs, NVDIMMs and others that can be plugged
    /// Not those of vhost-user, which share the guest's own memory.
    std::vector<shared_memory> shared_memories;
    std::vector<tpm> tpms;                    ///< hardly ever more than one; empty: none
    std::vector<video> videos;                ///< the first is the primary one
    std::vector<std::string> channels;        ///< the type of each: `unix`, `qemu-vdagent`, …
    std::string launch_security;              ///< `sev`, `sev-snp`, `s390-pv`, …
    std::vector<std::string> security_models; ///< of its labels: `selinux`, `apparmor`, `dac`
    std::vector<std::string> secrets;         ///< by UUID, or by usage: `ceph:name`, `volume:/path`

    friend bool operator==(const domain &, const domain &) = default;
};

} // namespace kvmig::model
