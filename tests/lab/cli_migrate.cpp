// SPDX-License-Identifier: MIT
// The subcommand `migrate` against libvirt's own test driver.
#include <kvmig/libvirt.hpp>
#include <kvmig/run/migrate.hpp>
#include <lab/cli/migration_json.hpp>
#include <lab/cli/subcommands.hpp>
#include <lab/cli_call.hpp>
#include <support/catch.hpp>
#include <support/temporary_directory.hpp>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <unistd.h>
#include <vector>

using namespace kvmig;
using lab::cli::exit_status;
using test::captured;
using test::folder;

namespace {

test::outcome migrate(std::vector<std::string> arguments, bool stopped = false) {
    arguments.insert(arguments.begin(), "migrate");
    // Not the journal of whoever runs the tests.
    const folder state;
    REQUIRE(::setenv("XDG_STATE_HOME", state.path().c_str(), 1) == 0);
    return test::call(lab::cli::add_migrate, std::move(arguments), stopped);
}

std::string migrate_refused(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "migrate");
    return test::refusal_of(lab::cli::add_migrate, std::move(arguments));
}

} // namespace

TEST_CASE("migrate needs a domain, a source and a destination") {
    CHECK_THAT(migrate_refused({}), Catch::Contains("required"));
    CHECK_THAT(migrate_refused({"vm1"}), Catch::Contains("--from"));
    CHECK_THAT(migrate_refused({"vm1", "--from", "test:///default"}), Catch::Contains("--to"));
    const std::vector<std::string> ends = {"vm1", "--from", "a", "--to", "b"};
    const auto with = [&](std::vector<std::string> more) {
        more.insert(more.begin(), ends.begin(), ends.end());
        return migrate_refused(more);
    };
    CHECK(with({}).empty());
    CHECK_THAT(with({"--bandwidth", "0"}), Catch::Contains("bandwidth"));
    CHECK_THAT(with({"--bandwidth", "fast"}), Catch::Contains("fast"));
    CHECK_THAT(with({"--interval", "1"}), Catch::Contains("interval"));
    CHECK_FALSE(with({"--no-such-option"}).empty());
}

TEST_CASE("every option of migrate has a help text, and the footer an example") {
    CLI::App app{"test", "kvmig"};
    lab::cli::context ctx;
    lab::cli::add_migrate(app, ctx);
    const CLI::App *sub = app.get_subcommand("migrate");
    std::size_t options = 0;
    for (const CLI::Option *each : sub->get_options()) {
        INFO(each->get_name());
        CHECK_FALSE(each->get_description().empty());
        ++options;
    }
    CHECK(options >= 21 + 20); // flags and parameters
    CHECK_THAT(sub->get_footer(), Catch::Contains("kvmig migrate vm1 --from qemu+ssh://") &&
                                      Catch::Contains("--mode auto --dry-run") &&
                                      Catch::Contains("--promise-downtime"));
}

TEST_CASE("every flag is reached under virsh's name") {
    // All of them at once contradict each other: the refusal names what was set.
    const auto out = migrate({"vm1",
                              "--from",
                              "test:///default",
                              "--to",
                              "test:///default",
                              "--live",
                              "--offline",
                              "--p2p",
                              "--tunnelled",
                              "--persistent",
                              "--undefinesource",
                              "--suspend",
                              "--copy-storage-all",
                              "--copy-storage-inc",
                              "--copy-storage-synchronous-writes",
                              "--change-protection",
                              "--unsafe",
                              "--compressed",
                              "--auto-converge",
                              "--rdma-pin-all",
                              "--abort-on-error",
                              "--postcopy",
                              "--postcopy-resume",
                              "--tls",
                              "--parallel",
                              "--zerocopy"});
    CHECK(out.status == exit_status::usage);
    for (const char *words :
         {"live and offline", "tunnelled and parallel", "tunnelled and offline",
          "tunnelled and postcopy", "tunnelled and non_shared_disk", "tunnelled and non_shared_inc",
          "non_shared_disk and non_shared_inc", "offline and non_shared_disk",
          "offline and non_shared_inc", "postcopy and paused", "rdma_pin_all is given"}) {
        CHECK_THAT(out.messages, Catch::Contains(words));
    }
    // What needs another was given the other.
    CHECK_THAT(out.messages, !Catch::Contains(" needs "));
}

