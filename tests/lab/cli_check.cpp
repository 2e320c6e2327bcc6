// SPDX-License-Identifier: MIT
// The subcommand `check`, against libvirt's own test driver and against files.
#include <lab/cli/canary_text.hpp>
#include <lab/cli/check_text.hpp>
#include <lab/cli/subcommands.hpp>
#include <lab/cli_call.hpp>
#include <support/catch.hpp>
#include <support/temporary_directory.hpp>

#include <CLI/CLI.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

using namespace kvmig;
using lab::cli::exit_status;

namespace {

test::outcome run_check(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "check");
    return test::call(lab::cli::add_check, std::move(arguments));
}

std::string check_refused(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "check");
    return test::refusal_of(lab::cli::add_check, std::move(arguments));
}

/// A file with a domain's XML, in a folder that goes with the test.
class domain_files {
public:
    std::string write(const std::string &name, const std::string &text) {
        const auto file = folder_.path() / name;
        std::ofstream(file, std::ios::binary) << text;
        return file.string();
    }
    /// A node of the test driver with one running domain, as a URI.
    std::string node(const std::string &name, const std::string &domain,
                     const std::string &devices = "") {
        return "test://" + write(name + ".xml", "<node><domain type='test'><name>" + domain +
                                                    "</name><memory>65536</memory><os><type>hvm"
                                                    "</type></os><devices>" +
                                                    devices + "</devices></domain></node>");
    }

private:
    test::temporary_directory folder_;
};

std::set<std::string> ids(const nlohmann::json &answer, const std::string &severity) {
    std::set<std::string> out;
    for (const auto &each : answer.at("findings")) {
        if (each.at("severity") == severity) out.insert(each.at("id").get<std::string>());
    }
    return out;
}

constexpr const char *plain = "<domain type='kvm'><name>vm1</name><memory>1024</memory></domain>";
constexpr const char *sealed =
    "<domain type='kvm'><name>vm1</name><memory>1024</memory><launchSecurity type='sev'/></domain>";

} // namespace

TEST_CASE("check needs a domain with both ends, or a file") {
    CHECK_THAT(check_refused({}), Catch::Contains("--domain-xml"));
    CHECK_THAT(check_refused({"vm1"}), Catch::Contains("DOMAIN requires --"));
    CHECK_THAT(check_refused({"vm1", "--from", "a"}), Catch::Contains("--to"));
    CHECK_FALSE(check_refused({"vm1", "--from", "a", "--to", "b", "--domain-xml", "f"}).empty());
    CHECK_FALSE(
        check_refused({"--domain-xml", "f", "--copy-storage-all", "--copy-storage-inc"}).empty());
    CHECK_FALSE(check_refused({"vm1", "--from", "a", "--to", "b", "--facts", "f"}).empty());
    CHECK_FALSE(check_refused({"--facts", "f", "--domain-xml", "f"}).empty());
    CHECK_FALSE(check_refused({"--facts", "f", "--save-facts", "g"}).empty());
    CHECK_FALSE(check_refused({"--facts", "f", "--copy-storage-all"}).empty());
    CHECK(check_refused({"--facts", "f"}).empty());
    CHECK(check_refused({"vm1", "--from", "a", "--to", "b", "--save-facts", "f"}).empty());
    CHECK(check_refused({"vm1", "--from", "a", "--to", "b"}).empty());
    CHECK(check_refused({"--domain-xml", "f", "--ignore", "A", "--ignore", "B"}).empty());
}

TEST_CASE("two hosts are asked, and all findings are told at once") {
    domain_files made;
    const std::string from = made.node("a", "vm1",
                                       "<interface type='bridge'><source bridge='kvmig-none'/>"
                                       "</interface><interface type='network'>"
                                       "<source network='kvmig-none'/></interface>");
    const std::string to = made.node("b", "vm1");
    const auto said = run_check({"vm1", "--from", from, "--to", to, "--json"});
    CHECK(said.status == exit_status::blocked);
    const auto answer = nlohmann::json::parse(said.answer);
    CHECK(answer.at("schema") == "kvmig.check/1");
    CHECK(answer.at("verdict") == "blocked");
    const auto blocking = ids(answer, "blocks");
    // The test driver does not migrate, and the other domain there has the name.
    for (const char *id : {"KVM-NET-022", "KVM-IDN-001", "KVM-NIC-001", "KVM-NIC-003"}) {
        INFO(id);
        CHECK(blocking.count(id) == 1);
    }
    CHECK(blocking.count("KVM-LIF-001") == 0); // it runs
    for (const auto &each : answer.at("findings")) {
        for (const char *field : {"id", "severity", "host", "title", "seen", "why", "source"}) {
            CHECK_FALSE(each.at(field).get<std::string>().empty());
        }
        CHECK(each.at("remedy").is_array());
    }
    const auto text = run_check({"vm1", "--from", from, "--to", to});
    CHECK(text.status == exit_status::blocked);
    CHECK_THAT(text.answer, Catch::Contains("KVM-NIC-001  The bridge does not exist on the "
                                            "destination  [blocks]") &&
                                Catch::Contains("the bridge 'kvmig-none' is not there") &&
                                Catch::Contains("\nblocked: "));
    CHECK(text.messages.empty());
}

