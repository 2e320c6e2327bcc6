// SPDX-License-Identifier: MIT
// The subcommands `diagnose` and `explain`.
#include <lab/cli/subcommands.hpp>
#include <lab/cli_call.hpp>
#include <support/catch.hpp>
#include <support/temporary_directory.hpp>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

using namespace kvmig;
using lab::cli::exit_status;

namespace {

/// `kvmig diagnose` of a file with this text.
test::outcome diagnose(std::string_view text, std::vector<std::string> more = {}) {
    const test::temporary_directory folder;
    const auto file = folder.path() / "messages.log";
    std::ofstream(file, std::ios::binary) << text;
    std::vector<std::string> arguments{"diagnose", file.string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return test::call(lab::cli::add_diagnose, arguments);
}

test::outcome explain(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "explain");
    return test::call(lab::cli::add_explain, std::move(arguments));
}

constexpr std::string_view rejected =
    "error: unable to connect to server at 'kvm02:49152': No route to host\n";

} // namespace

TEST_CASE("the article's message is led to the rejected port, not to SSH keys") {
    const auto said = diagnose(rejected, {"--domain", "vm1"});
    CHECK(said.status == exit_status::done);
    CHECK_THAT(said.answer, Catch::StartsWith("KVM-NET-001") &&
                                Catch::Contains("SSH has nothing to do with it") &&
                                Catch::Contains("nc -vz kvm02 49152"));
    CHECK(said.messages.empty());
}

TEST_CASE("causes as JSON have the shape that other programs rely on") {
    const auto said = diagnose(rejected, {"--json"});
    CHECK(said.status == exit_status::done);
    const auto answer = nlohmann::json::parse(said.answer);
    CHECK(answer.at("schema") == "kvmig.diagnosis/1");
    const auto &first = answer.at("causes").at(0);
    CHECK(first.at("id") == "KVM-NET-001");
    for (const char *field : {"topic", "title", "confidence"}) CHECK(first.at(field).is_string());
    CHECK_FALSE(first.at("evidence").empty());
    CHECK_FALSE(first.at("remedy").empty());
}

TEST_CASE("what is not known is called unknown, and the exit status says so") {
    const auto said = diagnose("all is well\n");
    CHECK(said.status == exit_status::failed);
    CHECK_THAT(said.answer, Catch::Contains("No cause is known"));
    const auto json = diagnose("", {"--json"});
    CHECK(json.status == exit_status::failed);
    CHECK(nlohmann::json::parse(json.answer).at("causes").empty());
}

TEST_CASE("bytes that are no text are survived, and JSON of them can be read") {
    const auto said = diagnose(std::string("\xff\xfe\0", 3) + std::string(rejected), {"--json"});
    CHECK(said.status == exit_status::done);
    CHECK(nlohmann::json::accept(said.answer));
}

TEST_CASE("a file that is not there is named") {
    const auto said = test::call(lab::cli::add_diagnose, {"diagnose", "/nonexistent/log"});
    CHECK(said.status == exit_status::failed);
    CHECK(said.answer.empty());
    CHECK_THAT(said.messages,
               Catch::Contains("/nonexistent/log") && Catch::Contains("No such file or directory"));
}

TEST_CASE("explain prints the whole entry") {
    const auto said = explain({"KVM-NET-001"});
    CHECK(said.status == exit_status::done);
    CHECK_THAT(said.answer, Catch::StartsWith("KVM-NET-001") && Catch::Contains("example") &&
                                Catch::Contains("No route to host"));
}

TEST_CASE("an id that does not exist is wrong usage, with those near it") {
    const auto said = explain({"KVM-NET-9"});
    CHECK(said.status == exit_status::usage);
    CHECK_THAT(said.messages, Catch::Contains("KVM-NET-9") && Catch::Contains("KVM-NET-0"));
}

TEST_CASE("explain lists every id once, and as Markdown too") {
    const auto list = explain({"--list"});
    CHECK(list.status == exit_status::done);
    CHECK_THAT(list.answer, Catch::Contains("KVM-NET-001") && Catch::Contains("KVM-NET-003"));
    const auto page = explain({"--markdown"});
    CHECK(page.status == exit_status::done);
    CHECK_THAT(page.answer, Catch::StartsWith("#") && Catch::Contains("KVM-NET-001"));
    CHECK_FALSE(
        test::refusal_of(lab::cli::add_explain, {"explain", "KVM-NET-001", "--list"}).empty());
}
