// SPDX-License-Identifier: MIT
// `migrate --dry-run`, `--mode auto` and `--promise-downtime` against libvirt's own test driver.
#include <kvmig/host/journal_sqlite.hpp>
#include <kvmig/libvirt.hpp>
#include <lab/cli/migrate_plan.hpp>
#include <lab/cli/migration_json.hpp>
#include <lab/cli/subcommands.hpp>
#include <lab/cli_call.hpp>
#include <support/catch.hpp>
#include <support/node.hpp>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

using namespace kvmig;
using lab::cli::exit_status;
using test::folder;

namespace {

/// Calls `kvmig migrate vm1` with a journal of its own, of which `kept` says whether it was made.
test::outcome plan_with(const std::string &from, const std::string &to,
                        std::vector<std::string> more, bool *kept = nullptr) {
    const folder state;
    REQUIRE(::setenv("XDG_STATE_HOME", state.path().c_str(), 1) == 0);
    std::vector<std::string> all = {"migrate", "vm1", "--from", from, "--to", to};
    all.insert(all.end(), more.begin(), more.end());
    auto out = test::call(lab::cli::add_migrate, std::move(all));
    if (kept) *kept = !std::filesystem::is_empty(state.path());
    return out;
}

migration::plan example_plan() {
    migration::plan out;
    out.mode = migration::kind::block;
    out.why = "as asked for";
    out.domain = "vm1";
    out.id = uuid::parse("c7a5fdbd-edaf-9455-926a-d65c16db1809").value();
    out.source = {"kvm01", "qemu+ssh://kvm01/system"};
    out.destination = {"kvm02", "qemu+ssh://kvm02/system"};
    out.steps = {{migration::state::preparing, "kvm02", "make an image", "/a/vda.raw"}};
    out.disks = {{.disk = "vda",
                  .source = "/a/vda.raw",
                  .travels = true,
                  .why = "the whole disk is copied",
                  .target = "/a/vda.raw",
                  .pool = "images",
                  .volume = "vda.raw",
                  .format = "raw",
                  .size = bytes{512},
                  .below = {},
                  .exists = false}};
    out.transport = {"this program leads"};
    out.options = {{"flags", "live, non_shared_disk"}, {"migrate_disks", "vda"}};
    out.xml_difference = "--- source\n+++ destination\n@@ -1 +1 @@\n-a\n+b\n";
    out.unknown = {"how long it takes"};
    return out;
}

} // namespace

TEST_CASE("a dry run prints the plan, changes no host, and opens no journal") {
    folder nodes;
    const std::string from = nodes.node("a", "vm1");
    const std::string to = nodes.node("b", "vm2");
    bool journal = true;
    const auto out = plan_with(from, to, {"--dry-run"}, &journal);
    INFO(out.messages);
    CHECK(out.status == exit_status::done);
    CHECK_FALSE(journal);
    CHECK_THAT(out.answer,
               Catch::StartsWith("vm1: the plan of a migration, mode live: the default") &&
                   Catch::Contains("pre_copy") && Catch::Contains("disks: none") &&
                   Catch::Contains("flags = live") &&
                   Catch::Contains("nothing has been changed on either host"));
}

TEST_CASE("a dry run is refused while an earlier migration of the guest is open") {
    folder nodes;
    const std::string from = nodes.node("a", "vm1");
    const std::string to = nodes.node("b", "vm2");
    const folder state;
    REQUIRE(::setenv("XDG_STATE_HOME", state.path().c_str(), 1) == 0);
    const auto plan = [&] {
        return test::call(lab::cli::add_migrate,
                          {"migrate", "vm1", "--from", from, "--to", to, "--dry-run"});
    };
    auto journal = host::sqlite_journal::open_at(host::default_journal_path().value()).value();
    ports::migration_record record;
    record.domain = "another";
    record.domain_uuid = uuid::parse("11111111-2222-4333-8444-555555555555").value();
    REQUIRE(journal.open(record));
    CHECK(plan().status == exit_status::done);
    record.domain_uuid = uuid::parse("c7a5fdbd-edaf-9455-926a-d65c16db1809").value();
    REQUIRE(journal.open(record));
    const auto out = plan();
    CHECK(out.status == exit_status::failed);
    CHECK_THAT(out.messages, Catch::Contains("vm1") &&
                                 Catch::Contains("migration 2, which has not ended") &&
                                 Catch::Contains("kvmig recover 2"));
}

