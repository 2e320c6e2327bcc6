// SPDX-License-Identifier: MIT
// The subcommand `tune`, on a tree of files in the place of a host.
#include <host/kernel_tree.hpp>
#include <lab/cli/subcommands.hpp>
#include <lab/cli_call.hpp>
#include <lab/tuned_host.hpp>
#include <support/catch.hpp>

#include <kvmig/host/revert_record.hpp>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

using namespace kvmig;
using kvmig::testing::kernel_tree;
using lab::cli::exit_status;
using test::tuned_host;

namespace {

const std::string ksm = test::ksm_folder;
const std::string pool = test::huge_page_pool;

} // namespace

TEST_CASE("tune ksm shows its plan with reasons, and writes nothing when it is dry") {
    const tuned_host host;
    const auto before = host.all();
    const auto said = host.tune({"ksm", "--policy", "ksmtuned", "--dry-run"});
    CHECK(said.status == exit_status::done);
    CHECK_THAT(said.answer, Catch::Contains("scan: ") &&
                                Catch::Contains("/sys/kernel/mm/ksm/pages_to_scan  100 -> 300") &&
                                Catch::Contains("why") && Catch::Contains("ksm.rst") &&
                                Catch::Contains("saved now: 2.0 MiB"));
    CHECK_THAT(said.messages, Catch::Contains("nothing was written"));
    CHECK(host.all() == before);
    CHECK_FALSE(std::filesystem::exists(host.root() / "var"));
}

TEST_CASE("tune applies, and --revert puts back what was there") {
    const tuned_host host;
    const auto before = host.all();
    CHECK(host.tune({"ksm", "--policy", "ksmtuned"}).status == exit_status::done);
    CHECK(host.text(ksm + "run") == "1\n");
    CHECK(host.text(ksm + "pages_to_scan") == "300\n");
    CHECK(host.text(ksm + "sleep_millisecs") == "10\n");
    CHECK(host.tune({"hugepages", "--guest", "1G"}).status == exit_status::done);
    CHECK(host.text(pool + "nr_hugepages") == "512\n");

    const auto dry = host.tune({"--revert", "--dry-run"});
    CHECK_THAT(dry.messages, Catch::Contains("4 would be put back"));
    CHECK(host.text(ksm + "run") == "1\n");
    const auto said = host.tune({"--revert", "--json"});
    CHECK(said.status == exit_status::done);
    const auto answer = nlohmann::json::parse(said.answer);
    CHECK(answer.at("schema") == "kvmig.tune/1");
    CHECK(answer.at("restored").size() == 4);
    CHECK(answer.at("restored").at(0) == pool + "nr_hugepages");
    CHECK(host.all() == before);
    CHECK_THAT(host.tune({"--revert"}).messages, Catch::Contains("0 put back"));
}

TEST_CASE("a record that cannot be looked for is told, not taken for none") {
    const tuned_host host;
    const auto folder = kvmig::host::revert_record_path(host.root()).parent_path();
    std::filesystem::create_directories(folder.parent_path());
    std::filesystem::create_symlink(folder, folder); // leads nowhere
    const auto said = host.tune({"--revert"});
    CHECK(said.status == exit_status::environment);
    CHECK_THAT(said.messages, Catch::Contains(folder.string()));
}

TEST_CASE("revert after a topic means the same, and where nothing was done makes no file") {
    const tuned_host host;
    CHECK(host.tune({"profile", "--revert"}).status == exit_status::done);
    CHECK_FALSE(std::filesystem::exists(host.root() / "var"));
}

TEST_CASE("the plan as JSON has the shape that other programs rely on") {
    const tuned_host host;
    const auto said = host.tune({"ksm", "--json", "--dry-run"});
    CHECK(said.status == exit_status::done);
    const auto answer = nlohmann::json::parse(said.answer);
    CHECK(answer.at("schema") == "kvmig.tune/1");
    CHECK(answer.at("dry_run") == true);
    CHECK(answer.at("decision").at("action") == "scan");
    CHECK(answer.at("facts").at("pages_sharing") == "512");
    CHECK(answer.at("saved_bytes") == 2097152);
    CHECK(answer.at("profit_bytes") == 2097152 - 64 * 528);
    for (const auto &change : answer.at("changes")) {
        for (const char *field : {"kind", "target", "from", "to", "why", "source"}) {
            CHECK(change.at(field).is_string());
        }
    }
    CHECK_FALSE(answer.at("changes").empty());
}

