// SPDX-License-Identifier: MIT
// A run as a trace: what becomes of which sample, and where on the axis it lies.
#include <lab/report/trace.hpp>
#include <support/catch.hpp>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

using namespace kvmig;
using nlohmann::json;

namespace {

/// A migration that began 1000 ms after its scenario, 200 ms after it was watched.
json samples_of_a_move() {
    return {
        {"there: migration",
         {{"outcome", "migrated"},
          {"begun", 1000.0},
          {"watched_for", 200.0},
          {"wall_time", 900},
          {"source", {{"hostname", "kvm01"}}},
          {"destination", {{"hostname", "kvm02"}}},
          {"transitions",
           json::array(
               {{{"at", 0.0}, {"from", "planned"}, {"on", "begin"}, {"to", "pre_copy"}},
                {{"at", 700.0}, {"from", "pre_copy"}, {"on", "end"}, {"to", "completed"}}})},
          {"told",
           json::array({{{"at", 650.5}, {"host", "kvm02"}, {"what", "resumed (migrated)"}}})},
          {"samples", json::array({{{"since_start", 100},
                                    {"memory_total", 1048576},
                                    {"iteration", 1},
                                    {"memory_remaining", 1048576},
                                    {"memory_dirty_rate", 0}},
                                   {{"since_start", 400},
                                    {"memory_total", 1048576},
                                    {"iteration", 2},
                                    {"memory_remaining", 524288},
                                    {"memory_dirty_rate", 256},
                                    {"memory_page_size", 4096}}})}}},
        {"there: heartbeat",
         {{"begun", 800.0},
          // The first gap was before the watch began; the others are too short and long enough.
          {"arrivals", json::array({{-900.0, 1}, {-100.0, 2}, {0.0, 3}, {49.0, 4}, {149.0, 5}})}}},
        {"there: pings",
         {{"pings", json::array({{0.0, 2.0}, {100.0, nullptr}, {200.0, nullptr}, {300.0, 4.0}})}}},
        {"there: guest",
         {{"stalls", {{"placed", json::array({{10.0, 60.0, 30.0}, {55.0, 90.0, 35.0}})}}}}}};
}

json traced(std::vector<json> all) {
    lab::run_result run;
    for (json &samples : all) {
        lab::scenario_result one;
        one.id = "live-shared";
        one.result = lab::outcome::passed;
        one.seconds = 5;
        one.samples = std::move(samples);
        run.scenarios.push_back(std::move(one));
    }
    return json::parse(lab::trace_of(run));
}

/// The events of a name, as process, kind, begin and length in milliseconds.
struct seen_event {
    std::string process;
    std::string kind;
    double at = 0;
    double length = 0;
    friend bool operator==(const seen_event &, const seen_event &) = default;
};
std::vector<seen_event> events(const json &trace, const std::string &name) {
    std::map<int, std::string> processes;
    std::vector<seen_event> out;
    for (const json &each : trace.at("traceEvents")) {
        if (each.at("name") == "process_name") {
            processes[each.at("pid")] = each.at("args").at("name");
        }
        if (each.at("name") != name) continue;
        out.push_back({processes.at(each.at("pid")), each.at("ph"),
                       each.at("ts").get<double>() / 1000, each.value("dur", 0.0) / 1000});
    }
    return out;
}

constexpr const char *first_host = "kvm01: libvirt and QEMU";
constexpr const char *outside = "network, seen by the controller";

} // namespace

TEST_CASE("trace: each kind of sample lies where it was seen") {
    const json trace = traced({samples_of_a_move()});
    const auto is = [&](const std::string &name, const std::vector<seen_event> &wanted) {
        INFO(name);
        CHECK(events(trace, name) == wanted);
    };
    is("live-shared", {{"controller", "X", 0, 5000}});
    is("there: migration", {{"controller", "X", 1000, 900}});
    is("pre_copy", {{"controller", "X", 1000, 700}});
    is("completed", {{"controller", "i", 1700, 0}});
    is("resumed (migrated)", {{"kvm02: libvirt and QEMU", "i", 1650.5, 0}});
    is("memory", {{first_host, "X", 1100, 800}});
    is("pass 1", {{first_host, "X", 1100, 300}});
    is("pass 2", {{first_host, "X", 1400, 500}});
    is("memory left, MiB",
       {{first_host, "C", 1100, 0}, {first_host, "C", 1400, 0}, {first_host, "C", 1900, 0}});
    is("dirtied, MiB/s", {{first_host, "C", 1400, 0}, {first_host, "C", 1900, 0}});
    is("no heartbeat", {{outside, "X", 849, 100}});
    is("pings lost", {{outside, "X", 900, 200}});
    // The second was placed into the first; it begins behind it.
    is("stall", {{"guest", "X", 810, 50}, {"guest", "X", 860, 30}});
    CHECK_THAT(trace.at("otherData").at("clocks").get<std::string>(),
               Catch::Contains("3.0 ms (median), 4.0 ms at most"));
}

TEST_CASE("trace: scenarios follow each other, a second apart") {
    const json trace = traced({samples_of_a_move(), samples_of_a_move(), nullptr});
    CHECK(events(trace, "live-shared [2]") ==
          std::vector<seen_event>{{"controller", "X", 6000, 5000}});
    CHECK(events(trace, "live-shared [3]") ==
          std::vector<seen_event>{{"controller", "X", 12000, 5000}});
    CHECK(events(trace, "no heartbeat").back() == seen_event{outside, "X", 6849, 100});
}

TEST_CASE("trace: what a version did not keep, or wrote otherwise, is left out") {
    json old = samples_of_a_move();
    old["there: migration"].erase("begun");
    old["there: migration"].erase("told");
    old["there: heartbeat"].erase("begun");
    json back = old;
    old["back: migration"] = old["there: migration"];
    const json trace = traced({old});
    // One after the other, each from when it was watched.
    CHECK(events(trace, "back: migration") ==
          std::vector<seen_event>{{"controller", "X", 200, 900}});
    CHECK(events(trace, "there: migration") ==
          std::vector<seen_event>{{"controller", "X", 2300, 900}});
    CHECK(events(trace, "resumed (migrated)").empty());

    for (const json &wrong :
         {json(7), json("text"), json::array({1, "a", nullptr, json::array()})}) {
        json strange = samples_of_a_move();
        for (const char *name : {"transitions", "samples", "told", "source"}) {
            strange["there: migration"][name] = wrong;
        }
        strange["there: heartbeat"]["arrivals"] = wrong;
        strange["there: pings"] = wrong;
        strange["there: guest"] = wrong;
        CHECK(events(traced({strange}), "there: migration").size() == 1);
    }
}
