// SPDX-License-Identifier: MIT
/// The tables of the journal: made in an empty file, checked in any other.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/host/journal_database.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace kvmig::host {

/// The version of the tables that this code reads and writes.
inline constexpr std::int64_t journal_version = 1;
/// "kvmg": marks the file as a journal of this program.
inline constexpr std::int64_t journal_application = 0x6B766D67;

namespace detail {

inline constexpr std::string_view opening = "opening the journal";

[[nodiscard]] inline std::string journal_schema() {
    return "CREATE TABLE migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, domain TEXT NOT NULL, "
           "domain_uuid TEXT NOT NULL, source_uri TEXT NOT NULL, destination_uri TEXT NOT NULL, "
           "origin TEXT NOT NULL, options TEXT NOT NULL, detail TEXT NOT NULL, "
           "opened INTEGER NOT NULL, ended INTEGER NOT NULL DEFAULT 0) STRICT; "
           "CREATE UNIQUE INDEX one_open_for_a_guest ON migrations (domain_uuid) WHERE ended = 0; "
           "CREATE TABLE transitions (migration INTEGER NOT NULL REFERENCES migrations (id), "
           "number INTEGER NOT NULL, from_state TEXT NOT NULL, event TEXT NOT NULL, "
           "to_state TEXT NOT NULL, act TEXT NOT NULL, at INTEGER NOT NULL, detail TEXT NOT NULL, "
           "PRIMARY KEY (migration, number)) STRICT, WITHOUT ROWID; "
           "PRAGMA application_id = " +
           std::to_string(journal_application) +
           "; PRAGMA user_version = " + std::to_string(journal_version);
}

/// The first column of the first row, as a number and as text.
[[nodiscard]] inline expected<std::pair<std::int64_t, std::string>>
ask_journal(const journal_database &database, std::string_view sql) {
    auto question = database.prepare(sql, opening);
    if (!question) return fail(std::move(question.error()));
    auto row = question->step(opening);
    if (!row) return fail(std::move(row.error()));
    if (!*row) return std::pair(std::int64_t{0}, std::string());
    return std::pair(question->number(0), question->text(0));
}

} // namespace detail

/// Makes the tables in an empty database, and looks at any other whether it is a sound journal of
/// this version. Fails with `io` (damaged), `conflict` (another program's) or `unsupported`
/// (another version), naming the file.
[[nodiscard]] inline expected<void> prepare_journal_tables(const journal_database &database) {
    using detail::opening;
    auto set = database.run("PRAGMA synchronous = EXTRA; PRAGMA foreign_keys = ON; "
                            "PRAGMA trusted_schema = OFF",
                            opening);
    if (!set) return set;
    auto transaction = journal_transaction::begin(database, opening);
    if (!transaction) return fail(std::move(transaction.error()));
    auto tables = detail::ask_journal(database, "SELECT count(*) FROM sqlite_schema");
    if (!tables) return fail(std::move(tables.error()));
    auto application = detail::ask_journal(database, "PRAGMA application_id");
    if (!application) return fail(std::move(application.error()));
    auto version = detail::ask_journal(database, "PRAGMA user_version");
    if (!version) return fail(std::move(version.error()));

    if (tables->first == 0 && application->first == 0 && version->first == 0) {
        if (auto made = database.run(detail::journal_schema(), opening); !made) return made;
        return transaction->commit(opening);
    }
    if (application->first != journal_application) {
        return fail(make_error(error_kind::conflict,
                               "the file is a database of another program, not a journal of "
                               "migrations")
                        .about(database.file())
                        .advise("name another file for the journal"));
    }
    if (version->first != journal_version) {
        return fail(make_error(error_kind::unsupported, "the journal has version " +
                                                            std::to_string(version->first) +
                                                            ", and this program knows version " +
                                                            std::to_string(journal_version))
                        .about(database.file())
                        .advise("use the version of kvmig that wrote it, or a newer one"));
    }
    // Damage is to be found now, not in the middle of a migration.
    auto sound = detail::ask_journal(database, "PRAGMA quick_check(1)");
    if (!sound) return fail(std::move(sound.error()));
    if (sound->second != "ok") {
        return fail(journal_error(database.file(), SQLITE_CORRUPT, sound->second, opening));
    }
    return {};
}

} // namespace kvmig::host
