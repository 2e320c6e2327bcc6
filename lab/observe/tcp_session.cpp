// SPDX-License-Identifier: MIT
#include <lab/observe/tcp_session.hpp>

#include <kvmig/host/descriptor.hpp>
#include <lab/guest/system_error.hpp>
#include <lab/observe/background.hpp>
#include <lab/observe/connection.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <poll.h>
#include <span>
#include <sys/socket.h>
#include <utility>

namespace kvmig::lab::observe {

namespace {
using clock = std::chrono::steady_clock;
} // namespace

class tcp_session::impl {
public:
    impl(host::descriptor socket, session_options options)
        : socket_(std::move(socket)), options_(std::move(options)) {
        report_.connected = clock::now();
        thread_.begin([this] { run(); });
    }
    ~impl() { end(); }
    impl(const impl &) = delete;
    impl &operator=(const impl &) = delete;

    void end() {
        thread_.end();
        socket_.reset();
    }

    [[nodiscard]] session_report report() const {
        const std::lock_guard lock{mutex_};
        session_report result = report_;
        if (!open_.empty()) {
            const auto until = report_.broken ? report_.broken->when : clock::now();
            result.waiting = until - open_.front();
        }
        return result;
    }

    [[nodiscard]] expected<void> wait_for_answer(steady_time after,
                                                 std::chrono::nanoseconds watchdog,
                                                 const std::stop_token &stop) const {
        std::unique_lock lock{mutex_};
        const auto answered = [&] {
            return !report_.round_trips.empty() && report_.round_trips.back().asked > after;
        };
        changed_.wait_for(lock, stop, watchdog,
                          [&] { return answered() || report_.broken.has_value(); });
        if (answered()) return {};
        if (report_.broken) return fail(report_.broken->why);
        if (stop.stop_requested()) {
            return fail(make_error(error_kind::cancelled, "the wait was cancelled")
                            .about(options_.address));
        }
        return fail(make_error(error_kind::timed_out, "no answer came over the TCP session")
                        .about(options_.address));
    }

private:
    void run() {
        auto next = clock::now();
        while (true) {
            const auto now = clock::now();
            if (now >= next) {
                ask(now);
                // Late is late: no burst of questions makes up for it.
                next = std::max(next + options_.pace, now);
            }
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - clock::now());
            std::array<pollfd, 2> watched{
                {{thread_.asked_to_end(), POLLIN, 0}, {socket_.get(), events(), 0}}};
            const int ready = ::poll(watched.data(), watched.size(),
                                     static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
            if (ready > 0 && watched[0].revents != 0) return;
            std::optional<error> failed;
            if (ready > 0 && (watched[1].revents & POLLOUT) != 0) failed = send();
            if (!failed && ready > 0 && (watched[1].revents & ~POLLOUT) != 0) failed = receive();
            if (!failed) failed = lost_patience();
            if (failed) {
                const std::lock_guard lock{mutex_};
                report_.broken = session_break{clock::now(), std::move(*failed)};
                changed_.notify_all();
                return;
            }
        }
    }

    [[nodiscard]] short events() const noexcept {
        return static_cast<short>(unsent_.empty() ? POLLIN : POLLIN | POLLOUT);
    }

    /// Puts one question more on the way.
    void ask(steady_time now) {
        std::array<std::uint8_t, guest::echo_question_bytes> question{};
        const std::lock_guard lock{mutex_};
        guest::wire::put(question, report_.asked++);
        unsent_.append(question.begin(), question.end());
        open_.push_back(now);
    }

