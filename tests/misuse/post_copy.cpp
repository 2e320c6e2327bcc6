// SPDX-License-Identifier: MIT
// Once post-copy runs, the guest's memory is on both sides: nothing aborts it.
#include <kvmig/migration.hpp>

using namespace kvmig::migration;

#ifdef ABORT
constexpr auto next =
    transition_of(kind::live, state::post_copy, event::cancel_requested); // error: no_such_edge
#else
constexpr auto next = transition_of(kind::live, state::post_copy, event::post_copy_broken);
static_assert(next.to == state::post_copy_paused);
#endif
#ifdef ANY_WORD
constexpr auto begun =
    transition_of(kind::live, state::planned, "cancel_requested"); // error: conver
#endif
