// SPDX-License-Identifier: MIT
/// One connection of libnfs, driven by its asynchronous calls, so that a server that says nothing
/// ends in an error.
///
/// libnfs itself waits and reconnects for ever. Here it does neither: a connection that is lost, or
/// silent for longer than `patience`, is given up, and every later call says so. Whoever wants to
/// go on connects again; what was written and not yet synced may then be lost (a server that
/// restarted forgets unstable writes), so that must be written again.
///
/// One thread at a time (libnfs 4 knows no locks).
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/nfs/api.hpp>
#include <kvmig/nfs/error.hpp>
#include <kvmig/nfs/quiet_pipe.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <poll.h>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::nfs {

/// How long a server may be silent while an answer is due.
inline constexpr std::chrono::milliseconds default_patience{30'000};

/// How long a server may ask to be asked again later: longer than the grace period after its start,
/// 90 s unless it is told otherwise.
inline constexpr std::chrono::seconds longest_delay{120};

/// To be held while libnfs connects: libnfs 4 looks for a free port by a counter that all contexts
/// share, whatever their threads.
[[nodiscard]] inline std::unique_lock<std::mutex> while_connecting() {
    static std::mutex one_at_a_time;
    return std::unique_lock(one_at_a_time);
}

/// A connection to one server, and the calls under way on it.
class session {
public:
    using clock = std::chrono::steady_clock; ///< By which patience is told.
    /// Called once, with what libnfs gave: its status (≥ 0: success), and the answer; or why not.
    using answer = std::function<void(int status, void *data, const answer_text &failed)>;
    /// Reads the answer of a call that succeeded.
    using reader = std::function<void(int status, void *data)>;

    /// `server` is for messages. Once `waits_until` is asked to stop, a server that wants to be
    /// asked again later is not.
    static expected<std::shared_ptr<session>>
    make(std::string server, std::chrono::milliseconds patience, std::stop_token waits_until = {}) {
        nfs_context *raw = ::nfs_init_context();
        if (raw == nullptr) {
            return fail(make_error(error_kind::environment, "libnfs made no context: no memory"));
        }
        ::nfs_set_autoreconnect(raw, 0);
        return std::shared_ptr<session>(
            new session(raw, std::move(server), patience, std::move(waits_until)));
    }
    ~session() {
        const quiet_pipe quiet;
        if (!connected_) {
            // libnfs forgets a connection that is being made, unless it is told that it failed.
            const auto alone = while_connecting();
            ::nfs_service(raw_, POLLHUP);
        }
        ::nfs_destroy_context(raw_); // calls back whatever is still under way
    }
    session(const session &) = delete;
    session &operator=(const session &) = delete;

    /// libnfs's own, which stays this object's.
    [[nodiscard]] nfs_context *raw() const noexcept { return raw_; }
    /// Its name or address, as it was given.
    [[nodiscard]] const std::string &server() const noexcept { return server_; }
    /// Why the connection is gone; nothing while it is not.
    [[nodiscard]] const std::optional<error> &lost() const noexcept { return lost_; }
    /// Calls begun and not answered.
    [[nodiscard]] std::size_t under_way() const noexcept { return under_way_; }

    /// Starts a call: `begin(nfs_context *, nfs_cb, void *)` hands it to libnfs. `done` is called
    /// from `service` or, at the latest, when the session ends; never when an error is returned
    /// here.
    template <class Begin> expected<void> start(Begin begin, answer done) {
        if (lost_) return fail(*lost_);
        auto *about = new call{this, std::move(done)}; // owned by the callback
        const quiet_pipe quiet;
        const auto alone = connected_ ? std::unique_lock<std::mutex>() : while_connecting();
        if (under_way_ == 0) last_heard_ = clock::now();
        if (begin(raw_, &session::finish, static_cast<void *>(about)) != 0) {
            delete about;
            const char *text = ::nfs_get_error(raw_);
            return fail(make_error(error_kind::failed, "libnfs did not take the call: " +
                                                           std::string(text ? text : "no reason"))
                            .on(server_));
        }
        ++under_way_;
        return {};
    }

    /// What to wait for; `fd` is -1 between two connections.
    [[nodiscard]] pollfd wanted() const noexcept {
        pollfd out{};
        out.fd = ::nfs_get_fd(raw_);
        out.events = static_cast<short>(::nfs_which_events(raw_));
        return out;
    }

    /// Lets libnfs act on what `poll` told. Gives the connection up when it is lost, or has been
    /// silent for too long while something is under way.
    expected<void> service(short revents) {
        if (lost_) return fail(*lost_);
        if ((revents & POLLIN) != 0) last_heard_ = clock::now();
        int status = 0;
        {
            const quiet_pipe quiet;
            const auto alone = connected_ ? std::unique_lock<std::mutex>() : while_connecting();
            serving_ = true;
            status = ::nfs_service(raw_, revents);
            serving_ = false;
        }
        if (status < 0) {
            // Of a connection that the server closed libnfs says nothing: what stands there is
            // older.
            const char *text = ::nfs_get_error(raw_);
            const std::string said = text != nullptr ? text : "";
            give_up(error_kind::unreachable, "the connection was lost",
                    said.starts_with("NFS:") ? "" : said);
            tell_ambiguous();
            return fail(*lost_);
        }
        tell_ambiguous();
        if (under_way_ > 0 && clock::now() - last_heard_ > patience_) {
            give_up(error_kind::timed_out,
                    "no answer for " + std::to_string(patience_.count() / 1000) + " s", "");
            return fail(*lost_);
        }
        return {};
    }

    /// Serves the connection until `ready`, or until it is lost or `stop` is asked for.
    template <class Ready> expected<void> wait(Ready ready, const std::stop_token &stop = {}) {
        while (!ready()) {
            if (stop.stop_requested()) {
                give_up(error_kind::cancelled, "cancelled while an answer was due", "");
                return fail(*lost_);
            }
            pollfd one = wanted();
            constexpr int look_around_ms = 100; // at the stop token and the clock
            const int count = ::poll(&one, one.fd < 0 ? 0 : 1, look_around_ms);
            if (count < 0 && errno != EINTR) {
                give_up(error_kind::failed, "poll failed", std::strerror(errno));
                return fail(*lost_);
            }
            if (auto served = service(count > 0 ? one.revents : short{0}); !served) return served;
        }
        return {};
    }

    /// One call from start to end. `take(status, data)` reads the answer; `what` and `path` are for
    /// the error. The answer's status, ≥ 0.
    template <class Begin>
    expected<int> call_and_wait(std::string_view what, std::string_view path, const Begin &begin,
                                const reader &take = {}, const std::stop_token &stop = {}) {
        return told(what, path, call_once(begin, take, stop));
    }

    /// As `call_and_wait`, begun anew while the server asks for patience, up to `longest_delay`.
    /// Not for calls that leave something other than it was when they fail.
    template <class Begin>
    expected<int> call_patiently(std::string_view what, std::string_view path, const Begin &begin,
                                 const reader &take = {}, const std::stop_token &stop = {}) {
        constexpr std::chrono::milliseconds at_most{2'000};
        const auto until = clock::now() + longest_delay;
        for (std::chrono::milliseconds pause{100};; pause = std::min(pause * 2, at_most)) {
            auto ended = call_once(begin, take, stop);
            if (!ended || ended->status >= 0 || !asks_for_patience(ended->failed) ||
                clock::now() >= until || waits_until_.stop_requested()) {
                return told(what, path, std::move(ended));
            }
            const auto again = clock::now() + pause;
            const auto enough = [&] {
                return clock::now() >= again || waits_until_.stop_requested();
            };
            if (auto waited = wait(enough, stop); !waited) {
                return told(what, path, fail(std::move(waited).error()));
            }
        }
    }

    /// From now on this session is used by one thread without regard to others.
    void connected() noexcept { connected_ = true; }

private:
    struct call {
        session *of;
        answer done;
    };

    session(nfs_context *raw, std::string server, std::chrono::milliseconds patience,
            std::stop_token waits_until)
        : raw_(raw), server_(std::move(server)), patience_(patience),
          waits_until_(std::move(waits_until)) {}

    /// A call that ended with EFAULT.
    struct ambiguous {
        answer done;
        answer_text failed;
    };

    /// What libnfs answered.
    struct outcome {
        bool done = false;
        int status = 0;
        answer_text failed;
    };

    /// Fails when there was no answer.
    template <class Begin>
    expected<outcome> call_once(const Begin &begin, const reader &take,
                                const std::stop_token &stop) {
        // Shared: after giving up, libnfs calls back when the session ends.
        auto out = std::make_shared<outcome>();
        auto started = start(begin, [out, take](int status, void *data, const answer_text &failed) {
            if (out->done) return;
            out->done = true;
            out->status = status;
            out->failed = failed;
            if (status >= 0 && take) take(status, data);
        });
        if (!started) return fail(std::move(started).error());
        const auto waited = wait([&out] { return out->done; }, stop);
        if (!waited && (!out->done || out->failed.number == ECONNRESET)) {
            out->done = true; // whatever comes later has nobody to tell
            return fail(waited.error());
        }
        return *out;
    }

    [[nodiscard]] expected<int> told(std::string_view what, std::string_view path,
                                     expected<outcome> ended) const {
        if (!ended) {
            error err = std::move(ended).error();
            err.what = std::string(what) + " failed: " + err.what;
            return fail(std::move(err).about(std::string(path)));
        }
        if (ended->status < 0) return fail(failure(what, path, server_, ended->failed));
        return ended->status;
    }

    static void finish(int status, nfs_context *nfs, void *data, void *about) {
        const std::unique_ptr<call> ended(static_cast<call *>(about));
        session &of = *ended->of;
        --of.under_way_;
        answer_text failed;
        if (status < 0) {
            failed = read_answer(status, static_cast<const char *>(data), ::nfs_get_error(nfs));
        }
        if (status == -EFAULT && of.serving_) {
            of.ambiguous_.push_back({std::move(ended->done), std::move(failed)});
            return;
        }
        ended->done(status, data, failed);
    }

    /// By EFAULT libnfs 4 tells what the server refused and a connection that is gone alike, and
    /// of the latter the text is that of an earlier call. Which it was is known after the service.
    void tell_ambiguous() {
        for (const ambiguous &one : std::exchange(ambiguous_, {})) {
            one.done(-EFAULT, nullptr, lost_ ? answer_text{ECONNRESET, lost_->what} : one.failed);
        }
    }

    void give_up(error_kind kind, std::string what, const std::string &text) {
        lost_ = make_error(kind, std::move(what)).on(server_);
        if (!text.empty()) lost_->causes.push_back(make_error(kind, text));
        if (kind == error_kind::timed_out || kind == error_kind::unreachable) {
            lost_->remedy = "see that the server runs and can be reached: rpcinfo -t " + server_ +
                            " nfs 3; showmount -e " + server_;
        }
    }

    nfs_context *raw_;
    std::string server_;
    std::chrono::milliseconds patience_;
    std::stop_token waits_until_;
    clock::time_point last_heard_ = clock::now();
    std::optional<error> lost_;
    std::size_t under_way_ = 0;
    bool connected_ = false;
    bool serving_ = false; ///< libnfs may be telling of a connection that it lost
    std::vector<ambiguous> ambiguous_;
};

} // namespace kvmig::nfs
