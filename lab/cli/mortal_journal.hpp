// SPDX-License-Identifier: MIT
/// A controller's death at a place that nobody hits from outside: right after a step was recorded,
/// or when it was done and what came of it is not recorded yet.
#pragma once

#include <kvmig/core/error.hpp>
#include <kvmig/core/expected.hpp>
#include <kvmig/host/journal_sqlite.hpp>
#include <kvmig/migration/state.hpp>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <unistd.h>
#include <utility>

namespace kvmig::lab::cli {

/// The journal of `kvmig migrate`. Tests of recovery name a state in one of two variables, and the
/// process is killed (SIGKILL): by `KVMIG_KILLED_IN` as soon as the journal holds that state, by
/// `KVMIG_KILLED_AFTER` instead of recording the state that follows it.
class mortal_journal : public host::sqlite_journal {
public:
    /// Fails as `sqlite_journal::open_at`, and with `invalid_argument` where no state is named so.
    [[nodiscard]] static expected<mortal_journal> open_at(const std::filesystem::path &file) {
        const auto in = state_in("KVMIG_KILLED_IN");
        if (!in) return fail(in.error());
        const auto after = state_in("KVMIG_KILLED_AFTER");
        if (!after) return fail(after.error());
        auto journal = host::sqlite_journal::open_at(file);
        if (!journal) return fail(std::move(journal).error());
        return mortal_journal(*std::move(journal), *in, *after);
    }

    /// As the journal's own.
    [[nodiscard]] expected<lease> open(const ports::migration_record &record) {
        auto held = host::sqlite_journal::open(record);
        if (held) live_on_unless(in_ == migration::state::planned);
        return held;
    }
    /// As the journal's own.
    [[nodiscard]] expected<void> append(const lease &held, const ports::journal_entry &entry) {
        live_on_unless(after_ == entry.what.from && entry.what.to != entry.what.from);
        auto done = host::sqlite_journal::append(held, entry);
        if (done) live_on_unless(in_ == entry.what.to);
        return done;
    }

private:
    using last_state = std::optional<migration::state>;

    mortal_journal(host::sqlite_journal journal, last_state in, last_state after)
        : host::sqlite_journal(std::move(journal)), in_(in), after_(after) {}

    /// Nothing where the variable is not set.
    static expected<last_state> state_in(const char *variable) {
        const char *named = std::getenv(variable);
        if (named == nullptr) return last_state{};
        if (const last_state last = migration::state_named(named)) return last;
        std::string known;
        for (const migration::state_facts &each : migration::states) {
            known += (known.empty() ? "" : ", ") + std::string(each.name);
        }
        return fail(
            make_error(error_kind::invalid_argument, std::string(variable) + " is '" + named +
                                                         "', which is no state of a migration")
                .advise("leave it away, or name one of: " + known));
    }

    static void live_on_unless(bool dies) {
        if (dies) ::kill(::getpid(), SIGKILL);
    }

    last_state in_;
    last_state after_;
};

static_assert(ports::journal<mortal_journal>);

} // namespace kvmig::lab::cli
