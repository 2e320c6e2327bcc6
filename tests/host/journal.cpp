// SPDX-License-Identifier: MIT
#include <host/journal_place.hpp>
#include <kvmig/host/journal_sqlite.hpp>
#include <support/catch.hpp>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <vector>

using namespace kvmig;
using namespace kvmig::migration;
using namespace kvmig::test;
using host::sqlite_journal;
using ports::journal_entry;
using ports::migration_id;

namespace {

unsigned mode_of(const std::filesystem::path &path) {
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    return info.st_mode & 0777U;
}

} // namespace

TEST_CASE("a migration is read back as it was written, by another than wrote it") {
    const scratch place;
    const auto written = entries(kind::block, whole_move);
    migration_id id;
    {
        auto journal = sqlite_journal::open_at(place.journal());
        REQUIRE(journal);
        auto lease = journal->open(record());
        REQUIRE(lease);
        id = lease->id();
        for (const journal_entry &entry : written) REQUIRE(journal->append(*lease, entry));
    }
    auto journal = sqlite_journal::open_at(place.journal());
    REQUIRE(journal);
    const auto read = journal->read(id);
    REQUIRE(read);
    CHECK(read->id == id);
    CHECK(read->record == record());
    CHECK(read->entries == written);
    CHECK(read->at() == state::completed);
    CHECK(read->past() == past{state::completed, false, false});
}

TEST_CASE("only what has not ended is listed as unfinished") {
    const scratch place;
    auto journal = sqlite_journal::open_at(place.journal());
    REQUIRE(journal);
    CHECK(journal->unfinished()->empty());
    auto first = journal->open(record(1));
    auto second = journal->open(record(2));
    REQUIRE(first);
    REQUIRE(second);
    CHECK(*journal->unfinished() == std::vector<migration_id>{first->id(), second->id()});
    for (const journal_entry &entry : entries(kind::block, whole_move)) {
        REQUIRE(journal->append(*first, entry));
    }
    CHECK(*journal->unfinished() == std::vector<migration_id>{second->id()});
}

TEST_CASE("a guest has one open migration at a time") {
    const scratch place;
    auto journal = sqlite_journal::open_at(place.journal());
    REQUIRE(journal);
    auto first = journal->open(record());
    REQUIRE(first);
    auto again = journal->open(record());
    REQUIRE_FALSE(again);
    CHECK(again.error().kind == error_kind::conflict);
    CHECK(again.error().remedy == "kvmig recover " + std::to_string(first->id().number));
    // When it has ended, the next may begin.
    for (const journal_entry &entry : entries(kind::block, {event::cancel_requested})) {
        REQUIRE(journal->append(*first, entry));
    }
    auto next = journal->open(record());
    REQUIRE(next);
    CHECK(first->id() < next->id());
}

TEST_CASE("a transition that does not follow the last is refused") {
    const scratch place;
    auto journal = sqlite_journal::open_at(place.journal());
    REQUIRE(journal);
    auto lease = journal->open(record());
    REQUIRE(lease);
    const auto written = entries(kind::block, whole_move);
    REQUIRE(journal->append(*lease, written[0]));
    const auto skipped = journal->append(*lease, written[2]);
    REQUIRE_FALSE(skipped);
    CHECK(skipped.error().kind == error_kind::conflict);
    CHECK(skipped.error().what.find("preparing") != std::string::npos);
    CHECK(skipped.error().what.find("beginning") != std::string::npos);
    CHECK(journal->read(lease->id())->entries.size() == 1);
}

TEST_CASE("a migration that is not there is named") {
    const scratch place;
    auto journal = sqlite_journal::open_at(place.journal());
    REQUIRE(journal);
    for (const auto &err : {journal->read({7}).error(), journal->take({7}).error()}) {
        CHECK(err.kind == error_kind::not_found);
        CHECK(err.what.find('7') != std::string::npos);
        CHECK(err.object == place.journal());
    }
}

TEST_CASE("two controllers do not drive the same migration") {
    const scratch place;
    auto journal = sqlite_journal::open_at(place.journal());
    REQUIRE(journal);
    migration_id id;
    {
        auto held = journal->open(record(1));
        REQUIRE(held);
        id = held->id();
        // Neither by another object nor by the same.
        auto other = sqlite_journal::open_at(place.journal());
        REQUIRE(other);
        for (const auto &err : {other->take(id).error(), journal->take(id).error()}) {
            CHECK(err.kind == error_kind::conflict);
            CHECK(err.what.find(std::to_string(id.number)) != std::string::npos);
        }
        // Another migration is free.
        CHECK(other->open(record(2)));
    }
    CHECK(journal->take(id));
}

TEST_CASE("the journal is its owner's alone") {
    const scratch place;
    const mode_t old = ::umask(0);
    auto journal = sqlite_journal::open_at(place.path() / "a" / "b" / "journal.sqlite");
    REQUIRE(journal);
    REQUIRE(journal->open(record()));
    ::umask(old);
    CHECK(mode_of(place.path() / "a") == 0700U);
    CHECK(mode_of(place.path() / "a" / "b") == 0700U);
    CHECK(mode_of(place.path() / "a" / "b" / "journal.sqlite") == 0600U);
    CHECK(mode_of(place.path() / "a" / "b" / "journal.sqlite.lock") == 0600U);
}

TEST_CASE("a journal that cannot be made says where and why") {
    const scratch place;
    std::ofstream(place.path() / "file").close();
    const auto opened = sqlite_journal::open_at(place.path() / "file" / "journal.sqlite");
    REQUIRE_FALSE(opened);
    CHECK(opened.error().object.find("file") != std::string::npos);
    CHECK(opened.error().system == ENOTDIR);
}

TEST_CASE("the journal's place follows the base directory specification") {
    const auto with = [](const char *state, const char *home) {
        const char *old_state = std::getenv("XDG_STATE_HOME");
        const char *old_home = std::getenv("HOME");
        const std::string kept_state = old_state == nullptr ? "" : old_state;
        const std::string kept_home = old_home == nullptr ? "" : old_home;
        const auto set = [](const char *name, const char *value) {
            if (value == nullptr) {
                ::unsetenv(name);
            } else {
                ::setenv(name, value, 1);
            }
        };
        set("XDG_STATE_HOME", state);
        set("HOME", home);
        auto out = host::default_journal_path();
        set("XDG_STATE_HOME", old_state == nullptr ? nullptr : kept_state.c_str());
        set("HOME", old_home == nullptr ? nullptr : kept_home.c_str());
        return out;
    };
    CHECK(*with("/var/state", "/home/ann") == "/var/state/kvmig/journal.sqlite");
    CHECK(*with(nullptr, "/home/ann") == "/home/ann/.local/state/kvmig/journal.sqlite");
    // A relative path is not to be used.
    CHECK(*with("state", "/home/ann") == "/home/ann/.local/state/kvmig/journal.sqlite");
    const auto nowhere = with(nullptr, nullptr);
    REQUIRE_FALSE(nowhere);
    CHECK(nowhere.error().kind == error_kind::environment);
    CHECK(nowhere.error().remedy.find("XDG_STATE_HOME") != std::string::npos);
}
