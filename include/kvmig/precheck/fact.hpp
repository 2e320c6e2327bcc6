// SPDX-License-Identifier: MIT
/// A fact: a value, or the reason why it is not known.
#pragma once

#include <cassert>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace kvmig::precheck {

/// A value that could be had, or why it could not.
template <class T> class fact {
public:
    /// Not known, because nobody asked.
    fact() : reason_("it was not asked for") {}
    /// Known. Not explicit, so that a known value is written as what it is.
    fact(T value) : value_(std::move(value)) {} // NOLINT(google-explicit-constructor)

    /// Not known, because of `reason`.
    [[nodiscard]] static fact unknown(const std::string &reason) {
        fact out;
        out.reason_ = reason;
        return out;
    }

    /// Whether it is known.
    [[nodiscard]] bool known() const noexcept { return value_.has_value(); }
    /// Only of a known one.
    [[nodiscard]] const T &operator*() const noexcept {
        assert(value_);
        return *value_;
    }
    [[nodiscard]] const T *operator->() const noexcept { return &**this; }
    /// Why it is not known; empty when it is.
    [[nodiscard]] const std::string &reason() const noexcept { return reason_; }

    friend bool operator==(const fact &, const fact &) = default;

private:
    std::optional<T> value_;
    std::string reason_;
};

/// Facts about things that have names: networks, devices, paths.
template <class T> class by_name {
public:
    /// Also over what was said before.
    void set(const std::string &name, fact<T> told) {
        told_.insert_or_assign(name, std::move(told));
    }
    /// What is known of `name`; unknown when nobody asked.
    [[nodiscard]] fact<T> of(const std::string &name) const {
        const auto found = told_.find(name);
        if (found != told_.end()) return found->second;
        return fact<T>::unknown(otherwise_.empty() ? fact<T>{}.reason() : otherwise_);
    }
    /// Why names that were not asked for are not known.
    void otherwise(std::string reason) { otherwise_ = std::move(reason); }
    /// As was said; empty when nothing was.
    [[nodiscard]] const std::string &otherwise() const noexcept { return otherwise_; }

    /// All that was asked for.
    [[nodiscard]] std::map<std::string, fact<T>> &all() noexcept { return told_; }
    /// All that was asked for.
    [[nodiscard]] const std::map<std::string, fact<T>> &all() const noexcept { return told_; }

    friend bool operator==(const by_name &, const by_name &) = default;

private:
    std::map<std::string, fact<T>> told_;
    std::string otherwise_;
};

} // namespace kvmig::precheck