TEST_CASE("a dry run leaves the test driver's default host as it is, whatever the mode") {
    const libvirt::connection here = test::node(); // keeps the host in memory
    const auto told = [&] {
        const auto guest = libvirt::domain::lookup(here, "test").value();
        auto pool = libvirt::storage_pool::lookup(here, "default-pool").value();
        return guest.xml().value() + guest.status()->reason_text + pool.xml().value() +
               std::to_string(libvirt::domain::list(here)->size());
    };
    folder nodes;
    const std::string to = nodes.node("b", "vm2");
    const std::string before = told();
    for (const char *mode : {"live", "block", "incremental", "cold", "auto"}) {
        CAPTURE(mode);
        const auto out =
            test::call(lab::cli::add_migrate, {"migrate", "test", "--from", "test:///default",
                                               "--to", to, "--dry-run", "--mode", mode});
        INFO(out.messages);
        CHECK(told() == before);
        // This driver does not tell of which pool the guest's disk is: only live needs not know.
        const bool planned = std::string(mode) == "live";
        CHECK((out.status == exit_status::done) == planned);
        CHECK(out.answer.empty() != planned);
        CHECK_THAT(out.answer + out.messages, Catch::Contains("/guest/diskimage1"));
    }
}

TEST_CASE("there is a plan for every mode, as JSON too") {
    folder nodes;
    const std::string from = nodes.node("a", "vm1");
    const std::string to = nodes.node("b", "vm2");
    for (const std::string mode : {"live", "block", "incremental", "cold", "auto"}) {
        CAPTURE(mode);
        const auto out = plan_with(from, to, {"--dry-run", "--mode", mode, "--json"});
        INFO(out.messages);
        CHECK(out.status == exit_status::done);
        const auto plan = nlohmann::json::parse(out.answer);
        CHECK(plan.at("schema") == "kvmig.plan/1");
        CHECK(plan.at("mode") == (mode == "auto" ? "live" : mode));
        CHECK(plan.at("domain").at("name") == "vm1");
        CHECK(plan.at("steps").back().at("state") == "completed");
    }
}

TEST_CASE("what would refuse a migration refuses its plan, with the same exit status") {
    folder nodes;
    const std::string from = nodes.node("a", "vm1");
    auto out = plan_with(from, from, {"--dry-run"});
    CHECK(out.status == exit_status::usage);
    CHECK(out.answer.empty());
    out = plan_with(from, nodes.node("b", "vm2"), {"--dry-run", "--tunnelled", "--json"});
    CHECK(out.status == exit_status::usage);
    CHECK(nlohmann::json::parse(out.answer).at("outcome") == "failed");
}

TEST_CASE("the changes to the XML are shown as a difference") {
    folder nodes;
    const auto file = nodes.path() / "other.xml";
    std::ofstream(file) << "<domain type='test'><name>vm1</name><memory>1024</memory></domain>";
    const auto out = plan_with(nodes.node("a", "vm1"), nodes.node("b", "vm2"),
                               {"--dry-run", "--xml", file.string()});
    INFO(out.messages);
    CHECK(out.status == exit_status::done);
    CHECK_THAT(out.answer, Catch::Contains("destination_xml = ") && Catch::Contains("XML"));
}

TEST_CASE("mode auto says on stderr and in the JSON which mode it took, and why") {
    folder nodes;
    const std::string from = nodes.node("a", "vm1");
    const std::string to = nodes.node("b", "vm2");
    const auto plan = plan_with(from, to, {"--dry-run", "--mode", "auto", "--json"});
    CHECK_THAT(plan.messages, Catch::Contains("mode live: the guest runs and has no disk"));
    CHECK_THAT(nlohmann::json::parse(plan.answer).at("why").get<std::string>(),
               Catch::StartsWith("chosen: "));
    // The test driver cannot migrate: that it was tried live shows in its words.
    const auto tried = plan_with(from, to, {"--mode", "auto"});
    CHECK(tried.status == exit_status::failed);
    CHECK_THAT(tried.messages, Catch::Contains("mode live") &&
                                   Catch::Contains("failed; the guest is at the source"));
}

TEST_CASE("mode auto itself decides which disks move") {
    for (const char *option : {"--offline", "--copy-storage-all", "--copy-storage-inc"}) {
        const auto out =
            plan_with("test:///default", "test:///default", {"--mode", "auto", option});
        CHECK(out.status == exit_status::usage);
        CHECK_THAT(out.messages, Catch::Contains("--mode auto itself decides"));
    }
}

