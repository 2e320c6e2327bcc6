// SPDX-License-Identifier: MIT
#include <kvmig/tuning/profile_file.hpp>
#include <support/catch.hpp>

#include <string>
#include <string_view>
#include <vector>

using namespace kvmig;
using namespace kvmig::tuning;

namespace {

profile parsed(std::string_view text) {
    auto out = parse_profile(text, "mine.conf");
    if (!out) FAIL(describe(out.error()));
    return *out;
}

/// What is wrong with a profile of these lines: `PLACE: WHAT (REMEDY)`.
std::vector<std::string> wrong_with(std::string_view text) {
    const auto out = parse_profile(text, "mine.conf");
    REQUIRE_FALSE(out);
    CHECK(out.error().kind == error_kind::invalid_argument);
    CHECK(out.error().object == "mine.conf");
    std::vector<std::string> all;
    for (const error &each : out.error().causes) {
        all.push_back(each.object + ": " + each.what + " (" + each.remedy + ")");
    }
    return all;
}

std::string to_of(const plan &all, std::string_view path) {
    for (const change &step : all.changes) {
        if (step.what.name == path) return step.to;
    }
    return {};
}

} // namespace

TEST_CASE("each key stands for its files, with the value as the kernel takes it") {
    struct row {
        std::string_view section, line, pattern, value;
        wanted how = wanted::exactly;
    };
    const std::string_view latency = "/sys/devices/system/cpu/cpu*/power/pm_qos_resume_latency_us";
    const std::string_view bias = "/sys/devices/system/cpu/cpu*/power/energy_perf_bias";
    const row rows[] = {
        {"sysctl", "vm.swappiness=10", "/proc/sys/vm/swappiness", "10"},
        {"sysctl", "vm.swappiness = 10 # few", "/proc/sys/vm/swappiness", "10"},
        {"sysctl", "net.core.somaxconn=>2048", "/proc/sys/net/core/somaxconn", "2048",
         wanted::at_least},
        {"sysctl", "net.ipv4.conf.eth0/1.rp_filter=1", "/proc/sys/net/ipv4/conf/eth0.1/rp_filter",
         "1"},
        {"sysctl", "net/ipv4/conf/eth0.1/rp_filter=1", "/proc/sys/net/ipv4/conf/eth0.1/rp_filter",
         "1"},
        {"sysctl", "kernel.core_pattern=|/bin/a #x", "/proc/sys/kernel/core_pattern", "|/bin/a"},
        {"sysfs", "/sys/block/*/queue/rq_affinity=2", "/sys/block/*/queue/rq_affinity", "2"},
        {"vm", "transparent_hugepages=never", "/sys/kernel/mm/transparent_hugepage/enabled",
         "never"},
        {"vm", "transparent_hugepage.defrag=defer", "/sys/kernel/mm/transparent_hugepage/defrag",
         "defer"},
        {"cpu", "governor=schedutil|ondemand",
         "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor", "schedutil|ondemand"},
        {"cpu", "energy_perf_bias=powersave|power", bias, "15"},
        {"cpu", "energy_perf_bias=strange|normal", bias, "6"},
        {"cpu", "energy_perf_bias=4", bias, "4"},
        {"cpu", "force_latency=20", latency, "20", wanted::latency_of_state},
        {"cpu", "force_latency=cstate.id:1|3", latency, "3", wanted::latency_of_state},
        {"cpu", "force_latency=cstate.id_no_zero:3|70", latency, "70", wanted::latency_of_state},
        {"disk", "readahead=>4096", "/sys/block/*/queue/read_ahead_kb", "4096", wanted::at_least},
        {"disk", "elevator=bfq", "/sys/block/*/queue/scheduler", "bfq"},
    };
    for (const row &r : rows) {
        INFO(r.line);
        const profile out = parsed(fmt::format("; mine\n\n[{}]\r\n {}\r\n", r.section, r.line));
        REQUIRE(out.settings.size() == 1);
        const profile_setting &s = out.settings[0];
        CHECK(s.pattern == r.pattern);
        CHECK(s.value == r.value);
        CHECK(s.how == r.how);
        CHECK(s.source == "mine.conf, line 4");
    }
    CHECK(parsed("[cpu]\nforce_latency=20\n").settings[0].state == std::nullopt);
    CHECK(parsed("[cpu]\nforce_latency=cstate.id:1|3\n").settings[0].state == 1U);
}

