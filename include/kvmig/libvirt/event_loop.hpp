// SPDX-License-Identifier: MIT
/// The thread that hands out libvirt's events.
#pragma once

#include <kvmig/libvirt/error.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace kvmig::libvirt {

/// Runs libvirt's default event loop on a thread of its own, from `start` until destroyed.
///
/// Start it before opening the connections whose events are wanted, and let it outlive them: a
/// daemon drops a client that registered a loop and then no longer answers its signs of life.
/// There is one loop in a process; a program that runs libvirt's loop itself needs none of this.
class event_loop {
public:
    /// Fails with `conflict` when one runs already.
    [[nodiscard]] static expected<event_loop> start() {
        static std::mutex one_at_a_time;
        static bool registered = false;
        const std::scoped_lock lock(one_at_a_time);
        if (running_flag().load()) {
            return fail(make_error(error_kind::conflict, "libvirt's event loop runs already")
                            .advise("keep one event_loop for the whole program"));
        }
        if (!registered && virEventRegisterDefaultImpl() < 0) {
            return fail(last_error("cannot register libvirt's event loop"));
        }
        registered = true;
        auto shared = std::make_unique<state>();
        // A timer that never fires by itself: it is there so that the loop can be woken.
        shared->timer = virEventAddTimeout(-1, &event_loop::woken, shared.get(), nullptr);
        if (shared->timer < 0) return fail(last_error("cannot add a timer to the event loop"));
        running_flag().store(true);
        return event_loop(std::move(shared));
    }

    /// Whether one runs in this process.
    [[nodiscard]] static bool running() noexcept { return running_flag().load(); }

    event_loop(event_loop &&) noexcept = default; ///< The other no longer runs it.
    event_loop &operator=(event_loop &&) = delete;
    event_loop(const event_loop &) = delete;
    event_loop &operator=(const event_loop &) = delete;

    ~event_loop() {
        if (!state_) return;
        state_->stop.store(true);
        virEventUpdateTimeout(state_->timer, 0);
        thread_.join();
        virEventRemoveTimeout(state_->timer);
        running_flag().store(false);
    }

private:
    struct state {
        std::atomic<bool> stop = false;
        int timer = -1;
    };

    explicit event_loop(std::unique_ptr<state> shared)
        : state_(std::move(shared)), thread_([loop = state_.get()] {
              while (!loop->stop.load()) {
                  // Fails when poll(2) does; the next round tries again.
                  if (virEventRunDefaultImpl() < 0) std::this_thread::yield();
              }
          }) {}

    static void woken(int timer, void *) { virEventUpdateTimeout(timer, -1); }

    static std::atomic<bool> &running_flag() noexcept {
        static std::atomic<bool> flag = false;
        return flag;
    }

    std::unique_ptr<state> state_;
    std::thread thread_;
};

} // namespace kvmig::libvirt
