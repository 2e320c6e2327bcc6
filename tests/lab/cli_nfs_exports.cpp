// SPDX-License-Identifier: MIT
// The subcommand `nfs exports`: from files, from a real server's mountd, and from hosts, for which
// programs in PATH stand in.
#include <lab/cli/nfs_exports.hpp>
#include <lab/cli_call.hpp>
#include <support/nfs_server.hpp>
#include <support/stand_ins.hpp>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace kvmig;
using Catch::Contains;
using lab::cli::exit_status;
using nlohmann::json;

namespace {

test::outcome run_exports(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "exports");
    return test::call(lab::cli::add_nfs_exports, std::move(arguments));
}

std::string exports_refused(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "exports");
    return test::refusal_of(lab::cli::add_nfs_exports, std::move(arguments));
}

/// `SEVERITY ID` of each finding.
std::set<std::string> found(const json &answer) {
    std::set<std::string> out;
    for (const auto &each : answer.at("findings")) {
        out.insert(each.at("severity").get<std::string>() + " " + each.at("id").get<std::string>());
    }
    return out;
}

// As exportfs -v of nfs-utils 2.6.2 tells it.
const std::string exportfs_told =
    "/srv/images   \t192.0.2.11(sync,wdelay,hide,no_subtree_check,fsid=1,"
    "sec=sys,rw,secure,no_root_squash,no_all_squash)\n"
    "/srv/images   \t192.0.2.12(sync,wdelay,hide,no_subtree_check,fsid=1,"
    "sec=sys,rw,secure,no_root_squash,no_all_squash)\n";
const std::string world = "/srv/a-path-that-is-long\n\t\t<world>(async,wdelay,hide,"
                          "no_subtree_check,fsid=2,sec=sys,rw,secure,root_squash,all_squash)\n";
const std::string mounted =
    "310 28 0:52 / /images rw,relatime - nfs4 nfs:/srv/images rw,vers=4.2,rsize=524288,"
    "wsize=524288,hard,proto=tcp,timeo=600,retrans=2,sec=sys,local_lock=none,addr=192.0.2.13\n";
const std::string other =
    "310 28 0:52 / /images rw,relatime - nfs4 nfs:/srv/copies rw,vers=4.2,rsize=524288,"
    "wsize=524288,soft,proto=tcp,timeo=600,retrans=2,sec=sys,local_lock=none,addr=192.0.2.13\n";

/// Whether a mountd is here or not does not matter: it is not reached over a network.
const std::string here = "127.0.0.1";

} // namespace

TEST_CASE("nfs exports needs a server, and a host or a file for each thing") {
    CHECK_THAT(exports_refused({}), Contains("SERVER"));
    CHECK_FALSE(exports_refused({"nfs.lab", "--ask", "a", "--exports-file", "f"}).empty());
    CHECK_FALSE(exports_refused({"nfs.lab", "--source", "a", "--mounts-source", "f"}).empty());
    CHECK_FALSE(
        exports_refused({"nfs.lab", "--destination", "a", "--mounts-destination", "f"}).empty());
    CHECK(exports_refused(
              {"nfs.lab", "--ask", "a", "--mounts-source", "f", "--ignore", "A", "--ignore", "B"})
              .empty());

    const auto url = run_exports({"nfs.lab/srv"});
    CHECK(url.status == exit_status::usage);
    CHECK_THAT(url.messages, Contains("nfs.lab/srv") && Contains("without a path"));
    const auto id = run_exports({"nfs.lab", "--ignore", "KVM-STO-999"});
    CHECK(id.status == exit_status::usage);
    CHECK_THAT(id.messages, Contains("KVM-STO-999"));
}

TEST_CASE("files that cannot be read, or are something else, are wrong usage") {
    test::stand_ins made;
    const auto missing = run_exports({"nfs.lab", "--exports-file", made.path("none")});
    CHECK(missing.status == exit_status::usage);
    CHECK_THAT(missing.messages, Contains("--exports-file") && Contains("No such file"));
    const std::string wrong = made.write("exports", "/srv kvm01(rw)\n/srv/b kvm01(rww)\n");
    const auto option = run_exports({"nfs.lab", "--exports-file", wrong});
    CHECK(option.status == exit_status::usage);
    CHECK(option.answer.empty());
    CHECK_THAT(option.messages, Contains(wrong + ", line 2, column 14"));
    const auto mounts = run_exports({"nfs.lab", "--mounts-source", wrong});
    CHECK(mounts.status == exit_status::usage);
    CHECK_THAT(mounts.messages, Contains("mountinfo, line 1") && Contains(wrong));
}

