// SPDX-License-Identifier: MIT
// The guest's agent: its first process, or an ordinary one where its parts are tested.
#include <lab/guest/agent/console.hpp>
#include <lab/guest/agent/init.hpp>
#include <lab/guest/agent/workload_agent.hpp>
#include <lab/guest/settings.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/signalfd.h>
#include <unistd.h>
#include <vector>

namespace {

using namespace kvmig;
using namespace kvmig::lab::guest;

/// As init's: 2 when the arguments are wrong, 1 when the agent cannot start.
int run_as_process(const std::vector<std::string> &arguments) {
    std::vector<std::string> entries;
    for (std::string_view argument : arguments) {
        if (argument.starts_with("--")) argument.remove_prefix(2);
        entries.emplace_back(argument);
    }
    const auto settings = parse_settings(entries);
    if (!settings) {
        std::fprintf(stderr, "%s\n", describe(settings.error()).c_str());
        return 2;
    }
    sigset_t signals{};
    sigemptyset(&signals);
    for (const int number : {SIGINT, SIGTERM}) sigaddset(&signals, number);
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);
    const host::descriptor ended{::signalfd(-1, &signals, SFD_CLOEXEC)};

    console out;
    const auto agent = workload_agent::start(*settings, settings->address.host, {}, out);
    if (!agent) {
        std::fprintf(stderr, "%s\n", describe(agent.error()).c_str());
        return 1;
    }
    std::array<pollfd, 2> watched{
        {{ended.get(), POLLIN, 0}, {(*agent)->shutdown_descriptor(), POLLIN, 0}}};
    while (::poll(watched.data(), watched.size(), -1) < 0) {
    }
    (*agent)->finish(std::chrono::steady_clock::now() + std::chrono::seconds{30});
    return 0;
}

} // namespace

int main(int argc, char *argv[]) {
    if (::getpid() == 1) run_as_init();
    return run_as_process({argv + 1, argv + argc});
}