TEST_CASE("facts that were saved give the same answer without a host", "[facts]") {
    domain_files made;
    const test::temporary_directory folder;
    const std::string file = (folder.path() / "vm1.facts").string();
    const auto same = [&](std::vector<std::string> live) {
        live.insert(live.end(), {"--save-facts", file});
        std::vector<std::string> replay{"--facts", file};
        for (const bool json : {false, true}) {
            if (json) live.emplace_back("--json");
            if (json) replay.emplace_back("--json");
            const auto before = run_check(live);
            const auto after = run_check(replay);
            CHECK(before.status == after.status);
            CHECK(before.answer == after.answer);
            CHECK_FALSE(after.answer.empty());
            CHECK(after.messages.empty());
        }
    };
    same({"vm1", "--from", made.node("a", "vm1"), "--to", made.node("b", "vm1")});
    same({"vm1", "--from", made.node("a", "vm1"), "--to", made.node("b", "vm2"),
          "--copy-storage-all"});
    same({"--domain-xml", made.write("sealed.xml", sealed)});
    const auto ignored = run_check({"--facts", file, "--ignore", "KVM-DEV-014"});
    CHECK(ignored.status == exit_status::done);
    CHECK_THAT(ignored.answer, Catch::Contains("[info, ignored: blocks]"));
}

TEST_CASE("a file of facts that is none is wrong usage, and one that cannot be written a failure",
          "[facts]") {
    domain_files made;
    const std::string xml = made.write("vm1.xml", plain);
    const auto foreign = run_check({"--facts", xml});
    CHECK(foreign.status == exit_status::usage);
    CHECK_THAT(foreign.messages, Catch::Contains(xml) && Catch::Contains("--save-facts"));
    const auto unsaved = run_check({"--domain-xml", xml, "--save-facts", "/nonexistent/facts"});
    CHECK(unsaved.status == exit_status::failed);
    CHECK(unsaved.answer.empty());
    CHECK_THAT(unsaved.messages, Catch::Contains("/nonexistent/facts"));
}

TEST_CASE("a forecast tells what moves, for how long, and what it takes for granted", "[facts]") {
    const std::string kept = KVMIG_TEST_DATA "/facts/loaded-guest.json";
    const auto text =
        run_check({"--facts", kept, "--forecast", "--bandwidth", "110", "--ignore", "KVM-STO-001"});
    CHECK(text.status == exit_status::done);
    CHECK_THAT(text.answer,
               Catch::StartsWith("Forecast: it ends after ") &&
                   Catch::Contains("with a pause of at most 0.30 s\n") &&
                   Catch::Contains("  moves    256 MiB of memory, 1024 MiB of disks\n") &&
                   Catch::Contains("  because  110.0 MiB/s are sent and 20.0 MiB/s dirtied\n") &&
                   Catch::Contains("  assumed  the link carries 110.0 MiB/s") &&
                   Catch::Contains("\nclear: "));
    const auto slow = run_check({"--facts", kept, "--forecast", "--bandwidth", "20", "--json"});
    const auto answer = nlohmann::json::parse(slow.answer).at("forecast");
    CHECK(answer.at("ends") == "no");
    CHECK(answer.at("bytes").at("disks") == 1024ULL << 20U);
    CHECK(answer.at("bytes_per_second").at("dirty") == 20ULL << 20U);
    CHECK(answer.at("seconds").at("downtime").is_null());
    CHECK(answer.at("unknown").empty());
    const auto nothing = run_check({"--facts", kept, "--forecast"});
    CHECK_THAT(nothing.answer, Catch::Contains("Forecast: whether it ends is not known\n") &&
                                   Catch::Contains("  unknown  what the link carries"));
    CHECK_FALSE(check_refused({"--facts", kept, "--bandwidth", "110"}).empty());
    CHECK_FALSE(check_refused({"--facts", kept, "--forecast", "--measure-link"}).empty());
    CHECK_FALSE(check_refused({"--facts", kept, "--forecast", "--bandwidth", "0"}).empty());
    CHECK_THAT(run_check({"--facts", kept}).answer, !Catch::Contains("Forecast"));
}

