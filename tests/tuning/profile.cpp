// SPDX-License-Identifier: MIT
#include <kvmig/tuning/profile.hpp>
#include <support/catch.hpp>

#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using namespace kvmig;
using namespace kvmig::tuning;

namespace {

/// A host as Debian 12 leaves it, with two CPUs, a disk and a loop device.
file_texts debian() {
    file_texts f = {
        {"/proc/sys/vm/dirty_ratio", "20\n"},
        {"/proc/sys/vm/dirty_bytes", "0\n"},
        {"/proc/sys/vm/dirty_background_ratio", "10\n"},
        {"/proc/sys/vm/dirty_background_bytes", "0\n"},
        {"/proc/sys/vm/swappiness", "60\n"},
        {"/proc/sys/net/core/somaxconn", "4096\n"},
        {"/sys/block/sda/queue/read_ahead_kb", "128\n"},
        {"/sys/block/loop0/queue/read_ahead_kb", "128\n"},
        {"/sys/devices/system/cpu/cpu0/cpuidle/state0/latency", "0\n"},
        {"/sys/devices/system/cpu/cpu0/cpuidle/state1/latency", "2\n"},
        {"/sys/devices/system/cpu/cpu0/cpuidle/state3/latency", "133\n"},
    };
    for (const std::string cpu : {"cpu0", "cpu1"}) {
        const std::string at = "/sys/devices/system/cpu/" + cpu;
        f[at + "/cpufreq/scaling_governor"] = "schedutil\n";
        f[at + "/cpufreq/scaling_available_governors"] = "performance schedutil\n";
        f[at + "/power/energy_perf_bias"] = "6\n";
        f[at + "/power/pm_qos_resume_latency_us"] = "0\n";
    }
    return f;
}

std::map<std::string, std::string> targets(const plan &all) {
    std::map<std::string, std::string> out;
    for (const change &step : all.changes) out[step.what.name] = step.to;
    return out;
}

plan planned(std::string_view name, const file_texts &files) {
    const auto found = find_profile(name);
    REQUIRE(found);
    return plan_profile(*found, files);
}

} // namespace

TEST_CASE("each profile wants what tuned 2.20's does") {
    struct row {
        std::string_view name;
        std::string_view dirty;
        std::string_view background;
        std::string_view swappiness;
        bool readahead;
        std::string_view latency; ///< of state 3 or 1; empty: none wanted
    };
    const row rows[] = {
        {"throughput-performance", "40", "10", "10", true, ""},
        {"virtual-host", "40", "5", "10", true, "133"},
        {"virtual-guest", "30", "10", "30", true, ""},
        {"latency-performance", "10", "3", "10", false, "2"},
    };
    CHECK(std::size(rows) == profiles.size());
    for (const row &r : rows) {
        INFO(r.name);
        file_texts files = debian();
        files["/proc/sys/vm/dirty_ratio"] = files["/proc/sys/vm/dirty_background_ratio"] = "99\n";
        const auto all = targets(planned(r.name, files));
        CHECK(all.at("/proc/sys/vm/dirty_ratio") == r.dirty);
        CHECK(all.at("/proc/sys/vm/dirty_background_ratio") == r.background);
        CHECK(all.at("/proc/sys/vm/swappiness") == r.swappiness);
        CHECK(all.contains("/sys/block/sda/queue/read_ahead_kb") == r.readahead);
        for (const std::string cpu : {"cpu0", "cpu1"}) {
            const std::string at = "/sys/devices/system/cpu/" + cpu;
            CHECK(all.at(at + "/cpufreq/scaling_governor") == "performance");
            CHECK(all.at(at + "/power/energy_perf_bias") == "0");
            const auto latency = all.find(at + "/power/pm_qos_resume_latency_us");
            CHECK((latency == all.end() ? "" : latency->second) == r.latency);
        }
    }
}

TEST_CASE("where the state's latency is not known or zero, the profile's own figure is taken") {
    file_texts files = debian();
    const std::string path = "/sys/devices/system/cpu/cpu0/power/pm_qos_resume_latency_us";
    files["/sys/devices/system/cpu/cpu0/cpuidle/state3/latency"] = "0\n";
    CHECK(targets(planned("virtual-host", files)).at(path) == "70");
    files.erase("/sys/devices/system/cpu/cpu0/cpuidle/state1/latency");
    CHECK(targets(planned("latency-performance", files)).at(path) == "3");
}

