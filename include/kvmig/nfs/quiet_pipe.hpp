// SPDX-License-Identifier: MIT
/// libnfs sends without `MSG_NOSIGNAL`: a server that hung up would end the program by SIGPIPE.
#pragma once

#include <csignal>
#include <ctime>

namespace kvmig::nfs {

/// Keeps SIGPIPE from this thread for as long as it lives, and takes away one that came meanwhile;
/// one that was pending before stays.
class quiet_pipe {
public:
    quiet_pipe() noexcept {
        sigset_t pending;
        sigemptyset(&pending);
        sigpending(&pending);
        was_pending_ = sigismember(&pending, SIGPIPE) == 1;
        sigset_t block = pipe_set();
        pthread_sigmask(SIG_BLOCK, &block, &before_);
    }
    ~quiet_pipe() {
        if (!was_pending_) {
            const sigset_t pipe = pipe_set();
            const timespec at_once{};
            while (sigtimedwait(&pipe, nullptr, &at_once) == SIGPIPE) {
            }
        }
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    quiet_pipe(const quiet_pipe &) = delete;
    quiet_pipe &operator=(const quiet_pipe &) = delete;

private:
    static sigset_t pipe_set() noexcept {
        sigset_t out;
        sigemptyset(&out);
        sigaddset(&out, SIGPIPE);
        return out;
    }

    sigset_t before_{};
    bool was_pending_ = false;
};

} // namespace kvmig::nfs
