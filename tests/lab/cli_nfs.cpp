// SPDX-License-Identifier: MIT
// The subcommands `nfs ls` and `nfs cp`.
#include <lab/cli/copy_progress.hpp>
#include <lab/cli/subcommands.hpp>
#include <lab/cli_call.hpp>
#include <support/nfs_server.hpp>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

using namespace kvmig;
using lab::cli::exit_status;
using nlohmann::json;

namespace {

test::outcome kvmig_nfs(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "nfs");
    return test::call(lab::cli::add_nfs, std::move(arguments));
}

} // namespace

TEST_CASE("nfs ls tells exports and folders, as text and as JSON") {
    KVMIG_NEEDS_NFS_SERVER();
    const test::nfs_server server;
    std::ofstream(server.data() / "vm1.raw") << "12345";
    std::filesystem::create_directory(server.data() / "more");

    const auto told_exports = kvmig_nfs({"ls", "192.0.2.1"});
    CHECK(told_exports.status == exit_status::done);
    CHECK(told_exports.answer == server.data().string() + "  everyone\n");
    const auto listed = json::parse(kvmig_nfs({"ls", "nfs://192.0.2.1/", "--json"}).answer);
    CHECK(listed.at("schema") == "kvmig.nfs-ls/1");
    CHECK(listed.at("exports").at(0).at("path") == server.data().string());

    const auto folder = kvmig_nfs({"ls", server.url()});
    CHECK(folder.status == exit_status::done);
    CHECK(folder.answer.find("more/\n") != std::string::npos);
    const auto entries = json::parse(kvmig_nfs({"ls", server.url(), "--json"}).answer);
    CHECK(entries.at("export") == server.data().string());
    CHECK(entries.at("entries").at(1).at("name") == "vm1.raw");
    CHECK(entries.at("entries").at(1).at("size") == 5);

    const auto nothing = kvmig_nfs({"ls", "nfs://192.0.2.1/nowhere/at/all"});
    CHECK(nothing.status == exit_status::failed);
    CHECK(nothing.messages.find(server.data().string()) != std::string::npos);
    CHECK(kvmig_nfs({"ls", "nfs://192.0.2.1/a?timeo=7"}).status == exit_status::usage);
}

TEST_CASE("nfs cp copies into folders and back, and refuses what is there") {
    KVMIG_NEEDS_NFS_SERVER();
    const test::nfs_server server;
    const test::temporary_directory folder;
    const auto image = (folder.path() / "vm1.raw").string();
    std::ofstream(image) << "an image";

    const auto up = kvmig_nfs({"cp", image, server.url() + "/", "--verify", "--json"});
    INFO(up.messages);
    REQUIRE(up.status == exit_status::done);
    const auto told = json::parse(up.answer);
    CHECK(told.at("schema") == "kvmig.nfs-cp/1");
    CHECK(told.at("to") == server.url("vm1.raw"));
    CHECK(told.at("verified") == true);
    CHECK(told.at("size") == 8);
    CHECK(told.at("checksum").get<std::string>().starts_with("xxh3-128:"));
    CHECK(test::run({"cmp", "-s", image, server.path("vm1.raw")}) == 0);

    std::filesystem::create_directory(folder.path() / "down");
    const auto down = kvmig_nfs({"cp", server.url("vm1.raw"), (folder.path() / "down").string()});
    CHECK(down.status == exit_status::done);
    CHECK(down.answer.find((folder.path() / "down" / "vm1.raw").string()) == 0);
    CHECK(down.messages.find("note: NFSv3 shows no locks") != std::string::npos);
    CHECK(test::run({"cmp", "-s", image, (folder.path() / "down" / "vm1.raw").string()}) == 0);

    const auto again = kvmig_nfs({"cp", image, server.url("vm1.raw")});
    CHECK(again.status == exit_status::failed);
    CHECK(again.messages.find("--replace") != std::string::npos);
    CHECK(kvmig_nfs({"cp", image, server.url("vm1.raw"), "--replace"}).status == exit_status::done);
    CHECK(kvmig_nfs({"cp", image, "nfs://h"}).status == exit_status::usage);
}