TEST_CASE("an included profile comes first, and what is set again is set once") {
    const profile out = parsed("[main]\nsummary=mine\ninclude=virtual-host\n[sysctl]\n"
                               "vm.swappiness=1\nvm.swappiness=2\n");
    CHECK(out.name == "mine.conf");
    const auto host = find_profile("virtual-host");
    REQUIRE(host);
    CHECK(out.settings.size() == host->settings.size());
    CHECK(out.settings.back().name == "vm.swappiness");
    CHECK(out.settings.back().value == "2");
    const plan all = plan_profile(out, {{"/proc/sys/vm/swappiness", "60\n"},
                                        {"/proc/sys/vm/dirty_background_ratio", "10\n"}});
    REQUIRE(all.changes.size() == 2);
    CHECK(all.changes[0].source == "tuned 2.20, virtual-host/tuned.conf");
    CHECK(all.changes[1].source == "mine.conf, line 6");
    CHECK(all.changes[1].why == "vm.swappiness of profile mine.conf");
}

TEST_CASE("what is not known or cannot be is told with its line and what would be right") {
    struct row {
        std::string_view text;
        std::string says;
    };
    const row rows[] = {
        {"[net]\n", "line 1: [net] is no section that is known (the sections are main, sysctl, "
                    "sysfs, vm, cpu, disk)"},
        {"[vm\n", "line 1: [vm is no section that is known (the sections are main, sysctl, sysfs, "
                  "vm, cpu, disk)"},
        {"a=1\n", "line 1: a stands in no section (write one before it: main, sysctl, sysfs, vm, "
                  "cpu, disk)"},
        {"[sysctl]\nvm.swappiness\n",
         "line 2: 'vm.swappiness' is neither [SECTION] nor KEY=VALUE ()"},
        {"[sysctl]\n\n#\nvm.swappiness=\n", "line 4: vm.swappiness has no value ()"},
        {"[vm]\nhuge=1\n", "line 2: [vm] has no huge that is known (it has transparent_hugepages, "
                           "transparent_hugepage, transparent_hugepage.defrag)"},
        {"[main]\ntype=x\n", "line 2: [main] has no type that is known (it has include, summary)"},
        {"[main]\ninclude=balanced\n",
         "line 2: include: there is no profile 'balanced' (choose one of throughput-performance, "
         "virtual-host, virtual-guest, latency-performance)"},
        {"[vm]\ntransparent_hugepages=never\n[main]\ninclude=virtual-host\n",
         "line 4: include stands behind settings (write [main] first)"},
        {"[sysctl]\na.b=${x}\n", "line 2: a.b: variables and functions of tuned are not known here "
                                 "(write the value itself)"},
        {"[sysctl]\nvm.drop_caches=3\n",
         "line 2: vm.drop_caches cannot be put back, and so is not set ()"},
        {"[sysctl]\nvm/dirty_bytes=9\n", "line 2: vm/dirty_bytes cannot be put back, and so is not "
                                         "set (set the _ratio of the same name)"},
        {"[sysfs]\n/sys/power/sta*=mem\n",
         "line 2: /sys/power/sta* cannot be put back, and so is not set ()"},
        {"[sysctl]\nvm.*=1\n",
         "line 2: vm.* is no name of a sysctl (write one as sysctl -a lists it)"},
        {"[sysctl]\n../x=1\n",
         "line 2: ../x is no name of a sysctl (write one as sysctl -a lists it)"},
        {"[sysctl]\n/vm/swappiness=1\n",
         "line 2: /vm/swappiness is no name of a sysctl (write one as sysctl -a lists it)"},
        {"[sysfs]\n/etc/passwd=1\n", "line 2: /etc/passwd is no path below /sys (write it in full, "
                                     "with at most one * in a name)"},
        {"[sysfs]\n/sys/../etc/x=1\n", "line 2: /sys/../etc/x is no path below /sys (write it in "
                                       "full, with at most one * in a name)"},
        {"[sysfs]\n/sys/*/state=1\n", "line 2: /sys/*/state is no path below /sys (write it in "
                                      "full, with at most one * in a name)"},
        {"[disk]\nreadahead=8192s\n", "line 2: readahead: '8192s' is no number (write NUMBER, or "
                                      ">NUMBER to leave a greater one)"},
        {"[sysctl]\nvm.swappiness=>many\n", "line 2: vm.swappiness: 'many' is no number (write "
                                            "NUMBER, or >NUMBER to leave a greater one)"},
        {"[cpu]\nforce_latency=cstate.name:C1|5\n",
         "line 2: force_latency: 'cstate.name:C1|5' is no latency (write microseconds, or "
         "cstate.id_no_zero:STATE|MICROSECONDS)"},
        {"[cpu]\nforce_latency=0\n", "line 2: force_latency: '0' is no latency (write "
                                     "microseconds, or cstate.id_no_zero:STATE|MICROSECONDS)"},
    };
    for (const row &r : rows) {
        INFO(r.text);
        CHECK(wrong_with(r.text) == std::vector<std::string>{"mine.conf, " + r.says});
    }
    CHECK(wrong_with("[net]\na=1\nb=2\n[vm]\nx=1\n").size() == 2);
    for (const std::string_view nothing : {"", "# only\n[sysctl]\n"}) {
        const auto out = parse_profile(nothing, "mine.conf");
        REQUIRE_FALSE(out);
        CHECK(out.error().what == "sets nothing");
    }
}

