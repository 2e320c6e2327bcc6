// SPDX-License-Identifier: MIT
#include <lab/topology/lock.hpp>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <sys/file.h>
#include <thread>
#include <unistd.h>

namespace kvmig::lab {

namespace {

std::string content_of(int fd) {
    std::array<char, 256> buffer{};
    const ssize_t count = ::pread(fd, buffer.data(), buffer.size(), 0);
    std::string text{buffer.data(), count > 0 ? static_cast<std::size_t>(count) : 0};
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

/// `flock` that a stop request interrupts: the waiting thread is woken by a signal whose handler
/// does nothing, again and again until it has heard it.
int lock_interruptibly(int fd, const std::stop_token &stop) {
    struct sigaction wake {};
    wake.sa_handler = [](int) {};
    ::sigaction(SIGUSR1, &wake, nullptr);
    std::atomic<bool> done = false;
    std::atomic<bool> asked = false;
    const pthread_t waiter = ::pthread_self();
    std::jthread waker{[&](const std::stop_token &ended) {
        const std::stop_callback on_stop{stop, [&] {
                                             asked = true;
                                             asked.notify_all();
                                         }};
        const std::stop_callback on_end{ended, [&] {
                                            asked = true;
                                            asked.notify_all();
                                        }};
        asked.wait(false);
        while (!done) {
            ::pthread_kill(waiter, SIGUSR1);
            std::this_thread::yield();
        }
    }};
    int result = 0;
    do {
        result = ::flock(fd, LOCK_EX);
    } while (result != 0 && errno == EINTR && !stop.stop_requested());
    const int number = errno;
    done = true;
    waker.request_stop();
    waker.join();
    errno = number;
    return result;
}

} // namespace

expected<file_lock> file_lock::acquire(const std::filesystem::path &path, std::string_view purpose,
                                       const std::function<void(const std::string &)> &waiting,
                                       std::stop_token stop) {
    host::descriptor file{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    const auto failure = [&path](std::string_view doing) {
        return fail(error_kind::io,
                    fmt::format("cannot {} {}: {}", doing, path.string(), std::strerror(errno)));
    };
    if (!file) return failure("open");
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return failure("lock");
        waiting(content_of(file.get()));
        if (lock_interruptibly(file.get(), stop) != 0) {
            if (stop.stop_requested()) {
                return fail(error_kind::cancelled,
                            fmt::format("gave up waiting for the lock {}", path.string()));
            }
            return failure("lock");
        }
    }
    const std::string text = fmt::format("{} (process {})\n", purpose, ::getpid());
    if (::ftruncate(file.get(), 0) != 0 || ::pwrite(file.get(), text.data(), text.size(), 0) < 0) {
        return failure("write");
    }
    return file_lock{std::move(file)};
}

std::string file_lock::holder(const std::filesystem::path &path) {
    const host::descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file) return {};
    if (::flock(file.get(), LOCK_SH | LOCK_NB) == 0) return {};
    return content_of(file.get());
}

} // namespace kvmig::lab
