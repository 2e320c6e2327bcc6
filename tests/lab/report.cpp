// SPDX-License-Identifier: MIT
// A run as table and JSON, read back, and in other forms.
#include <lab/report/junit.hpp>
#include <lab/report/markdown.hpp>
#include <lab/report/openmetrics.hpp>
#include <lab/report/page.hpp>
#include <lab/report/run_json.hpp>
#include <lab/report/saved_run.hpp>
#include <lab/report/table.hpp>
#include <support/catch.hpp>
#include <support/temporary_directory.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <pugixml.hpp>
#include <sstream>
#include <string>

using namespace kvmig;

namespace {

lab::run_result run_of(std::vector<std::string> failed_before) {
    lab::scenario_result one;
    one.id = "live-shared";
    one.result = lab::outcome::passed;
    one.seconds = 12.34;
    one.prove("memory intact", true, "1 page checked, 0 bad");
    one.measure("memory moved", 1048576, "bytes");
    one.failed_before = std::move(failed_before);
    lab::run_result run;
    run.scenarios.push_back(std::move(one));
    return run;
}

} // namespace

TEST_CASE("a run is told scenario by scenario, with its counts at the end") {
    const std::string table = lab::table_of(run_of({}));
    CHECK_THAT(table, Catch::Contains("live-shared") && Catch::Contains("1 of   1 proofs") &&
                          Catch::Contains("1.0 MiB") && !Catch::Contains("attempt") &&
                          Catch::EndsWith("\n1 passed, 0 failed, 0 skipped\n"));
    CHECK(lab::to_json(run_of({})).at("scenarios").at(0).at("failed_before").empty());
}

TEST_CASE("no line of the table is longer than 80 columns, and no word is lost") {
    lab::run_result run = run_of({"libvirt says: " + std::string(100, 'x') + " and no more"});
    lab::scenario_result &one = run.scenarios.front();
    one.result = lab::outcome::failed;
    one.reason = "the migration of the domain 'vm1' from kvm01 to kvm02 failed; it runs on kvm01 "
                 "alone\n  caused by: \xc3\xa4\xc3\xb6\xc3\xbc unable to connect to server at "
                 "'kvm02:49152': No route to host\n";
    one.prove(std::string(30, 'p') + " " + std::string(60, 'q'), false, "seen " + one.reason);
    one.measure("disk copied incrementally for one copied whole, and the rest", 0.25, "ratio");
    one.measure(std::string(90, 'f'), 1, "count");
    run.scenarios.push_back(one); // two of one id have their number behind it
    std::istringstream lines(lab::table_of(run));
    std::string all;
    for (std::string line; std::getline(lines, line);) {
        INFO(line);
        CHECK(line.size() <= 80);
        all += line + ' ';
    }
    for (const char *word :
         {"server at", "'kvm02:49152':", "host", "no more", "0.2 ratio", "alone"}) {
        INFO(word);
        CHECK_THAT(all, Catch::Contains(word));
    }
    CHECK_THAT(all, Catch::Contains("\xc3\xa4\xc3\xb6\xc3\xbc"));
}

TEST_CASE("a scenario that passed at a later attempt says why it failed before") {
    const auto run = run_of({"the guest is silent"});
    CHECK_THAT(lab::table_of(run),
               Catch::Contains("failed at an earlier attempt: the guest is silent\n") &&
                   Catch::EndsWith("1 passed, 0 failed, 0 skipped; 1 at a later attempt\n"));
    const auto told = lab::to_json(run).at("scenarios").at(0);
    CHECK(told.at("outcome") == "passed");
    CHECK(told.at("failed_before") == std::vector<std::string>{"the guest is silent"});
}

namespace {

std::string mixed_text() {
    std::ifstream in(std::string(KVMIG_TEST_DATA) + "/run/mixed.json");
    return {std::istreambuf_iterator<char>(in), {}};
}

lab::run_result mixed() {
    auto run = lab::parse_run(mixed_text(), "mixed.json");
    REQUIRE(run);
    return *std::move(run);
}

} // namespace