    [[nodiscard]] std::optional<error> send() {
        while (!unsent_.empty()) {
            const ssize_t count =
                ::send(socket_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
            if (count < 0 && errno == EINTR) continue;
            if (count < 0 && errno == EAGAIN) return std::nullopt;
            if (count < 0) return broken("sending failed");
            unsent_.erase(0, static_cast<std::size_t>(count));
        }
        return std::nullopt;
    }

    [[nodiscard]] std::optional<error> receive() {
        while (true) {
            const ssize_t count =
                ::recv(socket_.get(), answer_.data() + read_, answer_.size() - read_, 0);
            if (count < 0 && errno == EINTR) continue;
            if (count < 0 && errno == EAGAIN) return std::nullopt;
            if (count < 0) return broken("receiving failed");
            if (count == 0) {
                return make_error(error_kind::unreachable, "the guest closed the TCP session")
                    .about(options_.address);
            }
            read_ += static_cast<std::size_t>(count);
            if (read_ < answer_.size()) continue;
            read_ = 0;
            if (auto wrong = take(guest::decode_echo_answer(answer_))) return wrong;
        }
    }

    /// Answers come in order, and the guest has counted them on this connection.
    [[nodiscard]] std::optional<error> take(const guest::echo_answer &answer) {
        const auto now = clock::now();
        const std::lock_guard lock{mutex_};
        if (report_.answered == 0) report_.boot_id = answer.boot_id;
        if (open_.empty() || answer.sequence != report_.answered ||
            answer.answered != report_.answered || answer.boot_id != report_.boot_id) {
            return make_error(error_kind::protocol,
                              "the TCP session was answered out of turn: number " +
                                  std::to_string(answer.sequence) + " as number " +
                                  std::to_string(answer.answered) + " by boot " +
                                  answer.boot_id.text() + ", expected " +
                                  std::to_string(report_.answered) + " by boot " +
                                  report_.boot_id.text())
                .about(options_.address);
        }
        const round_trip trip{open_.front(), now - open_.front()};
        open_.pop_front();
        ++report_.answered;
        if (trip.took > report_.longest.took) report_.longest = trip;
        report_.round_trips.push_back(trip);
        changed_.notify_all();
        return std::nullopt;
    }

    [[nodiscard]] std::optional<error> lost_patience() const {
        const std::lock_guard lock{mutex_};
        if (open_.empty() || clock::now() - open_.front() < options_.patience) return std::nullopt;
        return make_error(error_kind::timed_out, "the TCP session had no answer for " +
                                                     std::to_string(options_.patience.count()) +
                                                     " ms")
            .about(options_.address);
    }

    [[nodiscard]] error broken(const char *what) const {
        return guest::system_error(error_kind::unreachable,
                                   std::string("the TCP session broke: ") + what)
            .about(options_.address);
    }

    host::descriptor socket_;
    session_options options_;
    std::string unsent_; ///< of the thread alone, as the next two
    std::array<std::uint8_t, guest::echo_answer_bytes> answer_{};
    std::size_t read_ = 0;
    mutable std::mutex mutex_;
    mutable std::condition_variable_any changed_;
    std::deque<steady_time> open_; ///< when the unanswered questions were asked
    session_report report_;
    background thread_; ///< last
};

expected<tcp_session> tcp_session::start(session_options options, const std::stop_token &stop) {
    if (options.pace <= std::chrono::milliseconds{0}) {
        return fail(make_error(error_kind::invalid_argument,
                               "the pace of a TCP session is at least a millisecond")
                        .about(options.address));
    }
    const stop_descriptor stopped{stop};
    auto socket =
        connect_to(options.address, options.port, clock::now() + options.connect_timeout, stopped);
    if (!socket) return fail(socket.error());
    return tcp_session{std::make_unique<impl>(std::move(*socket), std::move(options))};
}

tcp_session::tcp_session(std::unique_ptr<impl> self) : self_(std::move(self)) {}
tcp_session::tcp_session(tcp_session &&) noexcept = default;
tcp_session &tcp_session::operator=(tcp_session &&) noexcept = default;
tcp_session::~tcp_session() = default;

session_report tcp_session::report() const { return self_->report(); }

expected<void> tcp_session::wait_for_answer(steady_time after, std::chrono::nanoseconds watchdog,
                                            const std::stop_token &stop) const {
    return self_->wait_for_answer(after, watchdog, stop);
}

session_report tcp_session::stop() {
    self_->end();
    return self_->report();
}

nlohmann::json to_json(const session_report &report, steady_time origin) {
    auto trips = nlohmann::json::array();
    for (const round_trip &trip : report.round_trips) {
        if (trip.asked < origin - kept_before) continue;
        trips.push_back({to_milliseconds(trip.asked - origin), to_milliseconds(trip.took)});
    }
    nlohmann::json out{{"boot_id", report.boot_id.text()},
                       {"asked", report.asked},
                       {"answered", report.answered},
                       {"connected_ms", to_milliseconds(report.connected - origin)},
                       {"longest_round_trip_ms", to_milliseconds(report.longest.took)},
                       {"longest_asked_ms", to_milliseconds(report.longest.asked - origin)},
                       {"waiting_ms", to_milliseconds(report.waiting)},
                       {"round_trips", std::move(trips)}};
    if (report.answered == 0) out.erase("longest_asked_ms");
    if (report.broken) {
        out["broken"] = {{"at_ms", to_milliseconds(report.broken->when - origin)},
                         {"why", describe(report.broken->why)}};
    }
    return out;
}

} // namespace kvmig::lab::observe
