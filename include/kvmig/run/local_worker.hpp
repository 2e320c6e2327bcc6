// SPDX-License-Identifier: MIT
/// Local reads and writes on a thread of their own, so that a disk and a server work at one time.
#pragma once

#include <kvmig/core/error.hpp>
#include <kvmig/core/expected.hpp>
#include <kvmig/host/descriptor.hpp>
#include <kvmig/run/copy_end.hpp>

#include <cerrno>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <poll.h>
#include <stop_token>
#include <string>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace kvmig::run {

/// Carries out one piece of work after another, in the order in which they came. All is called by
/// the one thread that copies, and calls back in it; only the work itself is done by another.
class local_worker {
public:
    /// Reads or writes; tells how many bytes.
    using work = std::function<expected<std::size_t>()>;

    local_worker() = default;
    local_worker(const local_worker &) = delete;
    local_worker &operator=(const local_worker &) = delete;
    local_worker(local_worker &&) = delete;
    local_worker &operator=(local_worker &&) = delete;
    /// Waits for the piece under way; those behind it are dropped, and nobody is called back.
    ~local_worker() { settle(); }

    /// What `act` uses, and what `done` holds, lives until `done` was called or dropped.
    [[nodiscard]] expected<void> submit(work act, copy_completion done) {
        if (auto ready = start(); !ready) return ready;
        ++under_way_;
        const std::scoped_lock held(lock_);
        todo_.push_back({std::move(act), std::move(done)});
        changed_.notify_one();
        return {};
    }
    /// For poll(2); nothing while nothing is under way.
    [[nodiscard]] std::optional<pollfd> wanted() const {
        if (under_way_ == 0) return std::nullopt;
        return pollfd{told_.get(), POLLIN, 0};
    }
    /// Calls back what is done.
    void serve() {
        if (under_way_ == 0) return;
        std::uint64_t count = 0;
        // Empty where nothing was done: it does not block.
        while (::read(told_.get(), &count, sizeof count) < 0 && errno == EINTR) {
        }
        std::deque<finished> now;
        {
            const std::scoped_lock held(lock_);
            now.swap(done_);
        }
        for (finished &each : now) {
            --under_way_;
            each.tell(std::move(each.end));
        }
    }
    /// Drops what has not begun, waits for what has, and calls nobody back.
    void settle() {
        std::unique_lock held(lock_);
        todo_.clear();
        changed_.wait(held, [this] { return !busy_; });
        done_.clear();
        under_way_ = 0;
    }

private:
    struct job {
        work act;
        copy_completion tell;
    };
    struct finished {
        copy_completion tell;
        expected<std::size_t> end;
    };

    [[nodiscard]] expected<void> start() {
        if (thread_.joinable()) return {};
        told_ = host::descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        if (!told_) {
            return fail(
                make_error(error_kind::environment, "eventfd failed")
                    .because(make_error(error_kind::environment,
                                        std::strerror(errno)))); // NOLINT(concurrency-mt-unsafe)
        }
        thread_ = std::jthread([this](const std::stop_token &stop) { run(stop); });
        return {};
    }
    void run(const std::stop_token &stop) {
        std::unique_lock held(lock_);
        while (changed_.wait(held, stop, [this] { return !todo_.empty(); })) {
            job now = std::move(todo_.front());
            todo_.pop_front();
            busy_ = true;
            held.unlock();
            auto end = now.act();
            held.lock();
            busy_ = false;
            done_.push_back({std::move(now.tell), std::move(end)});
            changed_.notify_all();
            const std::uint64_t one = 1;
            while (::write(told_.get(), &one, sizeof one) < 0 && errno == EINTR) {
            }
        }
    }

    host::descriptor told_; ///< readable once something is done
    std::size_t under_way_ = 0;
    std::mutex lock_; ///< of what follows
    std::condition_variable_any changed_;
    std::deque<job> todo_;
    std::deque<finished> done_;
    bool busy_ = false;
    std::jthread thread_; // last: it uses the others
};

} // namespace kvmig::run
