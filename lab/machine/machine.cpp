// SPDX-License-Identifier: MIT
#include <lab/machine/machine.hpp>
#include <lab/machine/process.hpp>
#include <lab/topology/files.hpp>

#include <kvmig/host/command.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>

namespace kvmig::lab {

namespace {

/// A value inside one of QEMU's comma-separated options: a comma is written twice.
std::string option_value(const std::filesystem::path &path) {
    std::string text;
    for (const char c : path.string()) {
        text += c;
        if (c == ',') text += c;
    }
    return text;
}

/// Modules that only make things faster on a real CPU patch the running kernel's text when they are
/// loaded, which costs emulation seconds each. With `tsc=reliable` Linux does not hold the counter
/// against HPET, by which that of a machine that had to wait for its turn seems to be a bad one.
/// `no5lvl`: emulation walks page tables by hand, and a nested guest's once for each level of the
/// host's.
std::string kernel_command_line(const machine_spec &machine, hardware made_of) {
    return fmt::format("root=/dev/vda rw console=ttyS0 net.ifnames=0 mitigations=off "
                       "loglevel=4 systemd.show_status=1 systemd.hostname={} "
                       "random.trust_cpu=on nowatchdog tsc=reliable no5lvl "
                       "module_blacklist=aesni_intel,ghash_clmulni_intel,sha512_ssse3,"
                       "sha256_ssse3,sha1_ssse3,powernow_k8{}",
                       machine.name,
                       made_of == hardware::passthrough ? " intel_iommu=on iommu=pt" : "");
}

/// The board. KVM's own interrupt controllers cannot remap interrupts, as an IOMMU does.
std::string board_of(const machine_setup &setup) {
    std::string board = "q35,usb=off,vmport=off";
    if (setup.made_of == hardware::passthrough && setup.accel.kvm) board += ",kernel-irqchip=split";
    return board;
}

/// The IOMMU, which stands before all devices. `caching-mode`: it is told of every mapping, as the
/// hosts' VFIO makes them for guests.
std::vector<std::string> iommu_of(const machine_setup &setup) {
    if (setup.made_of == hardware::usual) return {};
    return {"-device", "intel-iommu,intremap=on,caching-mode=on"};
}

/// What is handed to guests; it stands behind all other devices, and leaves those in their places.
/// The card is no virtio one: Linux lets an interface stand in for a driver of PCI's alone, and the
/// machines' kernel has none but this for a card that QEMU emulates.
std::vector<std::string> devices_to_hand_on(const machine_spec &machine,
                                            const machine_setup &setup) {
    if (setup.made_of == hardware::usual) return {};
    // Of the queues and interrupts two are kept for each virtual function.
    const char *const flash = "nvme,serial=flash,subsys=flashes,bus=flashport,max_ioqpairs=6,"
                              "sriov_max_vfs=2,sriov_vq_flexible=4,sriov_vi_flexible=2";
    // clang-format off
    return {"-netdev", fmt::format("tap,id=card,ifname={},script=no,downscript=no",
                                   card_tap_name(machine)),
            "-device", "pcie-root-port,id=cardport,chassis=1,addr=0x10",
            "-device", fmt::format("vmxnet3,netdev=card,mac={},bus=cardport,romfile=", card_mac),
            "-device", "pcie-root-port,id=flashport,chassis=2,addr=0x11",
            "-blockdev", "driver=null-co,node-name=flash,size=16777216,read-zeroes=on",
            "-device", "nvme-subsys,id=flashes",
            "-device", flash,
            "-device", "nvme-ns,drive=flash,shared=on"};
    // clang-format on
}

/// An emulated machine has one CPU. Linux patches its own text while it runs (KVM does whenever a
/// guest's APIC comes to life), with a breakpoint in its place meanwhile; QEMU's emulation has been
/// seen to go on executing that breakpoint on the other CPU after it was gone, for ever. One CPU
/// patches for itself.
unsigned cpus_of(const machine_spec &machine, const acceleration &accel) {
    return accel.kvm ? machine.cpus : 1;
}

constexpr std::string_view memory_fd = "memory";

/// Waits until QEMU's migration (to or from a file) has ended, by its events.
expected<void> await_migration(qmp_client &monitor, std::string_view doing) {
    const auto ended = [](const nlohmann::json &event) {
        if (event.value("event", "") != "MIGRATION") return false;
        const std::string status = event["data"].value("status", "");
        return status == "completed" || status == "failed" || status == "cancelled";
    };
    auto event = monitor.await_event(ended, std::chrono::minutes{10});
    if (!event) return fail(std::move(event).error());
    if ((*event)["data"]["status"] == "completed") return {};
    auto info = monitor.execute("query-migrate");
    return fail(error_kind::failed,
                fmt::format("{}: QEMU says {}", doing, info ? info->dump() : info.error().what));
}

expected<void> pass_memory(qmp_client &monitor, const std::filesystem::path &path, int flags) {
    const host::descriptor file{::open(path.c_str(), flags | O_CLOEXEC, 0600)};
    if (!file) {
        return fail(error_kind::io,
                    fmt::format("cannot open {}: {}", path.string(), std::strerror(errno)));
    }
    auto passed = monitor.execute("getfd", {{"fdname", memory_fd}}, file.get());
    if (!passed) return fail(std::move(passed).error());
    return {};
}

expected<void> enable_events(qmp_client &monitor) {
    auto set = monitor.execute(
        "migrate-set-capabilities",
        {{"capabilities", nlohmann::json::array({{{"capability", "events"}, {"state", true}}})}});
    if (!set) return fail(std::move(set).error());
    return {};
}

} // namespace

std::vector<std::string> qemu_command(const machine_spec &machine, const lab_paths &paths,
                                      const machine_setup &setup, bool restore) {
    const std::string name{machine.name};
    // clang-format off
    std::vector<std::string> argv{
        "qemu-system-x86_64", "-name", fmt::format("kvmig-{}-{}", paths.name, name),
        // -no-reboot: a crash is to be seen, not slept over.
        "-nodefaults", "-no-user-config", "-display", "none", "-daemonize", "-S", "-no-reboot",
        "-machine", board_of(setup), "-uuid", setup.host_uuid,
        "-m", fmt::format("{}M", machine.memory.count() >> 20U),
        "-smp", fmt::format("{}", cpus_of(machine, setup.accel)), "-rtc", "base=utc,clock=host",
        "-kernel", setup.image.kernel().string(), "-initrd", setup.image.initrd().string(),
        "-append", kernel_command_line(machine, setup.made_of),
        // The overlay is thrown away with the run: flushing it to the disk buys nothing.
        "-drive", fmt::format("file={},format=qcow2,if=none,id=root,cache=unsafe,discard=unmap",
                              option_value(paths.overlay(name))),
        "-device", "virtio-blk-pci,drive=root",
        "-drive", fmt::format("file={},format=raw,if=none,id=seed,readonly=on",
                              option_value(paths.seed(name))),
        "-device", "virtio-blk-pci,drive=seed",
        "-netdev", fmt::format("tap,id=uplink,ifname={},script=no,downscript=no", tap_name(machine)),
        "-device", fmt::format("virtio-net-pci,netdev=uplink,mac={}", machine.mac),
        "-device", "virtio-rng-pci",
        "-chardev", fmt::format("file,id=console,path={},append=on", option_value(paths.console(name))),
        "-serial", "chardev:console",
        // Sockets are named relative to the working directory: an address holds 108 bytes at most.
        "-chardev", fmt::format("socket,id=qmp,path={}.qmp,server=on,wait=off", name),
        "-mon", "chardev=qmp,mode=control",
        // A monitor serves one client at a time: this one is for those who only ask.
        "-chardev", fmt::format("socket,id=query,path={}.query,server=on,wait=off", name),
        "-mon", "chardev=query,mode=control",
        "-device", "virtio-serial-pci",
        "-chardev", fmt::format("socket,id=agent,path={}.qga,server=on,wait=off", name),
        // QEMU tells of a port's opening only when the port has an id.
        "-device", "virtserialport,chardev=agent,id=agent,name=org.qemu.guest_agent.0"};
    // clang-format on
    const auto iommu = iommu_of(setup);
    argv.insert(std::find(argv.begin(), argv.end(), "-device"), iommu.begin(), iommu.end());
    const auto more = devices_to_hand_on(machine, setup);
    argv.insert(argv.end(), more.begin(), more.end());
    const std::vector<std::string> how =
        setup.accel.kvm
            ? std::vector<std::string>{"-accel", "kvm", "-cpu", "host"}
            : std::vector<std::string>{"-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max"};
    argv.insert(argv.end(), how.begin(), how.end());
    if (restore) argv.insert(argv.end(), {"-incoming", "defer"});
    return argv;
}

expected<void> make_overlay(const std::filesystem::path &overlay,
                            const std::filesystem::path &backing, std::string_view backing_format,
                            const std::stop_token &stop) {
    host::command create;
    create.argv = {"qemu-img",
                   "create",
                   "-q",
                   "-f",
                   "qcow2",
                   "-F",
                   std::string{backing_format},
                   "-b",
                   backing.string(),
                   overlay.string()};
    if (auto made = host::output_of(create, stop); !made) return fail(std::move(made).error());
    return {};
}

expected<void> start_machine(const machine_spec &machine, const lab_paths &paths,
                             const machine_setup &setup, bool restore,
                             const std::stop_token &stop) {
    host::command qemu;
    qemu.argv = qemu_command(machine, paths, setup, restore);
    qemu.directory = paths.running();
    qemu.environment = {mark(paths, fmt::format("machine/{}", machine.name))};
    qemu.timeout = std::chrono::minutes{2};
    if (auto started = host::output_of(qemu, stop); !started) {
        return fail(make_error(error_kind::failed, "the machine cannot be started")
                        .about(std::string{machine.name})
                        .because(std::move(started).error()));
    }
    return {};
}

expected<qmp_client> monitor_of(const machine_spec &machine, const lab_paths &paths,
                                const std::stop_token &stop) {
    return qmp_client::connect(paths.qmp(machine.name), qmp_client::dialect::monitor,
                               std::chrono::minutes{2}, stop);
}

expected<void> save_memory(qmp_client &monitor, const std::filesystem::path &file) {
    auto done = enable_events(monitor);
    if (!done) return done;
    // No link to spare: as fast as the disk takes it.
    auto rate =
        monitor.execute("migrate-set-parameters", {{"max-bandwidth", std::uint64_t{1} << 40U}});
    if (!rate) return fail(std::move(rate).error());
    if (done = pass_memory(monitor, file, O_WRONLY | O_CREAT | O_TRUNC); !done) return done;
    auto begun = monitor.execute("migrate", {{"uri", fmt::format("fd:{}", memory_fd)}});
    if (!begun) return fail(std::move(begun).error());
    if (done = await_migration(monitor, "saving memory"); !done) return done;
    return flush(file);
}

expected<void> load_memory(qmp_client &monitor, const std::filesystem::path &file) {
    auto done = enable_events(monitor);
    if (done) done = pass_memory(monitor, file, O_RDONLY);
    if (!done) return done;
    auto begun = monitor.execute("migrate-incoming", {{"uri", fmt::format("fd:{}", memory_fd)}});
    if (!begun) return fail(std::move(begun).error());
    return await_migration(monitor, "loading memory");
}

} // namespace kvmig::lab