TEST_CASE("a canary that cannot be started is told as unknown, and kept with the facts",
          "[canary]") {
    domain_files made;
    const test::temporary_directory folder;
    const std::string file = (folder.path() / "vm1.facts").string();
    // libvirt's test driver starts no paused guests.
    const auto said =
        run_check({"vm1", "--from", made.node("a", "vm1"), "--to", made.node("b", "vm2"),
                   "--canary", "--p2p", "--json", "--save-facts", file});
    CHECK(said.status == exit_status::blocked); // the driver cannot migrate, which a rule tells
    const auto answer = nlohmann::json::parse(said.answer);
    const auto &canary = answer.at("canary");
    CHECK(canary.at("outcome") == "untried");
    CHECK_FALSE(canary.at("said").get<std::string>().empty());
    CHECK(canary.at("remains").empty());
    CHECK(ids(answer, "unknown").count("KVM-LIF-103") == 1);
    CHECK(run_check({"--facts", file, "--json"}).answer == said.answer);
    CHECK_THAT(run_check({"--facts", file}).answer,
               Catch::StartsWith("Canary: it could not be tried, after "));
    CHECK_FALSE(nlohmann::json::parse(
                    run_check({"--domain-xml", made.write("x.xml", plain), "--json"}).answer)
                    .contains("canary"));
}

TEST_CASE("a canary needs a domain, and its options a canary", "[canary]") {
    const std::vector<std::string> ends{"vm1", "--from", "a", "--to", "b"};
    const auto with = [&](std::vector<std::string> more) {
        more.insert(more.begin(), ends.begin(), ends.end());
        return check_refused(more);
    };
    CHECK_FALSE(check_refused({"--domain-xml", "f", "--canary"}).empty());
    CHECK_FALSE(check_refused({"--facts", "f", "--canary"}).empty());
    for (const char *option : {"--tls", "--unsafe"}) {
        INFO(option);
        CHECK_THAT(with({option}), Catch::Contains("--canary"));
        CHECK(with({"--canary", option}).empty());
    }
    CHECK_FALSE(with({"--migrateuri", "tcp://x"}).empty());
    CHECK_FALSE(with({"--canary", "--canary-age", "-1"}).empty());
    CHECK(with({"--canary", "--p2p", "--desturi", "qemu+ssh://x/system", "--migrateuri", "tcp://x",
                "--canary-age", "0"})
              .empty());
}

TEST_CASE("who leads is asked of hosts alone, and kept with the facts") {
    CHECK_FALSE(check_refused({"--domain-xml", "f", "--p2p"}).empty());
    CHECK_FALSE(check_refused({"--facts", "f", "--p2p"}).empty());
    CHECK_THAT(check_refused({"vm1", "--from", "a", "--to", "b", "--desturi", "c"}),
               Catch::Contains("--p2p"));
    domain_files made;
    const test::temporary_directory folder;
    const std::string file = (folder.path() / "vm1.facts").string();
    const std::string there = made.node("b", "vm2");
    const auto peer = [&](std::vector<std::string> more) {
        std::vector<std::string> all{"vm1",          "--from", made.node("a", "vm1"), "--to", there,
                                     "--save-facts", file};
        all.insert(all.end(), more.begin(), more.end());
        run_check(all);
        std::ifstream in(file);
        return nlohmann::json::parse(in).at("peer");
    };
    CHECK(peer({}).is_null());
    CHECK(peer({"--p2p"}).at("uri") == there);
    CHECK(peer({"--p2p", "--desturi", "test:///default"}).at("uri") == "test:///default");
}

TEST_CASE("what became of a canary is told with what it did without", "[canary]") {
    precheck::canary_facts told;
    told.fate = precheck::canary_fate::arrived;
    told.took = std::chrono::milliseconds{12'340};
    told.left_out = {"firmware", "graphics"};
    told.swept = {"kvm01: kvmig-canary-x"};
    CHECK(lab::cli::canary_text(told) == "Canary: it arrived, and was removed, after 12.3 s\n"
                                         "  without  firmware, graphics\n"
                                         "  swept    kvm01: kvmig-canary-x\n\n");
    told.fate = precheck::canary_fate::lost;
    told.causes = {{"KVM-NET-001", "It rejects", "likely", {"ssh kvm02 x"}}};
    const auto json = lab::cli::canary_json(told);
    CHECK(json.at("outcome") == "lost");
    CHECK(json.at("seconds") == 12.34);
    CHECK(json.at("causes") == nlohmann::json::parse(R"([{"id": "KVM-NET-001",
        "title": "It rejects", "confidence": "likely", "remedy": ["ssh kvm02 x"]}])"));
    CHECK_THAT(lab::cli::canary_text(told), Catch::StartsWith("Canary: it did not arrive, after"));
}

TEST_CASE("a domain that is not there is named") {
    domain_files made;
    const auto said =
        run_check({"vm9", "--from", made.node("a", "vm1"), "--to", made.node("b", "vm2")});
    CHECK(said.status == exit_status::failed);
    CHECK(said.answer.empty());
    CHECK_THAT(said.messages, Catch::Contains("'vm9'"));
}

