// SPDX-License-Identifier: MIT
/// The journal of migrations in an SQLite file.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/host/journal_database.hpp>
#include <kvmig/host/journal_files.hpp>
#include <kvmig/host/journal_tables.hpp>
#include <kvmig/migration/machine.hpp>
#include <kvmig/migration/origin.hpp>
#include <kvmig/ports/journal.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::host {

/// Satisfies `ports::journal`. Several processes may have the same file open; one object is used
/// by one thread at a time.
///
/// A rollback journal rather than a write-ahead log, so that the file may lie on a network file
/// system; `synchronous=EXTRA`, so that a transition that was reported written outlives a power
/// cut.
class sqlite_journal {
public:
    using lease = journal_lease; ///< The right to drive a migration, for as long as it lives.

    /// Opens the journal, making it and its folder where they are missing. Fails with an error
    /// that names the file when it is damaged (`io`), another program's (`conflict`) or of a newer
    /// version (`unsupported`).
    [[nodiscard]] static expected<sqlite_journal> open_at(const std::filesystem::path &file) {
        if (auto made = make_private_folder(file.parent_path()); !made) {
            return fail(std::move(made.error()));
        }
        // SQLite would make it readable by everybody whom the umask allows.
        if (auto fd = open_private_file(file); !fd) return fail(std::move(fd.error()));
        auto database = journal_database::open(file.string());
        if (!database) return fail(std::move(database.error()));
        if (auto ready = prepare_journal_tables(*database); !ready) {
            return fail(std::move(ready.error()));
        }
        return sqlite_journal(std::move(*database));
    }