TEST_CASE("a run that was kept is read back as it was") {
    // What is no number becomes null once it is written.
    const std::string again = lab::to_json(mixed()).dump();
    CHECK(nlohmann::json::parse(again) == nlohmann::json::parse(mixed_text()));
}

TEST_CASE("what is no run is refused with the place") {
    const std::string good = mixed_text();
    const auto refused = [&](const std::string &from, const std::string &to) {
        std::string bad = good;
        const auto at = bad.find(from);
        REQUIRE(at != std::string::npos);
        bad.replace(at, from.size(), to);
        const auto run = lab::parse_run(bad, "bad.json");
        REQUIRE_FALSE(run);
        CHECK(run.error().kind == error_kind::invalid_argument);
        return describe(run.error());
    };
    CHECK_THAT(refused("kvmig.run/1", "kvmig.check/1"),
               Catch::Contains("bad.json") && Catch::Contains("is not kvmig.run/1"));
    CHECK_THAT(refused("\"outcome\": \"failed\"", "\"outcome\": \"lost\""),
               Catch::Contains("/scenarios/1: 'lost' is no outcome"));
    CHECK_THAT(refused("\"passed\": false", "\"passed\": 7"),
               Catch::Contains("/scenarios/1/proofs/1: "));
    CHECK_THAT(refused("\"figures\": []", "\"figures\": 3"),
               Catch::Contains("/scenarios/1: 'figures' is no list"));
    const std::string time = "\"time\": \"2026-11-22T10:51:11Z\"";
    CHECK_THAT(refused(time, "\"time\": 7"), Catch::Contains("/environment: the time is no text"));
    CHECK_THAT(refused(time, "\"machines\": 7"), Catch::Contains("'machines' is no list"));
    CHECK_THAT(refused(time, "\"machines\": []"), Catch::Contains("/environment: no machine"));
    CHECK_THAT(refused(time, "\"machines\": [{}, 7]"),
               Catch::Contains("/environment/machines/1: no object"));
    CHECK_THAT(refused("\"environment\": {", "\"environment\": 7, \"more\": {"),
               Catch::Contains("/environment: no object"));
    CHECK_THAT(refused("{", ""), Catch::Contains("/: ") && Catch::Contains("parse"));
    CHECK_FALSE(lab::parse_run("", "empty"));
    CHECK_FALSE(lab::parse_run("[]", "list"));
}

TEST_CASE("JUnit: what failed says why, and which proofs did not pass") {
    pugi::xml_document read;
    REQUIRE(read.load_string(lab::junit_of(mixed()).c_str()));
    const auto suite = read.child("testsuites").child("testsuite");
    CHECK(suite.attribute("tests").as_int() == 3);
    CHECK(suite.attribute("failures").as_int() == 1);
    CHECK(suite.attribute("skipped").as_int() == 1);
    CHECK(std::string(suite.attribute("timestamp").value()) == "2026-11-22T10:51:11");
    const auto failed = suite.find_child_by_attribute("testcase", "name", "fail-mount");
    const std::string said = failed.child("failure").text().get();
    CHECK_THAT(said, Catch::Contains("named \"first\" \\ always") &&
                         Catch::Contains("<script>alert(1)</script> | `x` ]]> ? [a](b)") &&
                         !Catch::Contains("the migration fails"));
    CHECK_THAT(failed.child("system-out").text().get(), Catch::Contains("ok virsh: the migration"));
    const auto passed = suite.find_child_by_attribute("testcase", "name", "live-shared");
    CHECK_FALSE(passed.child("failure"));
    CHECK_THAT(passed.child("system-out").text().get(),
               Catch::Contains("failed at an earlier attempt: the guest was silent"));
}

