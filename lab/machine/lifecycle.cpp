// SPDX-License-Identifier: MIT
#include <lab/image/cache.hpp>
#include <lab/machine/guest_files.hpp>
#include <lab/machine/lifecycle.hpp>
#include <lab/machine/network.hpp>
#include <lab/machine/preflight.hpp>
#include <lab/machine/process.hpp>
#include <lab/machine/provision.hpp>
#include <lab/topology/files.hpp>
#include <lab/topology/lock.hpp>

#include <kvmig/core/uuid.hpp>
#include <kvmig/host/command.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <future>
#include <set>

namespace kvmig::lab {

namespace {

std::string machine_process(const machine_spec &machine) {
    return fmt::format("machine/{}", machine.name);
}

std::filesystem::path saved_disk(const std::filesystem::path &saved, const machine_spec &machine) {
    return saved / fmt::format("{}.qcow2", machine.name);
}
std::filesystem::path saved_memory(const std::filesystem::path &saved,
                                   const machine_spec &machine) {
    return saved / fmt::format("{}.memory", machine.name);
}

machine_setup setup_of(const lab_settings &settings, const machine_spec &machine) {
    const auto uuid = settings.host_uuids.find(machine.name);
    return {settings.image, settings.accel,
            uuid == settings.host_uuids.end() ? std::string{} : uuid->second};
}

/// Does `work` for every machine at once; the first error, once all have ended.
template <class Work> expected<void> for_each_machine(const Work &work) {
    std::vector<std::future<expected<void>>> tasks;
    for (const machine_spec &machine : machines) {
        tasks.push_back(std::async(std::launch::async, [&work, &machine]() -> expected<void> {
            auto done = work(machine);
            if (!done && done.error().object.empty()) {
                return fail(std::move(done).error().about(std::string{machine.name}));
            }
            return done;
        }));
    }
    expected<void> result;
    for (auto &task : tasks) {
        if (auto done = task.get(); !done && result) result = std::move(done);
    }
    return result;
}

/// Removes what no lab uses any more from the cache.
expected<void> prune_cache(const std::filesystem::path &cache, std::string_view release) {
    auto state = state_directory();
    if (!state) return fail(std::move(state).error());
    std::set<std::filesystem::path> used;
    std::error_code code;
    for (const auto &entry : std::filesystem::directory_iterator{*state / "lab", code}) {
        if (auto settings = read_settings({entry.path().filename().string(), entry.path()})) {
            used.insert(settings->image.directory);
            used.insert(settings->guest_initramfs.parent_path());
        }
    }
    auto done = prune(cache, fmt::format("image-{}", release), used, std::chrono::hours{1});
    if (done) done = prune(cache, "guest", used, std::chrono::hours{1});
    return done;
}

std::vector<lab_process> machine_processes(const lab_paths &paths) {
    auto all = processes_of(paths);
    std::erase_if(all,
                  [](const lab_process &process) { return !process.role.starts_with("machine/"); });
    return all;
}

expected<void> end_machines(const lab_paths &paths) {
    // Their state is not kept: nothing is gained by asking them to shut down.
    if (auto ended = end_processes(machine_processes(paths), std::chrono::milliseconds{0});
        !ended) {
        return ended;
    }
    return remove_tree(paths.running());
}

/// Starts a machine and gives back its monitor.
expected<qmp_client> launch(const machine_spec &machine, const lab_paths &paths,
                            const lab_settings &settings, bool restore,
                            const std::stop_token &stop) {
    const auto backing = restore ? saved_disk(paths.saved(), machine) : settings.image.root();
    auto done = make_overlay(paths.overlay(machine.name), backing, restore ? "qcow2" : "raw", stop);
    if (done) done = start_machine(machine, paths, setup_of(settings, machine), restore, stop);
    if (!done) return fail(std::move(done).error());
    return monitor_of(machine, paths, stop);
}

expected<void> resume(qmp_client &monitor) {
    auto done = monitor.execute("cont");
    if (!done) return fail(std::move(done).error());
    return {};
}

/// A restored machine believes that no time has passed since it was saved.
expected<void> set_clock(const machine_spec &machine, const lab_paths &paths,
                         const std::stop_token &stop) {
    auto agent = qmp_client::connect(paths.agent(machine.name), qmp_client::dialect::agent,
                                     std::chrono::minutes{2}, stop);
    if (!agent) return fail(std::move(agent).error());
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    auto set = agent->execute("guest-set-time", {{"time", std::chrono::nanoseconds{now}.count()}});
    if (!set) return fail(std::move(set).error());
    return {};
}

/// The agent opens its port only after everything else has been started (see the seed).
expected<void> await_boot(qmp_client &monitor, const machine_spec &machine,
                          const lab_paths &paths) {
    auto event = monitor.await_event(
        [](const nlohmann::json &candidate) {
            return candidate.value("event", "") == "VSERPORT_CHANGE" &&
                   candidate["data"].value("open", false);
        },
        std::chrono::minutes{15});
    if (event) return {};
    return fail(
        make_error(error_kind::failed, "the machine does not come up")
            .about(std::string{machine.name})
            .advise(fmt::format("read its console: {}", paths.console(machine.name).string()))
            .because(std::move(event).error()));
}

expected<void> save_machines(const lab_paths &paths, const lab_settings &settings,
                             std::vector<qmp_client> &monitors) {
    const std::filesystem::path temporary = paths.root / "saved.new";
    auto done = remove_tree(temporary);
    if (done) done = make_directory(temporary);
    if (!done) return done;
    // All stand still before the first is saved: nothing is on its way between them.
    for (qmp_client &monitor : monitors) {
        if (auto stopped = monitor.execute("stop"); !stopped)
            return fail(std::move(stopped).error());
    }
    for (std::size_t i = 0; i < machines.size(); ++i) {
        done = save_memory(monitors[i], saved_memory(temporary, machines[i]));
        if (!done) return done;
        if (auto quit = monitors[i].execute("quit"); !quit) return fail(std::move(quit).error());
    }
    monitors.clear();
    if (done = end_processes(machine_processes(paths), std::chrono::minutes{1}); !done) return done;
    for (const machine_spec &machine : machines) {
        const auto disk = saved_disk(temporary, machine);
        done = rename_durably(paths.overlay(machine.name), disk);
        if (done) done = flush(disk);
        if (!done) return done;
    }
    auto digest = settings.digest(paths);
    if (!digest) return fail(std::move(digest).error());
    done = write_file(temporary / "digest", *digest);
    if (done) done = remove_tree(paths.saved());
    if (done) done = rename_durably(temporary, paths.saved());
    return done;
}

expected<std::vector<qmp_client>> launch_all(const lab_paths &paths, const lab_settings &settings,
                                             bool restore, const std::stop_token &stop) {
    auto done = end_machines(paths);
    if (done) done = make_directory(paths.running());
    if (!done) return fail(std::move(done).error());
    std::vector<std::optional<qmp_client>> slots(machines.size());
    done = for_each_machine([&](const machine_spec &machine) -> expected<void> {
        auto monitor = launch(machine, paths, settings, restore, stop);
        if (!monitor) return fail(std::move(monitor).error());
        if (restore) {
            if (auto loaded = load_memory(*monitor, saved_memory(paths.saved(), machine));
                !loaded) {
                return loaded;
            }
        }
        slots[static_cast<std::size_t>(&machine - machines.data())] = std::move(*monitor);
        return {};
    });
    if (!done) return fail(std::move(done).error());
    std::vector<qmp_client> monitors;
    for (auto &slot : slots) monitors.push_back(std::move(*slot));
    return monitors;
}

expected<void> boot_and_save(const lab_paths &paths, const lab_settings &settings,
                             const progress &tell, const std::stop_token &stop) {
    tell("booting the machines for the first time");
    if (auto removed = remove_tree(paths.saved()); !removed) return removed;
    auto monitors = launch_all(paths, settings, false, stop);
    if (!monitors) return fail(std::move(monitors).error());
    for (qmp_client &monitor : *monitors) {
        if (auto running = resume(monitor); !running) return running;
    }
    for (std::size_t i = 0; i < machines.size(); ++i) {
        if (auto booted = await_boot((*monitors)[i], machines[i], paths); !booted) return booted;
        tell(fmt::format("{} is up", machines[i].name));
    }
    tell("mounting the store on both hosts");
    if (auto done = provision(stop); !done) return done;
    tell("saving the machines");
    return save_machines(paths, settings, *monitors);
}

expected<void> restore(const lab_paths &paths, const lab_settings &settings, const progress &tell,
                       const std::stop_token &stop) {
    tell("restoring the machines");
    auto monitors = launch_all(paths, settings, true, stop);
    if (!monitors) return fail(std::move(monitors).error());
    for (qmp_client &monitor : *monitors) {
        if (auto running = resume(monitor); !running) return running;
    }
    return for_each_machine(
        [&](const machine_spec &machine) { return set_clock(machine, paths, stop); });
}

bool is_saved(const lab_paths &paths, const lab_settings &settings) {
    const auto digest = settings.digest(paths);
    return digest && read_file(paths.saved() / "digest") == *digest;
}

expected<std::string> run_state(const machine_spec &machine, const lab_paths &paths) {
    auto monitor = qmp_client::connect(paths.query(machine.name), qmp_client::dialect::monitor,
                                       std::chrono::seconds{10});
    if (!monitor) return fail(std::move(monitor).error());
    auto status = monitor->execute("query-status");
    if (!status) return fail(std::move(status).error());
    return status->value("status", "unknown");
}

bool all_running(const lab_paths &paths) {
    return std::all_of(machines.begin(), machines.end(), [&](const machine_spec &machine) {
        return find_process(paths, machine_process(machine)) &&
               run_state(machine, paths) == "running";
    });
}

} // namespace

expected<std::string> lab_settings::digest(const lab_paths &paths) const {
    host::command version;
    version.argv = {"qemu-system-x86_64", "--version"};
    auto qemu = host::output_of(version);
    if (!qemu) return qemu;
    auto identity = read_file(paths.identity() / "known_hosts");
    if (!identity) return identity;
    std::vector<std::string> pieces{*qemu, *identity, image.digest, guest_digest, provision_recipe};
    for (const machine_spec &machine : machines) {
        for (std::string &word : qemu_command(machine, paths, setup_of(*this, machine), false)) {
            pieces.push_back(std::move(word));
        }
    }
    return digest_of(pieces);
}

expected<void> preflight(const lab_paths &paths, std::string_view release, std::string_view accel) {
    if (auto chosen = choose_acceleration(accel.empty() ? "auto" : accel); !chosen) {
        return fail(std::move(chosen).error());
    }
    if (!release.empty()) {
        if (auto known = require_release(release); !known) return known;
    }
    if (!machine_processes(paths).empty()) return {}; // it was enough for those
    auto facts = gather_machine_facts(paths);
    if (!facts) return fail(std::move(facts).error());
    return require(*facts);
}

expected<lab_settings> prepare(const lab_paths &paths, std::string_view release,
                               std::string_view accel, const progress &tell,
                               const std::stop_token &stop) {
    if (auto able = preflight(paths, release, accel); !able) return fail(std::move(able).error());
    auto chosen = choose_acceleration(accel.empty() ? "auto" : accel);
    if (!chosen) return fail(std::move(chosen).error());
    auto cache = cache_directory();
    if (!cache) return fail(std::move(cache).error());
    const bool up = !machine_processes(paths).empty();
    const auto before = read_settings(paths);
    // What is not said stays as it was.
    if (before && accel.empty()) chosen = before->accel;
    if (release.empty()) release = before ? std::string_view{before->release} : default_release;
    if (up && before && (before->release != release || before->accel.kvm != chosen->kvm)) {
        return fail(make_error(error_kind::conflict,
                               fmt::format("the lab '{}' is up with Debian {} under {}", paths.name,
                                           before->release, name_of(before->accel)))
                        .advise(fmt::format("kvmig lab down --lab {}, or another lab by --lab NAME",
                                            paths.name)));
    }
    if (auto made = make_directory(paths.root); !made) return fail(std::move(made).error());
    auto image = ensure_root_image(*cache, release, tell, stop);
    if (!image) return fail(std::move(image).error());
    lab_settings settings;
    auto guest = ensure_guest(*cache, *image, tell, stop);
    if (!guest) return fail(std::move(guest).error());
    settings.release = release;
    settings.accel = *chosen;
    settings.image = *image;
    settings.guest_digest = guest->digest;
    settings.guest_initramfs = guest->files.initramfs;
    if (before) settings.host_uuids = before->host_uuids;
    for (const machine_spec &machine : machines) {
        settings.host_uuids.try_emplace(std::string{machine.name}, uuid::random().text());
    }
    const std::string wanted =
        digest_of({settings.image.digest, settings.guest_digest, configuration_digest()});
    if (read_file(paths.identity() / "digest") != wanted) {
        // Whatever runs was made from something else, the network's bound files among it.
        if (auto ended = bring_down(paths, false); !ended) return fail(std::move(ended).error());
    }
    auto done = ensure_identity(paths, wanted, guest->files, stop);
    if (done) done = write_settings(paths, settings);
    if (done) done = prune_cache(*cache, release);
    if (!done) return fail(std::move(done).error());
    auto holder = ensure_network(paths, stop);
    if (!holder) return fail(std::move(holder).error());
    return settings;
}

expected<void> bring_up(const lab_paths &paths, const progress &tell, const std::stop_token &stop) {
    auto settings = read_settings(paths);
    if (!settings) return fail(std::move(settings).error());
    if (is_saved(paths, *settings)) {
        if (all_running(paths)) return {};
        auto restored = restore(paths, *settings, tell, stop);
        if (restored || restored.error().kind == error_kind::cancelled) return restored;
        // An interrupted restore fails in many ways; none of them says anything of the snapshot.
        if (stop.stop_requested()) {
            return fail(
                make_error(error_kind::cancelled, "stopped while the machines were restored")
                    .because(std::move(restored).error()));
        }
        tell(fmt::format("the snapshot cannot be restored, so the machines are booted anew: {}",
                         restored.error().what));
    }
    if (auto saved = boot_and_save(paths, *settings, tell, stop); !saved) return saved;
    return restore(paths, *settings, tell, stop);
}

expected<void> reset(const lab_paths &paths, const progress &tell, const std::stop_token &stop) {
    auto settings = read_settings(paths);
    if (!settings) return fail(std::move(settings).error());
    if (!is_saved(paths, *settings)) return bring_up(paths, tell, stop);
    return restore(paths, *settings, tell, stop);
}

expected<void> cut_power(const machine_spec &machine, const lab_paths &paths) {
    auto all = machine_processes(paths);
    std::erase_if(all,
                  [&](const lab_process &each) { return each.role != machine_process(machine); });
    return end_processes(all, std::chrono::milliseconds{0});
}

expected<void> boot(const machine_spec &machine, const lab_paths &paths,
                    const std::stop_token &stop, hardware made_of) {
    if (find_process(paths, machine_process(machine))) return {};
    const auto settings = read_settings(paths);
    if (!settings) return fail(settings.error());
    machine_setup setup = setup_of(*settings, machine);
    setup.made_of = made_of;
    auto done = start_machine(machine, paths, setup, false, stop);
    if (!done) return done;
    auto monitor = monitor_of(machine, paths, stop);
    if (!monitor) return fail(std::move(monitor).error());
    if (done = resume(*monitor); !done) return done;
    return await_boot(*monitor, machine, paths);
}

expected<void> bring_down(const lab_paths &paths, bool purge) {
    // Machines first: while one runs, the namespace stays.
    auto done = end_machines(paths);
    if (done) done = end_processes(processes_of(paths), std::chrono::seconds{5});
    if (done && purge) done = remove_tree(paths.root);
    return done;
}

expected<lab_status> status_of_lab(const lab_paths &paths) {
    lab_status status;
    status.holder = file_lock::holder(paths.lock());
    status.network = find_process(paths, network_role).has_value();
    if (auto settings = read_settings(paths)) {
        status.saved = is_saved(paths, *settings);
        status.settings = std::move(*settings);
    }
    std::size_t running = 0;
    for (const machine_spec &machine : machines) {
        machine_status one{std::string{machine.name}, std::string{machine.address},
                           find_process(paths, machine_process(machine)), "down"};
        if (one.pid) {
            const auto state = run_state(machine, paths);
            one.run_state = state ? *state : state.error().what;
            if (state == "running") ++running;
        }
        status.machines.push_back(std::move(one));
    }
    const bool anything = status.network || !processes_of(paths).empty();
    status.state = running == machines.size() && status.network ? "up"
                   : anything                                   ? "partial"
                                                                : "down";
    return status;
}

} // namespace kvmig::lab
