// SPDX-License-Identifier: MIT
// `kvmig tune ksm --watch`, on a tree of files that changes while it runs.
#include <lab/cli/tune_ksm.hpp>
#include <lab/cli_call.hpp>
#include <lab/tuned_host.hpp>
#include <support/catch.hpp>

#include <kvmig/host/revert_record.hpp>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

using namespace kvmig;
using lab::cli::exit_status;
using test::ksm_folder;
using test::tuned_host;

namespace {

std::string meminfo(int free_kb) {
    return "MemTotal: 16777216 kB\nMemFree: " + std::to_string(free_kb) +
           " kB\nBuffers: 0 kB\nCached: 0 kB\n";
}

/// Rounds of the loop, each but the last followed by one of `between`.
test::outcome watched(const tuned_host &host, lab::cli::tune_request asked, bool json,
                      const std::vector<std::function<void()>> &between) {
    asked.root = host.root().string();
    asked.watch = true;
    lab::cli::context ctx;
    ctx.json = json;
    std::size_t round = 0;
    test::outcome out;
    test::captured answer(stdout);
    test::captured messages(stderr);
    out.status = lab::cli::watch_for_ksm(asked, ctx, [&] {
        if (round == between.size()) return false;
        between[round++]();
        return true;
    });
    out.messages = messages.text();
    out.answer = answer.text();
    return out;
}

std::vector<std::string> lines_of(const std::string &text) {
    std::istringstream in(text);
    std::vector<std::string> out;
    for (std::string line; std::getline(in, line);) out.push_back(line);
    return out;
}

} // namespace

TEST_CASE("tune ksm --watch follows the memory, tells what changes, and puts back at the end") {
    const tuned_host host;
    const auto before = host.all();
    std::string run;
    const auto said =
        watched(host, {.policy = "ksmtuned"}, false,
                {[&] {
                     run += host.text(ksm_folder + "run");
                     host.put("/proc/meminfo", meminfo(9'000'000));
                 },
                 [&] {
                     run += host.text(ksm_folder + "run");
                     host.put("/proc/meminfo", meminfo(9'000'001)); // for the same reason
                 },
                 [&] { host.put("/proc/meminfo", before.at("/proc/meminfo")); }});
    CHECK(said.status == exit_status::done);
    CHECK(said.answer.empty());
    const auto lines = lines_of(said.messages);
    REQUIRE(lines.size() == 4);
    CHECK_THAT(lines[0], Catch::Contains("scan: ") && Catch::Contains("pages_to_scan 100 -> 300") &&
                             Catch::Contains("run 0 -> 1"));
    CHECK_THAT(lines[1], Catch::Contains("stop: ") && Catch::Contains("run 1 -> 0"));
    CHECK_THAT(lines[2], Catch::Contains("pages_to_scan 300 -> 600"));
    CHECK(lines[3] == "ended; 3 put back");
    CHECK(run == "1\n0\n");
    CHECK(host.all() == before);
}

TEST_CASE("tune ksm --watch --json gives a line for each decision, and one for the end") {
    const tuned_host host;
    const auto said = watched(host, {.policy = "profit"}, true, {[] {}});
    CHECK(said.status == exit_status::done);
    const auto lines = lines_of(said.answer);
    REQUIRE(lines.size() == 3);
    for (const std::string &line : lines) {
        CHECK(nlohmann::json::parse(line).at("schema") == "kvmig.tune/1");
    }
    const auto first = nlohmann::json::parse(lines[0]);
    CHECK(first.at("decision").at("action") == "scan");
    CHECK(first.at("changes").size() == 1);
    CHECK(first.at("saved_bytes") == 2097152);
    CHECK(first.at("time").is_string());
    CHECK(nlohmann::json::parse(lines[1]).at("changes").empty());
    CHECK(nlohmann::json::parse(lines[2]).at("restored").at(0) == ksm_folder + "run");
}

TEST_CASE("tune ksm --watch --dry-run tells and writes nothing, not even a record") {
    const tuned_host host;
    const auto before = host.all();
    const auto said = watched(host, {.dry_run = true}, false, {[] {}, [] {}});
    CHECK(said.status == exit_status::done);
    const auto lines = lines_of(said.messages);
    REQUIRE(lines.size() == 2);
    CHECK(lines[1] == "ended; nothing was written");
    CHECK(host.all() == before);
    CHECK_FALSE(std::filesystem::exists(host.root() / "var"));
}

TEST_CASE("tune ksm --watch goes on when a guest has left, and tells a problem once") {
    const tuned_host host;
    const auto said = watched(host, {.leaving = {"vm1"}}, false,
                              {[&] { std::filesystem::remove_all(host.at("/proc/100")); },
                               [&] { host.put(ksm_folder + "run", "many\n"); }, [] {},
                               [&] { host.put(ksm_folder + "run", "0\n"); }});
    CHECK(said.status == exit_status::done);
    const auto lines = lines_of(said.messages);
    REQUIRE(lines.size() == 5);
    CHECK_THAT(lines[0], Catch::Contains("vm1 is about to leave"));
    CHECK_THAT(lines[1],
               Catch::Contains("no guest runs") && Catch::Contains("note: not running here: vm1"));
    CHECK_THAT(lines[2], Catch::Contains("'many'") && Catch::Contains(ksm_folder + "run"));
    CHECK_THAT(lines[3], Catch::Contains("no guest runs"));
    CHECK(lines[4] == "ended; 0 put back");
}

TEST_CASE("tune ksm --watch by the program's own wait ends when it is asked to, and puts back") {
    const tuned_host host;
    const auto before = host.all();
    const auto said = test::call(lab::cli::add_tune,
                                 {"tune", "ksm", "--watch", "--every", "3600", "--policy",
                                  "ksmtuned", "--root", host.root().string()},
                                 true);
    CHECK(said.status == exit_status::done);
    CHECK_THAT(said.messages, Catch::Contains("ended; 3 put back"));
    CHECK(host.all() == before);
}

TEST_CASE("tune ksm --watch holds the record: nothing else tunes meanwhile") {
    const tuned_host host;
    test::outcome other;
    const auto said = watched(host, {.policy = "ksmtuned"}, false, {[&] {
                                  other = host.tune({"profile", "virtual-host"});
                              }});
    CHECK(said.status == exit_status::done);
    CHECK(other.status == exit_status::failed);
    CHECK_THAT(other.messages, Catch::Contains("another process is tuning this host"));
    CHECK(host.text("/proc/sys/vm/swappiness") == "60\n");
}

TEST_CASE("tune ksm --watch refuses what makes no sense, and a first look that fails ends it") {
    for (const std::vector<std::string> &arguments :
         {std::vector<std::string>{"tune", "ksm", "--every", "5"},
          {"tune", "ksm", "--watch", "--every", "0"},
          {"tune", "ksm", "--watch", "--policy", "stop"}}) {
        CHECK_FALSE(test::refusal_of(lab::cli::add_tune, arguments).empty());
    }
    const tuned_host host;
    std::filesystem::remove_all(host.at(ksm_folder));
    const auto said = watched(host, {}, false, {[] {}});
    CHECK(said.status == exit_status::failed);
    CHECK_THAT(said.messages, Catch::Contains("this kernel has no KSM"));
    const tuned_host other;
    CHECK(watched(other, {.cpu_ceiling = 300}, false, {}).status == exit_status::usage);
}