TEST_CASE("every parameter is reached under virsh's name") {
    const auto out = migrate({"vm1",
                              "--from",
                              "test:///default",
                              "--to",
                              "test:///default",
                              "--bandwidth",
                              "20",
                              "--postcopy-bandwidth",
                              "20",
                              "--auto-converge-initial",
                              "20",
                              "--auto-converge-increment",
                              "10",
                              "--parallel-connections",
                              "2",
                              "--tls-destination",
                              "x",
                              "--migrate-disks",
                              "vda,vdb,vda",
                              "--disks-port",
                              "1",
                              "--disks-uri",
                              "tcp://x",
                              "--comp-methods",
                              "xbzrle,lzo",
                              "--comp-mt-level",
                              "1",
                              "--comp-mt-threads",
                              "1",
                              "--comp-mt-dthreads",
                              "1",
                              "--comp-xbzrle-cache",
                              "4096",
                              "--comp-zlib-level",
                              "1",
                              "--comp-zstd-level",
                              "1",
                              "--migrate-disks-detect-zeroes",
                              "vda",
                              "--desturi",
                              "qemu:///sytem",
                              "--migrateuri",
                              "http://x",
                              "--direct",
                              "--p2p"});
    CHECK(out.status == exit_status::usage);
    for (const char *words : {"bandwidth.postcopy is given",
                              "auto_converge.initial is given",
                              "auto_converge.increment is given",
                              "parallel.connections is given",
                              "tls.destination is given",
                              "migrate_disks is given",
                              "migrate_disks names 'vda' twice",
                              "disks_port is given",
                              "disks_uri is given",
                              "disks_port and disks_uri",
                              "compression is given",
                              "compression names 'lzo'",
                              "compression.mt.level is given",
                              "compression.mt.threads is given",
                              "compression.mt.dthreads is given",
                              "compression.zlib.level is given",
                              "compression.zstd.level is given",
                              "migrate_disks_detect_zeroes is given",
                              "destination_uri: ",
                              "migrate_uri 'http://x'",
                              "direct and peer2peer"}) {
        CHECK_THAT(out.messages, Catch::Contains(words));
    }
    CHECK_THAT(out.messages, !Catch::Contains("compression.xbzrle.cache"));
}

TEST_CASE("a URI that cannot be parsed is wrong usage") {
    const auto out =
        migrate({"vm1", "--from", "qemu+ssh://192.168.30.132:/system", "--to", "test:///default"});
    CHECK(out.status == exit_status::usage);
    CHECK(out.answer.empty());
    CHECK_THAT(out.messages, Catch::Contains("a colon follows the host '192.168.30.132'"));
    const auto to = migrate({"test", "--from", "test:///default", "--to", "qemu+ssh:///system"});
    CHECK(to.status == exit_status::usage);
    CHECK_THAT(to.messages, Catch::Contains("it names no host"));
}

TEST_CASE("the same host is wrong usage, an unknown domain a failure") {
    const auto same = migrate({"test", "--from", "test:///default", "--to", "test:///default"});
    CHECK(same.status == exit_status::usage);
    CHECK_THAT(same.messages, Catch::Contains("are the same host"));
    const auto none = migrate({"nope", "--from", "test:///default", "--to", "test:///default"});
    CHECK(none.status == exit_status::failed);
    CHECK_THAT(none.messages, Catch::Contains("cannot find the domain 'nope'"));
    CHECK_THAT(none.messages, Catch::Contains("list --all"));
}

TEST_CASE("a failure is told with its cause and with where the guest is") {
    folder at;
    const auto out =
        migrate({"vm1", "--from", at.node("one", "vm1"), "--to", at.node("two", "other")});
    CHECK(out.status == exit_status::failed);
    CHECK(out.answer.empty());
    CHECK_THAT(out.messages, Catch::Contains("failed; the guest is at the source"));
    CHECK_THAT(out.messages, Catch::Contains("because:"));
}

