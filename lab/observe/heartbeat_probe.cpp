// SPDX-License-Identifier: MIT
#include <lab/observe/heartbeat_probe.hpp>

#include <kvmig/host/descriptor.hpp>
#include <lab/guest/system_error.hpp>
#include <lab/observe/background.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <ctime>
#include <map>
#include <mutex>
#include <netinet/in.h>
#include <optional>
#include <poll.h>
#include <span>
#include <sys/socket.h>
#include <utility>

namespace kvmig::lab::observe {

namespace {

using clock = std::chrono::steady_clock;

/// What came with a datagram beside its bytes.
struct arrival_facts {
    std::optional<timespec> stamp; ///< when the kernel got it, on the wall clock
    std::uint32_t dropped = 0;     ///< by this socket since it was opened
};

arrival_facts facts_of(msghdr &message) {
    arrival_facts facts;
    for (cmsghdr *part = CMSG_FIRSTHDR(&message); part != nullptr;
         part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level != SOL_SOCKET) continue;
        if (part->cmsg_type == SCM_TIMESTAMPNS) {
            timespec stamp{};
            std::memcpy(&stamp, CMSG_DATA(part), sizeof stamp);
            facts.stamp = stamp;
        } else if (part->cmsg_type == SO_RXQ_OVFL) {
            std::memcpy(&facts.dropped, CMSG_DATA(part), sizeof facts.dropped);
        }
    }
    return facts;
}

/// The steady time of the arrival: now, less what the datagram waited for this thread. The wall
/// clock is only asked for that wait, so that a step of it does no harm beyond one beat.
steady_time steady_arrival(const std::optional<timespec> &stamp) {
    const auto now = clock::now();
    if (!stamp) return now;
    timespec wall{};
    ::clock_gettime(CLOCK_REALTIME, &wall);
    const auto waited = std::chrono::seconds{wall.tv_sec - stamp->tv_sec} +
                        std::chrono::nanoseconds{wall.tv_nsec - stamp->tv_nsec};
    constexpr std::chrono::nanoseconds none{0};
    constexpr std::chrono::nanoseconds longest_believed = std::chrono::seconds{10};
    return waited < none || waited > longest_believed ? now : now - waited;
}

} // namespace

class heartbeat_probe::impl {
public:
    impl(host::descriptor socket, std::uint16_t port)
        : socket_(std::move(socket)), port_(port), started_(clock::now()) {
        thread_.begin([this] { run(); });
    }

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] steady_time started() const noexcept { return started_; }

    [[nodiscard]] std::vector<beat_key> heard() const {
        const std::lock_guard lock{mutex_};
        std::vector<beat_key> keys;
        for (const auto &[key, series] : guests_) keys.push_back(key);
        return keys;
    }
    [[nodiscard]] heartbeat_series series(const beat_key &key) const {
        const std::lock_guard lock{mutex_};
        const auto found = guests_.find(key);
        return found == guests_.end() ? heartbeat_series{} : found->second;
    }
    [[nodiscard]] std::uint64_t strangers() const {
        const std::lock_guard lock{mutex_};
        return strangers_;
    }
    [[nodiscard]] std::uint64_t overflown() const {
        const std::lock_guard lock{mutex_};
        return overflown_;
    }

    [[nodiscard]] expected<beat_key> wait_for_beat(const std::string &name, steady_time after,
                                                   std::chrono::nanoseconds watchdog,
                                                   const std::stop_token &stop) const {
        std::unique_lock lock{mutex_};
        const beat_key *found = nullptr;
        const bool beat = changed_.wait_for(lock, stop, watchdog, [&] {
            found = latest(name);
            return found != nullptr && guests_.at(*found).arrivals().back().at > after;
        });
        if (beat) return *found;
        return gave_up("no heartbeat of the guest came", name, watchdog, stop);
    }

    [[nodiscard]] expected<void> wait_for_silence(const std::string &name,
                                                  std::chrono::nanoseconds quiet,
                                                  std::chrono::nanoseconds watchdog,
                                                  const std::stop_token &stop) const {
        const auto begun = clock::now();
        const auto deadline = begun + watchdog;
        std::unique_lock lock{mutex_};
        while (true) {
            const beat_key *key = latest(name);
            const auto last =
                key == nullptr ? begun : std::max(begun, guests_.at(*key).arrivals().back().at);
            // Each beat begins the wait anew; none of it until then is the silence wanted.
            const bool beaten =
                changed_.wait_until(lock, stop, std::min(last + quiet, deadline), [&] {
                    const beat_key *newest = latest(name);
                    return newest != nullptr && guests_.at(*newest).arrivals().back().at > last;
                });
            if (stop.stop_requested() || (beaten && clock::now() >= deadline)) break;
            if (!beaten && clock::now() >= last + quiet) return {};
            if (!beaten) break;
        }
        return gave_up("the guest went on beating", name, watchdog, stop);
    }

