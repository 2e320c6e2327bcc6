// SPDX-License-Identifier: MIT
#include <precheck/healthy.hpp>

#include <array>

namespace kvmig::test {

uuid id_of(std::uint8_t last) {
    std::array<std::uint8_t, 16> raw{};
    raw[15] = last;
    return uuid{raw};
}

static model::disk_source file(std::string_view path, std::string format) {
    model::disk_source out;
    out.kind = model::source_kind::file;
    out.path = path;
    out.format = std::move(format);
    return out;
}

model::domain healthy_domain() {
    model::domain d;
    d.type = "kvm";
    d.name = "vm1";
    d.uuid = id_of(1);
    d.memory = bytes::gib(1);
    d.vcpus = 2;
    d.arch = "x86_64";
    d.machine = "pc-q35-7.2";
    d.loader = "/usr/share/OVMF/OVMF_CODE_4M.fd";
    d.cpu_mode = "custom";
    d.cpu_model = "EPYC";
    d.cpu_features = {{"invtsc", "require"}, {"vmx", "disable"}};
    d.tsc_frequency = 2'000'000'000;
    d.hyperv_mode = "custom";
    model::disk vda;
    vda.target = "vda";
    vda.source = file(image_path, "qcow2");
    vda.backing = {file(base_path, "qcow2")};
    model::disk vdb;
    vdb.target = "vdb";
    vdb.source.kind = model::source_kind::network;
    vdb.source.protocol = "rbd";
    vdb.source.format = "raw";
    model::disk vdc;
    vdc.target = "vdc";
    vdc.source.kind = model::source_kind::volume;
    vdc.source.pool = "images";
    vdc.source.volume = "data";
    model::disk cdrom;
    cdrom.device = "cdrom";
    cdrom.target = "sda";
    cdrom.readonly = true;
    cdrom.source = file(medium_path, "raw");
    model::disk empty;
    empty.device = "floppy";
    empty.target = "fda";
    d.disks = {vda, vdb, vdc, cdrom, empty};
    const auto interface = [](std::string type, std::string source) {
        model::interface out;
        out.type = std::move(type);
        out.source = std::move(source);
        return out;
    };
    d.interfaces = {interface("bridge", "br0"), interface("network", "default"),
                    interface("direct", "eth1"), interface("hostdev", "")};
    d.interfaces[1].filter = "clean-traffic";
    d.interfaces[3].teaming = "transient";
    d.host_devices = {{"subsystem", "pci", "0000:06:12.5", "transient"}};
    d.graphics = {{"vnc", {}, {"0.0.0.0"}}, {"spice", {}, {"/run/spice.sock", "default"}}};
    d.memory_devices = {{"dimm", true}, {"virtio-mem", false}};
    d.shared_memories = {{"shared", "ivshmem-plain", "master"}};
    d.tpms = {{"emulator"}};
    d.videos = {{"virtio", false}};
    d.channels = {"unix"};
    d.security_models = {"dac"};
    d.secrets = {"ceph:key"};
    return d;
}

static void make_healthy(precheck::host_facts &host, std::string name, std::uint8_t number) {
    host.uri = "qemu+ssh://" + name + "/system";
    host.hostname = name;
    host.name = std::move(name);
    host.driver = std::string("QEMU");
    host.libvirt = model::version{9, 0, 0};
    host.hypervisor = model::version{7, 2, 0};
    model::capabilities told;
    told.host_uuid = id_of(number);
    told.arch = "x86_64";
    told.cpu_model = "EPYC";
    told.cpu_vendor = "AMD";
    told.live_migration = true;
    told.migration_transports = {"tcp", "rdma"};
    told.security_models = {"apparmor", "dac"};
    told.guests = {{"hvm",
                    "x86_64",
                    "/usr/bin/qemu-system-x86_64",
                    {"qemu", "kvm"},
                    {{"pc-q35-7.2", 288}, {"q35", 288}}}};
    host.capabilities = told;
    for (const std::string_view path : {image_path, base_path, medium_path}) {
        precheck::storage_place place;
        place.pool = "images";
        place.active = true;
        place.type = "netfs";
        place.server = "nfs";
        place.directory = "/srv/images";
        place.format = "nfs";
        place.available = bytes::gib(20);
        place.image = precheck::image{bytes::gib(10), "qcow2"};
        host.storage.set(std::string(path), place);
        host.storage.set("images/data", place);
    }
}

precheck::facts healthy() {
    using precheck::presence;
    precheck::facts all;
    all.domain = healthy_domain();
    make_healthy(all.source, "kvm01", 11);
    make_healthy(all.destination, "kvm02", 12);
    model::domain_status status;
    status.state = model::domain_state::running;
    status.active = true;
    status.persistent = true;
    all.source.status = status;
    all.source.job = precheck::current_job{};
    all.source.snapshots = 0U;
    all.source.block_jobs = std::vector<std::string>{};
    all.source.managed_save = false;
    all.source.autostart = false;
    auto &there = all.destination;
    there.same_name = std::optional<precheck::known_domain>{};
    there.same_uuid = std::optional<precheck::known_domain>{};
    model::domain_capabilities offers;
    offers.cpu_modes = {"host-passthrough", "host-model", "custom"};
    offers.cpu_models = {"EPYC"};
    offers.loaders = {"/usr/share/OVMF/OVMF_CODE_4M.fd"};
    offers.tpm_backends = {"passthrough", "emulator"};
    there.domain_capabilities = offers;
    there.cpu = precheck::cpu_comparison{true, ""};
    there.memory_total = bytes::gib(8);
    there.memory_available = bytes::gib(4);
    there.huge_pages = std::vector<precheck::free_pages>{{bytes::mib(2), pages{512}}};
    there.addresses = std::vector<std::string>{"192.0.2.12"};
    there.ports = std::vector<model::tried_port>{{49152, model::port_answer::closed},
                                                 {49215, model::port_answer::open}};
    there.clock =
        precheck::clock_offset{std::chrono::milliseconds{-20}, std::chrono::milliseconds{150}};
    all.peer =
        precheck::peer_facts{"qemu+ssh://root@kvm02/system", precheck::opened_connection{true, ""}};
    there.networks.set("default", presence::active);
    there.interfaces.set("br0", presence::active);
    there.interfaces.set("eth1", presence::active);
    there.filters.set("clean-traffic", presence::active);
    there.pools.set("images", presence::active);
    there.secrets.set("ceph:key", presence::active);
    return all;
}

precheck::facts sick() {
    auto f = healthy();
    f.domain.tsc_frequency.reset();
    f.domain.machine = "pc-q35-10.0";
    f.domain.host_devices[0].teaming.clear();
    f.domain.filesystems = {"virtiofs"};
    f.domain.channels = {"qemu-vdagent"};
    f.domain.security_models = {"selinux"};
    f.domain.memory = bytes::gib(100);
    f.domain.locked = true;
    f.domain.disks[0].cache = "writeback";
    auto told = *f.destination.capabilities;
    told.cpu_vendor = "Intel";
    told.host_uuid = f.source.capabilities->host_uuid;
    told.live_migration = false;
    f.destination.capabilities = told;
    f.destination.hostname = std::string("localhost");
    f.destination.addresses = std::vector<std::string>{};
    f.destination.ports = std::vector<model::tried_port>{{49152, model::port_answer::rejected},
                                                         {49215, model::port_answer::dropped},
                                                         {49300, model::port_answer::unreachable}};
    f.peer->connection = precheck::opened_connection{
        false, "Cannot recv data: Host key verification failed.: Connection reset by peer"};
    f.destination.driver = std::string("Xen");
    f.destination.cpu = precheck::cpu_comparison{};
    f.destination.same_name = std::optional(precheck::known_domain{"vm1", id_of(2), false});
    f.destination.same_uuid = std::optional(precheck::known_domain{"other", id_of(1), true});
    for (auto &[name, fact] : f.destination.storage.all()) {
        auto place = *fact;
        place.image.reset();
        fact = place;
    }
    auto local = *f.source.storage.of(std::string(image_path));
    local.type = "fs";
    local.format = "xfs";
    f.source.storage.set(std::string(image_path), local);
    for (auto *all : {&f.destination.networks, &f.destination.interfaces, &f.destination.filters,
                      &f.destination.pools, &f.destination.secrets}) {
        for (auto &[name, fact] : all->all()) fact = precheck::presence::absent;
    }
    f.source.status = model::domain_status{};
    f.source.job =
        precheck::current_job{model::job_type::unbounded, model::job_operation::migration_out};
    f.source.snapshots = 2U;
    f.source.block_jobs = std::vector<std::string>{"vda"};
    return f;
}

precheck::report check(const precheck::facts &all, const std::vector<std::string> &ignored) {
    return precheck::check(all, ignored);
}

std::vector<precheck::finding> findings_of(const precheck::facts &all, std::string_view id) {
    std::vector<precheck::finding> out;
    for (precheck::finding &each : test::check(all).findings) {
        if (each.id == id) out.push_back(std::move(each));
    }
    return out;
}

std::optional<precheck::severity> told(const precheck::facts &all, std::string_view id) {
    const auto found = findings_of(all, id);
    CHECK(found.size() <= 1);
    if (found.empty()) return std::nullopt;
    CHECK_FALSE(found.front().seen.empty());
    CHECK_FALSE(found.front().host.empty());
    return found.front().how;
}

} // namespace kvmig::test