    /// Records a migration and holds it; fails when one of this domain is open.
    [[nodiscard]] expected<lease> open(const ports::migration_record &record) {
        constexpr std::string_view what = "recording a migration";
        auto transaction = journal_transaction::begin(database_, what);
        if (!transaction) return fail(std::move(transaction.error()));
        const std::string id = record.domain_uuid.text();
        const auto open = open_for(id);
        if (!open) return fail(open.error());
        if (*open) return fail(ports::still_open(record.domain, {**open}));
        auto insert = database_.prepare(
            "INSERT INTO migrations (domain, domain_uuid, source_uri, destination_uri, origin, "
            "options, detail, opened) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            what);
        if (!insert) return fail(std::move(insert.error()));
        const std::string origin = migration::to_text(record.before);
        insert->bind(record.domain).bind(id).bind(record.source_uri).bind(record.destination_uri);
        insert->bind(origin).bind(record.options).bind(record.detail).bind(ticks(record.opened));
        if (auto done = insert->step(what); !done) return fail(std::move(done.error()));
        // Locked before others can see it.
        auto held = lease::take(lock_file(), ports::migration_id{database_.last_row()});
        if (!held) return held;
        if (auto done = transaction->commit(what); !done) return fail(std::move(done.error()));
        return held;
    }

    /// Holds a migration that is there; `conflict` when another process does.
    [[nodiscard]] expected<lease> take(ports::migration_id id) {
        auto known = database_.prepare("SELECT 1 FROM migrations WHERE id = ?", "reading");
        if (!known) return fail(std::move(known.error()));
        known->bind(id.number);
        auto row = known->step("reading the journal");
        if (!row) return fail(std::move(row.error()));
        if (!*row) return fail(unknown(id));
        return lease::take(lock_file(), id);
    }

    /// Adds a step, on the disk when this returns.
    [[nodiscard]] expected<void> append(const lease &held, const ports::journal_entry &entry) {
        constexpr std::string_view what = "recording a transition";
        auto transaction = journal_transaction::begin(database_, what);
        if (!transaction) return fail(std::move(transaction.error()));
        auto last = last_transition(held.id());
        if (!last) return fail(std::move(last.error()));
        if (last->second != to_string(entry.what.from)) {
            return fail(make_error(error_kind::conflict,
                                   "migration " + std::to_string(held.id().number) + " stands in " +
                                       last->second + " by its journal, not in " +
                                       std::string(to_string(entry.what.from)))
                            .about(database_.file()));
        }
        auto insert =
            database_.prepare("INSERT INTO transitions VALUES (?, ?, ?, ?, ?, ?, ?, ?)", what);
        if (!insert) return fail(std::move(insert.error()));
        insert->bind(held.id().number).bind(last->first + 1);
        insert->bind(to_string(entry.what.from)).bind(to_string(entry.what.on));
        insert->bind(to_string(entry.what.to)).bind(to_string(entry.what.then));
        insert->bind(ticks(entry.at)).bind(entry.detail);
        if (auto done = insert->step(what); !done) return fail(std::move(done.error()));
        if (is_end(entry.what.to)) {
            auto end = database_.prepare("UPDATE migrations SET ended = 1 WHERE id = ?", what);
            if (!end) return fail(std::move(end.error()));
            end->bind(held.id().number);
            if (auto done = end->step(what); !done) return fail(std::move(done.error()));
        }
        return transaction->commit(what);
    }

    /// Everything recorded of a migration; `not_found` when there is none.
    [[nodiscard]] expected<ports::journaled_migration> read(ports::migration_id id) {
        constexpr std::string_view what = "reading a migration's record";
        auto row = database_.prepare("SELECT domain, domain_uuid, source_uri, destination_uri, "
                                     "origin, options, detail, opened FROM migrations "
                                     "WHERE id = ?",
                                     what);
        if (!row) return fail(std::move(row.error()));
        row->bind(id.number);
        auto there = row->step(what);
        if (!there) return fail(std::move(there.error()));
        if (!*there) return fail(unknown(id));
        ports::journaled_migration out;
        out.id = id;
        out.record.domain = row->text(0);
        auto domain_uuid = uuid::parse(row->text(1));
        if (!domain_uuid) return fail(unreadable(id, std::move(domain_uuid.error())));
        out.record.domain_uuid = *domain_uuid;
        out.record.source_uri = row->text(2);
        out.record.destination_uri = row->text(3);
        auto origin = migration::origin_from_text(row->text(4));
        if (!origin) return fail(unreadable(id, std::move(origin.error())));
        out.record.before = *origin;
        out.record.options = row->text(5);
        out.record.detail = row->text(6);
        out.record.opened = moment(row->number(7));

        auto rows = database_.prepare("SELECT from_state, event, to_state, act, at, detail FROM "
                                      "transitions WHERE migration = ? ORDER BY number",
                                      what);
        if (!rows) return fail(std::move(rows.error()));
        rows->bind(id.number);
        for (;;) {
            auto more = rows->step(what);
            if (!more) return fail(std::move(more.error()));
            if (!*more) return out;
            const auto from = migration::state_named(rows->text(0));
            const auto on = migration::event_named(rows->text(1));
            const auto to = migration::state_named(rows->text(2));
            const auto then = migration::act_named(rows->text(3));
            if (!from || !on || !to || !then) {
                return fail(unreadable(
                    id, make_error(error_kind::protocol,
                                   "the transition '" + rows->text(0) + " on " + rows->text(1) +
                                       " to " + rows->text(2) + ", " + rows->text(3) +
                                       "' has a word that this version does not know")));
            }
            out.entries.push_back(
                {{*from, *on, *to, *then}, moment(rows->number(4)), rows->text(5)});
        }
    }

    /// Those that have no end, oldest first.
    [[nodiscard]] expected<std::vector<ports::migration_id>> unfinished() {
        constexpr std::string_view what = "listing migrations";
        auto rows =
            database_.prepare("SELECT id FROM migrations WHERE ended = 0 ORDER BY id", what);
        if (!rows) return fail(std::move(rows.error()));
        std::vector<ports::migration_id> out;
        for (;;) {
            auto more = rows->step(what);
            if (!more) return fail(std::move(more.error()));
            if (!*more) return out;
            out.push_back({rows->number(0)});
        }
    }

private:
    explicit sqlite_journal(journal_database database) : database_(std::move(database)) {}

    [[nodiscard]] std::filesystem::path lock_file() const { return database_.file() + ".lock"; }

    [[nodiscard]] static std::int64_t ticks(ports::utc_time at) {
        return at.time_since_epoch().count();
    }
    [[nodiscard]] static ports::utc_time moment(std::int64_t ticks) {
        return ports::utc_time(std::chrono::nanoseconds(ticks));
    }

    [[nodiscard]] error unknown(ports::migration_id id) const {
        return make_error(error_kind::not_found,
                          "the journal has no migration " + std::to_string(id.number))
            .about(database_.file());
    }
    [[nodiscard]] error unreadable(ports::migration_id id, error cause) const {
        return make_error(error_kind::protocol, "the record of migration " +
                                                    std::to_string(id.number) +
                                                    " cannot be understood")
            .about(database_.file())
            .because(std::move(cause));
    }

    /// The number of the guest's migration that has not ended, or nothing.
    [[nodiscard]] expected<std::optional<std::int64_t>> open_for(const std::string &id) const {
        constexpr std::string_view what = "recording a migration";
        auto row = database_.prepare(
            "SELECT id FROM migrations WHERE domain_uuid = ? AND ended = 0", what);
        if (!row) return fail(std::move(row.error()));
        row->bind(id);
        auto there = row->step(what);
        if (!there) return fail(std::move(there.error()));
        return *there ? std::optional(row->number(0)) : std::nullopt;
    }

    /// Number and target of the last transition; 0 and `planned` when there is none.
    [[nodiscard]] expected<std::pair<std::int64_t, std::string>>
    last_transition(ports::migration_id id) const {
        constexpr std::string_view what = "recording a transition";
        auto row = database_.prepare("SELECT number, to_state FROM transitions WHERE "
                                     "migration = ? ORDER BY number DESC LIMIT 1",
                                     what);
        if (!row) return fail(std::move(row.error()));
        row->bind(id.number);
        auto there = row->step(what);
        if (!there) return fail(std::move(there.error()));
        if (!*there) return std::pair(std::int64_t{0}, std::string(to_string(migration::state{})));
        return std::pair(row->number(0), row->text(1));
    }

    journal_database database_;
};

static_assert(ports::journal<sqlite_journal>);

} // namespace kvmig::host