TEST_CASE("a cold migration says its mode in the JSON, and why") {
    folder nodes;
    const auto out =
        plan_with(nodes.node("a", "vm1"), nodes.node("b", "vm2"), {"--mode", "cold", "--json"});
    const auto told = nlohmann::json::parse(out.answer);
    CHECK(told.at("mode") == "cold");
    CHECK(told.at("mode_why") == "as asked for");
}

TEST_CASE("a promise is refused where it cannot be meant, or kept") {
    folder nodes;
    const std::string from = nodes.node("a", "vm1");
    const std::string to = nodes.node("b", "vm2");
    auto out = plan_with(from, to, {"--mode", "cold", "--promise-downtime", "50"});
    CHECK(out.status == exit_status::usage);
    CHECK_THAT(out.messages, Catch::Contains("--promise-downtime") && Catch::Contains("shut off"));
    out = plan_with(from, to, {"--promise-downtime", "50", "--timeout", "5"});
    CHECK(out.status == exit_status::usage);
    CHECK_THAT(out.messages, Catch::Contains("suspended until it has moved"));
    out = plan_with(from, to, {"--promise-downtime", "50", "--dry-run"});
    CHECK(out.status == exit_status::done);
    CHECK_THAT(out.answer, Catch::Contains("allow a downtime of 50 ms at most"));
    // The test driver knows no such limit.
    out = plan_with(from, to, {"--promise-downtime", "50"});
    CHECK(out.status == exit_status::failed);
    CHECK_THAT(out.messages, Catch::Contains("cannot be held to a downtime of 50 ms"));
}

TEST_CASE("a plan for people has steps, disks, way, options, XML, and what is not known") {
    const std::string text = lab::cli::plan_text(example_plan());
    CHECK(text == "vm1: the plan of a migration, mode block: as asked for\n"
                  "  from  kvm01  qemu+ssh://kvm01/system\n"
                  "  to    kvm02  qemu+ssh://kvm02/system\n"
                  "steps\n"
                  "   1  preparing  kvm02  make an image: /a/vda.raw\n"
                  "disks\n"
                  "  vda  /a/vda.raw  travels: the whole disk is copied\n"
                  "       there /a/vda.raw: raw, 512 bytes, in the pool images, is made\n"
                  "way\n"
                  "  this program leads\n"
                  "options, as libvirt names them\n"
                  "  flags = live, non_shared_disk\n"
                  "  migrate_disks = vda\n"
                  "XML: what differs at the destination\n"
                  "--- source\n+++ destination\n@@ -1 +1 @@\n-a\n+b\n"
                  "not known beforehand\n"
                  "  how long it takes\n"
                  "nothing has been changed on either host\n");
}

TEST_CASE("a plan has the devices of the host, and what the guest gets in their place") {
    auto plan = example_plan();
    CHECK(lab::cli::plan_json(plan).at("devices").empty());
    plan.devices = {{"0000:00:05.0", "0000:00:06.0", "as asked for"},
                    {"0000:00:07.0", "", "kvm02 has nothing at 0000:00:07.0"}};
    CHECK_THAT(lab::cli::plan_text(plan),
               Catch::Contains("devices of the host\n"
                               "  0000:00:05.0  there 0000:00:06.0: as asked for\n"
                               "  0000:00:07.0  the guest goes on without it: kvm02 has nothing "
                               "at 0000:00:07.0\n"
                               "way\n"));
    const auto told = lab::cli::plan_json(plan).at("devices");
    CHECK(told.at(0).at("destination") == "0000:00:06.0");
    CHECK(told.at(1).at("source") == "0000:00:07.0");
    CHECK_FALSE(told.at(1).contains("destination"));
}

