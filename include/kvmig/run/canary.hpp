// SPDX-License-Identifier: MIT
/// The surest precheck is a migration: a canary is started at the source, moved to the destination
/// in the guest's place, and removed from both.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/diagnosis/diagnose.hpp>
#include <kvmig/diagnosis/from_error.hpp>
#include <kvmig/migration/options.hpp>
#include <kvmig/model/canary.hpp>
#include <kvmig/ports/canary_host.hpp>
#include <kvmig/ports/clock.hpp>
#include <kvmig/precheck/canary_facts.hpp>
#include <kvmig/precheck/rule.hpp>
#include <kvmig/run/migrate_between.hpp>
#include <kvmig/run/shared_place.hpp>
#include <kvmig/xml/canary.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

/// How a canary is sent.
struct canary_options {
    /// As the guest would be moved; what only concerns its name and memory is left out.
    migration::options move{.flags = {migration::flag::live}};
    /// Its migration is cancelled after so long, and counts as failed.
    std::chrono::milliseconds patience{60'000};
    /// Canaries of others this old have lost their owner, and are removed.
    std::chrono::seconds old = model::canary_old;
    std::stop_token stop{}; ///< ends with `cancelled`; the canary is removed all the same
};

namespace detail {

/// The error and what lies below it, in one line.
[[nodiscard]] inline std::string in_one_line(const error &of) {
    std::string out = of.what;
    for (const error &each : of.causes) out += ": " + in_one_line(each);
    return out;
}

/// A step of a remedy as commands for a shell here.
inline void add_commands(std::vector<std::string> &to, const diagnosis::filled_step &step,
                         const std::string &source, const std::string &destination) {
    using diagnosis::machine;
    const auto add = [&](std::string command) {
        if (std::find(to.begin(), to.end(), command) == to.end()) to.push_back(std::move(command));
    };
    const bool both = step.on == machine::both;
    if (both || step.on == machine::source) add(precheck::ssh(source, step.run));
    if (both || step.on == machine::destination) add(precheck::ssh(destination, step.run));
    if (step.on == machine::here) add(step.run);
    if (step.on == machine::guest) add(step.run + " # in the guest");
    if (step.on == machine::server) add(step.run + " # on the NFS server");
}

/// What the diagnosis makes of a failure, the likeliest cause first.
[[nodiscard]] inline std::vector<precheck::canary_cause> causes_of(const error &of,
                                                                   const std::string &guest,
                                                                   const std::string &source,
                                                                   const std::string &destination) {
    evidence all;
    all.domain = guest;
    all.source = source;
    all.destination = destination;
    diagnosis::add_error(all, of);
    std::vector<precheck::canary_cause> out;
    for (const diagnosis::cause &each : diagnosis::diagnose(all).causes) {
        precheck::canary_cause one{.id = std::string(each.about->id),
                                   .title = std::string(each.about->title),
                                   .confidence = std::string(to_string(each.sure)),
                                   .remedy = {}};
        for (const diagnosis::filled_step &step : each.remedy) {
            add_commands(one.remedy, step, source, destination);
        }
        out.push_back(std::move(one));
    }
    return out;
}

/// One host, and what is a canary's on it.
template <ports::canary_host H> class canary_side {
public:
    canary_side(H &host, std::string name, precheck::canary_facts &out)
        : host_(host), name_(std::move(name)), out_(out) {}

    [[nodiscard]] H &host() noexcept { return host_; }
    [[nodiscard]] const std::string &name() const noexcept { return name_; }

    /// Removes the canaries of others that are old.
    void sweep_domains(std::chrono::sys_seconds now, std::chrono::seconds old) {
        const auto found = host_.canaries();
        if (!found) return remains("old canaries could not be looked for", found.error());
        for (const ports::found_domain &each : *found) {
            const auto made = xml::canary_of(each.definition);
            if (!made || !*made || !model::is_old(**made, now, old)) continue;
            if (remove_domain(each.id, "the old canary " + each.name)) {
                out_.swept.push_back(name_ + ": " + each.name);
            }
        }
    }
    void sweep_images(const model::canary_place &place, std::chrono::sys_seconds now,
                      std::chrono::seconds old) {
        const auto found = host_.canary_images(place);
        if (!found) return remains("old images could not be looked for", found.error());
        for (const std::string &each : *found) {
            const auto made = model::parse_canary_name(each);
            if (!made || !model::is_old(*made, now, old)) continue;
            if (remove_image(place, each)) out_.swept.push_back(name_ + ": " + each);
        }
    }

    /// Ends it and forgets it, wherever it stands; what is not there is no error.
    bool remove_domain(const uuid &id, const std::string &what) {
        return twice(what, [&]() -> expected<void> {
            const auto status = host_.status(id);
            if (!status) return fail(status.error());
            if (!*status) return {};
            if ((**status).active) {
                if (auto ended = unless_gone(host_.destroy(id)); !ended) return ended;
            }
            if (!(**status).persistent) return {};
            return unless_gone(host_.undefine(id));
        });
    }
    bool remove_image(const model::canary_place &place, const std::string &image) {
        return twice("the image " + image, [&] { return host_.remove_canary_image(place, image); });
    }

private:
    [[nodiscard]] static expected<void> unless_gone(expected<void> done) {
        if (!done && done.error().kind == error_kind::not_found) return {};
        return done;
    }
    /// A host that did not answer once may answer the next time; then it is told.
    bool twice(const std::string &what, const std::function<expected<void>()> &act) {
        if (act()) return true;
        auto done = act();
        if (done) return true;
        remains(what + " could not be removed", done.error());
        return false;
    }
    void remains(const std::string &what, const error &why) {
        out_.remains.push_back(name_ + ": " + what + ": " + in_one_line(why));
    }

    H &host_;
    std::string name_;
    precheck::canary_facts &out_;
};

/// Begins with the first image, ends with the last that is removed.
template <ports::canary_host H> class canary_flight {
public:
    canary_flight(canary_side<H> &source, canary_side<H> &destination, const xml::canary &bird,
                  const canary_options &how, const sampling &watched, precheck::canary_facts &out)
        : source_(source), destination_(destination), bird_(bird), how_(how), watched_(watched),
          out_(out), copies_(how.move.flags.has_any(
                         {migration::flag::non_shared_disk, migration::flag::non_shared_inc})) {}

    /// The error that ended it; its fate is in `out` in any case, and nothing of it remains but
    /// what is told there.
    [[nodiscard]] expected<void> run() {
        expected<void> done = prepare();
        if (done) done = move();
        // From where it went to back to where it came from; images last, whose they were.
        for (canary_side<H> *each : {&destination_, &source_}) {
            each->remove_domain(bird_.id, "the canary " + bird_.name);
        }
        for (const model::canary_image &image : bird_.images) {
            source_.remove_image(image.place, image.name);
            if (copies_) destination_.remove_image(image.place, image.name);
        }
        return done;
    }

private:
    [[nodiscard]] expected<void> prepare() {
        for (const model::canary_image &image : bird_.images) {
            if (auto made = source_.host().make_canary_image(image); !made) return made;
            if (!copies_) continue;
            if (auto made = destination_.host().make_canary_image(image); !made) return made;
        }
        if (how_.stop.stop_requested()) return fail(error_kind::cancelled, "cancelled");
        return source_.host().start_paused(bird_.text);
    }

    [[nodiscard]] expected<void> move() {
        using migration::flag;
        out_.fate = precheck::canary_fate::lost; // unless it arrives
        migration::options how = how_.move;
        how.flags.set(flag::paused);
        for (const flag each : {flag::persist_dest, flag::undefine_source, flag::postcopy}) {
            how.flags.set(each, false);
        }
        // It is one disk a place, under names of their own.
        how.migrate_disks.clear();
        sampling watched = watched_;
        watched.steer = {};
        watched.steer.limit = time_limit{how_.patience, at_limit::cancel};
        auto moved = migrate_between(source_.host(), bird_.id, bird_.name, destination_.host(), how,
                                     {}, how_.stop, watched);
        if (!moved) return fail(std::move(moved).error());
        out_.fate = precheck::canary_fate::arrived;
        return {};
    }

    canary_side<H> &source_;
    canary_side<H> &destination_;
    const xml::canary &bird_;
    const canary_options &how_;
    const sampling &watched_;
    precheck::canary_facts &out_;
    bool copies_;
};

} // namespace detail

/// Sends a canary in the place of the guest whose XML this is, by the options with which the guest
/// would be moved; the guest itself is not touched. Nothing of it remains on either host, or
/// `remains` tells it; what a killed process left is removed by the next one that comes to the same
/// hosts and folders, when it is old. That it could not be tried, or failed, is part of the answer;
/// fails with `cancelled` alone, when it was stopped.
template <ports::canary_host H, ports::clock C = ports::system_clock>
[[nodiscard]] expected<precheck::canary_facts>
send_canary(H &source, H &destination, const std::string &guest_name, const std::string &guest,
            const canary_options &how = {}, const sampling &watched = {}, const C &clock = {}) {
    precheck::canary_facts out;
    const auto begun = clock.steady();
    const auto untried = [&](const error &why, const std::string &host) {
        out.host = why.host.empty() ? host : why.host;
        out.said = detail::in_one_line(why);
        return out;
    };
    const auto from = source.host();
    if (!from) return untried(from.error(), "the source");
    const auto to = destination.host();
    if (!to) return untried(to.error(), "the destination");
    detail::canary_side here(source, from->hostname, out);
    detail::canary_side there(destination, to->hostname, out);
    const auto now = std::chrono::floor<std::chrono::seconds>(clock.utc());
    auto bird = xml::derive_canary(guest, detail::new_token(now), uuid::random());
    for (auto *each : {&here, &there}) {
        each->sweep_domains(now, how.old);
        if (!bird) continue;
        for (const model::canary_image &image : bird->images) {
            each->sweep_images(image.place, now, how.old);
        }
    }
    if (!bird) return untried(bird.error(), from->hostname);
    out.left_out = bird->left_out;
    const auto done = detail::canary_flight(here, there, *bird, how, watched, out).run();
    out.took = std::chrono::duration_cast<std::chrono::milliseconds>(clock.steady() - begun);
    if (done) return out;
    const error &why = done.error();
    if (how.stop.stop_requested() && why.kind == error_kind::cancelled) {
        error stopped = make_error(error_kind::cancelled, "the canary was called off");
        for (const std::string &each : out.remains) {
            stopped.causes.push_back(make_error(error_kind::failed, each));
        }
        return fail(std::move(stopped));
    }
    const bool tried = out.fate == precheck::canary_fate::lost;
    out.causes = detail::causes_of(why, guest_name, from->hostname, to->hostname);
    return untried(why, tried ? to->hostname : from->hostname);
}

} // namespace kvmig::run
