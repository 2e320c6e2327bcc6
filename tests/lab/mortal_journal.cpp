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

/// `KVMIG_KILLED_IN` for as long as it lives.
class killed_in {
public:
    explicit killed_in(const std::string &state) {
        REQUIRE(::setenv("KVMIG_KILLED_IN", state.c_str(), 1) == 0);
    }
    killed_in(const killed_in &) = delete;
    killed_in &operator=(const killed_in &) = delete;
    ~killed_in() { ::unsetenv("KVMIG_KILLED_IN"); }
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

} // namespace

TEST_CASE("a controller is killed once its journal holds the state, and in no other") {
    const test::scratch place;
    const auto written = test::entries(migration::kind::block, test::whole_move);
    std::vector<migration::state> states{migration::state::planned};
    for (const ports::journal_entry &each : written) states.push_back(each.what.to);
    for (const migration::state last : states) {
        INFO(to_string(last));
        const auto file = place.path() / std::string(to_string(last)) / "journal.sqlite";
        const killed_in there{std::string(to_string(last))};
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
        CHECK(told->at() == last);
    }
}

TEST_CASE("without the variable nobody is killed, and a word that is no state is refused") {
    const test::scratch place;
    CHECK(write_all(place.path() / "a" / "journal.sqlite",
                    test::entries(migration::kind::block, test::whole_move)) == 0);
    const killed_in nowhere{"pre-copy"};
    const auto journal = mortal_journal::open_at(place.path() / "b" / "journal.sqlite");
    REQUIRE_FALSE(journal);
    CHECK(journal.error().kind == error_kind::invalid_argument);
    CHECK_THAT(describe(journal.error()), Catch::Contains("pre-copy"));
    CHECK_FALSE(std::filesystem::exists(place.path() / "b"));
}
