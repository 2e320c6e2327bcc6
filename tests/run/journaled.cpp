// SPDX-License-Identifier: MIT
// Steps are taken only when the journal has them.
#include <kvmig/run/journaled.hpp>
#include <kvmig/run/memory_journal.hpp>
#include <support/catch.hpp>

#include <optional>
#include <string>

using namespace kvmig;
using migration::event;
using migration::state;

namespace {

/// A journal whose disk can be full.
class full_journal {
public:
    using lease = run::memory_journal::lease;
    expected<lease> open(const ports::migration_record &record) { return kept.open(record); }
    expected<lease> take(ports::migration_id id) { return kept.take(id); }
    expected<void> append(const lease &held, const ports::journal_entry &entry) {
        if (full) return fail(error_kind::environment, "No space left on device");
        return kept.append(held, entry);
    }
    expected<ports::journaled_migration> read(ports::migration_id id) { return kept.read(id); }
    expected<std::vector<ports::migration_id>> unfinished() { return kept.unfinished(); }

    run::memory_journal kept;
    bool full = false;
};
static_assert(ports::journal<full_journal>);

ports::migration_record record() {
    ports::migration_record out;
    out.domain = "vm1";
    out.domain_uuid = uuid::random();
    return out;
}

} // namespace

TEST_CASE("a step is in the journal before it is taken") {
    full_journal journal;
    auto lease = journal.open(record());
    REQUIRE(lease);
    const auto id = lease->id();
    run::journaled steps(journal, *std::move(lease), migration::origin{});
    const auto step = steps.feed(event::prepare_requested, "asked for");
    REQUIRE(step);
    CHECK(step->then == migration::act::prepare_destination);
    CHECK(steps.at() == state::preparing);
    const auto told = journal.read(id);
    REQUIRE(told->entries.size() == 1);
    CHECK(told->entries[0].what == *step);
    CHECK(told->entries[0].detail == "asked for");
}

TEST_CASE("a step that cannot be recorded is not taken, and can be tried again") {
    full_journal journal;
    auto lease = journal.open(record());
    REQUIRE(lease);
    run::journaled steps(journal, *std::move(lease), migration::origin{});
    journal.full = true;
    const auto step = steps.feed(event::prepare_requested);
    REQUIRE_FALSE(step);
    CHECK(step.error().kind == error_kind::environment);
    CHECK(step.error().what == "migration 1 stands in planned, and that it goes on to preparing "
                               "cannot be recorded");
    REQUIRE(step.error().causes.size() == 1);
    CHECK(steps.at() == state::planned);
    CHECK(steps.past() == migration::past{});
    journal.full = false;
    REQUIRE(steps.feed(event::prepare_requested));
    CHECK(steps.at() == state::preparing);
}

TEST_CASE("an event without an edge is refused, and not recorded") {
    full_journal journal;
    auto lease = journal.open(record());
    REQUIRE(lease);
    const auto id = lease->id();
    run::journaled steps(journal, *std::move(lease), migration::origin{});
    const auto step = steps.feed(event::job_completed);
    REQUIRE_FALSE(step);
    CHECK(step.error().kind == error_kind::refused);
    CHECK(journal.read(id)->entries.empty());
}

TEST_CASE("a successor begins where the journal ends") {
    run::memory_journal journal;
    ports::migration_id id;
    {
        auto lease = journal.open(record());
        REQUIRE(lease);
        id = lease->id();
        // Held by one at a time.
        const auto second = journal.take(id);
        REQUIRE_FALSE(second);
        CHECK(second.error().kind == error_kind::conflict);
        run::journaled steps(journal, *std::move(lease), migration::origin{});
        REQUIRE(steps.feed(event::prepare_requested));
        REQUIRE(steps.feed(event::move_requested));
        REQUIRE(steps.feed(event::cancel_requested));
    }
    CHECK(*journal.unfinished() == std::vector<ports::migration_id>{id});
    auto lease = journal.take(id);
    REQUIRE(lease);
    run::journaled steps(journal, *std::move(lease), *journal.read(id));
    CHECK(steps.id() == id);
    CHECK(steps.at() == state::cancelling);
    CHECK(steps.past().cancel_requested);
    CHECK(steps.past().position == state::cancelling);
}

TEST_CASE("a journal in memory keeps a guest's migrations apart, and knows its own") {
    run::memory_journal journal;
    const auto wanted = record();
    auto lease = journal.open(wanted);
    REQUIRE(lease);
    const auto again = journal.open(wanted);
    REQUIRE_FALSE(again);
    CHECK(again.error().kind == error_kind::conflict);
    CHECK(journal.take({7}).error().kind == error_kind::not_found);
    CHECK(journal.read({7}).error().kind == error_kind::not_found);
    const migration::transition later{state::preparing, event::move_requested, state::beginning,
                                      migration::act::start_job};
    const auto out_of_turn = journal.append(*lease, {later, {}, {}});
    REQUIRE_FALSE(out_of_turn);
    CHECK(out_of_turn.error().kind == error_kind::conflict);
}