TEST_CASE("before a guest leaves it stops, and a guest that is not here is named") {
    const tuned_host host;
    host.put(ksm + "run", "1\n");
    const auto said = host.tune({"ksm", "--leaving", "vm1", "--dry-run"});
    CHECK_THAT(said.answer,
               Catch::Contains("vm1 is about to leave") && Catch::Contains("ksm/run  1 -> 0"));
    const auto none = host.tune({"ksm", "--leaving", "vm7"});
    CHECK(none.status == exit_status::failed);
    CHECK_THAT(none.messages, Catch::Contains("vm7"));
}

TEST_CASE("merging across tenants is warned of") {
    const tuned_host host;
    host.put("/proc/101/cmdline", std::string("/usr/bin/kvm\0-name\0vm2\0", 23));
    const std::vector<std::string> both{"ksm", "--dry-run", "--tenant", "vm1=red", "--tenant"};
    auto arguments = both;
    arguments.emplace_back("vm2=blue");
    CHECK_THAT(host.tune(arguments).answer,
               Catch::Contains("note: ") && Catch::Contains("blue, red"));
    arguments.back() = "vm2=red";
    CHECK_THAT(host.tune(arguments).answer, !Catch::Contains("note: "));
    arguments.back() = "vm2";
    CHECK(host.tune(arguments).status == exit_status::usage);
    arguments.back() = "vm9=red";
    CHECK(host.tune(arguments).status == exit_status::failed);
}

TEST_CASE("huge pages: what does not fit or makes no sense is named, and nothing is written") {
    const tuned_host host;
    const auto before = host.all();
    struct row {
        std::vector<std::string> arguments;
        exit_status status;
        const char *says;
    };
    const row rows[] = {
        {{"--guest", "20G"}, exit_status::environment, "node0"},
        {{"--guest", "1G@3"}, exit_status::failed, "--guest 1G@3"},
        {{"--guest", "1G@x"}, exit_status::usage, "'x' is no NUMA node"},
        {{"--guest", "lots"}, exit_status::usage, "'lots' is no amount of memory"},
        {{"--guest", "99999999999999999999"}, exit_status::usage, "no amount of memory"},
        {{"--guest", "17179869185G"}, exit_status::usage, "no amount of memory"},
        {{"--guest", "1G", "--page", "3M"}, exit_status::usage, "no size of a huge page"},
        {{"--guest", "1G", "--page", "16M"}, exit_status::failed, "no pages of 16 MiB"},
        {{"--thp-enabled", "sometimes"}, exit_status::usage, "always, madvise, never"},
    };
    for (const row &r : rows) {
        std::vector<std::string> arguments{"hugepages"};
        arguments.insert(arguments.end(), r.arguments.begin(), r.arguments.end());
        INFO(r.says);
        const auto said = host.tune(arguments);
        CHECK(said.status == r.status);
        CHECK(said.answer.empty());
        CHECK_THAT(said.messages, Catch::Contains(r.says));
    }
    CHECK(host.all() == before);
}

TEST_CASE("a profile: the difference, what is missing said, and once it is there nothing to do") {
    const tuned_host host;
    const auto said = host.tune({"profile", "virtual-host"});
    CHECK(said.status == exit_status::done);
    CHECK_THAT(said.answer, Catch::Contains("/proc/sys/vm/swappiness  60 -> 10") &&
                                Catch::Contains("note: this machine has no governor"));
    CHECK(host.text("/proc/sys/vm/dirty_background_ratio") == "5\n");
    CHECK_THAT(host.tune({"profile", "virtual-host"}).messages,
               Catch::Contains("nothing to change"));
}

