// SPDX-License-Identifier: MIT
// The subcommand `nfs probe`, against a real NFS server and libvirt's own test driver.
#include <lab/cli/subcommands.hpp>
#include <lab/cli_call.hpp>
#include <support/nfs_server.hpp>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

using namespace kvmig;
using lab::cli::exit_status;

namespace {

test::outcome probe(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"nfs", "probe"});
    return test::call(lab::cli::add_nfs, std::move(arguments));
}

std::string probe_refused(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"nfs", "probe"});
    return test::refusal_of(lab::cli::add_nfs, std::move(arguments));
}

} // namespace

TEST_CASE("nfs probe needs a folder and two who may share it") {
    CHECK_THAT(probe_refused({}), Catch::Contains("PATH"));
    CHECK_THAT(probe_refused({"/srv"}), Catch::Contains("--with"));
    CHECK_THAT(probe_refused({"/srv", "--from", "a"}), Catch::Contains("--to"));
    CHECK_FALSE(probe_refused({"/srv", "--to", "a"}).empty());
    CHECK_FALSE(probe_refused({"/srv", "--from", "a", "--to", "b", "--with", "nfs://s/e"}).empty());
    CHECK_FALSE(probe_refused({"/srv", "--with", "nfs://s/e", "--timeout", "-1"}).empty());
    CHECK(probe_refused({"/srv", "--from", "a", "--to", "b", "--server", "nfs://s/e"}).empty());
    CHECK(probe_refused({"/srv", "--from", "a", "--with", "nfs://s/e"}).empty());
    CHECK(probe_refused({"/srv", "--with", "nfs://s/e"}).empty());

    CHECK(probe({"srv", "--with", "nfs://s/e"}).status == exit_status::usage);
    CHECK(probe({"/srv", "--with", "nfs://s"}).status == exit_status::usage);
    CHECK(probe({"/srv", "--with", "nfs://s/e", "--server", "s:/e"}).status == exit_status::usage);
    CHECK(probe({"/srv", "--with", "nfs://s/e", "--image", "a/b"}).status == exit_status::usage);
    CHECK(probe({"/srv", "--from", "no uri", "--to", "b"}).status == exit_status::usage);
}

TEST_CASE("a folder is told to be the export, or not to be it") {
    KVMIG_NEEDS_NFS_SERVER();
    const test::nfs_server server;
    const test::temporary_directory elsewhere;
    auto said = probe({server.data().string(), "--with", server.url(), "--json"});
    INFO(said.answer << said.messages);
    CHECK(said.status == exit_status::done);
    auto told = nlohmann::json::parse(said.answer);
    CHECK(told.at("schema") == "kvmig.nfs-probe/1");
    CHECK(told.at("verdict") == "shared");
    CHECK(told.at("places").at(0).at("path") == server.data().string());
    CHECK(told.at("places").at(1).at("server") == test::nfs_server::address);
    CHECK(told.at("left").empty());

    said = probe({elsewhere.path().string(), "--with", server.url(), "--timeout", "0", "--server",
                  server.url()});
    INFO(said.answer << said.messages);
    CHECK(said.status == exit_status::failed);
    CHECK_THAT(said.answer, Catch::StartsWith("not shared\n"));
    CHECK_THAT(said.answer, Catch::Contains("does not show the token of"));
    CHECK(std::filesystem::is_empty(server.data()));
    CHECK(std::filesystem::is_empty(elsewhere.path()));
}

TEST_CASE("what cannot be proven is not known, and why is told") {
    // The test driver takes no content for a volume.
    test::folder files;
    const std::string from = files.node("a", "vm1");
    const std::string to = files.node("b", "vm2");
    const auto said = probe({"/srv/images", "--from", from, "--to", to});
    INFO(said.answer << said.messages);
    CHECK(said.status == exit_status::failed);
    CHECK_THAT(said.answer, Catch::StartsWith("unknown\n"));
    CHECK_THAT(said.answer, Catch::Contains("writing to ") && Catch::Contains("failed: "));

    const auto twice = probe({"/srv/images", "--from", from, "--to", from});
    CHECK(twice.status == exit_status::usage);
    CHECK_THAT(twice.messages, Catch::Contains("same host"));
}
