// SPDX-License-Identifier: MIT
#include <lab/scenario/bare_qemu.hpp>

#include <lab/image/seed.hpp>
#include <lab/machine/remote.hpp>
#include <lab/observe/connection.hpp>

#include <fmt/format.h>

namespace kvmig::lab {

namespace {

constexpr std::chrono::minutes command_watchdog{5};
constexpr std::chrono::minutes migration_watchdog{10};
/// Between two looks at a migration that has not ended.
constexpr std::chrono::milliseconds between_samples{250};
constexpr std::uint16_t first_monitor_port = 4440;

std::vector<std::string> command_line_of(const machine_spec &machine, const guest_domain &guest,
                                         const std::string &tap, std::uint16_t monitor,
                                         const std::vector<std::string> &begins) {
    // clang-format off
    std::vector<std::string> argv{
        "qemu-system-x86_64", "-name", guest.name, "-nodefaults", "-no-user-config",
        "-display", "none", "-daemonize", "-machine", "q35", "-accel", "kvm", "-cpu", "host",
        "-m", fmt::format("{}M", guest.memory.count() >> 20U), "-smp", fmt::format("{}", guest.vcpus),
        "-kernel", fmt::format("{}/vmlinuz", guest_directory),
        "-initrd", fmt::format("{}/initramfs", guest_directory),
        "-serial", "null",
        "-append", "console=ttyS0 quiet mitigations=off " + command_line(guest.settings),
        "-drive", fmt::format("file={},format={},if=none,id={},node-name={},cache=none",
                              guest.disk.string(), guest.disk_format, bare_qemu::disk,
                              bare_qemu::node),
        "-device", fmt::format("virtio-blk-pci,drive={}", bare_qemu::disk),
        "-netdev", fmt::format("tap,id=net0,ifname={},script=no,downscript=no", tap),
        "-device", fmt::format("virtio-net-pci,netdev=net0,mac={}", guest_mac(guest.index)),
        "-qmp", fmt::format("tcp:{}:{},server=on,wait=off", machine.address, monitor)};
    // clang-format on
    argv.insert(argv.end(), begins.begin(), begins.end());
    return argv;
}

} // namespace

expected<bare_qemu> bare_qemu::start(const machine_spec &machine, const guest_domain &guest,
                                     unsigned number, const std::vector<std::string> &begins,
                                     const std::stop_token &stop) {
    const std::string tap = fmt::format("bare{}", number);
    const auto port = static_cast<std::uint16_t>(first_monitor_port + number);
    for (const std::vector<std::string> &argv :
         {std::vector<std::string>{"ip", "tuntap", "add", "dev", tap, "mode", "tap"},
          std::vector<std::string>{"ip", "link", "set", tap, "master", std::string{guest_bridge},
                                   "up"},
          command_line_of(machine, guest, tap, port, begins)}) {
        if (auto done = remote_output(machine, argv, stop); !done) {
            return fail(std::move(done).error());
        }
    }
    const observe::stop_descriptor stopped{stop};
    auto socket = observe::connect_to(std::string{machine.address}, port,
                                      std::chrono::steady_clock::now() + command_watchdog, stopped);
    if (!socket) return fail(std::move(socket).error());
    auto monitor = qmp_client::over(*std::move(socket), fmt::format("QEMU on {}", machine.name),
                                    qmp_client::dialect::monitor, command_watchdog, stop);
    if (!monitor) return fail(std::move(monitor).error());
    return bare_qemu{machine, *std::move(monitor), tap, stop};
}

std::vector<std::string> bare_qemu::incoming(std::uint16_t port) {
    return {"-incoming", fmt::format("tcp:0:{}", port)};
}

std::vector<std::string> bare_qemu::from_snapshot(std::string_view tag) {
    return {"-loadvm", std::string{tag}};
}

expected<nlohmann::json> bare_qemu::execute(std::string_view command, nlohmann::json arguments) {
    return monitor_.execute(command, std::move(arguments));
}

expected<model::qemu_migration> bare_qemu::migration() {
    auto answer = execute("query-migrate");
    if (!answer) return fail(std::move(answer).error());
    return model::parse_query_migrate(answer->dump());
}

expected<std::string> bare_qemu::run_state() {
    auto answer = execute("query-status");
    if (!answer) return fail(std::move(answer).error());
    return answer->value("status", "unknown");
}

expected<unsigned> bare_qemu::version() {
    auto answer = execute("query-version");
    if (!answer) return fail(std::move(answer).error());
    return answer->value("/qemu/major"_json_pointer, 0U) * 100 +
           answer->value("/qemu/minor"_json_pointer, 0U);
}

expected<std::string>
bare_qemu::await_migration(const std::function<bool(std::string_view)> &wanted,
                           const std::function<expected<void>()> &meanwhile) {
    const auto deadline = std::chrono::steady_clock::now() + migration_watchdog;
    const auto status_of = [](const nlohmann::json &event) {
        return event.value("event", "") == "MIGRATION"
                   ? event.value("/data/status"_json_pointer, std::string{})
                   : std::string{};
    };
    for (;;) {
        auto event = monitor_.await_event(
            [&](const nlohmann::json &each) { return wanted(status_of(each)); }, between_samples);
        if (event) return status_of(*event);
        if (event.error().kind != error_kind::timed_out) return fail(std::move(event).error());
        if (std::chrono::steady_clock::now() > deadline) return fail(std::move(event).error());
        if (auto looked = meanwhile(); !looked) return fail(std::move(looked).error());
    }
}

expected<nlohmann::json> bare_qemu::await(std::string_view event) {
    auto found = monitor_.await_event(
        [&](const nlohmann::json &each) { return each.value("event", "") == event; },
        migration_watchdog);
    if (!found) return found;
    return found->value("data", nlohmann::json::object());
}

expected<void> bare_qemu::save_snapshot(std::string_view tag, std::string_view into) {
    constexpr std::string_view job = "snapshot0";
    auto done = execute("snapshot-save", {{"job-id", job},
                                          {"tag", tag},
                                          {"vmstate", into},
                                          {"devices", nlohmann::json::array({into})}});
    if (!done) return fail(std::move(done).error());
    for (std::string status; status != "concluded";) {
        auto changed = await("JOB_STATUS_CHANGE");
        if (!changed) return fail(std::move(changed).error());
        if (changed->value("id", "") == job) status = changed->value("status", "");
    }
    auto jobs = execute("query-jobs");
    if (!jobs) return fail(std::move(jobs).error());
    std::string problem = fmt::format("QEMU on {} no longer knows the job", machine_->name);
    for (const nlohmann::json &each : *jobs) {
        if (each.value("id", "") == job) problem = each.value("error", "");
    }
    auto gone = execute("job-dismiss", {{"id", job}});
    if (!gone) return fail(std::move(gone).error());
    if (problem.empty()) return {};
    return fail(error_kind::refused, std::move(problem));
}

expected<void> bare_qemu::await_end() {
    auto closed =
        monitor_.await_event([](const nlohmann::json &) { return false; }, command_watchdog);
    if (!closed && closed.error().kind != error_kind::unreachable) {
        return fail(std::move(closed).error());
    }
    ended_ = true;
    return {};
}

expected<void> bare_qemu::dismiss() {
    if (!ended_) {
        if (auto asked = execute("quit"); !asked) return fail(std::move(asked).error());
        if (auto gone = await_end(); !gone) return gone;
    }
    auto removed = remote_output(*machine_, {"ip", "link", "del", tap_}, stop_);
    if (!removed) return fail(std::move(removed).error());
    return {};
}

} // namespace kvmig::lab
