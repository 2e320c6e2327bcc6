// SPDX-License-Identifier: MIT
/// An interest in events that ends with the object that stands for it.
#pragma once

#include <functional>
#include <utility>

namespace kvmig::ports {

/// Ends a subscription when destroyed; after that the callback is not called any more, and a
/// call that was under way has returned.
class subscription {
public:
    subscription() noexcept = default;
    /// `end` ends it, once.
    explicit subscription(std::function<void()> end) noexcept : end_(std::move(end)) {}
    /// The other is over for its owner.
    subscription(subscription &&other) noexcept : end_(std::exchange(other.end_, nullptr)) {}
    subscription &operator=(subscription &&other) noexcept {
        if (this != &other) {
            reset();
            end_ = std::exchange(other.end_, nullptr);
        }
        return *this;
    }
    subscription(const subscription &) = delete;
    subscription &operator=(const subscription &) = delete;
    ~subscription() { reset(); }

    /// Ends it now.
    void reset() noexcept {
        if (auto end = std::exchange(end_, nullptr)) end();
    }

    [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(end_); }

private:
    std::function<void()> end_;
};

} // namespace kvmig::ports
