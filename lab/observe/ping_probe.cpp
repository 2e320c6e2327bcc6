// SPDX-License-Identifier: MIT
#include <lab/observe/ping_probe.hpp>

#include <kvmig/host/descriptor.hpp>
#include <lab/guest/settings.hpp>
#include <lab/guest/system_error.hpp>
#include <lab/observe/background.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <optional>
#include <poll.h>
#include <random>
#include <span>
#include <sys/socket.h>
#include <utility>

namespace kvmig::lab::observe {

namespace {

using clock = std::chrono::steady_clock;

/// RFC 792: type, code, checksum (2), identifier (2), sequence (2); then 8 bytes of data: a token
/// that tells this probe's answers from others'. The sequence is the ping's number, modulo 2^16.
constexpr std::size_t ping_bytes = 16;

std::uint16_t checksum(std::span<const std::uint8_t> data) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i + 1 < data.size(); i += 2) {
        sum += static_cast<std::uint32_t>(data[i] << 8U | data[i + 1]);
    }
    while (sum >> 16U != 0) sum = (sum & 0xFFFFU) + (sum >> 16U);
    return static_cast<std::uint16_t>(~sum);
}

void put16(std::span<std::uint8_t> out, std::uint16_t value) {
    out[0] = static_cast<std::uint8_t>(value >> 8U);
    out[1] = static_cast<std::uint8_t>(value);
}

std::array<std::uint8_t, ping_bytes> request(std::uint16_t sequence, std::uint64_t token) {
    std::array<std::uint8_t, ping_bytes> out{};
    const std::span<std::uint8_t> all{out};
    out[0] = ICMP_ECHO;
    put16(all.subspan(4), static_cast<std::uint16_t>(token));
    put16(all.subspan(6), sequence);
    for (std::size_t i = 0; i < 8; ++i) out[8 + i] = static_cast<std::uint8_t>(token >> (8 * i));
    put16(all.subspan(2), checksum(out));
    return out;
}

/// The sequence of an answer to a ping with this token; nothing for any other packet.
std::optional<std::uint16_t> answer(std::span<const std::uint8_t> packet, bool with_ip_header,
                                    std::uint64_t token) {
    if (with_ip_header) {
        if (packet.empty()) return std::nullopt;
        const std::size_t head = std::size_t{packet[0] & 0x0FU} * 4;
        if (packet.size() < head) return std::nullopt;
        packet = packet.subspan(head);
    }
    if (packet.size() != ping_bytes || packet[0] != ICMP_ECHOREPLY) return std::nullopt;
    for (std::size_t i = 0; i < 8; ++i) {
        if (packet[8 + i] != static_cast<std::uint8_t>(token >> (8 * i))) return std::nullopt;
    }
    return static_cast<std::uint16_t>(packet[6] << 8U | packet[7]);
}

} // namespace

class ping_probe::impl {
public:
    impl(host::descriptor socket, bool raw, in_addr address, std::string name,
         std::chrono::milliseconds pace)
        : socket_(std::move(socket)), raw_(raw), name_(std::move(name)), pace_(pace) {
        where_.sin_family = AF_INET;
        where_.sin_addr = address;
        std::random_device source;
        token_ = std::uint64_t{source()} << 32U | source();
        thread_.begin([this] { run(); });
    }

    void end() { thread_.end(); }

    [[nodiscard]] ping_record record() const {
        const std::lock_guard lock{mutex_};
        return record_;
    }

    [[nodiscard]] expected<void> wait_for_answer(steady_time after,
                                                 std::chrono::nanoseconds watchdog,
                                                 const std::stop_token &stop) const {
        std::unique_lock lock{mutex_};
        const auto answered = [&] { return newest_answered_ && *newest_answered_ > after; };
        changed_.wait_for(lock, stop, watchdog, [&] { return answered() || failed_.has_value(); });
        if (answered()) return {};
        if (failed_) return fail(*failed_);
        if (stop.stop_requested()) {
            return fail(make_error(error_kind::cancelled, "the wait was cancelled").about(name_));
        }
        return fail(make_error(error_kind::timed_out, "no ping was answered in time")
                        .about(name_)
                        .advise("look at the guest's console, and at the bridge it is on"));
    }

private:
    void run() {
        auto next = clock::now();
        while (true) {
            const auto now = clock::now();
            if (now >= next) {
                send(now);
                next = std::max(next + pace_, now);
            }
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - clock::now());
            std::array<pollfd, 2> watched{
                {{thread_.asked_to_end(), POLLIN, 0}, {socket_.get(), POLLIN, 0}}};
            const int ready = ::poll(watched.data(), watched.size(),
                                     static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
            if (ready > 0 && watched[0].revents != 0) return;
            while (ready > 0 && receive()) {
            }
            const std::lock_guard lock{mutex_};
            if (failed_) return;
        }
    }

