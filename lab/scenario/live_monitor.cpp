// SPDX-License-Identifier: MIT
/// live-monitor: QEMU without libvirt, `-incoming` on one side and the monitor on the other; disks
/// by `migrate -i` and `migrate -b`, and by the mirror over NBD that has replaced them.
#include <lab/cli/migration_json.hpp>
#include <lab/machine/remote.hpp>
#include <lab/scenario/bare_qemu.hpp>
#include <lab/scenario/on_machine.hpp>
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace kvmig::lab {

namespace {

constexpr std::string_view image_folder = "/var/tmp/kvmig-monitor"; ///< on each host's own disk
constexpr std::string_view base_image = "/srv/images/monitor-base.qcow2"; ///< on the store
constexpr std::string_view base_content = "-P 0xa5 32M 16M"; ///< of the base, in qemu-io's words
constexpr std::string_view virtual_size = "64M";
constexpr std::uint16_t nbd_port = 10809;
/// Since then QEMU has neither `migrate -b` nor `migrate -i`.
constexpr unsigned without_block_migration = 901;

/// How the disk travels, with the port that the notes give.
struct way {
    std::string_view name;
    std::uint16_t port;
    std::string_view option; ///< of `migrate`; empty: the mirror
};
constexpr way by_overlay{"migrate -i", 6666, "inc"};
constexpr way by_whole{"migrate -b", 8888, "blk"};
constexpr way by_mirror{"mirror", 8888, ""};

std::string image_path(std::string_view name) {
    return fmt::format("{}/{}.qcow2", image_folder, name);
}

/// The guest, which QEMU runs it, and who watches.
class monitor_play {
public:
    monitor_play(stage &on, guest_domain guest) : on_(&on), guest_(std::move(guest)) {}

    [[nodiscard]] expected<void> run();

private:
    [[nodiscard]] const std::stop_token &stop() const { return on_->context().stop; }
    [[nodiscard]] scenario_result &out() const { return on_->context().out; }
    void tell(const std::string &what) const { on_->context().tell(what); }

    [[nodiscard]] expected<void> on_host(std::string_view host,
                                         const std::vector<std::string> &argv) {
        return on_machine(on_->context(), host, argv);
    }
    [[nodiscard]] expected<void> make_images();
    [[nodiscard]] expected<void> remove_images();
    /// A QEMU that waits for the guest on `host`, with this image.
    [[nodiscard]] expected<bare_qemu> wait_on(std::string_view host, std::string_view disk,
                                              std::uint16_t port);
    /// `migrate` to `to`; what `option` is, if any, is set.
    [[nodiscard]] expected<void> begin(const bare_qemu &to, const way &how);
    [[nodiscard]] expected<void> set_up_source(bool to_mirror);
    [[nodiscard]] expected<void> cancel();
    [[nodiscard]] expected<void> move(std::string_view host, std::string_view disk, const way &how);
    /// Copies the disk until both sides are the same, and keeps it so.
    [[nodiscard]] expected<void> mirror_to(bare_qemu &to);
    /// While the guest stands still for the switch: ends the mirror, and lets it go on.
    [[nodiscard]] expected<void> switch_over(bare_qemu &to, const std::string &prefix);
    [[nodiscard]] expected<void> prove_moved(bare_qemu &to, const std::string &prefix);
    void prove_progress(const std::string &prefix, bool with_disk,
                        const std::vector<model::job_progress> &samples);
    [[nodiscard]] expected<void> prove_refused();

    stage *on_;
    guest_domain guest_;
    unsigned number_ = 0;
    std::optional<bare_qemu> at_; ///< who runs the guest
    std::optional<witnesses> watch_;
};

expected<void> monitor_play::make_images() {
    const std::string base{base_image};
    const std::string size{virtual_size};
    auto done = on_host("kvm01", {"qemu-img", "create", "-q", "-f", "qcow2", base, size});
    if (done) {
        done = on_host(
            "kvm01", {"qemu-io", "-f", "qcow2", "-c", fmt::format("write {}", base_content), base});
    }
    for (const std::string_view host : {"kvm01", "kvm02"}) {
        if (done) done = on_host(host, {"mkdir", "-p", std::string{image_folder}});
        if (done) {
            done = on_host(host, {"qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b",
                                  base, image_path("overlay")});
        }
        if (done) {
            done = on_host(host,
                           {"qemu-img", "create", "-q", "-f", "qcow2", image_path("whole"), size});
        }
    }
    return done;
}

expected<void> monitor_play::remove_images() {
    auto done = on_host("kvm01", {"rm", std::string{base_image}});
    for (const std::string_view host : {"kvm01", "kvm02"}) {
        if (done) done = on_host(host, {"rm", "-r", std::string{image_folder}});
    }
    return done;
}

expected<bare_qemu> monitor_play::wait_on(std::string_view host, std::string_view disk,
                                          std::uint16_t port) {
    guest_domain there = guest_;
    there.disk = image_path(disk);
    return bare_qemu::start(*find_machine(host), there, number_++, bare_qemu::incoming(port),
                            stop());
}

expected<void> monitor_play::set_up_source(bool to_mirror) {
    const auto capability = [](std::string_view name, bool on) {
        return nlohmann::json{{"capability", name}, {"state", on}};
    };
    auto set = at_->execute(
        "migrate-set-capabilities",
        {{"capabilities",
          {capability("events", true), capability("pause-before-switchover", to_mirror)}}});
    // What the notes' migrate_set_speed and migrate_set_downtime did.
    if (set) {
        set = at_->execute(
            "migrate-set-parameters",
            {{"max-bandwidth", byte_rate::mib(64).per_second()}, {"downtime-limit", 1000}});
    }
    if (!set) return fail(std::move(set).error());
    return {};
}

expected<void> monitor_play::begin(const bare_qemu &to, const way &how) {
    nlohmann::json arguments = {{"uri", fmt::format("tcp:{}:{}", fqdn(to.at()), how.port)}};
    if (!how.option.empty()) arguments[std::string{how.option}] = true;
    auto begun = at_->execute("migrate", std::move(arguments));
    if (!begun) return fail(std::move(begun).error());
    return {};
}

/// At the speed of the notes' slow link, and called off once something was sent.
expected<void> monitor_play::cancel() {
    const std::string prefix = "cancelled: ";
    tell(prefix + "migrating");
    auto to = wait_on("kvm02", "overlay", by_overlay.port);
    if (!to) return fail(std::move(to).error());
    if (auto watched = watch_->begin(); !watched) return watched;
    auto slow =
        at_->execute("migrate-set-parameters", {{"max-bandwidth", byte_rate::mib(1).per_second()}});
    if (!slow) return fail(std::move(slow).error());
    if (auto begun = begin(*to, by_overlay); !begun) return begun;
    std::optional<bytes> sent;
    auto ended = at_->await_migration(
        [](std::string_view status) { return status == "cancelled" || status == "completed"; },
        [&]() -> expected<void> {
            auto now = at_->migration();
            if (!now) return fail(std::move(now).error());
            const bytes processed = now->statistics.data_processed.value_or(bytes{0});
            if (sent || processed.count() == 0) return {};
            sent = processed;
            auto cancelled = at_->execute("migrate_cancel");
            if (!cancelled) return fail(std::move(cancelled).error());
            return {};
        });
    if (!ended) return fail(std::move(ended).error());
    out().prove(prefix + "on the way", *ended == "cancelled" && sent.has_value(),
                fmt::format("{} after {:.1f} MiB", *ended, sent.value_or(bytes{0}).as_mib()));
    auto state = at_->run_state();
    if (!state) return fail(std::move(state).error());
    out().prove(prefix + "goes on at the source", *state == "running", *state);
    // Whoever waits for a migration ends with it.
    auto gone = to->await_end();
    out().prove(prefix + "nothing remains at the destination", gone.has_value(),
                gone ? "QEMU has ended there" : describe(gone.error()));
    if (!gone) return gone;
    if (auto removed = to->dismiss(); !removed) return removed;
    return watch_->prove(out(), prefix, stop());
}

expected<void> monitor_play::mirror_to(bare_qemu &to) {
    const nlohmann::json address = {
        {"type", "inet"},
        {"data", {{"host", to.at().address}, {"port", fmt::format("{}", nbd_port)}}}};
    auto done = to.execute("nbd-server-start", {{"addr", address}});
    if (done) {
        done = to.execute("block-export-add", {{"type", "nbd"},
                                               {"id", "export0"},
                                               {"node-name", bare_qemu::node},
                                               {"name", bare_qemu::disk},
                                               {"writable", true}});
    }
    if (done) {
        done = at_->execute("drive-mirror",
                            {{"job-id", "mirror0"},
                             {"device", bare_qemu::disk},
                             {"target", fmt::format("nbd:{}:{}:exportname={}", to.at().address,
                                                    nbd_port, bare_qemu::disk)},
                             {"format", "raw"},
                             {"mode", "existing"},
                             {"sync", "full"}});
    }
    if (done) done = at_->await("BLOCK_JOB_READY");
    if (!done) return fail(std::move(done).error());
    return {};
}

expected<void> monitor_play::switch_over(bare_qemu &to, const std::string &prefix) {
    auto done = at_->execute("block-job-cancel", {{"device", "mirror0"}});
    if (done) done = at_->await("BLOCK_JOB_COMPLETED");
    if (!done) return fail(std::move(done).error());
    const auto copied = done->value("offset", std::uint64_t{0});
    out().prove(prefix + "the mirror is complete",
                copied > 0 && copied == done->value("len", std::uint64_t{0}),
                fmt::format("{:.1f} MiB copied", bytes{copied}.as_mib()));
    out().measure(prefix + "disk sent", static_cast<double>(copied), "bytes");
    auto stopped = to.execute("nbd-server-stop");
    if (!stopped) return fail(std::move(stopped).error());
    return {};
}

void monitor_play::prove_progress(const std::string &prefix, bool with_disk,
                                  const std::vector<model::job_progress> &samples) {
    std::optional<model::job_statistics> disk;
    std::optional<model::job_statistics> memory;
    nlohmann::json told = nlohmann::json::array();
    for (const model::job_progress &each : samples) {
        // QEMU tells of disks until they are done.
        if (each.statistics.disk_processed) disk = each.statistics;
        if (each.statistics.memory_processed) memory = each.statistics;
        told.push_back(cli::to_json(each));
    }
    out().samples[prefix + "progress"] = std::move(told);
    const auto all = [](const auto &processed, const auto &remaining, const auto &total) {
        return processed && remaining && total && total->count() > 0;
    };
    const bool memory_told =
        memory && all(memory->memory_processed, memory->memory_remaining, memory->memory_total);
    const bool disk_told =
        disk && all(disk->disk_processed, disk->disk_remaining, disk->disk_total);
    out().prove(prefix + "transferred, remaining and total are told",
                memory_told && disk_told == with_disk,
                fmt::format("of memory: {}, of disks: {}; {} samples", memory_told, disk_told,
                            samples.size()));
    if (disk_told) {
        // What `-i` leaves to the base counts as done too.
        out().measure(prefix + "disk done", static_cast<double>(disk->disk_processed->count()),
                      "bytes");
    }
}

expected<void> monitor_play::prove_moved(bare_qemu &to, const std::string &prefix) {
    auto left = at_->migration();
    if (!left) return fail(std::move(left).error());
    auto here = at_->run_state();
    if (!here) return fail(std::move(here).error());
    auto arrived = to.migration();
    if (!arrived) return fail(std::move(arrived).error());
    auto there = to.run_state();
    if (!there) return fail(std::move(there).error());
    out().prove(
        prefix + "both sides tell that it is done",
        left->status == "completed" && arrived->status == "completed",
        fmt::format("{} at the source, {} at the destination", left->status, arrived->status));
    out().prove(prefix + "paused at the source, running at the destination",
                *here == "postmigrate" && *there == "running",
                fmt::format("{} at the source, {} at the destination", *here, *there));
    const model::job_statistics &told = left->statistics;
    const auto count_of = [](const auto &time) {
        return time ? static_cast<double>(time->count()) : 0.0;
    };
    out().prove(prefix + "memory moved is told",
                told.memory_processed.value_or(bytes{0}) > bytes{0},
                fmt::format("{:.1f} MiB", told.memory_processed.value_or(bytes{0}).as_mib()));
    out().measure(prefix + "total time by QEMU", count_of(told.time_elapsed), "ms");
    out().measure(prefix + "downtime by QEMU", count_of(told.downtime), "ms");
    out().measure(prefix + "memory moved",
                  static_cast<double>(told.memory_processed.value_or(bytes{0}).count()), "bytes");
    return {};
}

expected<void> monitor_play::move(std::string_view host, std::string_view disk, const way &how) {
    const std::string prefix = fmt::format("{}: ", how.name);
    const bool mirrors = how.option.empty();
    tell(fmt::format("{}migrating to {}", prefix, host));
    auto to = wait_on(host, disk, how.port);
    if (!to) return fail(std::move(to).error());
    if (auto set = set_up_source(mirrors); !set) return set;
    if (auto watched = watch_->begin(); !watched) return watched;
    const auto begun = std::chrono::steady_clock::now();
    const auto since = [&] {
        return std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::steady_clock::now() - begun);
    };
    if (mirrors) {
        if (auto same = mirror_to(*to); !same) return same;
    }
    if (auto started = begin(*to, how); !started) return started;
    std::vector<model::job_progress> samples;
    const auto look = [&]() -> expected<void> {
        auto now = at_->migration();
        if (!now) return fail(std::move(now).error());
        model::job_progress &seen = samples.emplace_back();
        seen.since_start = since();
        seen.statistics = now->statistics;
        const auto part = seen.fraction();
        if (part) tell(fmt::format("{}migrating to {}: {:.0f} %", prefix, host, *part * 100));
        return {};
    };
    const auto ended = [](std::string_view status) {
        return status == "completed" || status == "failed" || status == "cancelled";
    };
    auto status = at_->await_migration(
        [&](std::string_view each) { return each == "pre-switchover" || ended(each); }, look);
    if (status && *status == "pre-switchover") {
        if (mirrors) {
            if (auto switched = switch_over(*to, prefix); !switched) return switched;
        }
        auto on = at_->execute("migrate-continue", {{"state", "pre-switchover"}});
        if (!on) return fail(std::move(on).error());
        status = at_->await_migration(ended, look);
    }
    if (!status) return fail(std::move(status).error());
    if (*status != "completed") {
        auto told = at_->migration();
        return fail(error_kind::failed,
                    fmt::format("{}{}: {}", prefix, *status,
                                told ? told->error_text : describe(told.error())));
    }
    out().measure(prefix + "wall time", static_cast<double>(since().count()), "ms");
    // The destination goes on by itself; its heartbeat tells when.
    tell(prefix + "checking memory and disk");
    if (auto unhurt = watch_->prove(out(), prefix, stop()); !unhurt) return unhurt;
    prove_progress(prefix, !mirrors, samples);
    if (auto moved = prove_moved(*to, prefix); !moved) return moved;
    if (auto gone = at_->dismiss(); !gone) return gone;
    at_.emplace(*std::move(to));
    return {};
}

expected<void> monitor_play::prove_refused() {
    for (const way &how : {by_whole, by_overlay}) {
        const auto begun =
            at_->execute("migrate", {{"uri", "tcp:127.0.0.1:1"}, {std::string{how.option}, true}});
        const std::string said = begun ? "it was begun" : begun.error().what;
        out().prove(fmt::format("{} is refused by its name", how.name),
                    !begun && said.find(how.option) != std::string::npos, said);
    }
    return {};
}

expected<void> monitor_play::run() {
    tell("making images");
    if (auto made = make_images(); !made) return made;
    tell("starting QEMU on kvm01");
    guest_domain first = guest_;
    first.disk = image_path("overlay");
    auto source = bare_qemu::start(*find_machine("kvm01"), first, number_++, {}, stop());
    if (!source) return fail(std::move(source).error());
    at_.emplace(*std::move(source));
    auto watch = on_->meet_again(guest_);
    if (!watch) return fail(std::move(watch).error());
    watch_.emplace(*std::move(watch));
    if (auto written = watch_->client().write_disk(); !written) {
        return fail(std::move(written).error());
    }
    auto version = at_->version();
    if (!version) return fail(std::move(version).error());
    if (auto set = set_up_source(false); !set) return set;

    expected<void> done;
    std::string_view last = "kvm02";
    if (*version < without_block_migration) {
        done = cancel();
        if (done) done = move("kvm02", "overlay", by_overlay);
        if (done) done = move("kvm01", "whole", by_whole);
    } else {
        done = prove_refused();
    }
    if (done) done = move(last, "whole", by_mirror);
    if (!done) return done;
    watch_->leave();
    if (auto gone = at_->dismiss(); !gone) return gone;
    // The guest does not look at what it did not write: the base's part of the disk came along too.
    const auto read = remote_output(
        *find_machine(last),
        {"qemu-io", "-f", "qcow2", "-c", fmt::format("read {}", base_content), image_path("whole")},
        stop());
    if (!read) return fail(read.error());
    out().prove("the base's content is in the whole copy",
                read->find("Pattern verification failed") == std::string::npos, *read);
    return remove_images();
}

expected<void> run_live_monitor(scenario_context &context) {
    auto on = stage::set(context);
    if (!on) return fail(std::move(on).error());
    guest_domain guest = usual_guest();
    guest.settings.memory = bytes::mib(32);
    guest.settings.rate = page_rate{50};
    auto done = monitor_play(*on, guest).run();
    if (done) done = on->strike();
    return done;
}

} // namespace

scenario live_monitor() {
    return {"live-monitor", "live",           "live, by QEMU's monitor alone, with its disk",
            false,          run_live_monitor, "it starts QEMU without libvirt on both hosts"};
}

} // namespace kvmig::lab
