// SPDX-License-Identifier: MIT
/// Brings a migration to its end from whatever state it is in: asks both hosts, decides, puts
/// right, and sees to jobs that go on. It stops where a person must choose.
#pragma once

#include <kvmig/core/error.hpp>
#include <kvmig/core/expected.hpp>
#include <kvmig/migration/event.hpp>
#include <kvmig/migration/recovery.hpp>
#include <kvmig/migration/recovery_choice.hpp>
#include <kvmig/migration/ruling.hpp>
#include <kvmig/migration/state.hpp>
#include <kvmig/run/look.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::run {

/// How a settlement ended.
struct settlement {
    /// An end, or where it waits for a person or another controller.
    migration::state at = migration::state::reconciling;
    /// Where it did not come to an end: what was seen, and the choices.
    std::string said;
    std::vector<migration::choice> choices; ///< empty: there is nothing to choose
    std::optional<error> problem;           ///< the step, or the record of it, that failed

    [[nodiscard]] bool ended() const noexcept { return is_end(at); } ///< Whether nothing follows.
};

/// Takes up a broken post-copy again: the call that did not return before.
using resume_call = std::function<expected<void>()>;

namespace detail {

/// Whether there is nothing to take up again: when the controller of a post-copy dies, libvirt
/// calls it failed at the source, while QEMU goes on with nobody to lead it (libvirt 9.0:
/// `qemuMigrationAnyConnectionClosed`, `qemuMigrationAnyCanResume`).
[[nodiscard]] inline bool flows_by_itself(const error &refused) {
    constexpr int operation_invalid = 55; // VIR_ERR_OPERATION_INVALID
    return refused.libvirt && refused.libvirt->code == operation_invalid &&
           refused.what.find("migration is still running") != std::string::npos;
}

} // namespace detail

