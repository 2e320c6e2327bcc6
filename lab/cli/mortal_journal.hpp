// SPDX-License-Identifier: MIT
/// A controller's death at a place that nobody hits from outside: right after a step was recorded.
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

/// The journal of `kvmig migrate`. Where the variable `KVMIG_KILLED_IN` names a state, as tests of
/// recovery do, the process is killed (SIGKILL) as soon as the journal holds that state.
class mortal_journal : public host::sqlite_journal {
public:
    /// Fails as `sqlite_journal::open_at`, and with `invalid_argument` where no state is named so.
    [[nodiscard]] static expected<mortal_journal> open_at(const std::filesystem::path &file) {
        std::optional<migration::state> last;
        if (const char *named = std::getenv("KVMIG_KILLED_IN")) {
            last = migration::state_named(named);
            if (!last) {
                std::string known;
                for (const migration::state_facts &each : migration::states) {
                    known += (known.empty() ? "" : ", ") + std::string(each.name);
                }
                return fail(make_error(error_kind::invalid_argument,
                                       "KVMIG_KILLED_IN is '" + std::string(named) +
                                           "', which is no state of a migration")
                                .advise("leave it away, or name one of: " + known));
            }
        }
        auto journal = host::sqlite_journal::open_at(file);
        if (!journal) return fail(std::move(journal).error());
        return mortal_journal(*std::move(journal), last);
    }

    /// As the journal's own.
    [[nodiscard]] expected<lease> open(const ports::migration_record &record) {
        auto held = host::sqlite_journal::open(record);
        if (held) live_on_unless(migration::state::planned);
        return held;
    }
    /// As the journal's own.
    [[nodiscard]] expected<void> append(const lease &held, const ports::journal_entry &entry) {
        auto done = host::sqlite_journal::append(held, entry);
        if (done) live_on_unless(entry.what.to);
        return done;
    }

private:
    mortal_journal(host::sqlite_journal journal, std::optional<migration::state> last)
        : host::sqlite_journal(std::move(journal)), last_(last) {}

    void live_on_unless(migration::state now) const {
        if (last_ == now) ::kill(::getpid(), SIGKILL);
    }

    std::optional<migration::state> last_;
};

static_assert(ports::journal<mortal_journal>);

} // namespace kvmig::lab::cli
