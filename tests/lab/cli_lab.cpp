// SPDX-License-Identifier: MIT
// Which lab the subcommands of `lab` mean.
#include <lab/cli/subcommands.hpp>
#include <lab/cli_call.hpp>
#include <support/catch.hpp>
#include <support/temporary_directory.hpp>

#include <cstdlib>
#include <string>
#include <vector>

using namespace kvmig;

namespace {

/// `kvmig lab status` with nothing there, and `KVMIG_LAB` set to `variable` unless that is null.
std::string status(const char *variable, std::vector<std::string> more) {
    const test::temporary_directory folder;
    ::setenv("XDG_STATE_HOME", folder.path().c_str(), 1);
    if (variable != nullptr) ::setenv("KVMIG_LAB", variable, 1);
    more.insert(more.begin(), {"lab", "status"});
    const auto said = test::call(lab::cli::add_lab, std::move(more));
    ::unsetenv("KVMIG_LAB");
    ::unsetenv("XDG_STATE_HOME");
    return said.answer + said.messages;
}

} // namespace

TEST_CASE("the lab is the one that is named, else the variable's, else the default") {
    CHECK_THAT(status("of-variable", {"--lab", "of-option"}),
               Catch::Contains("of-option") && !Catch::Contains("of-variable"));
    CHECK_THAT(status("of-variable", {}), Catch::Contains("of-variable"));
    CHECK_THAT(status(nullptr, {}), Catch::Contains("default"));
    CHECK_THAT(status("", {}), Catch::Contains("default"));
}

TEST_CASE("a lab is broken only when it is up, and by a failure that is known") {
    const test::temporary_directory folder;
    ::setenv("XDG_STATE_HOME", folder.path().c_str(), 1);
    for (const char *command : {"break", "mend"}) {
        INFO(command);
        const auto unknown = test::call(lab::cli::add_lab, {"lab", command, "fail-all"});
        CHECK_THAT(unknown.messages, Catch::Contains("fail-all") && Catch::Contains("fail-fqdn"));
        const auto down = test::call(lab::cli::add_lab, {"lab", command, "fail-fqdn"});
        CHECK_THAT(down.messages, Catch::Contains("is down") && Catch::Contains("kvmig lab up"));
    }
    ::unsetenv("XDG_STATE_HOME");
}
