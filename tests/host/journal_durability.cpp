// SPDX-License-Identifier: MIT
#include <host/journal_place.hpp>
#include <host/power_cut.hpp>
#include <kvmig/host/journal_sqlite.hpp>
#include <kvmig/migration/machine.hpp>
#include <support/catch.hpp>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <poll.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace kvmig;
using namespace kvmig::migration;
using namespace kvmig::test;
using host::sqlite_journal;
using ports::journal_entry;

namespace {

/// Waits for one byte; false when the other end is closed.
bool byte_from(int fd) {
    pollfd waited{fd, POLLIN, 0};
    REQUIRE(::poll(&waited, 1, 60'000) == 1); // a watchdog: the byte itself is what ends the wait
    char byte = 0;
    return ::read(fd, &byte, 1) == 1;
}

} // namespace

TEST_CASE("what was reported written outlives a controller that is killed") {
    const scratch place;
    const auto written = entries(kind::block, whole_move);
    // Killed before the first transition, after each, and in the middle of the next.
    for (std::size_t acknowledged = 0; acknowledged <= written.size(); ++acknowledged) {
        const auto file = place.path() / std::to_string(acknowledged) / "journal.sqlite";
        std::array<int, 2> pipe{};
        REQUIRE(::pipe(pipe.data()) == 0);
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            ::close(pipe[0]);
            auto journal = sqlite_journal::open_at(file);
            if (!journal) ::_exit(1);
            auto lease = journal->open(record());
            if (!lease || ::write(pipe[1], "o", 1) != 1) ::_exit(1);
            for (const journal_entry &entry : written) {
                if (!journal->append(*lease, entry)) ::_exit(1);
                if (::write(pipe[1], "w", 1) != 1) ::_exit(1);
            }
            // Never ends by itself: what holds the lease is killed.
            for (;;) ::pause();
        }
        ::close(pipe[1]);
        for (std::size_t i = 0; i <= acknowledged; ++i) REQUIRE(byte_from(pipe[0]));

        auto journal = sqlite_journal::open_at(file);
        REQUIRE(journal);
        const auto open = journal->unfinished();
        REQUIRE(open);
        if (!open->empty())
            CHECK(journal->take(open->front()).error().kind == error_kind::conflict);

        REQUIRE(::kill(child, SIGKILL) == 0);
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        REQUIRE(WIFSIGNALED(status));
        ::close(pipe[0]);

        const auto read = journal->read({1});
        REQUIRE(read);
        CHECK(read->record == record());
        REQUIRE(read->entries.size() >= acknowledged);
        for (std::size_t i = 0; i < read->entries.size(); ++i) {
            CHECK(read->entries[i] == written[i]);
        }
        // And its successor may go on.
        CHECK(journal->take({1}));
    }
}

TEST_CASE("what was reported written outlives a power cut") {
    const scratch place;
    const auto written = entries(kind::block, whole_move);
    for (std::size_t before_cut = 0; before_cut <= written.size(); ++before_cut) {
        const auto survivors = place.path() / ("left-" + std::to_string(before_cut));
        {
            power_cut power(survivors);
            const auto file = place.path() / std::to_string(before_cut) / "journal.sqlite";
            auto journal = sqlite_journal::open_at(file);
            REQUIRE(journal);
            auto lease = journal->open(record());
            REQUIRE(lease);
            for (std::size_t i = 0; i < before_cut; ++i) {
                const int syncs = power.syncs();
                REQUIRE(journal->append(*lease, written[i]));
                CHECK(power.syncs() > syncs);
            }
        }
        // What is left: the files as they were last written out.
        auto journal = sqlite_journal::open_at(survivors / "journal.sqlite");
        REQUIRE(journal);
        const auto read = journal->read({1});
        REQUIRE(read);
        CHECK(read->entries ==
              std::vector<journal_entry>(
                  written.begin(), written.begin() + static_cast<std::ptrdiff_t>(before_cut)));
    }
}

TEST_CASE("a damaged journal is an error that names the file") {
    const scratch place;
    {
        auto journal = sqlite_journal::open_at(place.journal());
        REQUIRE(journal);
        auto lease = journal->open(record());
        REQUIRE(lease);
        for (const journal_entry &entry : entries(kind::block, whole_move)) {
            REQUIRE(journal->append(*lease, entry));
        }
    }
    const auto size = std::filesystem::file_size(place.journal());
    SECTION("no database at all") {
        std::ofstream(place.journal()) << "this was a shopping list, long enough to fill a header "
                                          "of one hundred bytes and a little more than that";
    }
    SECTION("its end cut off") { std::filesystem::resize_file(place.journal(), size / 2); }
    SECTION("a page overwritten") {
        std::fstream file(place.journal(), std::ios::in | std::ios::out | std::ios::binary);
        // The last page holds rows or their index; the first bytes say which and how many.
        file.seekp(static_cast<std::streamoff>(size - 4096));
        file << std::string(64, '\x5A');
    }
    const auto opened = sqlite_journal::open_at(place.journal());
    REQUIRE_FALSE(opened);
    CHECK(opened.error().kind == error_kind::io);
    CHECK(opened.error().object == place.journal());
    CHECK(opened.error().what.find("damaged") != std::string::npos);
    CHECK_FALSE(opened.error().remedy.empty());
}

TEST_CASE("a journal of another version or another program is left alone") {
    const scratch place;
    const auto run = [&](const std::string &sql) {
        auto database = host::journal_database::open(place.journal().string());
        REQUIRE(database);
        REQUIRE(database->run(sql, "preparing the test"));
    };
    SECTION("newer") {
        REQUIRE(sqlite_journal::open_at(place.journal()));
        run("PRAGMA user_version = 2");
        const auto opened = sqlite_journal::open_at(place.journal());
        REQUIRE_FALSE(opened);
        CHECK(opened.error().kind == error_kind::unsupported);
        CHECK(opened.error().what.find("version 2") != std::string::npos);
        CHECK(opened.error().object == place.journal());
    }
    SECTION("another program's") {
        std::filesystem::create_directories(place.journal().parent_path());
        std::ofstream(place.journal()).close();
        run("CREATE TABLE recipes (name TEXT)");
        const auto opened = sqlite_journal::open_at(place.journal());
        REQUIRE_FALSE(opened);
        CHECK(opened.error().kind == error_kind::conflict);
        CHECK(opened.error().object == place.journal());
        run("SELECT name FROM recipes"); // still there
    }
    SECTION("a word that this version does not know") {
        {
            auto journal = sqlite_journal::open_at(place.journal());
            auto lease = journal->open(record());
            REQUIRE(journal->append(*lease, entries(kind::block, whole_move)[0]));
        }
        run("UPDATE transitions SET to_state = 'teleporting'");
        auto journal = sqlite_journal::open_at(place.journal());
        REQUIRE(journal);
        const auto read = journal->read({1});
        REQUIRE_FALSE(read);
        CHECK(read.error().kind == error_kind::protocol);
        CHECK(describe(read.error()).find("teleporting") != std::string::npos);
        CHECK(read.error().object == place.journal());
    }
}

TEST_CASE("many controllers write to one journal at a time, and none is lost") {
    const scratch place;
    constexpr int controllers = 6;
    REQUIRE(sqlite_journal::open_at(place.journal()));
    std::vector<pid_t> children;
    for (std::uint8_t i = 0; i < controllers; ++i) {
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            auto journal = sqlite_journal::open_at(place.journal());
            if (!journal) ::_exit(1);
            auto lease = journal->open(record(i));
            if (!lease) ::_exit(2);
            machine m(kind::block);
            for (const event e : whole_move) {
                if (!journal->append(*lease, {*m.step(e), moment(1), ""})) ::_exit(3);
            }
            ::_exit(0);
        }
        children.push_back(child);
    }
    for (const pid_t child : children) {
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status));
        CHECK(WEXITSTATUS(status) == 0);
    }
    auto journal = sqlite_journal::open_at(place.journal());
    REQUIRE(journal);
    CHECK(journal->unfinished()->empty());
    for (std::int64_t id = 1; id <= controllers; ++id) {
        CHECK(journal->read({id})->entries.size() == whole_move.size());
    }
}