/// Goes on with the migration that `driver` holds. `undo`: back to the source where that is as
/// safe as going on. Without `resume`, a broken post-copy is left to a person.
template <class Driver> class settler {
public:
    /// `driver` must outlive it; `chosen` is what a person decided where the hosts leave a doubt.
    settler(Driver &driver, bool undo, resume_call resume,
            std::optional<migration::choice> chosen = {})
        : driver_(driver), undo_(undo), resume_(std::move(resume)), chosen_(chosen) {}

    /// Goes on until it is settled, or cannot be.
    [[nodiscard]] settlement run() {
        while (go_on()) {
        }
        out_.at = at();
        if (out_.ended()) out_.problem.reset();
        if (driver_.journal_problem()) out_.problem = driver_.journal_problem();
        return std::move(out_);
    }

private:
    using state = migration::state;
    using event = migration::event;
    using host_step = migration::host_step;

    [[nodiscard]] state at() const { return driver_.steps().at(); }
    bool feed(event e, std::string_view detail) { return driver_.feed(e, detail); }

    /// Does what the state asks for; false when there is nothing more to do.
    [[nodiscard]] bool go_on() {
        switch (at()) {
        case state::reconciling:
        case state::reconciling_forward: return ask();
        case state::clearing:
            return carry_out({host_step::destroy_destination}, event::destination_cleared);
        case state::restoring:
            return put_right({host_step::resume_source, host_step::start_source},
                             event::source_restored);
        case state::cleaning:
            return put_right({host_step::undefine_destination, host_step::remove_targets},
                             driver_.steps().past().cancel_requested || undo_ ? event::withdrawn
                                                                              : event::undone);
        case state::releasing: return release();
        case state::post_copy_paused: return take_up();
        case state::post_copy_recovering: return resume();
        default: break;
        }
        if (!driver_.at_work()) return false;
        driver_.attend();
        if (driver_.leaving()) {
            out_.said = Driver::left;
            return false;
        }
        return !driver_.journal_problem();
    }

    // Asking.

    struct view {
        look_result source;
        look_result destination;

        [[nodiscard]] bool same_as(const view &other) const {
            return source.seen == other.source.seen && destination.seen == other.destination.seen;
        }
    };
    [[nodiscard]] view look_at_both() {
        return {look(driver_.source(), driver_.id()), look(driver_.destination(), driver_.id())};
    }
    [[nodiscard]] migration::ruling rule(const view &seen, bool patient) {
        return migration::decide(driver_.steps().before(), driver_.steps().past(), seen.source.seen,
                                 seen.destination.seen,
                                 {.undo = undo_ || driver_.gives_up(), .patient = patient});
    }
    [[nodiscard]] static bool goes_on(const migration::ruling &r) {
        return r.feed.has(event::job_still_runs) || r.feed.has(event::guest_split);
    }
    [[nodiscard]] std::string text_of(const migration::ruling &r, const view &seen) {
        return migration::describe(r, driver_.steps().before(), driver_.steps().past(),
                                   seen.source.seen, seen.destination.seen);
    }

    /// Asks both hosts until nothing is under way any more, or nothing has changed for long.
    [[nodiscard]] bool ask() {
        view seen = look_at_both();
        migration::ruling r = rule(seen, true);
        auto last_change = std::chrono::steady_clock::now();
        while (r.found == migration::finding::under_way) {
            const bool patient =
                std::chrono::steady_clock::now() - last_change < driver_.how().patience;
            if (!patient) {
                r = rule(seen, false);
                break;
            }
            if (driver_.leaving()) break;
            driver_.pause();
            view now = look_at_both();
            if (!now.same_as(seen)) last_change = std::chrono::steady_clock::now();
            seen = std::move(now);
            r = rule(seen, true);
        }
        const std::string text = text_of(r, seen);
        if (chosen_ && r.feed.has(event::not_settled)) {
            auto choice =
                migration::choose(*chosen_, r, driver_.steps().before(), driver_.steps().past(),
                                  seen.source.seen, seen.destination.seen);
            if (!choice) {
                out_.problem = std::move(choice).error();
                return left_open(r, seen, text);
            }
            r = *choice;
        }
        ruling_ = r;
        if (goes_on(r)) {
            // What is seen to is to move: otherwise each look would lead to the next.
            if (!last_ || !seen.same_as(*last_)) {
                last_ = seen;
                since_ = std::chrono::steady_clock::now();
            } else if (std::chrono::steady_clock::now() - since_ >= driver_.how().patience) {
                return left_open(r, seen, text);
            } else {
                driver_.pause();
            }
        }
        for (const event e : r.feed) {
            if (e == event::resume_requested) break; // asked for in `take_up`
            if (!driver_.steps().machine().accepts(e)) return left_open(r, seen, text);
            if (e == event::not_settled) {
                // A record that says so already need not say it again.
                if (!said_before_ && !feed(e, text)) return false;
                return left_open(r, seen, text);
            }
            if (!feed(e, text)) return false;
        }
        return !r.feed.empty();
    }

    bool left_open(const migration::ruling &r, const view &seen, std::string text) {
        said_before_ = true;
        out_.choices = migration::choices_after(r, driver_.steps().before(), driver_.steps().past(),
                                                seen.source.seen, seen.destination.seen);
        out_.said = std::move(text);
        for (const look_result *each : {&seen.source, &seen.destination}) {
            if (each->problem && !out_.problem) out_.problem = each->problem;
        }
        return false;
    }

    // Doing.

    [[nodiscard]] expected<void> act(host_step step) {
        auto &source = driver_.source();
        auto &destination = driver_.destination();
        const uuid &id = driver_.id();
        switch (step) {
        case host_step::destroy_destination: return end_process(destination);
        case host_step::resume_source: return source.resume(id);
        case host_step::start_source: return source.start(id);
        case host_step::undefine_destination: return end_definition(destination);
        case host_step::destroy_source: return end_process(source);
        case host_step::undefine_source: return end_definition(source);
        case host_step::resume_destination: return destination.resume(id);
        case host_step::start_destination: return destination.start(id);
        case host_step::remove_targets: return driver_.remove_targets();
        }
        return {};
    }

    // What has ended by itself since it was seen is done: libvirt's own Confirm does the same.

    template <class Host> [[nodiscard]] expected<void> end_process(Host &on) {
        auto done = on.destroy(driver_.id());
        if (done) return done;
        const auto now = on.status(driver_.id());
        if (now && (!*now || !(**now).active)) return {};
        return done;
    }
    template <class Host> [[nodiscard]] expected<void> end_definition(Host &on) {
        auto done = on.undefine(driver_.id());
        if (done) return done;
        const auto now = on.status(driver_.id());
        if (now && !*now) return {};
        return done;
    }

    /// Does those steps of the ruling that belong to the state, and takes the closing event. A
    /// step that fails leaves it open: what was seen before it no longer holds.
    bool carry_out(std::initializer_list<host_step> belonging, event closing) {
        // Before the steps: whatever becomes of them, the guest is to have its devices.
        auto given = give_back_devices(closing);
        for (const host_step step : ruling_.steps) {
            if (std::find(belonging.begin(), belonging.end(), step) == belonging.end()) continue;
            if (auto done = act(step); !done) {
                if (!given) done.error().causes.push_back(std::move(given).error());
                return failed(step, std::move(done).error());
            }
        }
        if (!given) return devices_missing(std::move(given).error());
        hand_over_devices(closing);
        return feed(closing, done_text(belonging));
    }
    /// Of a migration that ends at the source, the devices that the guest had let go of.
    [[nodiscard]] expected<void> give_back_devices(event closing) {
        if constexpr (requires { driver_.give_back_devices(); }) {
            if (closing == event::undone || closing == event::withdrawn) {
                return driver_.give_back_devices();
            }
        }
        return {};
    }
    /// Of one that ends at the destination, what takes their place; what fails is a gap.
    void hand_over_devices(event closing) {
        if constexpr (requires { driver_.devices(); }) {
            if (closing == event::source_released) driver_.devices().hand_over();
        }
    }
    /// Left open, so that it is tried again; who says that it will never be has the last word.
    bool devices_missing(error why) {
        failed("give_back_devices", std::move(why));
        if (driver_.journal_problem()) return false;
        if (chosen_ == migration::choice::take_over) {
            feed(event::person_took_over, out_.said);
            return false;
        }
        out_.choices = {migration::choice::ask_later, migration::choice::take_over};
        return false;
    }
    /// The way back. Where a failed step led here, what there is to be done is looked for first.
    bool put_right(std::initializer_list<host_step> belonging, event closing) {
        if (!ruling_.feed.has(event::guest_at_source) && !look_for(event::guest_at_source)) {
            return !driver_.journal_problem();
        }
        return carry_out(belonging, closing);
    }
    /// Looks at both hosts; when they do not say `wanted`, they are asked until it is settled.
    bool look_for(event wanted) {
        const view seen = look_at_both();
        const migration::ruling r = rule(seen, false);
        if (!r.feed.has(wanted)) {
            feed(event::step_failed, text_of(r, seen));
            return false;
        }
        ruling_ = r;
        return true;
    }
    [[nodiscard]] std::string done_text(std::initializer_list<host_step> belonging) const {
        std::string out;
        for (const host_step step : ruling_.steps) {
            if (std::find(belonging.begin(), belonging.end(), step) == belonging.end()) continue;
            if (!out.empty()) out += ", ";
            out += to_string(step);
        }
        return out.empty() ? "nothing was to be done" : out;
    }
    bool failed(host_step step, error why) { return failed(to_string(step), std::move(why)); }
    bool failed(std::string_view step, error why) {
        const std::string text = std::string(step) + " failed: " + why.what;
        if (!feed(event::step_failed, text)) return false;
        out_.said = text;
        out_.problem = std::move(why);
        return false;
    }

    /// The source lets go. After a success of libvirt's own there was no ruling: what is left is
    /// looked at first, and anything but a guest at the destination alone is asked about.
    bool release() {
        if (ruling_.feed.has(event::guest_at_destination)) {
            if constexpr (requires { driver_.keep_targets(); }) {
                if (auto kept = driver_.keep_targets(); !kept) {
                    return failed("keep_targets", std::move(kept).error());
                }
            }
            return carry_out({host_step::destroy_source, host_step::undefine_source,
                              host_step::resume_destination, host_step::start_destination},
                             event::source_released);
        }
        if constexpr (!Driver::source_lets_go_by_itself) {
            return look_for(event::guest_at_destination) ? release() : !driver_.journal_problem();
        }
        const view seen = look_at_both();
        const migration::sighting &s = seen.source.seen;
        const migration::sighting &d = seen.destination.seen;
        if (!s.reachable()) return feed(event::source_lost, seen.source.problem->what);
        const bool offline = driver_.steps().before().source_was == migration::activity::off;
        const bool arrived =
            !d.reachable() || d.active() || (offline && d.seen != migration::presence::absent);
        if (s.active() || !arrived) {
            return feed(event::step_failed, "libvirt told of success; source: " + describe(s) +
                                                ", destination: " + describe(d));
        }
        hand_over_devices(event::source_released);
        return feed(event::source_released, "source: " + describe(s));
    }

    // A broken post-copy.

    bool take_up() {
        if (!resume_ || resumed_) {
            out_.said = "post-copy is broken: the guest waits for memory that is at the source";
            return false;
        }
        return feed(event::resume_requested, "memory is to come again");
    }
    bool resume() {
        resumed_ = true;
        expected<void> outcome;
        if constexpr (requires { driver_.conduct(resume_); }) outcome = driver_.conduct(resume_);
        if (at() != state::post_copy_recovering && at() != state::post_copy &&
            at() != state::post_copy_paused) {
            return !driver_.journal_problem();
        }
        if (outcome) return feed(event::job_completed, "the resumed call returned success");
        if (detail::flows_by_itself(outcome.error())) return let_flow();
        out_.problem = outcome.error();
        const event e = at() == state::post_copy ? event::job_failed : event::step_failed;
        if (!driver_.steps().machine().accepts(e)) return true; // broken again, as was told
        return feed(e, outcome.error().what);
    }

    /// Until a host tells of something new, or for as long as nothing may change: QEMU may have
    /// come to stand still since, and is asked again then.
    bool let_flow() {
        const view before = look_at_both();
        const auto since = std::chrono::steady_clock::now();
        while (!driver_.leaving() && look_at_both().same_as(before) &&
               std::chrono::steady_clock::now() - since < driver_.how().patience) {
            driver_.pause();
        }
        resumed_ = false;
        if (!feed(event::no_job, "memory comes with nobody to lead it")) return false;
        if (driver_.leaving()) out_.said = Driver::left;
        return !driver_.leaving();
    }

    Driver &driver_;
    bool undo_;
    resume_call resume_;
    std::optional<migration::choice> chosen_;
    migration::ruling ruling_;
    std::optional<view> last_; ///< when something was last left to go on, and since when
    std::chrono::steady_clock::time_point since_;
    bool said_before_ = false;
    bool resumed_ = false;
    settlement out_;
};

} // namespace kvmig::run
