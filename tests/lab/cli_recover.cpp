// SPDX-License-Identifier: MIT
// The subcommand `recover` against libvirt's own test driver and a journal in a file.
#include <kvmig/host/journal_sqlite.hpp>
#include <kvmig/libvirt.hpp>
#include <kvmig/migration/machine.hpp>
#include <lab/cli/subcommands.hpp>
#include <lab/cli_call.hpp>
#include <support/catch.hpp>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

using namespace kvmig;
using lab::cli::exit_status;
using migration::event;
using test::captured;
using test::folder;

namespace {

/// A journal of its own, as `kvmig migrate` would have left it.
class place {
public:
    place() { REQUIRE(::setenv("XDG_STATE_HOME", at_.path().c_str(), 1) == 0); }

    /// The number of a migration of `vm1` whose controller died after `events`.
    std::int64_t leave(const std::string &from, const std::string &to,
                       const std::vector<event> &events) {
        auto journal = host::sqlite_journal::open_at(*host::default_journal_path());
        REQUIRE(journal);
        const auto on = libvirt::connection::open(from);
        REQUIRE(on);
        ports::migration_record record;
        record.domain = "vm1";
        record.domain_uuid = libvirt::domain::lookup(*on, "vm1")->id();
        record.source_uri = from;
        record.destination_uri = to;
        record.options = "flags=live";
        auto lease = journal->open(record);
        REQUIRE(lease);
        migration::machine machine(record.before.kind);
        for (const event e : events) {
            const auto step = machine.step(e);
            REQUIRE(step);
            REQUIRE(journal->append(*lease, {*step, {}, {}}));
        }
        return lease->id().number;
    }
    std::string node(const std::string &name, const std::string &domain) {
        return at_.node(name, domain);
    }

private:
    folder at_;
};

std::pair<exit_status, std::string> recover(std::vector<std::string> arguments) {
    CLI::App app{"test", "kvmig"};
    lab::cli::context ctx;
    lab::cli::add_recover(app, ctx);
    arguments.insert(arguments.begin(), "recover");
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    app.parse(reversed);
    REQUIRE(ctx.action);
    captured answer(stdout);
    captured messages(stderr);
    const exit_status status = ctx.action();
    std::string all = messages.text();
    all += answer.text();
    return {status, all};
}

const std::vector<event> moving = {event::prepare_requested, event::move_requested};

} // namespace

TEST_CASE("recover says when there is nothing to recover") {
    const place at;
    CHECK(recover({}) == std::pair(exit_status::done, std::string("no migration is open\n")));
    CHECK(recover({"--all"}).first == exit_status::done);
    const auto unknown = recover({"7"});
    CHECK(unknown.first == exit_status::failed);
    CHECK_THAT(unknown.second, Catch::Contains("the journal has no migration 7"));
}

TEST_CASE("recover lists what is open, and touches nothing") {
    place at;
    at.leave(at.node("one", "vm1"), at.node("two", "other"), moving);
    for (int time = 0; time < 2; ++time) {
        const auto listed = recover({});
        CHECK(listed.first == exit_status::done);
        CHECK_THAT(listed.second, Catch::Contains("1: vm1 from test://"));
        CHECK_THAT(listed.second, Catch::Contains("open in beginning"));
    }
}

TEST_CASE("a guest that runs at the source is found there, and the migration has failed") {
    place at;
    at.leave(at.node("one", "vm1"), at.node("two", "other"), moving);
    const auto came = recover({"--all", "--json"});
    CHECK(came.first == exit_status::failed);
    const auto told = nlohmann::json::parse(came.second);
    CHECK(told.at("schema") == "kvmig.recover/1");
    CHECK(told.at("migrations").at(0).at("id") == 1);
    CHECK(told.at("migrations").at(0).at("was") == "beginning");
    CHECK(told.at("migrations").at(0).at("outcome") == "failed");
    CHECK(recover({"--all"}).first == exit_status::done);
}

TEST_CASE("undone as asked for, it was cancelled") {
    place at;
    at.leave(at.node("one", "vm1"), at.node("two", "other"), moving);
    const auto came = recover({"1", "--undo"});
    CHECK(came.first == exit_status::cancelled);
    CHECK_THAT(came.second, Catch::Contains(": cancelled"));
}

TEST_CASE("while a host cannot be reached it says so, and what can be chosen") {
    place at;
    at.leave(at.node("one", "vm1"), "test:///nonexistent/node.xml", moving);
    const auto open = recover({"1"});
    CHECK(open.first == exit_status::failed);
    CHECK_THAT(open.second, Catch::Contains("1: vm1"));
    CHECK_THAT(open.second, Catch::Contains("source: running"));
    CHECK_THAT(open.second, Catch::Contains("destination: unreachable"));
    CHECK_THAT(open.second, Catch::Contains("take-over: "));
    CHECK_THAT(open.second, Catch::Contains("kvmig recover 1 --choose WORD"));
    CHECK(recover({"1", "--choose", "take-over"}).first == exit_status::done);
    CHECK(recover({}).second == "no migration is open\n");
}

TEST_CASE("what another process drives is left alone") {
    place at;
    at.leave(at.node("one", "vm1"), at.node("two", "other"), moving);
    auto journal = host::sqlite_journal::open_at(*host::default_journal_path());
    REQUIRE(journal);
    const auto held = journal->take({1});
    REQUIRE(held);
    const auto among = recover({"--all"});
    CHECK(among.first == exit_status::done);
    CHECK_THAT(among.second, Catch::Contains(": driven"));
    CHECK_THAT(among.second, Catch::Contains("is being driven by another process"));
    CHECK(recover({"1"}).first == exit_status::failed);
}

TEST_CASE("recover takes an ID or all, and a choice only of one") {
    const place at;
    CHECK_THROWS_AS(recover({"1", "--all"}), CLI::ParseError);
    CHECK_THROWS_AS(recover({"--all", "--choose", "take-over"}), CLI::ParseError);
    CHECK_THROWS_AS(recover({"1", "--choose", "coin"}), CLI::ParseError);
}
