// SPDX-License-Identifier: MIT
// orchestrator: the state machine inside a program that moves guests by means of its own.
#include <kvmig/migration.hpp>

#include <iostream>

namespace km = kvmig::migration;

int main() {
    km::machine guest(km::kind::live);
    // What the orchestrator sees of its own migration, in the order it sees it.
    for (const auto seen : {km::event::prepare_requested, km::event::move_requested,
                            km::event::memory_phase, km::event::post_copy_active}) {
        const auto next = guest.next(seen);
        if (!next) return std::cerr << describe(next.error()) << '\n', 1;
        // Here it goes to a journal; then it is taken, and `next->then` is begun.
        guest.take(*next);
        std::cout << to_string(guest.at()) << ": " << to_string(next->then) << '\n';
    }
    // Post-copy is never aborted: refused here, and by transition_of when this is compiled.
    const auto abort = guest.step(km::event::cancel_requested);
    if (abort || guest.owns() != km::owner::split) return 1;
    std::cout << describe(abort.error()) << '\n';
}