private:
    /// The boot of this name that was heard last.
    [[nodiscard]] const beat_key *latest(const std::string &name) const {
        const beat_key *found = nullptr;
        steady_time at;
        for (const auto &[key, series] : guests_) {
            if (key.name != name) continue;
            if (found != nullptr && series.arrivals().back().at <= at) continue;
            found = &key;
            at = series.arrivals().back().at;
        }
        return found;
    }

    [[nodiscard]] static unexpected gave_up(const std::string &what, const std::string &name,
                                            std::chrono::nanoseconds watchdog,
                                            const std::stop_token &stop) {
        if (stop.stop_requested()) {
            return fail(make_error(error_kind::cancelled, "the wait was cancelled").about(name));
        }
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(watchdog).count();
        return fail(
            make_error(error_kind::timed_out, what + " within " + std::to_string(seconds) + " s")
                .about(name)
                .advise("look at the guest's console, and at its kvmig.probe"));
    }

    void run() {
        std::array<pollfd, 2> watched{
            {{thread_.asked_to_end(), POLLIN, 0}, {socket_.get(), POLLIN, 0}}};
        while (true) {
            if (::poll(watched.data(), watched.size(), -1) < 0) continue;
            if (watched[0].revents != 0) return;
            while (receive()) {
            }
        }
    }

    /// False when nothing more is waiting.
    bool receive() {
        std::array<std::uint8_t, 256> buffer{};
        alignas(cmsghdr) std::array<char, 256> control{};
        iovec part{buffer.data(), buffer.size()};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        const ssize_t count = ::recvmsg(socket_.get(), &message, 0);
        if (count < 0) return errno == EINTR;
        const auto facts = facts_of(message);
        const auto beat =
            guest::decode_heartbeat(std::span{buffer}.first(static_cast<std::size_t>(count)));
        const std::lock_guard lock{mutex_};
        overflown_ = facts.dropped;
        if (!beat) {
            ++strangers_;
            return true;
        }
        auto &series = guests_[{beat->name, beat->boot_id}];
        // Two beats that waited for this thread must not change places.
        const auto at = series.arrivals().empty()
                            ? steady_arrival(facts.stamp)
                            : std::max(steady_arrival(facts.stamp), series.arrivals().back().at);
        series.add({at, beat->sequence, beat->monotonic});
        changed_.notify_all();
        return true;
    }

    host::descriptor socket_;
    std::uint16_t port_;
    steady_time started_;
    mutable std::mutex mutex_;
    mutable std::condition_variable_any changed_;
    std::map<beat_key, heartbeat_series> guests_;
    std::uint64_t strangers_ = 0;
    std::uint64_t overflown_ = 0;
    background thread_; ///< last
};

expected<heartbeat_probe> heartbeat_probe::start(const std::string &address, std::uint16_t port) {
    const auto bind_to = guest::parse_ipv4(address);
    if (!bind_to) return fail(bind_to.error());
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(port);
    where.sin_addr = *bind_to;
    socklen_t size = sizeof where;
    host::descriptor socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    const int one = 1;
    // Some seconds of many guests, should this machine be too busy to read.
    const int buffer = 4 << 20;
    if (!socket || ::bind(socket.get(), reinterpret_cast<const sockaddr *>(&where), size) != 0 ||
        ::getsockname(socket.get(), reinterpret_cast<sockaddr *>(&where), &size) != 0 ||
        ::setsockopt(socket.get(), SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one) != 0 ||
        ::setsockopt(socket.get(), SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof one) != 0 ||
        ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer) != 0) {
        return fail(guest::system_error(error_kind::environment, "cannot listen for heartbeats")
                        .about(address + ':' + std::to_string(port))
                        .advise("end whatever else listens on that UDP port"));
    }
    return heartbeat_probe{std::make_unique<impl>(std::move(socket), ntohs(where.sin_port))};
}

heartbeat_probe::heartbeat_probe(std::unique_ptr<impl> self) : self_(std::move(self)) {}
heartbeat_probe::heartbeat_probe(heartbeat_probe &&) noexcept = default;
heartbeat_probe &heartbeat_probe::operator=(heartbeat_probe &&) noexcept = default;
heartbeat_probe::~heartbeat_probe() = default;

std::uint16_t heartbeat_probe::port() const noexcept { return self_->port(); }
steady_time heartbeat_probe::started() const noexcept { return self_->started(); }
std::vector<beat_key> heartbeat_probe::heard() const { return self_->heard(); }
heartbeat_series heartbeat_probe::series(const beat_key &key) const { return self_->series(key); }
std::uint64_t heartbeat_probe::strangers() const { return self_->strangers(); }
std::uint64_t heartbeat_probe::overflown() const { return self_->overflown(); }

expected<beat_key> heartbeat_probe::wait_for_beat(const std::string &name, steady_time after,
                                                  std::chrono::nanoseconds watchdog,
                                                  const std::stop_token &stop) const {
    return self_->wait_for_beat(name, after, watchdog, stop);
}

expected<void> heartbeat_probe::wait_for_silence(const std::string &name,
                                                 std::chrono::nanoseconds quiet,
                                                 std::chrono::nanoseconds watchdog,
                                                 const std::stop_token &stop) const {
    return self_->wait_for_silence(name, quiet, watchdog, stop);
}

} // namespace kvmig::lab::observe
