// SPDX-License-Identifier: MIT
/// This program as a process of its own, which a scenario may kill.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/host/command.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace kvmig::lab {

/// `kvmig ARGUMENTS…`, by the very program that runs here.
[[nodiscard]] host::command kvmig_command(std::vector<std::string> arguments);

/// A program on a thread of its own.
class child {
public:
    explicit child(const host::command &cmd)
        : thread_([this, cmd](const std::stop_token &stop) {
              auto outcome = host::run(cmd, stop);
              const std::scoped_lock held(lock_);
              outcome_ = std::move(outcome);
              changed_.notify_all();
          }) {}

    /// Whether it has ended, after waiting for that for a while.
    [[nodiscard]] bool ended_within(std::chrono::milliseconds most, const std::stop_token &stop) {
        std::unique_lock held(lock_);
        return changed_.wait_for(held, stop, most, [&] { return outcome_.has_value(); });
    }
    /// By its `grace`.
    void end() {
        thread_.request_stop();
        thread_.join();
    }
    [[nodiscard]] const std::optional<expected<host::command_result>> &outcome() const {
        return outcome_;
    }

private:
    std::mutex lock_;
    std::condition_variable_any changed_;
    std::optional<expected<host::command_result>> outcome_;
    std::jthread thread_; // last: it uses the others
};

} // namespace kvmig::lab
