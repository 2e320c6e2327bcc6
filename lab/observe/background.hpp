// SPDX-License-Identifier: MIT
/// A thread that waits in poll(2), and is told there to end.
#pragma once

#include <lab/observe/connection.hpp>

#include <stop_token>
#include <thread>
#include <utility>

namespace kvmig::lab::observe {

/// To be the last member of its owner: the thread uses what stands above, and ends before it does.
/// Throws `std::system_error` when no eventfd can be had.
class background {
public:
    background() = default;
    ~background() { end(); }
    background(const background &) = delete;
    background &operator=(const background &) = delete;

    /// Once. `work` returns when `asked_to_end` is readable.
    template <class Work> void begin(Work work) { thread_ = std::jthread(std::move(work)); }
    [[nodiscard]] int asked_to_end() const noexcept { return asked_.get(); }
    /// Returns when the thread has.
    void end() {
        stop_.request_stop();
        if (thread_.joinable()) thread_.join();
    }

private:
    std::stop_source stop_;
    stop_descriptor asked_{stop_.get_token()};
    std::jthread thread_;
};

} // namespace kvmig::lab::observe
