// SPDX-License-Identifier: MIT
/// What a live migration will do, decided before anything is touched.
#pragma once

#include <kvmig/convergence/policy.hpp>
#include <kvmig/core/expected.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/migration/option_rules.hpp>
#include <kvmig/migration/options.hpp>
#include <kvmig/migration/origin.hpp>
#include <kvmig/ports/hypervisor.hpp>
#include <kvmig/run/before_migration.hpp>
#include <kvmig/run/open.hpp>
#include <kvmig/run/steer.hpp>
#include <kvmig/run/whereabouts.hpp>

#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

/// A live migration that may begin.
struct live_plan {
    uuid id;                    ///< which it keeps
    std::string name;           ///< at the source
    migration::options options; ///< nothing in them contradicts another, or the hosts
    host_pair hosts;            ///< two different ones
    whereabouts before;         ///< of both hosts, which have answered

    /// How things stand before it, for the journal.
    [[nodiscard]] migration::origin origin() const { return origin_of(before, options); }
};

namespace detail {

/// One objection is told as it is, several as causes of one error.
[[nodiscard]] inline expected<void> refuse(std::vector<migration::objection> found) {
    if (found.empty()) return {};
    if (found.size() > 1) return fail(migration::refusal(std::move(found)));
    return fail(make_error(error_kind::invalid_argument, std::move(found.front().what))
                    .advise(std::move(found.front().remedy)));
}

/// Fails when the steering asks for what the migration does not allow, or for two things that
/// contradict each other; all of it is told at once.
[[nodiscard]] inline expected<void> check_steering(const migration::options &options,
                                                   const steering_wish &wish) {
    using migration::flag;
    std::vector<migration::objection> found;
    const auto &limit = wish.limit;
    if (limit && limit->then == at_limit::post_copy && !options.flags.has(flag::postcopy)) {
        found.push_back({"after the time limit post-copy is to begin, and the flag postcopy is not "
                         "set",
                         "add the flag postcopy"});
    }
    if (!wish.promise) return refuse(std::move(found));
    // QEMU's `downtime-limit` goes from 0 to 2000 s; with 0 nothing ever ends.
    if (wish.promise->count() < 1 || wish.promise->count() > 2'000'000) {
        found.push_back(
            {"a downtime of " + std::to_string(wish.promise->count()) + " ms is promised",
             "promise 1 to 2000000 ms"});
    }
    if (!options.flags.has(flag::live) || options.flags.has(flag::paused)) {
        found.push_back({"a short downtime is promised, and the guest is to stand still",
                         "keep the flag live and leave out paused, or promise nothing"});
    }
    if (limit && limit->then == at_limit::suspend) {
        found.push_back(
            {"a short downtime is promised, and after the time limit the guest is to be "
             "suspended until it has moved",
             "let the time limit cancel, or begin post-copy"});
    }
    if (wish.policy.name != convergence::policies::watch.name || wish.may_suspend) {
        found.push_back({"a promised downtime takes the place of a policy, and the policy is '" +
                             std::string(wish.policy.name) +
                             (wish.may_suspend ? "', which may suspend the guest" : "'"),
                         "leave out one of the two"});
    }
    return refuse(std::move(found));
}

} // namespace detail

/// Asks both hosts, and changes nothing; `carry_out` does what comes of it. Fails as
/// `check_before_migration` tells, for steering that the options do not allow, and when a host does
/// not say what it knows of the guest.
template <ports::hypervisor H>
[[nodiscard]] expected<live_plan> plan_between(H &source, const uuid &id, const std::string &name,
                                               H &destination, const migration::options &options,
                                               const steering_wish &wish = {}) {
    if (auto ok = detail::check_steering(options, wish); !ok) return fail(std::move(ok).error());
    auto hosts = check_before_migration(source, id, name, destination, options);
    if (!hosts) return fail(std::move(hosts).error());
    live_plan out{id, name, options, *std::move(hosts), {}};
    out.before = {ask(source, id, out.hosts.source.hostname),
                  ask(destination, id, out.hosts.destination.hostname)};
    for (const host_answer *each : {&out.before.source, &out.before.destination}) {
        if (each->unread) return fail(*each->unread);
    }
    return out;
}

} // namespace kvmig::run