TEST_CASE("a stricter limit on waking up is left, none at all is set") {
    file_texts files = debian();
    const std::string path = "/sys/devices/system/cpu/cpu0/power/pm_qos_resume_latency_us";
    for (const auto &[is, left] :
         {std::pair{"n/a", true}, {"3", true}, {"0", false}, {"900", false}}) {
        files[path] = std::string(is) + '\n';
        CHECK(targets(planned("virtual-host", files)).contains(path) == !left);
    }
}

TEST_CASE("a greater readahead and backlog are left, and devices that are no disks too") {
    file_texts files = debian();
    files["/sys/block/sda/queue/read_ahead_kb"] = "8192\n";
    const auto all = targets(planned("throughput-performance", files));
    CHECK_FALSE(all.contains("/sys/block/sda/queue/read_ahead_kb"));
    CHECK_FALSE(all.contains("/sys/block/loop0/queue/read_ahead_kb"));
    CHECK_FALSE(all.contains("/proc/sys/net/core/somaxconn"));
    files["/proc/sys/net/core/somaxconn"] = "128\n";
    CHECK(targets(planned("throughput-performance", files)).at("/proc/sys/net/core/somaxconn") ==
          "2048");
}

TEST_CASE("what the machine lacks is left out, and said once") {
    file_texts files = debian();
    for (const std::string cpu : {"cpu0", "cpu1"}) {
        files.erase("/sys/devices/system/cpu/" + cpu + "/power/energy_perf_bias");
        files["/sys/devices/system/cpu/" + cpu + "/cpufreq/scaling_available_governors"] =
            "powersave\n";
    }
    const plan all = planned("throughput-performance", files);
    CHECK(all.notes == std::vector<std::string>{"the governor performance is not to be had here",
                                                "this machine has no energy_perf_bias",
                                                "this machine has no min_perf_pct"});
    for (const change &step : all.changes) {
        CHECK(step.what.name.find("cpufreq") == std::string::npos);
    }
}

TEST_CASE("a setting names the profile that it comes from, its own or the included one") {
    for (const change &step : planned("virtual-host", debian()).changes) {
        const bool own = step.what.name.find("background_ratio") != std::string::npos ||
                         step.what.name.find("resume_latency") != std::string::npos;
        CHECK(step.source == (own ? "tuned 2.20, virtual-host/tuned.conf"
                                  : "tuned 2.20, throughput-performance/tuned.conf"));
        CHECK(step.why.ends_with("of profile virtual-host"));
    }
}

TEST_CASE("a ratio that clears a limit in bytes says so") {
    const plan all = planned("virtual-host", debian());
    int ratios = 0;
    for (const change &step : all.changes) {
        if (step.what.name == "/proc/sys/vm/dirty_ratio") {
            CHECK(step.moves_too == std::vector<std::string>{"/proc/sys/vm/dirty_bytes"});
            ++ratios;
        } else if (step.what.name == "/proc/sys/vm/dirty_background_ratio") {
            CHECK(step.moves_too ==
                  std::vector<std::string>{"/proc/sys/vm/dirty_background_bytes"});
            ++ratios;
        } else {
            CHECK(step.moves_too.empty());
        }
    }
    CHECK(ratios == 2);
}

TEST_CASE("a profile that there is not is an error with those there are") {
    const auto found = find_profile("balanced");
    REQUIRE_FALSE(found);
    CHECK(found.error().kind == error_kind::not_found);
    CHECK(found.error().object == "balanced");
    CHECK(found.error().remedy.find("virtual-host") != std::string::npos);
}

TEST_CASE("a star stands for one part of a name") {
    CHECK(matches("/sys/block/*/queue", "/sys/block/sda/queue"));
    CHECK(matches("/cpu*/x", "/cpu/x"));
    CHECK(matches("/cpu*/x", "/cpu12/x"));
    CHECK_FALSE(matches("/sys/block/*/queue", "/sys/block/a/b/queue"));
    CHECK_FALSE(matches("/ab*ba", "/aba")); // the ends may not share characters
    CHECK(matches("/a", "/a"));
    CHECK_FALSE(matches("/a", "/ab"));
}

TEST_CASE("after a profile was applied nothing is left to do, whatever was there before") {
    std::mt19937 random(4);
    for (int i = 0; i < 500; ++i) {
        file_texts files = debian();
        for (auto &[path, text] : files) {
            if (path.find("governor") == std::string::npos) {
                text = std::to_string(random() % 8192) + "\n";
            }
        }
        for (const builtin_profile &p : profiles) {
            file_texts now = files;
            for (const change &step : planned(p.name, now).changes) {
                CHECK(step.from != step.to);
                now.at(step.what.name) = step.to + "\n";
            }
            CHECK(planned(p.name, now).empty());
        }
    }
}
