// SPDX-License-Identifier: MIT
/// Catalogue: bridges, networks and interfaces of the guest.
#pragma once

#include <kvmig/diagnosis/entry.hpp>

namespace kvmig::diagnosis::entries {

inline constexpr entry network[] = {
    {
        .id = "KVM-NIC-001",
        .title = "The bridge does not exist on the destination",
        .cause = "The guest's interface stands on a host bridge, and the destination has none of "
                 "that name.",
        .patterns =
            {
                {"Unable to check interface flags for {bridge}: No such device", libvirt_both,
                 "libvirt src/util/virnetdev.c:213|212"},
                {"Cannot get interface MAC on '{bridge}': No such device", libvirt_both,
                 "libvirt src/util/virnetdev.c:258,377|257,376"},
                {"Cannot get interface MTU on '{bridge}': No such device", libvirt_both,
                 "libvirt src/util/virnetdev.c:417,428|416,427"},
                {"Unable to add bridge {bridge} port {word}: No such device", libvirt_both,
                 "libvirt src/util/virnetdevbridge.c:613,635|672,699"},
                {"failed to get mtu of bridge \"{bridge}\": {rest}", qemu_both,
                 "QEMU qemu-bridge-helper.c:366|366"},
                {"bridge {bridge} does not exist", libvirt_both,
                 "libvirt src/security/security_apparmor.c:746|730"},
            },
        .remedy =
            {
                {destination, "ip link add {bridge} type bridge", ""},
                {destination, "ip link set {bridge} up",
                 "and add the host's network card to it, in /etc/network/interfaces or netplan to "
                 "last"},
                {source,
                 "virsh migrate --live {domain} qemu+ssh://{destination}/system --xml vm.xml",
                 "or name another bridge in <source bridge='…'/>"},
            },
        .look = "ip -brief link show type bridge on both hosts",
        .example = "error: Cannot get interface MTU on 'br0': No such device",
    },
    {
        .id = "KVM-NIC-002",
        .title = "The virtual network is stopped on the destination",
        .cause = "The network is defined there and not active.",
        .patterns =
            {
                {"network '{network}' is not active", libvirt_both,
                 "libvirt src/network/bridge_driver.c:3436,3871|3519,3952"},
                {"network is not running", libvirt_both,
                 "libvirt src/conf/virnetworkobj.c:735|760"},
            },
        .remedy =
            {
                {destination, "virsh -c qemu:///system net-start {network}", ""},
                {destination, "virsh -c qemu:///system net-autostart {network}", ""},
            },
        .look = "virsh -c qemu+ssh://{destination}/system net-list --all",
        .example = "error: Requested operation is not valid: network 'default' is not active",
    },
    {
        .id = "KVM-NIC-003",
        .title = "The virtual network does not exist on the destination",
        .cause =
            "The guest's interface uses a libvirt network that the destination has not defined.",
        .patterns =
            {
                {"no network with matching name '{network}'", libvirt_both,
                 "libvirt src/network/bridge_driver.c:2463|2567"},
                {"no network with matching uuid '{word}' ({network})", libvirt_both,
                 "libvirt src/network/bridge_driver.c:250|250"},
                {"no network with matching uuid '{word}'", libvirt_both,
                 "libvirt src/network/bridge_driver.c:2434|2538"},
                {"Network not found: {rest}", libvirt_both,
                 "libvirt src/util/virerror.c:1085|1087"},
            },
        .codes = {{43}},
        .remedy =
            {
                {source,
                 "virsh net-dumpxml {network} --inactive | ssh root@{destination} virsh -c "
                 "qemu:///system net-define /dev/stdin",
                 "first look whether its bridge and addresses fit the destination"},
                {destination, "virsh -c qemu:///system net-start {network}", ""},
                {destination, "virsh -c qemu:///system net-autostart {network}", ""},
            },
        .look = "virsh net-list --all on both hosts",
        .example = "error: Network not found: no network with matching name 'lab'",
    },
    {
        .id = "KVM-NIC-004",
        .title = "The device under a macvtap interface does not exist on the destination",
        .cause = "<interface type='direct'> names a network card by its name on the host, and the "
                 "destination's is called otherwise.",
        .patterns =
            {
                {"error creating {word} interface {word2:word}@{device} ({rest}): No such device",
                 libvirt_both, "libvirt src/util/virnetdevmacvlan.c:115|115"},
                {"error creating {word} interface {word2:word}@{device}", libvirt_both,
                 "libvirt src/util/virnetdevmacvlan.c:115|115"},
                {"Unable to get index for interface {device}: No such device", libvirt_both,
                 "libvirt src/util/virnetdev.c:869|864"},
                {"Cannot get interface flags on '{device}': No such device", libvirt_both,
                 "libvirt src/util/virnetdev.c:602,722|601,721"},
                {"cannot open macvtap tap device {path}: {rest}", libvirt_both,
                 "libvirt src/util/virnetdevmacvlan.c:179|179"},
                {"cannot get interface flags on macvtap tap: {rest}", libvirt_both,
                 "libvirt src/util/virnetdevmacvlan.c:228|227"},
                {"Cannot set interface flags on '{device}': {rest}", libvirt_both,
                 "libvirt src/util/virnetdev.c:616,631|615,630"},
                {"network '{network}' uses a direct mode, but has no forward dev and no interface "
                 "pool",
                 libvirt_both, "libvirt src/network/bridge_driver.c:4056,4335|4131,4403"},
                {"network '{network}' requires exclusive access to interfaces, but none are "
                 "available",
                 libvirt_both, "libvirt src/network/bridge_driver.c:3967,4096|4046,4170"},
                {"No usable Vf's present on SRIOV PF {device}", libvirt_both,
                 "libvirt src/network/bridge_driver.c:2210|2312"},
                {"The PF device for VF {path} has no network device name", libvirt_both,
                 "libvirt src/util/virpci.c:2638|3069"},
                {"The device at {path} has no network device name", libvirt_both,
                 "libvirt src/hypervisor/virhostdev.c:335|337"},
            },
        .remedy =
            {
                {destination, "ip -brief link", ""},
                {source,
                 "virsh migrate --live {domain} qemu+ssh://{destination}/system --xml vm.xml",
                 "with <source dev='…'/> as the destination calls it"},
                {destination, "ip link set OLDNAME name {device}",
                 "or give the card the same name on both"},
            },
        .look = "a libvirt network of forward mode bridge with the same name on both hides the "
                "difference",
        .example = "error: error creating macvtap interface macvtap0@enp3s0 (52:54:00:12:34:56): "
                   "No such device",
    },
    {
        .id = "KVM-NIC-005",
        .title = "The tap device cannot be made",
        .cause = "The TUN/TAP module, its permissions, or a name that is already taken.",
        .patterns =
            {
                {"Unable to create tap device: {rest}", libvirt_both,
                 "libvirt src/util/virnetdevtap.c:235,349|239,353"},
                {"failed to open /dev/net/tun: {rest}", qemu_both, "QEMU qemu-bridge-helper.c:341"},
                {"failed to communicate with bridge helper: {rest}", libvirt_both,
                 "libvirt src/qemu/qemu_interface.c:376|-; "
                 "src/hypervisor/domain_interface.c:-|610"},
                {"target managed='no' but specified dev doesn't exist", libvirt_both,
                 "libvirt src/qemu/qemu_interface.c:442|-; "
                 "src/hypervisor/domain_interface.c:-|105"},
                {"Unable to create tap device {device}: Device or resource busy", libvirt_both,
                 "libvirt src/util/virnetdevtap.c:235,349|239,353"},
                {"Unable to create tap device {device}: {rest}", libvirt_both,
                 "libvirt src/util/virnetdevtap.c:235,349|239,353"},
                {"Unable to open /dev/net/tun, is tun module loaded?", libvirt_both,
                 "libvirt src/util/virnetdevtap.c:210,283|210,288"},
                {"Unable to open /dev/net/tun: {rest}", libvirt_both,
                 "libvirt src/util/virdevmapper.c:143|141"},
                {"could not configure /dev/net/tun{rest}", qemu_both,
                 "QEMU net/tap-linux.c:109|120"},
                {"Unable to create multiple fds for tap device {device} (maybe existing device was "
                 "created without multi_queue flag)",
                 libvirt_11_3, "libvirt src/util/virnetdevtap.c:-|235"},
                {"Unable to set tap device {device} to persistent: {rest}", libvirt_both,
                 "libvirt src/util/virnetdevtap.c:250|255"},
            },
        .remedy =
            {
                {destination, "modprobe tun", ""},
                {destination, "ip -brief link show type tun", ""},
                {source, "virsh edit {domain}",
                 "remove a fixed <target dev='…'/>: libvirt chooses a free name"},
            },
        .look = "lsmod | grep tun, ls -l /dev/net/tun",
        .example = "error: Unable to create tap device vnet0: Device or resource busy",
    },
    {
        .id = "KVM-NIC-006",
        .title = "Open vSwitch on the destination refused the port",
        .cause =
            "The virtual switch is not running there, lacks the bridge, or its tools are missing.",
        .patterns =
            {
                {"Unable to add port {device} to OVS bridge {bridge}: {rest}", libvirt_both,
                 "libvirt src/util/virnetdevopenvswitch.c:187|194"},
                {"Unable to add port {device} to OVS bridge {bridge}", libvirt_both,
                 "libvirt src/util/virnetdevopenvswitch.c:187|194"},
                {"Unable to delete port {device} from OVS: {rest}", libvirt_both,
                 "libvirt src/util/virnetdevopenvswitch.c:211|219"},
                {"Unable to run command to get OVS port data for interface {device}", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:289|290; "
                 "src/util/virnetdevopenvswitch.c:240|250"},
                {"Unable to run command to set OVS port data for interface {device}", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:2182|2374; "
                 "src/util/virnetdevopenvswitch.c:278|289"},
                {"Unable to set vlan configuration on port {device}", libvirt_both,
                 "libvirt src/util/virnetdevopenvswitch.c:616,855|631,879"},
                {"ovs-vsctl: unix:{path}: database connection failed ({rest})", other,
                 "Open vSwitch"},
                {"Malformed ovs-vsctl output", libvirt_both,
                 "libvirt src/util/virnetdevopenvswitch.c:330,501|341,515"},
            },
        .remedy =
            {
                {destination, "systemctl enable --now openvswitch-switch.service", ""},
                {destination, "ovs-vsctl --may-exist add-br {bridge}", ""},
            },
        .look = "ovs-vsctl show on both hosts",
        .example = "error: internal error: Unable to add port vnet0 to OVS bridge ovsbr0",
    },
    {
        .id = "KVM-NIC-007",
        .title = "The destination's virtual network clashes with one of its own",
        .cause = "The network cannot start: its addresses or its bridge are in use.",
        .patterns =
            {
                {"Network is already in use by interface {device}", libvirt_both,
                 "libvirt src/network/bridge_driver_linux.c:268|298"},
                {"bridge name '{bridge}' already in use.", libvirt_both,
                 "libvirt src/network/bridge_driver.c:2695|2799"},
                {"bridge name '{bridge}' already in use", libvirt_both,
                 "libvirt src/network/bridge_driver.c:2695|2799"},
                {"Route address '{word}' conflicts with IP address for '{device}'", libvirt_both,
                 "libvirt src/network/bridge_driver_linux.c:293|323"},
                {"network '{network}' is already defined with uuid {uuid}", libvirt_both,
                 "libvirt src/conf/virnetworkobj.c:545|571"},
                {"network '{network}' already exists with uuid {uuid}", libvirt_both,
                 "libvirt src/conf/virnetworkobj.c:568|594"},
                {"No firewall backend is available", libvirt_11_3,
                 "libvirt src/network/bridge_driver_linux.c:-|51,430"},
                {"zone {word} requested for network {network} but firewalld is not active",
                 libvirt_both, "libvirt src/network/bridge_driver_linux.c:835|351"},
                {"firewalld can't find the 'libvirt' zone that should have been installed with "
                 "libvirt",
                 libvirt_11_3, "libvirt src/network/bridge_driver_linux.c:-|391"},
                {"firewalld is set to use the nftables backend, but the required firewalld "
                 "'libvirt' zone",
                 libvirt_9_0, "libvirt src/network/bridge_driver_linux.c:888|-"},
            },
        .remedy =
            {
                {destination, "virsh -c qemu:///system net-list --all", ""},
                {destination, "ip -brief address", ""},
                {destination, "virsh -c qemu:///system net-edit NETWORK",
                 "other addresses, another bridge name"},
            },
        .look = "which interface holds the same subnet",
        .example = "error: internal error: Network is already in use by interface virbr0",
    },
    {
        .id = "KVM-NIC-008",
        .title = "The port profile could not be set on the destination",
        .cause = "A virtual port (802.1Qbg/Qbh, or an Open vSwitch port) must be associated on the "
                 "destination before the guest moves; the switch or its daemon did not confirm.",
        .says = usual,
        .patterns =
            {
                {"Port profile Associate failed for {device}", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:6305|6533"},
                {"sending of PortProfileRequest failed", libvirt_both,
                 "libvirt src/util/virnetdevvportprofile.c:949|939"},
                {"error {n} during port-profile setlink on interface {device} ({rest})",
                 libvirt_both, "libvirt src/util/virnetdevvportprofile.c:980|970"},
            },
        .remedy =
            {
                {destination, "systemctl status lldpad.service openvswitch-switch.service", ""},
            },
        .look = "<virtualport> of the interface",
        .example = "error: operation failed: Port profile Associate failed for macvtap0",
    },
    {
        .id = "KVM-NIC-009",
        .title = "A network filter is missing on the destination",
        .cause = "The interface names an nwfilter that is not defined there, or that cannot be put "
                 "in force.",
        .patterns =
            {
                {"nwfilter state driver is not active", libvirt_both,
                 "libvirt src/nwfilter/nwfilter_driver.c:355|355"},
                {"referenced filter '{name}' is missing", libvirt_both,
                 "libvirt src/conf/virnwfilterobj.c:192|192"},
                {"no nwfilter with matching name '{name}'", libvirt_both,
                 "libvirt src/nwfilter/nwfilter_driver.c:454|454"},
                {"Network filter not found: {rest}", libvirt_both,
                 "libvirt src/util/virerror.c:1142|1144"},
                {"cannot instantiate filter due to unresolvable variables or unavailable list "
                 "elements: {rest}",
                 libvirt_both, "libvirt src/nwfilter/nwfilter_gentech_driver.c:578|575"},
            },
        .codes = {{62}},
        .remedy =
            {
                {source, "virsh nwfilter-dumpxml {name} > filter.xml",
                 "take it to the destination"},
                {destination, "virsh -c qemu:///system nwfilter-define filter.xml", ""},
            },
        .look = "virsh nwfilter-list on both hosts",
        .example = "error: internal error: referenced filter 'clean-traffic-lab' is missing",
    },
    {
        .id = "KVM-NIC-010",
        .title = "The guest's network card has features that the destination's backend lacks",
        .cause = "vhost, tap or the backend on the destination offers less than what the guest's "
                 "driver has negotiated: an older kernel, vhost off, fewer queues, a smaller MTU.",
        .patterns =
            {
                {"vhost-net was requested for an interface, but is unavailable", libvirt_both,
                 "libvirt src/qemu/qemu_interface.c:758|202"},
                {"virtio-net: saved image requires TUN_F_UFO support", qemu_both,
                 "QEMU hw/net/virtio-net.c:3179|3273"},
                {"virtio-net: saved image requires vnet_hdr=on", qemu_both,
                 "QEMU hw/net/virtio-net.c:3213|3307"},
                {"virtio-net: curr_queue_pairs {n} > max_queue_pairs {n2:number}", qemu_both,
                 "QEMU hw/net/virtio-net.c:3149|3243"},
                {"vhost lacks feature mask 0x{n} for backend", qemu_both,
                 "QEMU hw/net/vhost_net.c:207,219|367,379"},
                {"vhost lacks feature mask {n} for backend", older, "QEMU before 5.0"},
                {"unable to start vhost net: {n}: falling back on userspace virtio", qemu_both,
                 "QEMU hw/net/virtio-net.c:309|313"},
                {"tap: open vhost char device failed: {rest}", qemu_both,
                 "QEMU net/tap.c:737,740|704"},
                {"vhost-net requested but could not be initialized", qemu_10_0,
                 "QEMU net/tap.c:-|718"},
                {"{n}Bytes MTU not supported by the backend", qemu_both,
                 "QEMU hw/net/virtio-net.c:299|303"},
                {"vhost_set_features failed{rest}", qemu_both, "QEMU hw/virtio/vhost.c:905|"},
                {"virtio-net: saved image has invalid RSS indirections_len: {n}", qemu_10_0,
                 "QEMU hw/net/virtio-net.c:-|3338"},
                {"Error loading back-end state of {word} device {device}: {rest}", qemu_10_0,
                 "QEMU hw/net/virtio-net.c:-|3445"},
                {"unable to restart vhost net virtqueue: {n}, when resetting the queue", qemu_both,
                 "QEMU hw/net/virtio-net.c:594|598"},
            },
        .remedy =
            {
                {destination, "modprobe vhost_net", ""},
                {both, "uname -r", "the destination's kernel must not be older"},
                {source, "virsh edit {domain}",
                 "<driver name='vhost' …> with the features both have (<host tso4='off' …/>), "
                 "restart the guest"},
            },
        .look = "lsmod | grep vhost_net and the kernel versions of both hosts",
        .example = "qemu-system-x86_64: virtio-net: saved image requires TUN_F_UFO support",
    },
    {
        .id = "KVM-NIC-011",
        .title = "The address for graphics does not exist on the destination",
        .cause = "VNC or SPICE is to listen on a network or address that the destination does not "
                 "have, or with a setting it lacks.",
        .patterns =
            {
                {"network '{network}' doesn't have an IP address", libvirt_both,
                 "libvirt src/qemu/qemu_process.c:4929|5156"},
                {"network '{network}' has no associated interface or bridge", libvirt_both,
                 "libvirt src/qemu/qemu_process.c:4953|5180"},
                {"network-based listen isn't possible, network driver isn't present", libvirt_both,
                 "libvirt src/qemu/qemu_process.c:4998|5225"},
                {"Auto allocation of spice TLS port requested but spice TLS is disabled in "
                 "qemu.conf",
                 libvirt_both, "libvirt src/qemu/qemu_process.c:4230|4276"},
                {"Failed to start VNC server: {rest}", older, "QEMU before 6.0"},
                {"failed to initialize spice server", qemu_both, "QEMU ui/spice-core.c:817|814"},
            },
        .remedy =
            {
                {source, "virsh dumpxml --migratable {domain} > vm.xml",
                 "then <listen type='address' address='0.0.0.0'/> in it"},
                {source,
                 "virsh migrate --live {domain} qemu+ssh://{destination}/system --xml vm.xml", ""},
            },
        .look = "<graphics> of the domain",
        .example = "error: internal error: network 'vnc' doesn't have an IP address",
    },
};

} // namespace kvmig::diagnosis::entries
