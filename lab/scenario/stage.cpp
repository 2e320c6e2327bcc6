// SPDX-License-Identifier: MIT
#include <lab/cli/migration_json.hpp>
#include <lab/cli/migration_progress.hpp>
#include <lab/observe/event_record.hpp>
#include <lab/scenario/belongings.hpp>
#include <lab/scenario/stage.hpp>

#include <kvmig/libvirt/volume_at.hpp>
#include <kvmig/run/migrate.hpp>
#include <kvmig/xml/storage.hpp>

#include <fmt/format.h>

namespace kvmig::lab {

expected<stage> stage::set(scenario_context &context) {
    context.tell("connecting to both hosts");
    auto on = hosts::connect(context.where);
    if (!on) return fail(std::move(on).error());
    auto before = belongings(*on);
    if (!before) return fail(std::move(before).error());
    auto probe = observe::heartbeat_probe::start();
    if (!probe) return fail(std::move(probe).error());
    return stage{context, *std::move(on), *std::move(before), *std::move(probe)};
}

expected<std::string> stage::add_volume(const libvirt::connection &host, std::string_view pool,
                                        model::storage_volume volume) {
    volume.name = on_.where().prefix + volume.name;
    auto found = libvirt::storage_pool::lookup(host, std::string{pool});
    if (!found) return fail(std::move(found).error());
    auto created = found->create_volume(xml::build_storage_volume(volume));
    if (!created) return fail(std::move(created).error());
    auto path = created->path();
    if (path) own_volume(host, *path);
    return path;
}

expected<std::string> stage::add_image(std::string_view pool, std::string name, bytes capacity) {
    model::storage_volume volume;
    volume.name = std::move(name);
    volume.format = "qcow2";
    volume.capacity = capacity;
    volume.allocation = bytes{0};
    return add_volume(on_.kvm01(), pool, volume);
}

void stage::own_volume(const libvirt::connection &host, std::string path) {
    volumes_.emplace_back(host.share(), std::move(path));
}

expected<void> stage::reconnect() {
    if (auto again = on_.reconnect(); !again) return again;
    for (auto &[host, path] : volumes_) {
        if (host.is_alive()) continue;
        const bool second = host.hostname() == on_.kvm02().hostname();
        host = (second ? on_.kvm02() : on_.kvm01()).share();
    }
    return {};
}

expected<performer> stage::start(const guest_domain &actor) {
    const guest_domain guest = placed(actor, on_.where());
    context_->tell(fmt::format("starting the guest {}", guest.name));
    auto domain = libvirt::domain::define(on_.kvm01(), domain_xml(guest));
    if (!domain) return fail(std::move(domain).error());
    // A guest of this name may have been here before: its beats are not waited for.
    const auto begun = std::chrono::steady_clock::now();
    if (auto started = domain->start(); !started) return fail(std::move(started).error());
    auto watch = witnesses::meet(guest, *probe_, on_.where().pings, context_->stop, begun);
    if (!watch) return fail(std::move(watch).error());
    if (!guest.disk.empty()) {
        context_->tell(fmt::format("{}: writing the disk's pattern", guest.name));
        if (auto written = watch->client().write_disk(); !written) {
            return fail(std::move(written).error());
        }
    }
    return performer{guest, *std::move(domain), *std::move(watch)};
}

expected<witnesses> stage::meet_again(const guest_domain &guest) {
    return witnesses::meet(guest, *probe_, on_.where().pings, context_->stop,
                           std::chrono::steady_clock::now());
}

void stage::place_in_time(nlohmann::json &kept, std::chrono::steady_clock::time_point begun,
                          const performer &who) const {
    using milliseconds = std::chrono::duration<double, std::milli>;
    kept["begun"] = milliseconds{begun - context_->out.begun}.count();
    // So that what was seen from outside can be laid beside it: that counts from the watch's begin.
    kept["watched_for"] = milliseconds{begun - who.watch.begun()}.count();
}

expected<run::migration_result> stage::attempt(const performer &who, const std::string &prefix,
                                               const libvirt::connection &to,
                                               const migration::options &how, const trial &with) {
    const std::string doing = fmt::format("{}to {}", prefix, to.hostname());
    context_->tell(doing);
    const observe::event_record told(who.at, to);
    timed_journal own;
    timed_journal &journal = with.journal != nullptr ? *with.journal : own;
    cli::migration_progress line(who.at.name());
    std::vector<model::job_progress> samples;
    std::chrono::milliseconds shown{0};
    auto result = run::migrate(
        who.at, to, journal, on_.toward(to, how),
        [&](const model::job_progress &now) {
            line.add(now);
            // A line a second is enough also where each stays.
            if (samples.empty() || now.since_start - shown >= std::chrono::seconds{1}) {
                shown = now.since_start;
                context_->tell(fmt::format("{}: {}", doing, line.brief()));
            }
            samples.push_back(now);
            if (with.each_sample) with.each_sample(now);
        },
        with.stop.value_or(context_->stop), with.watched);
    if (!result && journal.steps().empty()) return result;
    const auto begun = result ? result->begun : journal.steps().front().at;
    nlohmann::json kept =
        result ? cli::to_json(*result)
               : cli::to_json(cli::unmoved{result.error(), who.at.on().hostname(), to.hostname(),
                                           begun, std::chrono::steady_clock::now(), journal.steps(),
                                           std::move(samples)});
    place_in_time(kept, begun, who);
    kept["told"] = to_json(told.all(), begun);
    for (const error &gap : told.gaps()) kept["told_gaps"].push_back(describe(gap));
    context_->out.samples[prefix + "migration"] = std::move(kept);
    return result;
}

expected<run::migration_result> stage::move(performer &who, const std::string &prefix,
                                            const libvirt::connection &to,
                                            const migration::options &how,
                                            const run::progress_callback &each_sample,
                                            const run::sampling &watched) {
    if (auto begun = who.watch.begin(); !begun) return fail(std::move(begun).error());
    auto result = attempt(who, prefix, to, how, {.each_sample = each_sample, .watched = watched});
    if (!result) return result;
    if (auto proven = prove_moved(who, prefix, to, *result); !proven) {
        return fail(std::move(proven).error());
    }
    return result;
}

expected<void> stage::prove_moved(performer &who, const std::string &prefix,
                                  const libvirt::connection &to,
                                  const run::migration_result &result) {
    prove_migration(context_->out, prefix, result);
    if (nlohmann::json &kept = context_->out.samples[prefix + "migration"]; kept.is_null()) {
        kept = cli::to_json(result);
        place_in_time(kept, result.begun, who);
    }
    auto there = libvirt::domain::lookup(to, result.id);
    if (!there) return fail(std::move(there).error());
    context_->out.prove(prefix + "same name at the destination", there->name() == result.domain,
                        fmt::format("'{}' on {}", there->name(), to.hostname()));
    who.at = *std::move(there);
    context_->tell(prefix + "checking memory and disk");
    return who.watch.prove(context_->out, prefix, context_->stop);
}

expected<void> stage::prove_unhurt(performer &who, const std::string &prefix) {
    auto status = who.at.status();
    if (!status) return fail(std::move(status).error());
    context_->out.prove(prefix + "goes on at the source",
                        status->active && status->state == model::domain_state::running,
                        fmt::format("{} on {}", to_string(status->state), who.at.on().hostname()));
    const libvirt::connection &other = on_.other_than(who.at);
    auto there = libvirt::hypervisor(other).status(who.at.id());
    if (!there) return fail(std::move(there).error());
    context_->out.prove(prefix + "nothing at the destination", !*there,
                        *there
                            ? fmt::format("{} on {}", to_string((**there).state), other.hostname())
                            : fmt::format("{} does not know it", other.hostname()));
    return who.watch.prove(context_->out, prefix, context_->stop);
}

expected<void> stage::dismiss(performer &who) {
    who.watch.leave();
    if (auto ended = who.at.destroy(); !ended) return ended;
    for (const libvirt::connection *host : {&on_.kvm01(), &on_.kvm02()}) {
        auto left = libvirt::domain::lookup(*host, who.at.id());
        if (!left) {
            if (left.error().kind == error_kind::not_found) continue;
            return fail(std::move(left).error());
        }
        if (auto undefined = left->undefine(); !undefined) return undefined;
    }
    return {};
}

expected<void> stage::strike() {
    context_->tell("tidying up");
    for (const auto &[host, path] : volumes_) {
        // A pool of NFS knows whose a file was at its last look; the other host may have changed
        // it.
        if (auto seen = libvirt::volume_at_now(host, path); !seen) {
            return fail(std::move(seen).error());
        }
        auto volume = libvirt::storage_volume::lookup_by_path(host, path);
        // Gone with a guest that moved on: what is left is proven below.
        if (!volume && volume.error().kind == error_kind::not_found) continue;
        if (!volume) return fail(std::move(volume).error());
        if (auto removed = volume->remove(); !removed) return removed;
    }
    volumes_.clear();
    auto after = belongings(on_);
    if (!after) return fail(std::move(after).error());
    context_->out.prove(
        "nothing is left on either host", before_ == *after,
        fmt::format("{} domains and volumes before, {} after", before_.size(), after->size()));
    return {};
}

expected<void> play(scenario_context &context, guest_domain guest, std::string_view pool,
                    bytes capacity, const scene &happens) {
    auto on = stage::set(context);
    if (!on) return fail(std::move(on).error());
    auto path = on->add_image(pool, guest.name + ".qcow2", capacity);
    if (!path) return fail(std::move(path).error());
    guest.disk = *path;
    auto actor = on->start(guest);
    if (!actor) return fail(std::move(actor).error());
    auto done = happens(*on, *actor);
    if (done) done = on->dismiss(*actor);
    if (done) done = on->strike();
    return done;
}

} // namespace kvmig::lab
