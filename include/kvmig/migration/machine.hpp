// SPDX-License-Identifier: MIT
/// The machine: holds the state of one migration, and takes it from event to event.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/migration/act.hpp>
#include <kvmig/migration/event.hpp>
#include <kvmig/migration/kind.hpp>
#include <kvmig/migration/lookup.hpp>
#include <kvmig/migration/proofs.hpp>
#include <kvmig/migration/state.hpp>

#include <string>
#include <vector>

namespace kvmig::migration {

/// One step of a migration. It is written to the journal, and only then is `then` begun.
struct transition {
    state from; ///< where the migration stood
    event on;   ///< what was told
    state to;   ///< where it stands from then on
    act then;   ///< the work that is begun once this is durable

    friend constexpr bool operator==(const transition &, const transition &) noexcept = default;
};

/// Why `e` cannot be taken in state `s`: kind `refused`, naming the state, the event and the
/// events that would be accepted.
[[nodiscard]] inline error no_such_edge(kind k, state s, event e) {
    std::string what = "a " + std::string(to_string(k)) + " migration in state " +
                       std::string(to_string(s)) + " does not accept the event " +
                       std::string(to_string(e));
    std::string remedy;
    for (const event other : accepted(k, s)) {
        remedy += remedy.empty() ? "accepted here: " : ", ";
        remedy += to_string(other);
    }
    if (remedy.empty()) remedy = "the migration has ended; nothing is accepted any more";
    return make_error(error_kind::refused, std::move(what))
        .about(std::string(to_string(s)))
        .advise(std::move(remedy));
}

/// The transition of a state and an event that are known when the program is compiled. Where the
/// table has none, as for an abort of post-copy, it does not compile, and the compiler names
/// `no_such_edge`.
[[nodiscard]] consteval transition transition_of(kind k, state s, event e) {
    const edge *found = find_edge(k, s, e);
    if (found == nullptr) static_cast<void>(no_such_edge(k, s, e));
    return transition{found->from, found->on, found->to, found->then};
}

/// The state of one migration. Drive it thus: `next` an event, write the transition to the
/// journal, `take` it, begin its act. `step` does `next` and `take` where there is no journal.
class machine {
public:
    /// A migration about to begin, or one whose journal ends in `at`.
    constexpr explicit machine(migration::kind of, migration::state at = state::planned) noexcept
        : kind_(of), state_(at) {}

    /// The kind of the migration.
    [[nodiscard]] constexpr migration::kind of() const noexcept { return kind_; }
    /// Where it stands.
    [[nodiscard]] constexpr migration::state at() const noexcept { return state_; }
    /// Who has the guest there.
    [[nodiscard]] constexpr owner owns() const noexcept { return owner_in(state_); }
    /// Whether nothing follows.
    [[nodiscard]] constexpr bool ended() const noexcept { return is_end(state_); }

    /// Whether an edge leads on from here.
    [[nodiscard]] constexpr bool accepts(event e) const noexcept {
        return find_edge(kind_, state_, e) != nullptr;
    }

    /// What `e` would lead to; fails as `no_such_edge` tells. Changes nothing.
    [[nodiscard]] expected<transition> next(event e) const {
        if (const edge *found = find_edge(kind_, state_, e)) {
            return transition{found->from, found->on, found->to, found->then};
        }
        return fail(no_such_edge(kind_, state_, e));
    }

    /// Takes a transition that `next` gave for the present state.
    constexpr void take(const transition &t) noexcept { state_ = t.to; }

    /// `next`, and `take` if that succeeded.
    [[nodiscard]] expected<transition> step(event e) {
        expected<transition> t = next(e);
        if (t) take(*t);
        return t;
    }

private:
    migration::kind kind_;
    migration::state state_;
};

} // namespace kvmig::migration