    void send(steady_time now) {
        const std::lock_guard lock{mutex_};
        const auto packet = request(static_cast<std::uint16_t>(record_.pings().size()), token_);
        const ssize_t count = ::sendto(socket_.get(), packet.data(), packet.size(), 0,
                                       reinterpret_cast<const sockaddr *>(&where_), sizeof where_);
        const int number = errno;
        record_.add_sent(now);
        if (count >= 0) return;
        // No route for the moment, a full queue: a ping like one that was lost on the way.
        constexpr std::array passing{EAGAIN,   EINTR,       ENOBUFS,   EHOSTUNREACH,
                                     ENETDOWN, ENETUNREACH, EHOSTDOWN, ECONNREFUSED};
        if (std::find(passing.begin(), passing.end(), number) != passing.end()) return;
        failed_ = guest::system_error(error_kind::io, "cannot send a ping", number).about(name_);
        changed_.notify_all();
    }

    /// False when nothing more is waiting.
    bool receive() {
        std::array<std::uint8_t, 512> buffer{};
        const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
        // A pending ICMP error (host unreachable) is told once by recv, and is over with that.
        if (count < 0) return errno != EAGAIN;
        const auto now = clock::now();
        const auto sequence =
            answer(std::span{buffer}.first(static_cast<std::size_t>(count)), raw_, token_);
        if (!sequence) return true;
        const std::lock_guard lock{mutex_};
        // The newest ping of that sequence; an answer is never 65536 pings late.
        const std::size_t sent = record_.pings().size();
        const auto behind = static_cast<std::uint16_t>(sent - 1 - *sequence);
        if (sent == 0 || behind >= sent) return true;
        const std::size_t number = sent - 1 - behind;
        record_.add_answer(number, now);
        const steady_time asked = record_.pings()[number].sent;
        if (!newest_answered_ || asked > *newest_answered_) newest_answered_ = asked;
        changed_.notify_all();
        return true;
    }

    host::descriptor socket_;
    bool raw_;
    sockaddr_in where_{};
    std::string name_;
    std::chrono::milliseconds pace_;
    std::uint64_t token_ = 0;
    mutable std::mutex mutex_;
    mutable std::condition_variable_any changed_;
    ping_record record_;
    std::optional<steady_time> newest_answered_; ///< when it was sent
    std::optional<error> failed_;
    background thread_; ///< last
};

expected<ping_probe> ping_probe::start(const std::string &address, std::chrono::milliseconds pace) {
    const auto parsed = guest::parse_ipv4(address);
    if (!parsed) return fail(parsed.error());
    if (pace <= std::chrono::milliseconds{0}) {
        return fail(
            make_error(error_kind::invalid_argument, "the pace of pings is at least a millisecond")
                .about(address));
    }
    constexpr int flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
    bool raw = true;
    host::descriptor socket{::socket(AF_INET, SOCK_RAW | flags, IPPROTO_ICMP)};
    if (!socket) {
        raw = false;
        socket = host::descriptor{::socket(AF_INET, SOCK_DGRAM | flags, IPPROTO_ICMP)};
    }
    if (!socket) {
        return fail(guest::system_error(error_kind::environment, "cannot ping from here")
                        .about(address)
                        .advise("run as root, or allow it with sysctl net.ipv4.ping_group_range"));
    }
    return ping_probe{std::make_unique<impl>(std::move(socket), raw, *parsed, address, pace)};
}

ping_probe::ping_probe(std::unique_ptr<impl> self) : self_(std::move(self)) {}
ping_probe::ping_probe(ping_probe &&) noexcept = default;
ping_probe &ping_probe::operator=(ping_probe &&) noexcept = default;
ping_probe::~ping_probe() = default;

ping_record ping_probe::record() const { return self_->record(); }

expected<void> ping_probe::wait_for_answer(steady_time after, std::chrono::nanoseconds watchdog,
                                           const std::stop_token &stop) const {
    return self_->wait_for_answer(after, watchdog, stop);
}

ping_record ping_probe::stop() {
    self_->end();
    return self_->record();
}

} // namespace kvmig::lab::observe
