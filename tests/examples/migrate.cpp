// SPDX-License-Identifier: MIT
// migrate DOMAIN FROM-URI TO-URI: live, with progress; Ctrl-C leaves the guest at the source.
#include <kvmig/libvirt/event_loop.hpp>
#include <kvmig/run/migrate.hpp>

#include <csignal>
#include <iostream>
#include <stop_token>
#include <thread>

int main(int argc, char *argv[]) {
    if (argc != 4) return std::cerr << "usage: migrate DOMAIN FROM-URI TO-URI\n", 2;
    // Blocked before any thread begins, so that only the one that waits for it gets the signal.
    sigset_t interrupt;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    pthread_sigmask(SIG_BLOCK, &interrupt, nullptr);
    std::stop_source cancel;
    std::thread([cancel, interrupt]() mutable {
        int number = 0;
        sigwait(&interrupt, &number);
        cancel.request_stop();
    }).detach();

    const auto events = kvmig::libvirt::event_loop::start(); // notices a daemon that dies
    if (!events) return std::cerr << describe(events.error()) << '\n', 1;
    kvmig::libvirt::quiet_errors(); // they are told below
    const auto from = kvmig::libvirt::connection::open(argv[2]);
    const auto to = kvmig::libvirt::connection::open(argv[3]);
    if (!from || !to) return std::cerr << describe(!from ? from.error() : to.error()) << '\n', 1;
    const auto domain = kvmig::libvirt::domain::find(*from, argv[1]);
    if (!domain) return std::cerr << describe(domain.error()) << '\n', 1;

    const auto show = [](const kvmig::model::job_progress &now) {
        if (const auto done = now.fraction()) {
            std::cerr << static_cast<int>(*done * 100) << " %" << std::endl;
        }
    };
    const auto result = kvmig::run::migrate(*domain, *to, {}, show, cancel.get_token());
    if (!result) return std::cerr << describe(result.error()) << '\n', 1;
    std::cout << result->guest.text() << '\n';
}