TEST_CASE("nfs cp is told what becomes of a backing file") {
    KVMIG_NEEDS_NFS_SERVER();
    const test::nfs_server server;
    const test::temporary_directory folder;
    const std::string cd = "cd '" + folder.path().string() + "' && ";
    REQUIRE(
        test::run({"sh", "-c",
                   cd + "qemu-img create -q -f qcow2 base.qcow2 8M && qemu-io -c 'write -q -P 7 "
                        "0 1M' base.qcow2 && qemu-img create -q -f qcow2 -b base.qcow2 -F "
                        "qcow2 vm1.qcow2"}) == 0);
    const auto image = (folder.path() / "vm1.qcow2").string();

    const auto silent = kvmig_nfs({"cp", image, server.url() + "/"});
    CHECK(silent.status == exit_status::usage);
    CHECK(silent.messages.find("stands on 'base.qcow2'") != std::string::npos);
    CHECK(silent.messages.find("--backing copy") != std::string::npos);

    const auto left = kvmig_nfs({"cp", image, server.url() + "/", "--backing", "leave"});
    CHECK(left.status == exit_status::done);
    CHECK(left.messages.find("'base.qcow2', which is not there yet") != std::string::npos);

    const auto whole =
        kvmig_nfs({"cp", image, server.url() + "/", "--backing", "copy", "--replace", "--json"});
    INFO(whole.messages);
    REQUIRE(whole.status == exit_status::done);
    const auto told = json::parse(whole.answer);
    CHECK(told.at("to") == server.url("vm1.qcow2"));
    CHECK(told.at("backing").at(0).at("to") == server.url("base.qcow2"));
    CHECK(told.at("backing").at(0).at("was_there") == false);
    CHECK(test::run({"qemu-img", "compare", "-q", image, server.path("vm1.qcow2")}) == 0);

    const auto text = kvmig_nfs({"cp", image, server.url("vm2.qcow2"), "--backing", "copy"});
    CHECK(text.answer.find("base.qcow2: 1.") != std::string::npos);
    CHECK(text.answer.find("was there already, and is equal") != std::string::npos);

    const auto rebased = kvmig_nfs({"cp", image, server.url("vm3.qcow2"), "--rebase", "vm1.qcow2",
                                    "--rebase-format", "qcow2"});
    CHECK(rebased.status == exit_status::done);
    CHECK(test::run({"qemu-img", "compare", "-q", image, server.path("vm3.qcow2")}) == 0);

    for (const std::vector<std::string> &wrong : {std::vector<std::string>{"--backing", "move"},
                                                  {"--rebase", "a", "--backing", "copy"},
                                                  {"--rebase-format", "raw"},
                                                  {"--raw", "--rebase", "a"}}) {
        std::vector<std::string> words{"cp", image, server.url("wrong.qcow2")};
        words.insert(words.end(), wrong.begin(), wrong.end());
        CHECK_THROWS_AS(kvmig_nfs(words), CLI::ParseError);
    }
}

TEST_CASE("the progress of a copy tells rate and time left of its own part") {
    lab::cli::copy_progress live(true);
    CHECK(live.at({bytes::mib(0), bytes::mib(100), false}, 10) == "copying: 0.0 of 100.0 MiB");
    CHECK(live.at({bytes::mib(1), bytes::mib(100), false}, 10.1).empty());
    CHECK(live.at({bytes::mib(20), bytes::mib(100), false}, 12) ==
          "copying: 20.0 of 100.0 MiB, 10.0 MiB/s, 8 s left");
    CHECK(live.at({bytes::mib(0), bytes::mib(100), true}, 13) == "reading back: 0.0 of 100.0 MiB");
    CHECK(live.at({bytes::mib(50), bytes::mib(100), true}, 14) ==
          "reading back: 50.0 of 100.0 MiB, 50.0 MiB/s, 1 s left");

    lab::cli::copy_progress chain(true);
    CHECK(chain.at({bytes::mib(1), bytes::mib(2), false, 1, 2}, 0) ==
          "copying file 1 of 2: 1.0 of 2.0 MiB");
    CHECK(chain.at({bytes::mib(0), bytes::mib(9), false, 2, 2}, 0.1) ==
          "copying file 2 of 2: 0.0 of 9.0 MiB");

    lab::cli::copy_progress plain(false);
    CHECK(plain.at({bytes::mib(0), bytes::mib(100), false}, 0).empty());
    CHECK(plain.at({bytes::mib(10), bytes::mib(100), false}, 1).empty());
    CHECK_FALSE(plain.at({bytes::mib(20), bytes::mib(100), false}, 2).empty());
    CHECK(plain.at({bytes::mib(30), bytes::mib(100), false}, 3).empty());
}
