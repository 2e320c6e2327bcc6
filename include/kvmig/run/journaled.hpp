// SPDX-License-Identifier: MIT
/// A migration's machine with its journal under it: the only way in which a driver takes a step.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/migration/event.hpp>
#include <kvmig/migration/machine.hpp>
#include <kvmig/migration/origin.hpp>
#include <kvmig/migration/past.hpp>
#include <kvmig/ports/clock.hpp>
#include <kvmig/ports/journal.hpp>
#include <kvmig/run/migration_result.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

/// One migration, driven by whoever holds its lease. The journal must outlive it.
template <ports::journal J, ports::clock C = ports::system_clock> class journaled {
public:
    using lease = typename J::lease; ///< The right to drive the migration.

    /// A migration just opened, with what was recorded of it.
    journaled(J &journal, lease held, migration::origin before, C clock = {})
        : journal_(&journal), lease_(std::move(held)), clock_(std::move(clock)), before_(before),
          machine_(before.kind) {}

    /// A migration that another controller left, as its journal tells it.
    journaled(J &journal, lease held, const ports::journaled_migration &told, C clock = {})
        : journal_(&journal), lease_(std::move(held)), clock_(std::move(clock)),
          before_(told.record.before), machine_(told.record.before.kind, told.at()) {
        for (const ports::journal_entry &entry : told.entries) history_.push_back(entry.what);
    }

    /// Takes the step that `e` leads to, once the journal has it: the act that it announces may
    /// begin when this has succeeded. Nothing is taken when it fails: as `no_such_edge` tells, or
    /// with the journal's error.
    [[nodiscard]] expected<migration::transition> feed(migration::event e,
                                                       std::string detail = {}) {
        auto step = machine_.next(e);
        if (!step) return step;
        if (auto kept = journal_->append(lease_, {*step, clock_.utc(), std::move(detail)}); !kept) {
            error lost = make_error(kept.error().kind,
                                    "migration " + std::to_string(id().number) + " stands in " +
                                        std::string(to_string(at())) + ", and that it goes on to " +
                                        std::string(to_string(step->to)) + " cannot be recorded");
            return fail(std::move(lost).because(std::move(kept).error()));
        }
        machine_.take(*step);
        history_.push_back(*step);
        taken_.push_back({*step, std::chrono::steady_clock::now()});
        return step;
    }

    /// Its number in the journal.
    [[nodiscard]] ports::migration_id id() const noexcept { return lease_.id(); }
    /// To be looked at; `feed` alone moves it.
    [[nodiscard]] const migration::machine &machine() const noexcept { return machine_; }
    /// Where the migration stands.
    [[nodiscard]] migration::state at() const noexcept { return machine_.at(); }
    /// How things stood before it.
    [[nodiscard]] const migration::origin &before() const noexcept { return before_; }
    /// What its steps say of it.
    [[nodiscard]] migration::past past() const noexcept { return migration::past_of(history_); }
    /// The steps that this controller took, in order.
    [[nodiscard]] const std::vector<timed_step> &taken() const noexcept { return taken_; }

private:
    J *journal_;
    lease lease_;
    C clock_;
    migration::origin before_;
    migration::machine machine_;
    std::vector<migration::transition> history_;
    std::vector<timed_step> taken_;
};

} // namespace kvmig::run