TEST_CASE("a failure is told with its causes, one that was asked for is not") {
    folder at;
    const std::string nowhere = "test+tcp://127.0.0.1:1/default";
    const auto out = migrate({"test", "--from", "test:///default", "--to", nowhere, "--json"});
    CHECK(out.status == exit_status::failed);
    CHECK_THAT(out.messages, Catch::Contains("Connection refused"));
    CHECK_THAT(out.messages, Catch::Contains("\n  do       "));
    const auto answer = nlohmann::json::parse(out.answer);
    const auto &diagnosis = answer.at("diagnosis");
    CHECK(diagnosis.at("schema") == "kvmig.diagnosis/1");
    CHECK_THAT(out.messages,
               Catch::Contains(diagnosis.at("causes").at(0).at("id").get<std::string>()));
    const auto stopped =
        migrate({"test", "--from", "test:///default", "--to", nowhere, "--json"}, true);
    CHECK(stopped.status == exit_status::cancelled);
    CHECK_FALSE(nlohmann::json::parse(stopped.answer).contains("diagnosis"));
}

TEST_CASE("with --json a failure is an answer on stdout too") {
    folder at;
    const auto out = migrate(
        {"vm1", "--from", at.node("one", "vm1"), "--to", at.node("two", "other"), "--json"});
    CHECK(out.status == exit_status::failed);
    const auto answer = nlohmann::json::parse(out.answer);
    CHECK(answer.at("schema") == "kvmig.migrate/1");
    CHECK(answer.at("outcome") == "failed");
    CHECK(answer.at("error").at("kind") == "unsupported");
    CHECK(answer.at("error").at("object") == "vm1");
    CHECK(answer.at("error").at("causes").at(0).at("libvirt").at("code") == VIR_ERR_NO_SUPPORT);
}

TEST_CASE("Ctrl-C before the migration begins cancels it") {
    folder at;
    const std::vector<std::string> arguments = {
        "vm1", "--from", at.node("one", "vm1"), "--to", at.node("two", "other"), "--json"};
    const auto out = migrate(arguments, true);
    CHECK(out.status == exit_status::cancelled);
    CHECK(nlohmann::json::parse(out.answer).at("outcome") == "cancelled");
}

TEST_CASE("an XML file that cannot be read is named with its option") {
    for (const char *option : {"--xml", "--persistent-xml"}) {
        const auto out = migrate({"test", "--from", "test:///default", "--to", "test:///default",
                                  option, "/nonexistent/vm1.xml"});
        CHECK(out.status == exit_status::usage);
        CHECK_THAT(out.messages, Catch::Contains(option));
        CHECK_THAT(out.messages, Catch::Contains("/nonexistent/vm1.xml: No such file"));
    }
    const auto directory =
        migrate({"test", "--from", "test:///default", "--to", "test:///default", "--xml", "/"});
    CHECK(directory.status == exit_status::usage);
    CHECK_THAT(directory.messages, Catch::Contains("cannot read /: Is a directory"));
}

TEST_CASE("persistent XML belongs to --persistent") {
    folder at;
    const auto file = at.path() / "vm1.xml";
    std::ofstream(file) << "<domain/>";
    const auto out = migrate({"test", "--from", "test:///default", "--to", "test:///default",
                              "--persistent-xml", file.string()});
    CHECK(out.status == exit_status::usage);
    CHECK_THAT(out.messages, Catch::Contains("persistent_xml is given"));
}

