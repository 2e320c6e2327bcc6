// SPDX-License-Identifier: MIT
/// SQLite, as far as the journal needs it: a connection and statements that close themselves, and
/// errors that name the file.
#pragma once

#include <kvmig/core/expected.hpp>

#include <cstdint>
#include <memory>
#include <sqlite3.h>
#include <string>
#include <string_view>
#include <utility>

namespace kvmig::host {

/// What SQLite's result `code` means for the journal in `file`; `what` was being done.
[[nodiscard]] inline error journal_error(const std::string &file, int code, std::string_view text,
                                         std::string_view what) {
    const auto made = [&](error_kind kind, const std::string &why, std::string remedy) {
        error out = make_error(kind, std::string(what) + ": " + why).about(file);
        out.remedy = std::move(remedy);
        return out;
    };
    const std::string said(text);
    switch (code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return made(error_kind::timed_out, "another process keeps the journal locked",
                    "end the process that uses " + file + " (fuser " + file + " names it)");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return made(error_kind::io, "the journal is damaged (" + said + ")",
                    "move " + file +
                        " out of the way, and look on both hosts for migrations it may have "
                        "recorded; `sqlite3 FILE .recover` reads what is left");
    case SQLITE_FULL:
        return made(error_kind::environment, "no space is left for the journal",
                    "free space on the file system of " + file);
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
        return made(error_kind::environment,
                    "the journal cannot be opened for writing (" + said + ")",
                    "make " + file + " and its folder writable, or name another journal");
    case SQLITE_CONSTRAINT: return made(error_kind::conflict, said, "");
    default: return made(error_kind::io, said, "");
    }
}

/// A prepared statement. Text that is bound must outlive the next `step`.
class journal_statement {
public:
    /// Takes `raw` over; `file` is for messages.
    journal_statement(sqlite3_stmt *raw, std::string file) : raw_(raw), file_(std::move(file)) {}

    /// Gives the next `?` its value, as text.
    journal_statement &bind(std::string_view text) {
        note(sqlite3_bind_text(raw_.get(), ++place_, text.data(), static_cast<int>(text.size()),
                               nullptr));
        return *this;
    }
    /// Gives the next `?` its value, as a number.
    journal_statement &bind(std::int64_t number) {
        note(sqlite3_bind_int64(raw_.get(), ++place_, number));
        return *this;
    }

    /// Whether there is a (further) row.
    [[nodiscard]] expected<bool> step(std::string_view what) {
        const int code = bound_ != SQLITE_OK ? bound_ : sqlite3_step(raw_.get());
        if (code == SQLITE_ROW) return true;
        if (code == SQLITE_DONE) return false;
        return fail(
            journal_error(file_, code, sqlite3_errmsg(sqlite3_db_handle(raw_.get())), what));
    }

    /// A column of the row, from 0.
    [[nodiscard]] std::int64_t number(int column) const {
        return sqlite3_column_int64(raw_.get(), column);
    }
    /// A column of the row, from 0; empty for NULL.
    [[nodiscard]] std::string text(int column) const {
        const void *data = sqlite3_column_blob(raw_.get(), column);
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(raw_.get(), column));
        return data == nullptr ? std::string() : std::string(static_cast<const char *>(data), size);
    }

private:
    struct finalize {
        void operator()(sqlite3_stmt *raw) const noexcept { sqlite3_finalize(raw); }
    };
    void note(int code) {
        if (bound_ == SQLITE_OK) bound_ = code;
    }

    std::unique_ptr<sqlite3_stmt, finalize> raw_;
    std::string file_;
    int place_ = 0;
    int bound_ = SQLITE_OK;
};

/// A connection to one database file; used by one thread at a time.
class journal_database {
public:
    /// Opens an existing file, which may be empty. Waits for up to ten seconds where another
    /// process writes.
    [[nodiscard]] static expected<journal_database> open(const std::string &file) {
        sqlite3 *raw = nullptr;
        const int code = sqlite3_open_v2(file.c_str(), &raw,
                                         SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
        journal_database out(raw, file);
        if (code != SQLITE_OK) {
            return fail(journal_error(file, code,
                                      raw == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(raw),
                                      "opening the journal"));
        }
        sqlite3_extended_result_codes(raw, 1);
        sqlite3_busy_timeout(raw, 10'000);
        return out;
    }

    [[nodiscard]] const std::string &file() const noexcept { return file_; } ///< Where it lies.

    /// Errors say what was done: `what`.
    [[nodiscard]] expected<journal_statement> prepare(std::string_view sql,
                                                      std::string_view what) const {
        sqlite3_stmt *raw = nullptr;
        const int code =
            sqlite3_prepare_v2(raw_.get(), sql.data(), static_cast<int>(sql.size()), &raw, nullptr);
        if (code != SQLITE_OK) {
            return fail(journal_error(file_, code, sqlite3_errmsg(raw_.get()), what));
        }
        return journal_statement(raw, file_);
    }

    /// Runs statements that need no values and give no rows.
    [[nodiscard]] expected<void> run(const std::string &sql, std::string_view what) const {
        const int code = sqlite3_exec(raw_.get(), sql.c_str(), nullptr, nullptr, nullptr);
        if (code == SQLITE_OK) return {};
        return fail(journal_error(file_, code, sqlite3_errmsg(raw_.get()), what));
    }

    /// The number of the row inserted last.
    [[nodiscard]] std::int64_t last_row() const { return sqlite3_last_insert_rowid(raw_.get()); }

private:
    struct close {
        void operator()(sqlite3 *raw) const noexcept { sqlite3_close_v2(raw); }
    };
    journal_database(sqlite3 *raw, std::string file) : raw_(raw), file_(std::move(file)) {}

    std::unique_ptr<sqlite3, close> raw_;
    std::string file_;
};

/// A write transaction; rolled back unless it was committed.
class journal_transaction {
public:
    /// Waits for other writers as long as the database's busy time-out; errors say `what` was done.
    [[nodiscard]] static expected<journal_transaction> begin(const journal_database &database,
                                                             std::string_view what) {
        if (auto begun = database.run("BEGIN IMMEDIATE", what); !begun) {
            return fail(std::move(begun.error()));
        }
        return journal_transaction(database);
    }
    /// The other is over for its owner, and rolls nothing back.
    journal_transaction(journal_transaction &&other) noexcept
        : database_(std::exchange(other.database_, nullptr)) {}
    journal_transaction &operator=(journal_transaction &&) = delete;
    journal_transaction(const journal_transaction &) = delete;
    journal_transaction &operator=(const journal_transaction &) = delete;
    ~journal_transaction() {
        // Should that fail too, SQLite undoes it when the file is opened next.
        if (database_ != nullptr) (void)database_->run("ROLLBACK", "undoing");
    }

    /// Durable when it returns.
    [[nodiscard]] expected<void> commit(std::string_view what) {
        auto done = database_->run("COMMIT", what);
        if (done) database_ = nullptr;
        return done;
    }

private:
    explicit journal_transaction(const journal_database &database) : database_(&database) {}

    const journal_database *database_;
};

} // namespace kvmig::host