TEST_CASE("files alone: each is judged as what it is, and nobody is asked") {
    test::stand_ins made;
    // Whoever is asked after all ends the test.
    made.program("ssh", "touch '" + made.path("asked") + "'\n");
    struct row {
        const char *what;
        std::string exports, source, destination;
        std::set<std::string> expected;
        exit_status status;
    };
    const std::string host = "/srv/images 192.0.2.11(rw,no_subtree_check,no_root_squash,fsid=1)\n";
    const std::vector<row> rows = {
        {"nothing is wrong", exportfs_told, mounted, mounted, {}, exit_status::done},
        {"a table of exports", "# a store\n" + host, mounted, mounted, {}, exit_status::done},
        {"a table that tells wdelay once",
         "/srv/images\t192.0.2.11(rw,wdelay,no_subtree_check,no_root_squash,fsid=1)\n"
         "/srv/more 192.0.2.11(rw,async,no_subtree_check,no_root_squash,fsid=2)\n",
         "",
         "",
         {"warns KVM-STO-101"},
         exit_status::done},
        {"to everybody, by async and all_squash",
         exportfs_told + world,
         mounted,
         mounted,
         {"warns KVM-STO-101", "warns KVM-STO-103", "warns KVM-STO-106"},
         exit_status::done},
        {"one path, two exports, the other soft",
         exportfs_told,
         mounted,
         other,
         {"blocks KVM-STO-116", "warns KVM-STO-112"},
         exit_status::blocked},
        {"no options are known", "", mounted, mounted, {"unknown KVM-STO-121"}, exit_status::done},
    };
    for (const row &each : rows) {
        INFO(each.what);
        std::vector<std::string> arguments = {"nfs.lab", "--json"};
        const auto give = [&](const std::string &option, const std::string &text) {
            if (text.empty()) return;
            arguments.push_back(option);
            arguments.push_back(made.write(option.substr(2), text));
        };
        give("--exports-file", each.exports);
        give("--mounts-source", each.source);
        give("--mounts-destination", each.destination);
        const auto said = run_exports(arguments);
        INFO(said.messages);
        CHECK(said.status == each.status);
        const auto answer = json::parse(said.answer);
        CHECK(answer.at("schema") == "kvmig.nfs-exports/1");
        CHECK(answer.at("server") == "nfs.lab");
        CHECK(answer.at("mountd").is_null());
        CHECK(answer.at("source").is_null() == each.source.empty());
        CHECK(found(answer) == each.expected);
    }
    CHECK_FALSE(std::filesystem::exists(made.path("asked")));
}

TEST_CASE("each option in force is told with a sentence, and then what is wrong") {
    test::stand_ins made;
    const std::string file =
        made.write("exports", "/srv/images kvm01(rw,async,no_subtree_check,no_root_squash,fsid=1) "
                              "kvm02(rw,async,no_subtree_check,no_root_squash,fsid=1)\n");
    const std::vector<std::string> asked = {"nfs.lab", "--exports-file", file, "--mounts-source",
                                            made.write("mounts", mounted)};
    const auto text = run_exports(asked);
    CHECK(text.status == exit_status::done);
    CHECK(text.messages.empty());
    CHECK(text.answer.starts_with("nfs.lab:/srv/images to kvm01, kvm02\n  async "));
    CHECK_THAT(text.answer,
               Contains("async             The server answers a write before the data is on "
                        "stable storage: what was acknowledged is lost if it crashes.\n") &&
                   Contains("fsid=1            File handles name the file system by 1 instead") &&
                   Contains("Mounts of source:\n  nfs:/srv/images at '/images', version 4.2, tcp, "
                            "read-write, hard\n") &&
                   Contains("KVM-STO-101  The NFS server acknowledges writes that are not on disk  "
                            "[warns]\n  seen     nfs.lab: '/srv/images' is exported to 'kvm01' (" +
                            file + ", line 1) with async") &&
                   Contains("\nwarns: 0 blocks, 0 unknown, 2 warns, 0 info\n"));

    auto ignoring = asked;
    ignoring.insert(ignoring.end(), {"--ignore", "KVM-STO-101", "--json"});
    const auto answer = json::parse(run_exports(ignoring).answer);
    CHECK(answer.at("verdict") == "clear");
    CHECK(answer.at("findings").at(0).at("ignored") == "warns");
    const auto &client = answer.at("options").at("exports").at(0).at("clients").at(1);
    CHECK(client.at("name") == "kvm02");
    CHECK(client.at("line") == 1);
    CHECK(client.at("options").at(0).at("option") == "async");
    CHECK_THAT(client.at("options").at(0).at("means").get<std::string>(), Contains("is lost"));
    CHECK(answer.at("source").at("mounts").at(0).at("mountpoint") == "/images");
    CHECK(answer.at("destination").is_null());
}