TEST_CASE("a host that cannot be reached is told with its causes") {
    const auto out =
        run_check({"test", "--from", "test:///default", "--to", "test+tcp://127.0.0.1:1/default"});
    CHECK(out.status == exit_status::failed);
    CHECK_THAT(out.messages, Catch::Contains("Connection refused"));
    CHECK_THAT(out.messages, Catch::Contains("\n  do       "));
}

TEST_CASE("check refuses a URI that cannot be parsed as wrong usage") {
    const auto said =
        run_check({"vm1", "--from", "qemu+ssh://kvm01:/system", "--to", "test:///default"});
    CHECK(said.status == exit_status::usage);
    CHECK_THAT(said.messages, Catch::Contains("qemu+ssh://kvm01:/system"));
}

TEST_CASE("a machine of the lab without libvirt is refused") {
    const auto said = run_check({"vm1", "--from", "nfs", "--to", "kvm02"});
    CHECK(said.status == exit_status::usage);
    CHECK_THAT(said.messages, Catch::Contains("runs no libvirt"));
}

TEST_CASE("a file tells what the XML alone tells; the rest is unknown") {
    domain_files made;
    const auto clear = run_check({"--domain-xml", made.write("vm1.xml", plain), "--json"});
    CHECK(clear.status == exit_status::done);
    const auto answer = nlohmann::json::parse(clear.answer);
    CHECK(answer.at("verdict") == "unknown");
    CHECK(ids(answer, "blocks").empty());
    CHECK(ids(answer, "unknown").count("KVM-MEM-001") == 1);

    const auto blocked = run_check({"--domain-xml", made.write("sealed.xml", sealed), "--json"});
    CHECK(blocked.status == exit_status::blocked);
    CHECK(ids(nlohmann::json::parse(blocked.answer), "blocks") ==
          std::set<std::string>{"KVM-DEV-014"});
}

TEST_CASE("what is ignored is told and does not count") {
    domain_files made;
    const std::string file = made.write("sealed.xml", sealed);
    const auto said = run_check({"--domain-xml", file, "--ignore", "KVM-DEV-014"});
    CHECK(said.status == exit_status::done);
    CHECK_THAT(said.answer, Catch::Contains("[info, ignored: blocks]"));
    const auto json = run_check({"--domain-xml", file, "--ignore", "KVM-DEV-014", "--json"});
    const auto told = nlohmann::json::parse(json.answer);
    int found = 0;
    for (const auto &each : told.at("findings")) {
        if (each.at("id") != "KVM-DEV-014") continue;
        ++found;
        CHECK(each.at("severity") == "info");
        CHECK(each.at("ignored") == "blocks");
    }
    CHECK(found == 1);
    const auto wrong = run_check({"--domain-xml", file, "--ignore", "DEV-14"});
    CHECK(wrong.status == exit_status::usage);
    CHECK_THAT(wrong.messages, Catch::Contains("'DEV-14'"));
}

TEST_CASE("a file that cannot be read or parsed is named") {
    const auto gone = run_check({"--domain-xml", "/nonexistent/vm1.xml"});
    CHECK(gone.status == exit_status::usage);
    CHECK_THAT(gone.messages, Catch::Contains("/nonexistent/vm1.xml") &&
                                  Catch::Contains("No such file or directory"));
    domain_files made;
    const auto bad = run_check({"--domain-xml", made.write("bad.xml", "<domain type='kvm'/>")});
    CHECK(bad.status == exit_status::usage);
    CHECK_THAT(bad.messages, Catch::Contains("<name> is missing at /domain, line 1"));
}

TEST_CASE("findings are told the worst first, with counts") {
    const auto finding = [](std::string id, precheck::severity how) {
        precheck::finding out;
        out.id = std::move(id);
        out.how = out.before = how;
        return out;
    };
    precheck::report found;
    found.verdict = precheck::verdict::blocked;
    found.findings = {
        finding("A", precheck::severity::info), finding("B", precheck::severity::warns),
        finding("C", precheck::severity::unknown), finding("D", precheck::severity::blocks),
        finding("E", precheck::severity::blocks)};
    const std::string text = lab::cli::check_text(found);
    CHECK(text.find("D  ") < text.find("E  "));
    CHECK(text.find("E  ") < text.find("C  "));
    CHECK(text.find("C  ") < text.find("B  "));
    CHECK(text.find("B  ") < text.find("A  "));
    CHECK_THAT(text, Catch::EndsWith("\nblocked: 2 blocks, 1 unknown, 1 warns, 1 info\n"));
    CHECK(lab::cli::check_text({}) == "clear: 0 blocks, 0 unknown, 0 warns, 0 info\n");
}
