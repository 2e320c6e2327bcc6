// SPDX-License-Identifier: MIT
/// Decides between messages found in the same place: the wording that says most wins, a message
/// inside another is told too, harmless words silence what they contain, and where a cut message
/// could be either of two, it is neither.
#pragma once

#include <kvmig/diagnosis/scan_text.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace kvmig::diagnosis {

namespace detail {

/// Whether `inner` stands in a hole of `outer`, as a message within a message.
[[nodiscard]] inline bool holds(const hit &outer, const hit &inner) noexcept {
    if (outer.inside.size() == 0 || inner.where.begin < outer.inside.begin) return false;
    return inner.where.end <= outer.inside.end ||
           (outer.open_end && inner.where.begin < outer.inside.end);
}

/// Keeps of `[first, last)`, hits that overlap, those that count.
inline void resolve_cluster(std::vector<hit>::iterator first, std::vector<hit>::iterator last,
                            const rules &known, std::vector<hit> &kept, std::uint64_t &work) {
    std::stable_sort(first, last, [](const hit &a, const hit &b) {
        return std::pair(a.literal, !a.cut) > std::pair(b.literal, !b.cut);
    });
    const std::size_t start = kept.size();
    std::vector<text_span> silenced;
    for (auto one = first; one != last; ++one) {
        const auto meets = [&](text_span span) { return span.meets(one->where); };
        if (std::any_of(silenced.begin(), silenced.end(), meets)) continue;
        work += kept.size() - start + 1;
        const rule &meaning = known[one->rule_id];
        bool keep = true;
        for (std::size_t i = start; i < kept.size() && keep; ++i) {
            if (!kept[i].where.meets(one->where)) continue;
            const bool nested = holds(kept[i], *one) || holds(*one, kept[i]);
            const bool same = known[kept[i].rule_id].about == meaning.about;
            keep = nested && !same && meaning.is == rule::sort::cause;
        }
        if (!keep) continue;
        if (meaning.is == rule::sort::noise) {
            silenced.push_back(one->where);
            continue;
        }
        // Cut where several wordings still agree: whichever it was cannot be known.
        const auto rival = [&](const hit &other) {
            return other.cut && other.literal == one->literal && other.where.meets(one->where) &&
                   known[other.rule_id].about != meaning.about &&
                   known[other.rule_id].is == rule::sort::cause;
        };
        if (one->cut) work += static_cast<std::uint64_t>(last - first);
        if (one->cut && std::any_of(first, last, rival)) continue;
        kept.push_back(*one);
    }
}

} // namespace detail

/// Reduces `hits` to those that count, in order of their places. Adds the comparisons made to
/// `work`.
inline void resolve(std::vector<hit> &hits, const rules &known, std::uint64_t &work) {
    std::stable_sort(hits.begin(), hits.end(),
                     [](const hit &a, const hit &b) { return a.where.begin < b.where.begin; });
    std::vector<hit> kept;
    for (auto first = hits.begin(); first != hits.end();) {
        std::size_t end = first->where.end;
        auto last = first + 1;
        while (last != hits.end() && last->where.begin < end) {
            end = std::max(end, last->where.end);
            ++last;
        }
        detail::resolve_cluster(first, last, known, kept, work);
        first = last;
    }
    std::stable_sort(kept.begin(), kept.end(),
                     [](const hit &a, const hit &b) { return a.where.begin < b.where.begin; });
    hits.swap(kept);
}

} // namespace kvmig::diagnosis
