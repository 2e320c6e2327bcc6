// SPDX-License-Identifier: MIT
/// The guest's console: plain lines, written by a thread of their own, since a console that
/// nobody reads may block.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

namespace kvmig::lab::guest {

class console {
public:
    /// Lines beyond these wait for nobody: the oldest are dropped, and their number is told.
    static constexpr std::size_t most_waiting = 256;

    console();

    /// Writes `kvmig: TEXT` on standard output, some time soon. Whatever is no printable ASCII
    /// character becomes `?`, so that a line stays a line.
    void say(std::string text);

    /// Waits until everything that was said is written, but not for ever.
    void flush();

private:
    void run(const std::stop_token &stop);

    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<std::string> waiting_;
    std::size_t dropped_ = 0;
    bool writing_ = false;
    std::jthread thread_; ///< last: it uses everything above
};

} // namespace kvmig::lab::guest
