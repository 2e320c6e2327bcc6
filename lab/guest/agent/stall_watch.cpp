// SPDX-License-Identifier: MIT
#include <lab/guest/agent/stall_watch.hpp>

#include <ctime>
#include <pthread.h>
#include <sched.h>
#include <utility>

namespace kvmig::lab::guest {

std::chrono::nanoseconds monotonic_now() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec};
}

bool run_in_real_time(int priority) noexcept {
    sched_param parameters{};
    parameters.sched_priority = priority;
    return ::pthread_setschedparam(::pthread_self(), SCHED_FIFO, &parameters) == 0;
}

stall_watch::stall_watch(std::chrono::microseconds period) {
    counted_.since = monotonic_now();
    if (period.count() == 0) return;
    thread_ = std::jthread([this, period](const std::stop_token &stop) { run(stop, period); });
}

void stall_watch::run(const std::stop_token &stop, std::chrono::nanoseconds period) {
    run_in_real_time(20);
    auto last = monotonic_now();
    while (!stop.stop_requested()) {
        const auto until = last + period;
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(until);
        const timespec wake{seconds.count(), (until - seconds).count()};
        ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wake, nullptr);
        const auto now = monotonic_now();
        const std::lock_guard lock{mutex_};
        counted_.add(now - last, now);
        last = now;
    }
}

stall_histogram stall_watch::counted() const {
    const std::lock_guard lock{mutex_};
    return counted_;
}

stall_histogram stall_watch::reset() {
    stall_histogram fresh;
    fresh.since = monotonic_now();
    const std::lock_guard lock{mutex_};
    return std::exchange(counted_, fresh);
}

} // namespace kvmig::lab::guest
