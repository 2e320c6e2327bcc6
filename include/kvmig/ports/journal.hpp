// SPDX-License-Identifier: MIT
/// The journal port: every transition of a migration is written here, and is durable, before the
/// act that it announces begins. `host::sqlite_journal` is the real one.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/migration/machine.hpp>
#include <kvmig/migration/origin.hpp>
#include <kvmig/migration/past.hpp>
#include <kvmig/ports/clock.hpp>

#include <compare>
#include <concepts>
#include <cstdint>
#include <string>
#include <vector>

namespace kvmig::ports {

/// A migration's number in its journal; 1 is the first, and none is used twice.
struct migration_id {
    std::int64_t number = 0; ///< 0: of no migration

    friend constexpr auto operator<=>(migration_id, migration_id) noexcept = default;
};

/// What is written when a migration is opened: all that a successor needs to know.
struct migration_record {
    migration::origin before;    ///< how the guest was at the source
    std::string domain;          ///< its name at the source
    uuid domain_uuid;            ///< which stays the same on the way
    std::string source_uri;      ///< by which a successor reaches the source
    std::string destination_uri; ///< by which a successor reaches the destination
    std::string options;         ///< as the controller writes and reads them
    std::string detail;          ///< to put back or remove: target volumes, devices, a definition
    utc_time opened;             ///< by the controller's clock

    friend bool operator==(const migration_record &, const migration_record &) = default;
};

/// One transition, when it was taken and what there was to say.
struct journal_entry {
    migration::transition what; ///< an edge of the state machine
    utc_time at;                ///< by the controller's clock
    std::string detail;

    friend bool operator==(const journal_entry &, const journal_entry &) = default;
};

/// A migration as its journal tells it.
struct journaled_migration {
    migration_id id;                    ///< its number
    migration_record record;            ///< as written when it was opened
    std::vector<journal_entry> entries; ///< in the order in which they were written

    /// Where the machine of a successor begins.
    [[nodiscard]] migration::state at() const noexcept {
        return entries.empty() ? migration::state::planned : entries.back().what.to;
    }
    /// What its entries say of it.
    [[nodiscard]] migration::past past() const {
        std::vector<migration::transition> history;
        history.reserve(entries.size());
        for (const journal_entry &entry : entries) history.push_back(entry.what);
        return migration::past_of(history);
    }
};

/// Why a journal opens no second migration of a guest: `open` has not ended.
[[nodiscard]] inline error still_open(const std::string &domain, migration_id open) {
    const std::string number = std::to_string(open.number);
    return make_error(error_kind::conflict,
                      "the guest has migration " + number + ", which has not ended")
        .about(domain)
        .advise("kvmig recover " + number);
}

/// Held by the one controller that may drive a migration; given up when destroyed, and by the
/// system when the controller's process ends in whatever way.
template <class T>
concept journal_lease = std::movable<T> && !std::copyable<T> && requires(const T &lease) {
    { lease.id() } -> std::same_as<migration_id>;
};

/// A write-ahead journal of migrations.
///
/// - `open(record)`: begins one, in state `planned`, and holds it. Fails with `conflict` while the
///   same guest has another that has not ended, naming it.
/// - `take(id)`: holds an existing one. Fails with `not_found`, or with `conflict` while another
///   controller holds it.
/// - `append(lease, entry)`: durable when it returns. Fails with `conflict` when the entry does not
///   follow the last one.
/// - `read(id)`: all of it. Fails with `not_found`.
/// - `unfinished()`: those that have not ended, oldest first.
template <class T>
concept journal = journal_lease<typename T::lease> &&
    requires(T &j, const typename T::lease &lease, migration_id id, const migration_record &record,
             const journal_entry &entry) {
    { j.open(record) } -> std::same_as<expected<typename T::lease>>;
    { j.take(id) } -> std::same_as<expected<typename T::lease>>;
    { j.append(lease, entry) } -> std::same_as<expected<void>>;
    { j.read(id) } -> std::same_as<expected<journaled_migration>>;
    { j.unfinished() } -> std::same_as<expected<std::vector<migration_id>>>;
};

/// Fails as `open` would while a migration of the guest has not ended.
template <journal J>
[[nodiscard]] expected<void> check_none_open(J &in, const std::string &domain, const uuid &id) {
    const auto open = in.unfinished();
    if (!open) return fail(open.error());
    for (const migration_id each : *open) {
        const auto known = in.read(each);
        if (!known) return fail(known.error());
        if (known->record.domain_uuid == id) return fail(still_open(domain, each));
    }
    return {};
}

} // namespace kvmig::ports
