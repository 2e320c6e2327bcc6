// SPDX-License-Identifier: MIT
#include <lab/guest/agent/console.hpp>

#include <cerrno>
#include <chrono>
#include <string_view>
#include <unistd.h>
#include <utility>

namespace kvmig::lab::guest {

namespace {

/// A console that takes nothing for so long has nobody who reads it.
constexpr std::chrono::seconds longest_flush{5};

void put(std::string_view line) {
    while (!line.empty()) {
        const ssize_t count = ::write(STDOUT_FILENO, line.data(), line.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return; // no console is no reason to stop working
        line.remove_prefix(static_cast<std::size_t>(count));
    }
}

} // namespace

console::console() : thread_([this](const std::stop_token &stop) { run(stop); }) {}

void console::say(std::string text) {
    for (char &c : text) {
        if (c < ' ' || c > '~') c = '?';
    }
    const std::lock_guard lock{mutex_};
    waiting_.push_back("kvmig: " + std::move(text) + '\n');
    if (waiting_.size() > most_waiting) {
        waiting_.pop_front();
        ++dropped_;
    }
    changed_.notify_all();
}

void console::run(const std::stop_token &stop) {
    std::unique_lock lock{mutex_};
    // What was said before the end is still written.
    while (changed_.wait(lock, stop, [this] { return !waiting_.empty(); })) {
        auto lines = std::exchange(waiting_, {});
        const auto dropped = std::exchange(dropped_, 0);
        writing_ = true;
        lock.unlock();
        if (dropped > 0) put("kvmig: " + std::to_string(dropped) + " lines were dropped\n");
        for (const std::string &line : lines) put(line);
        lock.lock();
        writing_ = false;
        changed_.notify_all();
    }
}

void console::flush() {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, longest_flush, [this] { return waiting_.empty() && !writing_; });
}

} // namespace kvmig::lab::guest
