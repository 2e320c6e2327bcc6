// SPDX-License-Identifier: MIT
#include <lab/observe/wire_search.hpp>

#include <algorithm>
#include <numeric>
#include <string_view>

namespace kvmig::lab::observe {

namespace {

/// Far enough from 0 that what was sent again from before the first byte seen has a place too.
constexpr std::uint64_t origin = std::uint64_t{1} << 32U;

std::string_view text_of(std::span<const std::uint8_t> data) {
    return {reinterpret_cast<const char *>(data.data()), data.size()};
}

} // namespace

std::uint64_t wire_report::carried() const noexcept {
    return std::accumulate(
        streams.begin(), streams.end(), std::uint64_t{0},
        [](std::uint64_t sum, const wire_stream &each) { return sum + each.carried; });
}

std::uint64_t wire_report::missing() const noexcept {
    return std::accumulate(
        streams.begin(), streams.end(), std::uint64_t{0},
        [](std::uint64_t sum, const wire_stream &each) { return sum + each.missing; });
}

std::size_t wire_report::markers_found() const noexcept {
    return static_cast<std::size_t>(
        std::count_if(found.begin(), found.end(), [](std::uint64_t times) { return times > 0; }));
}

void wire_search::take(stream &in, std::string_view piece) {
    in.next += piece.size();
    in.seen.carried += piece.size();
    if (in.seen.begins.size() < kept) {
        in.seen.begins += piece.substr(0, kept - in.seen.begins.size());
    }
    std::size_t longest = 1;
    const std::size_t before = in.tail.size();
    in.tail += piece;
    for (std::size_t i = 0; i < markers_.size(); ++i) {
        const std::size_t size = markers_[i].size();
        longest = std::max(longest, size);
        // One that ends in the tail was counted when the tail came.
        std::size_t at = before - std::min(before, size - 1);
        while ((at = in.tail.find(markers_[i], at)) != std::string::npos) {
            ++found_[i];
            at += size;
        }
    }
    in.tail.erase(0, in.tail.size() - std::min(in.tail.size(), longest - 1));
}

void wire_search::skip(stream &in) {
    const std::uint64_t first = in.waiting.begin()->first;
    in.seen.missing += first - in.next;
    in.next = first;
    in.tail.clear();
}

void wire_search::catch_up(stream &in) {
    while (!in.waiting.empty() && in.waiting.begin()->first <= in.next) {
        const auto held = in.waiting.extract(in.waiting.begin());
        in.waiting_size -= held.mapped().size();
        const std::uint64_t known = std::min<std::uint64_t>(in.next - held.key(), //
                                                            held.mapped().size());
        take(in, std::string_view{held.mapped()}.substr(known));
    }
}

void wire_search::add(const tcp_segment &segment) {
    stream &in = streams_[{segment.from, segment.to}];
    if (segment.opens) {
        // A port that is used again: what waited for bytes of the earlier connection gets none.
        while (!in.waiting.empty()) {
            skip(in);
            catch_up(in);
        }
        in.begun = true;
        in.next = origin + segment.sequence + 1;
        in.tail.clear();
        return;
    }
    if (segment.payload.empty()) return;
    if (!in.begun) {
        in.begun = true;
        in.next = origin + segment.sequence;
    }
    // TCP counts modulo 2^32, and no segment is 2^31 bytes from its place.
    const auto ahead =
        static_cast<std::int32_t>(segment.sequence - static_cast<std::uint32_t>(in.next));
    const std::uint64_t place = in.next + static_cast<std::uint64_t>(std::int64_t{ahead});
    const std::string_view piece = text_of(segment.payload);
    if (place <= in.next) {
        take(in, piece.substr(std::min<std::uint64_t>(in.next - place, piece.size())));
    } else {
        std::string &held = in.waiting[place];
        if (held.size() < piece.size()) {
            in.waiting_size += piece.size() - held.size();
            held = piece;
        }
        if (in.waiting_size > most_waiting) skip(in);
    }
    catch_up(in);
}

wire_report wire_search::report() {
    wire_report out;
    for (auto &[ends, in] : streams_) {
        while (!in.waiting.empty()) {
            skip(in);
            catch_up(in);
        }
        in.seen.from = ends.first;
        in.seen.to = ends.second;
        out.streams.push_back(in.seen);
    }
    out.found = found_;
    return out;
}

} // namespace kvmig::lab::observe
