// SPDX-License-Identifier: MIT
/// Pings and their answers: what was lost, and for how long no ping got through.
#pragma once

#include <lab/observe/heartbeat_series.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

namespace kvmig::lab::observe {

/// One ping, and its answer if there was one.
struct ping {
    steady_time sent;
    std::optional<std::chrono::nanoseconds> took;
    friend bool operator==(const ping &, const ping &) = default;
};

class ping_record {
public:
    /// Numbers go up by one, from 0.
    void add_sent(steady_time at) { pings_.push_back({at, std::nullopt}); }
    /// An answer to ping `number`. One that was answered already is counted as a duplicate, one
    /// that was never sent as a stranger.
    void add_answer(std::size_t number, steady_time at);

    [[nodiscard]] const std::vector<ping> &pings() const noexcept { return pings_; }
    [[nodiscard]] std::uint64_t answered() const noexcept { return answered_; }
    [[nodiscard]] std::uint64_t duplicates() const noexcept { return duplicates_; }
    [[nodiscard]] std::uint64_t strangers() const noexcept { return strangers_; }

    /// Pings sent within `from` and `to` that have no answer.
    [[nodiscard]] std::uint64_t unanswered(steady_time from, steady_time to) const;
    /// The longest round trip of those sent within `from` and `to`; nothing without an answer.
    [[nodiscard]] std::optional<ping> longest(steady_time from, steady_time to) const;
    /// The longest run of pings within `from` and `to` that had no answer, as the time from its
    /// first to the next one that had (or to `to`); 0 when all were answered.
    [[nodiscard]] std::chrono::nanoseconds longest_outage(steady_time from, steady_time to) const;

private:
    std::vector<ping> pings_;
    std::uint64_t answered_ = 0;
    std::uint64_t duplicates_ = 0;
    std::uint64_t strangers_ = 0;
};

/// With the pings as `[milliseconds since `origin`, milliseconds taken or null]` pairs, from
/// `kept_before` it on.
[[nodiscard]] nlohmann::json to_json(const ping_record &record, steady_time origin);

} // namespace kvmig::lab::observe