TEST_CASE("Markdown: counts, a row for each scenario, and no text breaks out") {
    const std::string text = lab::markdown_of(mixed());
    CHECK_THAT(text, Catch::StartsWith("## kvmig lab: 1 passed, 1 failed, 1 skipped\n"));
    CHECK_THAT(text,
               Catch::Contains("\n| live-shared | passed, at attempt 2 | 1 of 1 | 112.2 |\n"));
    CHECK_THAT(text, Catch::Contains("\n| fail-mount | failed | 1 of 2 | 7.5 |\n"));
    CHECK_THAT(text, Catch::Contains("skipped: no second host CPU"));
    CHECK_THAT(text, Catch::Contains("no cause &lt;script>alert(1)&lt;/script> \\| \\`x\\` "
                                     "\\]\\]>"));
    CHECK_THAT(text, !Catch::Contains("<script"));
}

TEST_CASE("OpenMetrics: base units, labels that are escaped, and an end") {
    lab::run_result run = mixed();
    run.scenarios.front().figures.front().name = "down\\time \"by\nlibvirt";
    const std::string text = lab::openmetrics_of(run);
    CHECK_THAT(text, Catch::Contains("kvmig_figure_seconds{scenario=\"live-shared\",figure="
                                     "\"down\\\\time \\\"by\\nlibvirt\"} 0.56\n"));
    CHECK_THAT(text, Catch::Contains("kvmig_figure_other{scenario=\"live-shared\",figure="
                                     "\"dirtied\",unit=\"pages/s\"} 100\n"));
    CHECK_THAT(text, !Catch::Contains("never came") && !Catch::Contains("nan"));
    CHECK_THAT(text, Catch::EndsWith("\n# EOF\n"));
}

TEST_CASE("HTML: the run lies in the page as it is, and no text of it is markup") {
    lab::run_result run = mixed();
    run.scenarios.front().reason = "\xe2\x80\xa8 & \xff"; // U+2028, and what is no UTF-8
    const auto page = lab::page_of(run);
    if (lab::page_parts().empty()) {
        std::cout << "SKIPPED: built without npm\n";
        return;
    }
    REQUIRE(page);
    const std::string begin = "<script type=\"application/json\" id=\"run\">";
    const auto at = page->find(begin);
    REQUIRE(at != std::string::npos);
    const auto end = page->find("</script>", at);
    const std::string held = page->substr(at + begin.size(), end - at - begin.size());
    CHECK_THAT(held, !Catch::Contains("<") && !Catch::Contains("&") && !Catch::Contains("\xe2"));
    auto told = nlohmann::json::parse(held);
    CHECK(told.at("scenarios").at(0).at("reason") == "\xe2\x80\xa8 & \xef\xbf\xbd");
    told["scenarios"][0]["reason"] = "";
    CHECK(told == nlohmann::json::parse(mixed_text()));
    // Its own script and the data, and not one more.
    std::size_t scripts = 0;
    for (auto i = page->find("<script"); i != std::string::npos; i = page->find("<script", i + 1)) {
        ++scripts;
    }
    CHECK(scripts == 2);
    CHECK_THAT(*page, Catch::Contains("content=\"default-src 'none'; script-src 'sha256-"));
    CHECK_THAT(*page, !Catch::Contains("{{"));
}

TEST_CASE("HTML: without its parts the page says what was missing when it was built") {
    const auto none = lab::page_of(mixed(), {});
    REQUIRE_FALSE(none);
    CHECK(none.error().kind == error_kind::environment);
    CHECK_THAT(describe(none.error()), Catch::Contains("apt-get install npm"));
}

TEST_CASE("a run is found by file, by folder, and by name among the kept") {
    const test::temporary_directory state;
    const auto kept = state.path() / "kvmig/results/20261122T105105Z-ci";
    std::filesystem::create_directories(kept);
    std::ofstream(kept / "run.json") << mixed_text();
    ::setenv("XDG_STATE_HOME", state.path().c_str(), 1);
    for (const std::string &name :
         {(kept / "run.json").string(), kept.string(), kept.filename().string()}) {
        INFO(name);
        const auto run = lab::read_run(name);
        REQUIRE(run);
        CHECK(run->scenarios.size() == 3);
    }
    const auto none = lab::read_run("20200101T000000Z-ci");
    ::unsetenv("XDG_STATE_HOME");
    REQUIRE_FALSE(none);
    CHECK_THAT(describe(none.error()), Catch::Contains("20200101T000000Z-ci"));
}
