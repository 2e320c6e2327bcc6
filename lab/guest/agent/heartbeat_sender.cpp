// SPDX-License-Identifier: MIT
#include <lab/guest/agent/heartbeat_sender.hpp>

#include <lab/guest/agent/stall_watch.hpp>
#include <lab/guest/datagram.hpp>
#include <lab/guest/system_error.hpp>

#include <arpa/inet.h>
#include <ctime>
#include <netinet/in.h>
#include <sys/socket.h>

namespace kvmig::lab::guest {

expected<std::unique_ptr<heartbeat_sender>> heartbeat_sender::make(const guest_settings &settings,
                                                                   const uuid &boot_id) {
    host::descriptor socket;
    if (!settings.probe.host.empty()) {
        socket = host::descriptor{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
        if (!socket) return fail(system_error(error_kind::environment, "cannot make a UDP socket"));
    }
    return std::unique_ptr<heartbeat_sender>{
        new heartbeat_sender{std::move(socket), settings, boot_id}};
}

heartbeat_sender::heartbeat_sender(host::descriptor socket, guest_settings settings,
                                   const uuid &boot_id)
    : socket_(std::move(socket)), settings_(std::move(settings)), boot_id_(boot_id) {}

void heartbeat_sender::begin() {
    if (!socket_) return;
    thread_ = std::jthread([this](const std::stop_token &stop) { run(stop); });
}

void heartbeat_sender::run(const std::stop_token &stop) {
    run_in_real_time(10);
    sockaddr_in probe{};
    probe.sin_family = AF_INET;
    probe.sin_port = htons(settings_.probe.port);
    if (const auto address = parse_ipv4(settings_.probe.host)) probe.sin_addr = *address;
    heartbeat beat{0, {}, boot_id_, settings_.name};
    auto next = monotonic_now();
    while (!stop.stop_requested()) {
        beat.monotonic = monotonic_now();
        const auto datagram = encode(beat);
        // Not connected: an ICMP "port unreachable" while no probe listens is none of its concern.
        const auto count = ::sendto(socket_.get(), datagram.data(), datagram.size(), 0,
                                    reinterpret_cast<const sockaddr *>(&probe), sizeof probe);
        if (count < 0) {
            ++failed_; // the number is used again: what never left is not lost on the way
        } else {
            ++sent_;
            ++beat.sequence;
        }
        // After a stall the pace goes on from now, without a burst.
        next += settings_.heartbeat;
        if (next <= beat.monotonic) next = beat.monotonic + settings_.heartbeat;
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(next);
        const timespec wake{seconds.count(), (next - seconds).count()};
        ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wake, nullptr);
    }
}

} // namespace kvmig::lab::guest
