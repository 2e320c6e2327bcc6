// SPDX-License-Identifier: MIT
#include <lab/scenario/witnesses.hpp>

#include <fmt/format.h>

namespace kvmig::lab {

namespace {

constexpr std::chrono::minutes boot_watchdog{10};
constexpr std::chrono::minutes answer_watchdog{10};

double milliseconds(std::chrono::nanoseconds time) {
    return std::chrono::duration<double, std::milli>{time}.count();
}

/// The guest's stalls on the probe's clock, as `[from, until, length]` in milliseconds: the first
/// two since `origin`, the last by the guest's own clock. One that no beats enclose is left out.
nlohmann::json placed(const std::vector<guest::stall> &stalls,
                      const observe::heartbeat_series &series, observe::steady_time origin) {
    using observe::nearest_beat;
    nlohmann::json out = nlohmann::json::array();
    for (const guest::stall &each : stalls) {
        const auto from =
            series.on_probe_clock(each.until - each.length, nearest_beat::last_before);
        const auto until = series.on_probe_clock(each.until, nearest_beat::first_after);
        if (!from || !until || *until < *from) continue;
        out.push_back({milliseconds(*from - origin), milliseconds(*until - origin),
                       milliseconds(each.length)});
    }
    return out;
}

} // namespace

expected<witnesses> witnesses::meet(const guest_domain &guest, observe::heartbeat_probe &probe,
                                    bool pings, const std::stop_token &stop,
                                    observe::steady_time after) {
    auto key = probe.wait_for_beat(guest.name, after, boot_watchdog, stop);
    if (!key) return fail(std::move(key).error());
    const std::string address = guest.settings.address.host;
    auto client =
        observe::guest_client::connect(address, guest::control_port, answer_watchdog, stop);
    if (!client) return fail(std::move(client).error());
    auto ready = client->ready();
    if (!ready) return fail(std::move(ready).error());
    if (!ready->faults.empty()) {
        return fail(error_kind::failed,
                    fmt::format("the guest {} says: {}", guest.name, ready->faults.front()));
    }
    // A guest that is moved by a file stands still for minutes.
    auto session =
        observe::tcp_session::start({.address = address, .patience = answer_watchdog}, stop);
    if (!session) return fail(std::move(session).error());
    std::optional<observe::ping_probe> pinged;
    if (pings) {
        auto started = observe::ping_probe::start(address);
        if (!started) return fail(std::move(started).error());
        pinged = std::move(*started);
    }
    return witnesses{probe, std::move(*key), std::move(*client), std::move(*session),
                     std::move(pinged)};
}

expected<void> witnesses::begin() {
    auto status = client_.status();
    if (!status) return fail(std::move(status).error());
    uptime_ = status->uptime;
    auto stalls = client_.reset_stalls();
    if (!stalls) return fail(std::move(stalls).error());
    begun_ = std::chrono::steady_clock::now();
    return {};
}

expected<void> witnesses::prove(scenario_result &out, const std::string &prefix,
                                const std::stop_token &stop) {
    // What happened until now is judged; answers asked from here on show that it goes on.
    const auto now = std::chrono::steady_clock::now();
    auto beat = probe_->wait_for_beat(key_.name, now, answer_watchdog, stop);
    if (!beat) return fail(std::move(beat).error());
    const auto until = std::chrono::steady_clock::now();
    out.prove(prefix + "same boot id", *beat == key_,
              fmt::format("{} before, {} after", key_.boot_id.text(), beat->boot_id.text()));
    auto status = client_.status();
    if (!status) return fail(std::move(status).error());
    out.prove(prefix + "uptime went on", status->uptime > uptime_,
              fmt::format("{:.1f} s before, {:.1f} s after", milliseconds(uptime_) / 1000,
                          milliseconds(status->uptime) / 1000));
    out.measure(prefix + "longest stall inside", milliseconds(status->stalls.longest), "ms");

    auto memory = client_.verify_memory();
    if (!memory) return fail(std::move(memory).error());
    out.prove(prefix + "memory intact", memory->good(),
              fmt::format("{} pages checked, {} bad", memory->checked, memory->bad));
    auto disk = client_.verify_disk();
    if (!disk) return fail(std::move(disk).error());
    out.prove(prefix + "disk intact", disk->good(),
              fmt::format("{} blocks checked, {} bad, {} of this boot", disk->checked, disk->bad,
                          disk->current));

    auto answered = session_.wait_for_answer(now, answer_watchdog, stop);
    const auto report = session_.report();
    out.prove(prefix + "TCP session unbroken", answered && report.alive(),
              answered ? fmt::format("{} answers on one connection, the slowest after {:.0f} ms",
                                     report.answered, milliseconds(report.longest.took))
                       : describe(answered.error()));

    if (pings_) prove_pings(out, prefix, now, stop);

    const auto series = probe_->series(key_);
    out.prove(prefix + "never two copies", series.counts().conflicts == 0,
              fmt::format("{} beats, {} sent twice with different clocks", series.counts().received,
                          series.counts().conflicts));
    if (const auto gap = series.longest_gap(begun_, until)) {
        out.measure(prefix + "heartbeat gap outside", milliseconds(gap->length()), "ms");
    }
    out.samples[prefix + "heartbeat"] = to_json(series, begun_);
    out.samples[prefix + "heartbeat"]["begun"] = milliseconds(begun_ - out.begun);
    out.samples[prefix + "tcp session"] = to_json(report, begun_);
    out.samples[prefix + "guest"] = nlohmann::json(*status);
    out.samples[prefix + "guest"]["stalls"]["placed"] = placed(status->stalls.kept, series, begun_);
    return {};
}

void witnesses::prove_pings(scenario_result &out, const std::string &prefix,
                            observe::steady_time now, const std::stop_token &stop) const {
    const auto pinged = pings_->wait_for_answer(now, answer_watchdog, stop);
    const observe::ping_record pings = pings_->record();
    out.prove(prefix + "pings answered again", pinged.has_value(),
              pinged ? fmt::format("{} lost on the way", pings.unanswered(begun_, now))
                     : describe(pinged.error()));
    out.measure(prefix + "pings lost", static_cast<double>(pings.unanswered(begun_, now)), "count");
    out.measure(prefix + "ping outage", milliseconds(pings.longest_outage(begun_, now)), "ms");
    out.samples[prefix + "pings"] = to_json(pings, begun_);
}

void prove_migration(scenario_result &out, const std::string &prefix,
                     const run::migration_result &result) {
    const bool moved = result.guest.side() == run::guest_side::destination;
    out.prove(prefix + "guest runs at the destination only", moved,
              fmt::format("asked both hosts after {:.1f} s",
                          static_cast<double>(result.wall_time.count()) / 1000));
    out.measure(prefix + "wall time", static_cast<double>(result.wall_time.count()), "ms");
    const auto &statistics =
        result.source_statistics ? result.source_statistics : result.destination_statistics;
    out.prove(prefix + "libvirt tells the job's statistics", statistics.has_value(),
              result.source_statistics        ? "told by the source"
              : result.destination_statistics ? "told by the destination"
                                              : "neither side told them");
    if (statistics) {
        if (statistics->downtime)
            out.measure(prefix + "downtime by libvirt",
                        static_cast<double>(statistics->downtime->count()), "ms");
        if (statistics->downtime_net)
            out.measure(prefix + "downtime without network by libvirt",
                        static_cast<double>(statistics->downtime_net->count()), "ms");
        if (statistics->time_elapsed)
            out.measure(prefix + "time elapsed by libvirt",
                        static_cast<double>(statistics->time_elapsed->count()), "ms");
        if (statistics->memory_processed)
            out.measure(prefix + "memory moved",
                        static_cast<double>(statistics->memory_processed->count()), "bytes");
        if (statistics->memory_iteration)
            out.measure(prefix + "memory iterations",
                        static_cast<double>(*statistics->memory_iteration), "count");
    }
}

} // namespace kvmig::lab