TEST_CASE("an option of another release is told as one that is not known") {
    test::stand_ins made;
    const std::string file =
        made.write("told", "/srv/images   \tkvm01(sync,wdelay,hide,no_subtree_check,fsid=1,novel,"
                           "sec=sys,rw,secure,no_root_squash,no_all_squash)\n");
    const auto said = run_exports({"nfs.lab", "--exports-file", file});
    CHECK(said.status == exit_status::done);
    CHECK_THAT(said.answer, Contains("novel             no option of exports(5) that is known"));
}

TEST_CASE("mountd is asked: what it does not tell is unknown") {
    KVMIG_NEEDS_NFS_SERVER();
    const test::nfs_server server;
    const auto text = run_exports({"192.0.2.1"});
    INFO(text.messages);
    CHECK(text.status == exit_status::done);
    CHECK(text.answer.starts_with("Exports of 192.0.2.1, as its mountd tells:\n  " +
                                  server.data().string() + "  everyone\n"));
    CHECK_THAT(text.answer, Contains("mountd tells none; give --ask") &&
                                Contains("\nunknown: 0 blocks, 1 unknown"));
    const auto answer = json::parse(run_exports({"192.0.2.1", "--json"}).answer);
    CHECK(answer.at("mountd").at("exports").at(0).at("path") == server.data().string());
    CHECK(answer.at("mountd").at("unknown").is_null());
    CHECK(found(answer) == std::set<std::string>{"unknown KVM-STO-121"});

    // Nobody is at this address of the server's machine.
    const auto nobody = run_exports({"192.0.2.99", "--patience", "1"});
    CHECK(nobody.status == exit_status::failed);
    CHECK_THAT(nobody.messages, Contains("the exports could not be asked for"));
    test::stand_ins made;
    made.program("exportfs", "printf '%s' '" + exportfs_told + "'\n");
    const auto others = json::parse(
        run_exports({"192.0.2.99", "--patience", "1", "--ask", "localhost", "--json"}).answer);
    CHECK_THAT(others.at("mountd").at("unknown").get<std::string>(),
               Contains("the exports could not be asked for"));
    CHECK(others.at("options").at("exports").at(0).at("path") == "/srv/images");
}

TEST_CASE("hosts are asked by ssh, in words that no shell reads, and localhost without") {
    test::stand_ins made;
    made.write("told", exportfs_told);
    made.write("mount", mounted);
    made.program("ssh", "printf '<%s>' \"$@\" >>'" + made.path("words") + "'\ncase \"$*\" in\n" +
                            "*exportfs*) cat '" + made.path("told") + "' ;;\n*) cat '" +
                            made.path("mount") + "' ;;\nesac\n");
    const auto said = run_exports({here, "--ask", "root@nfs.example", "--source", "$(a); b",
                                   "--destination", "localhost", "--json"});
    INFO(said.messages);
    CHECK(said.status == exit_status::done);
    const std::string how = "<-o><BatchMode=yes><-o><ConnectTimeout=10><-->";
    CHECK(made.text("words") ==
          how + "<root@nfs.example><exportfs><-v>" + how + "<$(a); b><cat></proc/self/mountinfo>");
    const auto answer = json::parse(said.answer);
    CHECK(answer.at("options").at("host") == "root@nfs.example");
    CHECK(answer.at("options").at("exports").at(0).at("clients").size() == 2);
    CHECK(answer.at("source").at("mounts").at(0).at("path") == "/srv/images");
    CHECK(answer.at("destination").at("host") == "localhost");
    CHECK(answer.at("destination").at("mounts").is_array());
}

TEST_CASE("a host that cannot be asked is unknown, with what ssh said") {
    const auto said =
        run_exports({here, "--ask", "nowhere.invalid", "--source", "nowhere.invalid", "--json"});
    CHECK(said.status == exit_status::done);
    const auto answer = json::parse(said.answer);
    CHECK(answer.at("verdict") == "unknown");
    for (const char *part : {"options", "source"}) {
        INFO(part);
        CHECK_THAT(answer.at(part).at("unknown").get<std::string>(),
                   Contains("ended with status 255: ") && Contains("nowhere.invalid"));
    }
    CHECK(answer.at("findings").size() == 2);
    // What comes back may also be something else.
    test::stand_ins made;
    made.program("ssh", "echo 'Welcome to nfs'\n");
    const auto greeted = json::parse(run_exports({here, "--ask", "a", "--json"}).answer);
    CHECK_THAT(greeted.at("options").at("unknown").get<std::string>(),
               Contains("cannot read what exportfs -v told, line 1"));
}

TEST_CASE("what is called off is not told as unknown") {
    const auto said =
        test::call(lab::cli::add_nfs_exports, {"exports", here, "--ask", "localhost"}, true);
    CHECK(said.status == exit_status::cancelled);
    CHECK(said.answer.empty());
}
