// SPDX-License-Identifier: MIT
/// What every driver of a migration has: both hosts, the machine over its journal, and an inbox.
#pragma once

#include <kvmig/core/error.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/migration/act.hpp>
#include <kvmig/migration/event.hpp>
#include <kvmig/migration/state.hpp>
#include <kvmig/ports/clock.hpp>
#include <kvmig/ports/journal.hpp>
#include <kvmig/ports/steerable.hpp>
#include <kvmig/ports/subscription.hpp>
#include <kvmig/run/inbox.hpp>
#include <kvmig/run/journaled.hpp>
#include <kvmig/run/migration_result.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::run {

/// The thread that uses it is the one consumer of all that is told. Hosts and steps must outlive
/// it.
template <ports::steerable H, ports::journal J, ports::clock C> class driver {
public:
    driver(const driver &) = delete;
    driver &operator=(const driver &) = delete;
    driver(driver &&) = delete;
    driver &operator=(driver &&) = delete;

    /// Takes the step, as `journaled::feed`; a failure is kept for `journal_problem`.
    bool feed(migration::event e, std::string_view detail) {
        auto step = steps_.feed(e, std::string(detail));
        if (step) {
            problem_.reset();
            return true;
        }
        problem_ = std::move(step).error();
        return false;
    }
    /// Takes the step if `e` says something new; what is past already, or repeated, is dropped.
    void observe(migration::event e, std::string_view detail) {
        const auto step = steps_.machine().next(e);
        if (!step) return;
        if (step->to == step->from && step->then == migration::act::nothing) return;
        feed(e, detail);
    }
    /// Waits for something to be told, and at most as long as looks lie apart.
    void pause() {
        const std::stop_token &end = leave_.stop_possible() ? leave_ : stop_;
        for (const migration::event e : inbox_.wait(std::min(how_.interval, longest_pause), end)) {
            observe(e, "told by an event");
        }
    }

    /// From now on, a stop of `leave` ends the watching, not the migration: what other machines
    /// do goes on, and the record stays open.
    void leave_on(std::stop_token leave) { leave_ = std::move(leave); }
    /// Whether the watching is to end.
    [[nodiscard]] bool leaving() const noexcept { return leave_.stop_requested(); }
    /// Whether the migration is to be cancelled.
    [[nodiscard]] bool stop_requested() const noexcept { return stop_.stop_requested(); }

    /// Where steps are taken and recorded.
    [[nodiscard]] journaled<J, C> &steps() noexcept { return steps_; }
    /// Where the migration stands.
    [[nodiscard]] migration::state at() const noexcept { return steps_.at(); }
    [[nodiscard]] H &source() noexcept { return source_; }              ///< The host it leaves.
    [[nodiscard]] H &destination() noexcept { return destination_; }    ///< The host it comes to.
    [[nodiscard]] const uuid &id() const noexcept { return id_; }       ///< Of the guest.
    [[nodiscard]] const sampling &how() const noexcept { return how_; } ///< How often it looks.
    /// Set while the journal does not take what happens: nothing is begun then.
    [[nodiscard]] const std::optional<error> &journal_problem() const noexcept { return problem_; }

protected:
    /// Borrows both hosts and the steps.
    driver(H &source, H &destination, const uuid &id, journaled<J, C> &steps, std::stop_token stop,
           const sampling &how)
        : source_(source), destination_(destination), id_(id), steps_(steps),
          stop_(std::move(stop)), how_(how) {}
    ~driver() = default;

    /// Between two looks at something that other machines do.
    static constexpr std::chrono::milliseconds longest_pause{1000};

    H &source_;                    ///< the host it leaves, borrowed
    H &destination_;               ///< the host it comes to, borrowed
    uuid id_;                      ///< of the guest
    journaled<J, C> &steps_;       ///< the machine and its journal, borrowed
    std::stop_token stop_;         ///< the migration is to be cancelled
    std::stop_token leave_;        ///< the watching is to end, the migration is not
    sampling how_;                 ///< how often it looks
    inbox inbox_;                  ///< what events of the hosts and other threads tell
    std::optional<error> problem_; ///< see `journal_problem`
    std::vector<ports::subscription> subscriptions_; ///< ended before the inbox
};

} // namespace kvmig::run
