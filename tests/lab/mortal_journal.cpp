// SPDX-License-Identifier: MIT
#include <host/journal_place.hpp>
#include <lab/cli/mortal_journal.hpp>
#include <support/catch.hpp>

#include <csignal>
#include <cstdlib>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

using namespace kvmig;
using kvmig::lab::cli::mortal_journal;

namespace {

/// A variable for as long as it lives.
class with_variable {
public:
    with_variable(const char *name, const std::string &value) : name_(name) {
        REQUIRE(::setenv(name, value.c_str(), 1) == 0);
    }
    with_variable(const with_variable &) = delete;
    with_variable &operator=(const with_variable &) = delete;
    ~with_variable() { ::unsetenv(name_); }

private:
    const char *name_;
};

/// Writes a whole move; 0 when it came to its end.
int write_all(const std::filesystem::path &file, const std::vector<ports::journal_entry> &written) {
    auto journal = mortal_journal::open_at(file);
    if (!journal) return 2;
    auto held = journal->open(test::record());
    if (!held) return 3;
    for (const ports::journal_entry &each : written) {
        if (!journal->append(*held, each)) return 4;
    }
    return 0;
}

/// Where the journal of one stands that is killed while it writes; it must be.
migration::state killed_at(const std::filesystem::path &file,
                           const std::vector<ports::journal_entry> &written) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) ::_exit(write_all(file, written));
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGKILL);
    auto left = host::sqlite_journal::open_at(file);
    REQUIRE(left);
    const auto told = left->read(ports::migration_id{1});
    REQUIRE(told);
    return told->at();
}

} // namespace

TEST_CASE("a controller is killed once its journal holds the state, and in no other") {
    const test::scratch place;
    const auto written = test::entries(migration::kind::block, test::whole_move);
    std::vector<migration::state> states{migration::state::planned};
    for (const ports::journal_entry &each : written) states.push_back(each.what.to);
    for (const migration::state last : states) {
        const std::string name{to_string(last)};
        INFO(name);
        const with_variable there{"KVMIG_KILLED_IN", name};
        CHECK(killed_at(place.path() / name / "journal.sqlite", written) == last);
    }
}

TEST_CASE("or before it holds what follows the state") {
    const test::scratch place;
    const auto written = test::entries(migration::kind::block, test::whole_move);
    for (const ports::journal_entry &each : written) {
        if (each.what.to == each.what.from) continue;
        const std::string name{to_string(each.what.from)};
        INFO(name);
        const with_variable there{"KVMIG_KILLED_AFTER", name};
        CHECK(killed_at(place.path() / name / "journal.sqlite", written) == each.what.from);
    }
}

TEST_CASE("without a variable nobody is killed, and a word that is no state is refused") {
    const test::scratch place;
    CHECK(write_all(place.path() / "a" / "journal.sqlite",
                    test::entries(migration::kind::block, test::whole_move)) == 0);
    for (const char *variable : {"KVMIG_KILLED_IN", "KVMIG_KILLED_AFTER"}) {
        const with_variable nowhere{variable, "pre-copy"};
        const auto journal = mortal_journal::open_at(place.path() / "b" / "journal.sqlite");
        REQUIRE_FALSE(journal);
        CHECK(journal.error().kind == error_kind::invalid_argument);
        CHECK_THAT(describe(journal.error()),
                   Catch::Contains("pre-copy") && Catch::Contains(variable));
        CHECK_FALSE(std::filesystem::exists(place.path() / "b"));
    }
}
