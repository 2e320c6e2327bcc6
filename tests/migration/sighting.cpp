// SPDX-License-Identifier: MIT
#include <kvmig/migration/sighting.hpp>
#include <support/catch.hpp>

#include <optional>

using namespace kvmig;
using namespace kvmig::migration;

namespace {

model::domain_status status(model::domain_state state, int reason, bool active) {
    model::domain_status out;
    out.state = state;
    out.reason = reason;
    out.active = active;
    out.persistent = true;
    return out;
}

} // namespace

// The numbers are those of virDomainRunningReason, virDomainPausedReason and
// virDomainShutoffReason in libvirt-domain.h.

TEST_CASE("a host that does not know the guest has none of it") {
    const sighting s = sight(std::nullopt, false);
    CHECK(s.seen == presence::absent);
    CHECK_FALSE(s.active());
    CHECK_FALSE(s.persistent);
}

TEST_CASE("libvirt's reasons are told apart where they decide") {
    using model::domain_state;
    CHECK(sight(status(domain_state::running, 1, true), false)
              .is(presence::running, seen_reason::other));
    CHECK(sight(status(domain_state::running, 2, true), false)
              .is(presence::running, seen_reason::migrated));
    CHECK(sight(status(domain_state::running, 6, true), false)
              .is(presence::running, seen_reason::migration_canceled));
    CHECK(sight(status(domain_state::running, 10, true), true)
              .is(presence::running, seen_reason::postcopy));
    CHECK(sight(status(domain_state::running, 11, true), true)
              .is(presence::running, seen_reason::postcopy_failed));
    CHECK(sight(status(domain_state::paused, 1, true), false)
              .is(presence::paused, seen_reason::user));
    CHECK(sight(status(domain_state::paused, 2, true), true)
              .is(presence::paused, seen_reason::migration));
    CHECK(sight(status(domain_state::paused, 5, true), false)
              .is(presence::paused, seen_reason::other));
    CHECK(sight(status(domain_state::paused, 11, true), false)
              .is(presence::paused, seen_reason::starting_up));
    CHECK(sight(status(domain_state::paused, 12, true), true)
              .is(presence::paused, seen_reason::postcopy));
    CHECK(sight(status(domain_state::paused, 13, true), true)
              .is(presence::paused, seen_reason::postcopy_failed));
    CHECK(sight(status(domain_state::shutoff, 1, false), false)
              .is(presence::shut_off, seen_reason::shutdown));
    CHECK(sight(status(domain_state::shutoff, 4, false), false)
              .is(presence::shut_off, seen_reason::migrated));
    CHECK(sight(status(domain_state::shutoff, 6, false), false)
              .is(presence::shut_off, seen_reason::failed));
    CHECK(sight(status(domain_state::shutoff, 8, false), false)
              .is(presence::shut_off, seen_reason::other));
}

TEST_CASE("a process that may still write to its disks counts as running") {
    using model::domain_state;
    CHECK(sight(status(domain_state::shutdown, 1, true), false).seen == presence::running);
    CHECK(sight(status(domain_state::no_state, 0, true), false).seen == presence::running);
    CHECK(sight(status(domain_state::blocked, 0, true), false).seen == presence::running);
    // Its guest stands still.
    CHECK(sight(status(domain_state::pm_suspended, 0, true), false).seen == presence::paused);
    CHECK(sight(status(domain_state::crashed, 1, true), false).seen == presence::paused);
}

TEST_CASE("a guest without a process has no job") {
    CHECK_FALSE(sight(status(model::domain_state::shutoff, 1, false), true).job);
    CHECK(sight(status(model::domain_state::running, 1, true), true).job);
}

TEST_CASE("a sighting reads as a sentence") {
    CHECK(describe(sighting{presence::running, seen_reason::migrated, false, true}) ==
          "running (migrated), not defined, job active");
    CHECK(describe(sighting{}) == "unreachable");
}
