// SPDX-License-Identifier: MIT
#include <lab/observe/ping_record.hpp>

#include <algorithm>

namespace kvmig::lab::observe {

void ping_record::add_answer(std::size_t number, steady_time at) {
    if (number >= pings_.size()) {
        ++strangers_;
    } else if (pings_[number].took) {
        ++duplicates_;
    } else {
        pings_[number].took = at - pings_[number].sent;
        ++answered_;
    }
}

std::uint64_t ping_record::unanswered(steady_time from, steady_time to) const {
    return static_cast<std::uint64_t>(
        std::count_if(pings_.begin(), pings_.end(), [&](const ping &each) {
            return each.sent >= from && each.sent <= to && !each.took;
        }));
}

std::optional<ping> ping_record::longest(steady_time from, steady_time to) const {
    std::optional<ping> result;
    for (const ping &each : pings_) {
        if (each.sent < from || each.sent > to || !each.took) continue;
        if (!result || *each.took > *result->took) result = each;
    }
    return result;
}

std::chrono::nanoseconds ping_record::longest_outage(steady_time from, steady_time to) const {
    std::chrono::nanoseconds longest{0};
    const ping *begun = nullptr; // the first of those that were lost in a row
    for (const ping &each : pings_) {
        if (each.sent < from || each.sent > to) continue;
        if (!each.took && begun == nullptr) begun = &each;
        if (!each.took || begun == nullptr) continue;
        longest = std::max<std::chrono::nanoseconds>(longest, each.sent - begun->sent);
        begun = nullptr;
    }
    if (begun != nullptr) {
        longest = std::max<std::chrono::nanoseconds>(longest, to - begun->sent);
    }
    return longest;
}

nlohmann::json to_json(const ping_record &record, steady_time origin) {
    auto pings = nlohmann::json::array();
    for (const ping &each : record.pings()) {
        if (each.sent < origin - kept_before) continue;
        nlohmann::json took;
        if (each.took) took = to_milliseconds(*each.took);
        pings.push_back({to_milliseconds(each.sent - origin), std::move(took)});
    }
    return {{"sent", record.pings().size()},
            {"answered", record.answered()},
            {"duplicates", record.duplicates()},
            {"strangers", record.strangers()},
            {"pings", std::move(pings)}};
}

} // namespace kvmig::lab::observe