TEST_CASE("a result is JSON under libvirt's names, and leaves out what is not known") {
    run::migration_result result;
    result.domain = "vm1";
    result.id = uuid::parse("c7a5fdbd-edaf-9455-926a-d65c16db1809").value();
    result.source.hostname = "kvm01";
    result.source.libvirt = {9, 0, 0};
    result.destination.hostname = "kvm02";
    result.wall_time = std::chrono::milliseconds(15000);
    model::job_statistics s;
    s.type = model::job_type::completed;
    s.operation = model::job_operation::migration_out;
    s.downtime = std::chrono::milliseconds(255);
    s.data_processed = bytes::mib(91);
    s.memory_bps = byte_rate::mib(20);
    s.memory_dirty_rate = page_rate{40000};
    s.memory_normal = pages{23296};
    s.success = true;
    result.source_statistics = s;
    result.samples.push_back({std::chrono::milliseconds(250), s, 3});
    result.steps.push_back({{migration::state::beginning, migration::event::memory_phase,
                             migration::state::pre_copy, migration::act::nothing},
                            result.begun + std::chrono::microseconds(1500)});
    result.guest.source = {"kvm01", std::nullopt, std::nullopt};
    result.guest.destination = {
        "kvm02", model::domain_status{model::domain_state::running, 2, "migrated", true, false},
        std::nullopt};
    result.gaps.push_back(make_error(error_kind::not_found, "gone").on("kvm02"));
    const nlohmann::json json = lab::cli::to_json(result);
    CHECK(json.at("schema") == "kvmig.migrate/1");
    CHECK(json.at("outcome") == "migrated");
    CHECK(json.at("domain").at("uuid") == "c7a5fdbd-edaf-9455-926a-d65c16db1809");
    CHECK(json.at("source").at("libvirt") == "9.0.0");
    CHECK_FALSE(json.at("source").contains("uuid"));
    CHECK(json.at("wall_time") == 15000);
    const auto &source = json.at("statistics").at("source");
    CHECK(source.at("operation") == "migration_out");
    CHECK(source.at("downtime") == 255);
    CHECK(source.at("data_processed") == 95420416);
    CHECK(source.at("memory_bps") == 20971520);
    CHECK(source.at("memory_dirty_rate") == 40000);
    CHECK(source.at("memory_normal") == 23296);
    CHECK(source.at("success") == true);
    CHECK_FALSE(source.contains("disk_bps"));
    CHECK_FALSE(json.at("statistics").contains("destination"));
    CHECK(json.at("samples").at(0).at("since_start") == 250);
    CHECK(json.at("samples").at(0).at("iteration") == 3);
    CHECK(json.at("transitions") == nlohmann::json::parse(R"([{"at": 1.5, "from": "beginning",
                                    "on": "memory_phase", "to": "pre_copy"}])"));
    CHECK(json.at("guest").at("side") == "destination");
    CHECK(json.at("guest").at("source").at("state") == "unknown to the host");
    CHECK(json.at("guest").at("destination").at("reason") == "migrated");
    CHECK(json.at("gaps").at(0).at("host") == "kvm02");
}

TEST_CASE("a guest is migrated cold") {
    folder nodes;
    const std::string from = nodes.node("a", "vm1");
    const std::string to = nodes.node("b", "vm2");
    const auto out = migrate({"vm1", "--from", from, "--to", to, "--mode", "cold"});
    INFO(out.messages);
    CHECK(out.status == exit_status::done);
    CHECK_THAT(out.answer, Catch::Contains("vm1: migrated cold from") &&
                               Catch::Contains("it has no images") &&
                               Catch::Contains("the guest is at the destination"));
    // Each connection to a node of the test driver begins anew: the guest is there again.
    const auto json =
        nlohmann::json::parse(migrate({"vm1", "--from", from, "--to", to, "--mode", "cold",
                                       "--undefinesource", "--persistent", "--json"})
                                  .answer);
    CHECK(json["schema"] == "kvmig.migrate/1");
    CHECK(json["outcome"] == "migrated");
    CHECK(json["state"] == "completed");
    CHECK(json["guest"]["source"]["state"] == "unknown to the host");
    CHECK(json["guest"]["destination"]["active"] == true);
    CHECK(json["downtime"].is_number());
}

TEST_CASE("a cold migration refuses what has a meaning for live ones only") {
    const auto out = migrate({"vm1", "--from", "test:///default", "--to", "test:///default",
                              "--mode", "cold", "--p2p", "--bandwidth", "5"});
    CHECK(out.status == exit_status::usage);
    CHECK_THAT(out.messages, Catch::Contains("mode cold") && Catch::Contains("peer2peer") &&
                                 Catch::Contains("bandwidth=") && Catch::Contains("--mode live"));
    CHECK_THAT(migrate_refused({"vm1", "--from", "a", "--to", "b", "--mode", "warm"}),
               Catch::Contains("warm") && Catch::Contains("cold"));
}

