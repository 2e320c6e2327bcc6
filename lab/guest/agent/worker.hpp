// SPDX-License-Identifier: MIT
/// A thread that owns something: it does a steady duty, and in between the jobs of others.
#pragma once

#include <kvmig/core/expected.hpp>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

namespace kvmig::lab::guest {

/// What a duty needs no lock for, since only this thread touches it.
class worker {
public:
    using clock = std::chrono::steady_clock;
    /// Does what is due, and says when it wants to be called again; nothing: after the next job.
    using duty = std::function<std::optional<clock::time_point>()>;
    /// Does one piece of a job; the result ends it. The duty goes on between the pieces.
    template <class T> using piece = std::function<std::optional<expected<T>>()>;

    explicit worker(duty what)
        : duty_(std::move(what)), thread_([this](const std::stop_token &stop) { run(stop); }) {}
    ~worker() { stop(); }
    worker(const worker &) = delete;
    worker &operator=(const worker &) = delete;

    /// Ends the thread after the piece it is at; whoever waits for a job is told `cancelled`.
    void stop() {
        thread_.request_stop();
        if (thread_.joinable()) thread_.join();
    }

    /// Has a job done and waits for it, at most until `deadline`. The job may go on after that.
    template <class T>
    [[nodiscard]] expected<T> ask(piece<T> job,
                                  clock::time_point deadline = clock::time_point::max()) {
        auto result = std::make_shared<std::optional<expected<T>>>();
        std::unique_lock lock{mutex_};
        jobs_.push_back([this, result, job = std::move(job)] {
            auto done = job();
            if (!done) return false;
            const std::lock_guard guard{mutex_};
            *result = std::move(done);
            return true;
        });
        changed_.notify_all();
        const auto settled = [&] { return result->has_value() || ended_; };
        if (deadline == clock::time_point::max()) {
            changed_.wait(lock, settled);
        } else {
            changed_.wait_until(lock, deadline, settled);
        }
        if (result->has_value()) return std::move(**result);
        return ended_ ? fail(error_kind::cancelled, "the guest is shutting down")
                      : fail(error_kind::timed_out, "the guest's worker is kept busy");
    }

private:
    void run(const std::stop_token &stop) {
        while (!stop.stop_requested()) {
            const auto next = duty_();
            std::unique_lock lock{mutex_};
            const auto wanted = [this] { return !jobs_.empty(); };
            if (next) {
                changed_.wait_until(lock, stop, *next, wanted);
            } else {
                changed_.wait(lock, stop, wanted);
            }
            if (jobs_.empty()) continue;
            // The deque's front stays where it is while others push behind it.
            const std::function<bool()> &job = jobs_.front();
            lock.unlock();
            const bool done = job();
            lock.lock();
            if (!done) continue;
            jobs_.pop_front();
            changed_.notify_all();
        }
        const std::lock_guard lock{mutex_};
        ended_ = true;
        changed_.notify_all();
    }

    duty duty_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<std::function<bool()>> jobs_;
    bool ended_ = false;
    std::jthread thread_; ///< last: it uses everything above
};

} // namespace kvmig::lab::guest