TEST_CASE("the plan says which devices go, and what takes their place") {
    folder nodes;
    const auto device = [](const std::string &slot, const char *product) {
        return "<device><name>pci_0000_06_" + slot +
               "_0</name><parent>computer</parent><capability type='pci'><domain>0</domain>"
               "<bus>6</bus><slot>" +
               slot + "</slot><function>0</function><product id='" + product +
               "'>a card</product><vendor id='0x8086'/><iommuGroup number='1'>"
               "<address domain='0' bus='6' slot='1' function='0'/></iommuGroup></capability>"
               "</device>";
    };
    const std::string held =
        "<devices><hostdev mode='subsystem' type='pci'><source><address bus='6' slot='1'/>"
        "</source></hostdev><hostdev mode='subsystem' type='pci'><source><address bus='6' "
        "slot='2'/></source></hostdev></devices>";
    const std::string from =
        nodes.node("a", "vm1", held, device("01", "0x1521") + device("02", "0x1521"));
    const std::string to =
        nodes.node("b", "vm2", "", device("01", "0x1521") + device("02", "0x1520"));
    auto out = plan_with(from, to, {"--detach-hostdevs", "--dry-run"});
    INFO(out.messages);
    CHECK(out.status == exit_status::done);
    CHECK_THAT(
        out.answer,
        Catch::Contains("detach the device, and wait until the guest has let go: 0000:06:01.0") &&
            Catch::Contains(
                "detach the device, and wait until the guest has let go: 0000:06:02.0") &&
            Catch::Contains("attach the device in the place of 0000:06:01.0: 0000:06:01.0") &&
            Catch::Contains("0000:06:01.0  there 0000:06:01.0: of the same kind at the same "
                            "address: a card (0x8086 0x1521)\n") &&
            Catch::Contains("0000:06:02.0  the guest goes on without it") &&
            Catch::Contains("has another device at 0000:06:02.0: a card (0x8086 0x1520)") &&
            Catch::Contains("-    <hostdev") && !Catch::Contains("host_devices"));

    // What is taken by name is not taken again.
    out = plan_with(
        from, to, {"--detach-hostdevs", "--hostdev-map", "0000:06:02.0=0000:06:01.0", "--dry-run"});
    CHECK(out.status == exit_status::done);
    CHECK_THAT(out.answer, Catch::Contains("0000:06:01.0  the guest goes on without it: what is at "
                                           "0000:06:01.0 takes another's place") &&
                               Catch::Contains("0000:06:02.0  there 0000:06:01.0: as asked for"));

    for (const auto &[pair, words] :
         {std::pair{"0000:00:05.0=0000:06:01.0", "the guest has no device 0000:00:05.0"},
          std::pair{"0000:06:01.0=0000:00:06.0", "has no PCI device 0000:00:06.0"}}) {
        out = plan_with(from, to, {"--detach-hostdevs", "--hostdev-map", pair, "--dry-run"});
        CHECK(out.status == exit_status::usage);
        CHECK_THAT(out.messages, Catch::Contains(words));
    }
    // This driver detaches nothing: the guest stays as it is.
    out = plan_with(from, to, {"--detach-hostdevs"});
    CHECK(out.status == exit_status::failed);
    CHECK_THAT(out.messages,
               Catch::Contains("the guest's device 0000:06:01.0 cannot be detached") &&
                   Catch::Contains("the guest is at the source"));
    out = plan_with(nodes.node("c", "vm1"), to, {"--detach-hostdevs", "--dry-run"});
    CHECK(out.status == exit_status::done);
    CHECK_THAT(out.answer, !Catch::Contains("devices of the host"));
}

TEST_CASE("a plan for programs has the same, and leaves out what is not known") {
    auto plan = example_plan();
    auto told = lab::cli::plan_json(plan);
    CHECK(told.at("mode") == "block");
    CHECK(told.at("destination").at("hostname") == "kvm02");
    CHECK(told.at("steps").at(0).at("state") == "preparing");
    const auto &disk = told.at("disks").at(0);
    CHECK(disk.at("size") == 512);
    CHECK(disk.at("exists") == false);
    CHECK_FALSE(disk.contains("below"));
    CHECK(told.at("options").at(1).at("value") == "vda");
    CHECK(told.at("xml_difference") == *plan.xml_difference);
    plan.xml_difference.reset();
    plan.disks[0].exists.reset();
    told = lab::cli::plan_json(plan);
    CHECK_FALSE(told.contains("xml_difference"));
    CHECK_FALSE(told.at("disks").at(0).contains("exists"));
}

TEST_CASE("a promise stands in the JSON with what was measured") {
    run::migration_result result;
    result.promise = convergence::promise_outcome{std::chrono::milliseconds(50), std::nullopt};
    CHECK(lab::cli::to_json(result).at("promise") == nlohmann::json{{"promised", 50}});
    result.promise->measured = std::chrono::milliseconds(60);
    CHECK(lab::cli::to_json(result).at("promise") ==
          nlohmann::json{{"promised", 50}, {"measured", 60}, {"kept", false}});
}
