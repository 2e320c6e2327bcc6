// SPDX-License-Identifier: MIT
/// What the thread that calls libvirt and libvirt's events tell the one thread that drives a
/// migration.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/migration/event.hpp>
#include <kvmig/model/job.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

namespace kvmig::run {

/// A queue with one consumer. What is told may come from any thread.
class inbox {
public:
    /// Something was seen to happen.
    void tell(migration::event e) {
        const std::scoped_lock held(lock_);
        events_.push_back(e);
        nudged_ = true;
        changed_.notify_all();
    }
    /// Something happened that is worth a look.
    void nudge() {
        const std::scoped_lock held(lock_);
        nudged_ = true;
        changed_.notify_all();
    }
    /// The job has ended, with these statistics.
    void job_ended(model::job_statistics last) {
        const std::scoped_lock held(lock_);
        statistics_ = std::move(last);
        nudged_ = true;
        changed_.notify_all();
    }
    /// The call that moves the guest has returned.
    void returned(expected<void> outcome) {
        const std::scoped_lock held(lock_);
        outcome_ = std::move(outcome);
        changed_.notify_all();
    }

    /// Waits for something to be told, for `stop`, or for `most`; gives the events told since.
    [[nodiscard]] std::vector<migration::event> wait(std::chrono::milliseconds most,
                                                     const std::stop_token &stop) {
        std::unique_lock held(lock_);
        if (stop.stop_requested()) {
            // Asked for already: what is waited for now is the effect.
            changed_.wait_for(held, most, [&] { return outcome_ || !events_.empty(); });
        } else {
            changed_.wait_for(held, stop, most, [&] { return outcome_ || nudged_; });
        }
        nudged_ = false;
        return std::exchange(events_, {});
    }
    /// What the call returned, once.
    [[nodiscard]] std::optional<expected<void>> take_outcome() {
        const std::scoped_lock held(lock_);
        return std::exchange(outcome_, std::nullopt);
    }
    /// The final statistics from the event of the job's end, if it comes within `most`.
    [[nodiscard]] std::optional<model::job_statistics>
    final_statistics(std::chrono::milliseconds most) {
        std::unique_lock held(lock_);
        changed_.wait_for(held, most, [&] { return statistics_.has_value(); });
        return statistics_;
    }

private:
    std::mutex lock_;
    std::condition_variable_any changed_;
    std::vector<migration::event> events_;
    bool nudged_ = false;
    std::optional<expected<void>> outcome_;
    std::optional<model::job_statistics> statistics_;
};

} // namespace kvmig::run