TEST_CASE("a profile of one's own, from a file: applied, compared, put back") {
    const tuned_host host;
    const auto before = host.all();
    const auto mine = host.root() / "mine.conf";
    std::ofstream(mine) << "[main]\ninclude=virtual-host\n[sysctl]\nvm.swappiness=1\n"
                           "[vm]\ntransparent_hugepages=madvise\n";
    const auto compared = host.tune({"profile", mine.string(), "--diff"});
    CHECK(compared.status == exit_status::done);
    CHECK_THAT(compared.answer,
               Catch::Contains("! /proc/sys/vm/swappiness  60, wanted 1\n") &&
                   Catch::Contains("  /sys/kernel/mm/transparent_hugepage/enabled  madvise\n") &&
                   Catch::Contains("note: this machine has no governor"));
    CHECK(host.all() == before);
    const auto shown =
        nlohmann::json::parse(host.tune({"profile", mine.string(), "--diff", "--json"}).answer);
    CHECK(shown.at("dry_run") == true);
    CHECK(shown.at("files").size() == 4);
    CHECK(shown.at("files").at(3).at("fits") == true);
    CHECK(shown.at("changes").size() == 3);

    const auto said = host.tune({"profile", mine.string()});
    CHECK(said.status == exit_status::done);
    CHECK_THAT(said.answer, Catch::Contains("mine.conf, line 4"));
    CHECK(host.text("/proc/sys/vm/swappiness") == "1\n");
    CHECK(host.tune({"--revert"}).status == exit_status::done);
    CHECK(host.all() == before);
}

TEST_CASE("a profile that is wrong is told line by line, and nothing is written") {
    const tuned_host host;
    const auto before = host.all();
    const auto mine = host.root() / "mine.conf";
    std::ofstream(mine) << "[sysctl]\nvm.swappiness=1\nvm.drop_caches=3\n[net]\n";
    const auto said = host.tune({"profile", mine.string()});
    CHECK(said.status == exit_status::usage);
    CHECK_THAT(said.messages, Catch::Contains("mine.conf, line 3") &&
                                  Catch::Contains("cannot be put back") &&
                                  Catch::Contains("mine.conf, line 4"));
    CHECK(host.all() == before);
    const auto none = host.tune({"profile", "./none.conf"});
    CHECK(none.status != exit_status::done);
    CHECK_THAT(none.messages, Catch::Contains("./none.conf"));
    CHECK_THAT(test::refusal_of(lab::cli::add_tune, {"tune", "profile", "balanced"}),
               Catch::Contains("no profile balanced") && Catch::Contains("virtual-host"));
}

TEST_CASE("a read-only file is named before anything is written") {
    const tuned_host host;
    std::filesystem::permissions(host.at("/proc/sys/vm/swappiness"),
                                 std::filesystem::perms::owner_read);
    const auto before = host.all();
    const auto said = host.tune({"profile", "virtual-host"});
    CHECK(said.status == exit_status::environment);
    CHECK_THAT(said.messages, Catch::Contains("/proc/sys/vm/swappiness"));
    CHECK(host.all() == before);
}

TEST_CASE("a kernel without KSM is said to have none") {
    const kernel_tree bare;
    bare.put("/proc/meminfo", "MemTotal: 1024 kB\nMemFree: 512 kB\n");
    const auto said =
        test::call(lab::cli::add_tune, {"tune", "--root", bare.root().string(), "ksm"});
    CHECK(said.status == exit_status::failed);
    CHECK_THAT(said.messages, Catch::Contains("this kernel has no KSM"));
}

TEST_CASE("tune refuses arguments that leave open what is wanted") {
    const tuned_host host;
    const std::string root = host.root().string();
    for (const std::vector<std::string> &arguments : {std::vector<std::string>{"tune"},
                                                      {"tune", "hugepages"},
                                                      {"tune", "profile"},
                                                      {"tune", "profile", "balanced"},
                                                      {"tune", "ksm", "--policy", "guess"},
                                                      {"tune", "--root", root + "/none", "ksm"},
                                                      {"tune", "ksm", "profile", "virtual-host"}}) {
        CHECK_FALSE(test::refusal_of(lab::cli::add_tune, arguments).empty());
    }
}
