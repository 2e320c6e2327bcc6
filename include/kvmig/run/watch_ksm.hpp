// SPDX-License-Identifier: MIT
/// Steers KSM by a policy, period after period, until it is told to end.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/host/apply_plan.hpp>
#include <kvmig/host/kernel_files.hpp>
#include <kvmig/host/revert_record.hpp>
#include <kvmig/host/tuning_facts.hpp>
#include <kvmig/ports/clock.hpp>
#include <kvmig/tuning/ksm_plan.hpp>
#include <kvmig/tuning/ksm_policy.hpp>
#include <kvmig/tuning/plan.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>

namespace kvmig::run {

/// One look at a host, what was decided of it, and what came of that.
struct ksm_round {
    tuning::ksm_sample sample = {};     ///< what was read; empty where reading failed
    tuning::ksm_decision decision = {}; ///< empty where nothing could be decided
    tuning::plan plan = {};             ///< applied, unless there is a problem
    /// Why nothing came of it; what was begun of it is put back.
    std::optional<error> problem = {};
};

namespace detail {

template <class Decide>
[[nodiscard]] expected<void> do_round(const host::kernel_files &files, host::revert_record *record,
                                      std::size_t keep, std::chrono::milliseconds at,
                                      Decide &decide, ksm_round &out) {
    auto sample = host::read_ksm_sample(files, at);
    if (!sample) return fail(std::move(sample).error());
    out.sample = *std::move(sample);
    auto decided = decide(out.sample);
    if (!decided) return fail(std::move(decided).error());
    out.decision = *std::move(decided);
    auto made = tuning::plan_ksm(out.sample.ksm, out.decision);
    if (!made) return fail(std::move(made).error());
    out.plan = *std::move(made);
    if (record == nullptr) return {};
    const std::size_t before = record->entries().size();
    if (auto done = host::apply(files, *record, out.plan); !done) return done;
    return host::forget_repeated(*record, keep, before);
}

} // namespace detail

/// Reads, decides (`expected<ksm_decision>(ksm_sample &)`), applies and tells (`void(const
/// ksm_round &)`) each round, then waits (`bool()`: false ends it). At the end what was there when
/// it began is put back, and returned. Without a `record` nothing is written.
///
/// Fails when the first round does, having changed nothing; a later round that fails is told, and
/// the next one tries again. Fails too when not all could be put back; the record is kept then.
/// Killed, it leaves the record for `host::revert`.
template <class Decide, class Tell, class Wait, ports::clock Clock = ports::system_clock>
[[nodiscard]] expected<host::revert_result>
watch_ksm(const host::kernel_files &files, host::revert_record *record, Decide decide, Tell tell,
          Wait wait, const Clock &clock = {}) {
    const std::size_t keep = record == nullptr ? 0 : record->entries().size();
    bool first = true;
    do {
        ksm_round round;
        const auto at = std::chrono::duration_cast<std::chrono::milliseconds>(
            clock.steady().time_since_epoch());
        if (auto done = detail::do_round(files, record, keep, at, decide, round); !done) {
            if (first) return fail(std::move(done).error());
            round.problem = std::move(done).error();
        }
        first = false;
        tell(std::as_const(round));
    } while (wait());
    if (record == nullptr) return host::revert_result{};
    return host::revert(files, *record, keep);
}

} // namespace kvmig::run