TEST_CASE("values are compared and written as the file shows them") {
    const std::string rmem = "/proc/sys/net/ipv4/tcp_rmem";
    const std::string thp = "/sys/kernel/mm/transparent_hugepage/enabled";
    const std::string queue = "/sys/block/sda/queue/scheduler";
    const file_texts files = {{rmem, "4096\t131072\t6291456\n"},
                              {thp, "always [madvise] never\n"},
                              {queue, "[none] mq-deadline\n"}};
    const plan all = plan_profile(parsed("[sysctl]\nnet.ipv4.tcp_rmem=4096 87380 16777216\n"
                                         "[vm]\ntransparent_hugepages=never\n"
                                         "[disk]\nelevator=bfq\n"),
                                  files);
    CHECK(to_of(all, rmem) == "4096\t87380\t16777216");
    CHECK(to_of(all, thp) == "never");
    CHECK(to_of(all, queue) == "bfq"); // its module is loaded when it is asked for
    CHECK(plan_profile(parsed("[sysctl]\nnet.ipv4.tcp_rmem=4096 131072  6291456\n"
                              "[vm]\ntransparent_hugepages=madvise\n"),
                       files)
              .empty());
    const plan none = plan_profile(parsed("[vm]\ntransparent_hugepages=sometimes\n"), files);
    CHECK(none.empty());
    CHECK(none.notes ==
          std::vector<std::string>{"the transparent_hugepages sometimes is not to be had here"});
}

TEST_CASE("of several governors the first to be had is taken") {
    const std::string at = "/sys/devices/system/cpu/cpu0/cpufreq/";
    const file_texts files = {{at + "scaling_governor", "powersave\n"},
                              {at + "scaling_available_governors", "powersave ondemand\n"}};
    const auto to = [&](const char *wanted_ones) {
        return to_of(plan_profile(parsed(fmt::format("[cpu]\ngovernor={}\n", wanted_ones)), files),
                     at + "scaling_governor");
    };
    CHECK(to("schedutil|ondemand") == "ondemand");
    CHECK(to("ondemand|powersave") == "ondemand");
    CHECK(to("schedutil").empty());
}

TEST_CASE("of two settings for one file the later counts, and the comparison tells all") {
    const std::string sda = "/sys/block/sda/queue/read_ahead_kb";
    const std::string sdb = "/sys/block/sdb/queue/read_ahead_kb";
    const auto compared =
        compare_profile(parsed("[disk]\nreadahead=>4096\n[sysfs]\n" + sdb + "=128\n/sys/none=1\n"),
                        {{sda, "128\n"}, {sdb, "128\n"}});
    REQUIRE(compared.rows.size() == 2);
    CHECK(compared.rows[0].path == sda);
    CHECK(compared.rows[0].is == "128");
    CHECK(compared.rows[0].want == "4096");
    CHECK_FALSE(compared.rows[0].satisfied);
    CHECK(compared.rows[1].path == sdb);
    CHECK(compared.rows[1].satisfied);
    CHECK(compared.notes == std::vector<std::string>{"this machine has no /sys/none"});
}