TEST_CASE("devices are detached from a guest that runs, and mapped by addresses") {
    const auto with = [](std::vector<std::string> more) {
        std::vector<std::string> all = {"vm1",  "--from",          "test:///default",
                                        "--to", "test:///default", "--detach-hostdevs"};
        all.insert(all.end(), more.begin(), more.end());
        return migrate(std::move(all));
    };
    auto out = with({"--hostdev-map", "0000:00:05.0=05.1"});
    CHECK(out.status == exit_status::usage);
    CHECK_THAT(out.messages, Catch::Contains("--hostdev-map: '05.1' is no PCI address"));
    out = with({"--hostdev-map", "0000:00:05.0"});
    CHECK(out.status == exit_status::usage);
    CHECK_THAT(out.messages, Catch::Contains("names no two PCI devices"));
    out = with({"--hostdev-map", "0000:00:05.0=0000:00:06.0", "--hostdev-map",
                "pci_0000_00_05_0=0000:00:07.0"});
    CHECK(out.status == exit_status::usage);
    CHECK_THAT(out.messages, Catch::Contains("names the source's 0000:00:05.0 twice"));
    out = with({"--mode", "cold"});
    CHECK(out.status == exit_status::usage);
    CHECK_THAT(out.messages, Catch::Contains("--detach-hostdevs: with --mode cold"));
    out = with({"--offline", "--persistent"});
    CHECK(out.status == exit_status::usage);
    CHECK_THAT(out.messages, Catch::Contains("set_aside and offline exclude each other"));
    CHECK_THAT(migrate_refused({"vm1", "--from", "a", "--to", "b", "--hostdev-map",
                                "0000:00:05.0=0000:00:06.0"}),
               Catch::Contains("--detach-hostdevs"));
}

TEST_CASE("images are copied only cold, and by rules that can be read") {
    const auto with = [](std::vector<std::string> more) {
        std::vector<std::string> all = {"vm1",  "--from",          "test:///default",
                                        "--to", "test:///default", "--copy-images"};
        all.insert(all.end(), more.begin(), more.end());
        return migrate(all);
    };
    auto out = with({});
    CHECK(out.status == exit_status::usage);
    CHECK_THAT(out.messages, Catch::Contains("--mode cold") && Catch::Contains("block"));
    out = with({"--mode", "cold", "--map-path", "images=/srv"});
    CHECK(out.status == exit_status::usage);
    CHECK_THAT(out.messages, Catch::Contains("--map-path") && Catch::Contains("FROM=TO"));
    out = with({"--mode", "cold", "--copy-address", "root@:22"});
    CHECK(out.status == exit_status::usage);
    CHECK_THAT(out.messages, Catch::Contains("--copy-address"));
    for (const std::vector<std::string> &lone : {std::vector<std::string>{"--map-path", "/a=/b"},
                                                 std::vector<std::string>{"--keep-state"}}) {
        std::vector<std::string> all = {"vm1", "--from", "a", "--to", "b"};
        all.insert(all.end(), lone.begin(), lone.end());
        CHECK_THAT(migrate_refused(all), Catch::Contains("--copy-images"));
    }
}

TEST_CASE("a guest without images is migrated cold where they would be copied") {
    folder nodes;
    const std::string from = nodes.node("a", "vm1");
    const std::string to = nodes.node("b", "vm2");
    // The test driver's URI names no host that SSH could reach.
    auto out = migrate({"vm1", "--from", from, "--to", to, "--mode", "cold", "--copy-images"});
    CHECK(out.status == exit_status::usage);
    CHECK_THAT(out.messages, Catch::Contains("does not tell how the source reaches it"));
}

TEST_CASE("the modes that copy disks set libvirt's flags") {
    for (const char *mode : {"block", "incremental"}) {
        const auto out = migrate({"vm1", "--from", "test:///default", "--to", "test:///default",
                                  "--mode", mode, "--tunnelled", "--p2p"});
        CHECK(out.status == exit_status::usage);
        CHECK_THAT(out.messages, Catch::Contains(std::string("tunnelled and non_shared_") +
                                                 (std::string(mode) == "block" ? "disk" : "inc")));
    }
}
