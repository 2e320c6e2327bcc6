// SPDX-License-Identifier: MIT
/// Looks for markers in what TCP connections carry, put together from their segments: a marker that
/// straddles two of them is found too, in whatever order they come.
#pragma once

#include <lab/observe/tcp_segment.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::lab::observe {

/// What one direction of one connection carried.
struct wire_stream {
    tcp_end from;
    tcp_end to;
    std::string begins;        ///< its first bytes, at most `wire_search::kept`
    std::uint64_t carried = 0; ///< bytes, each counted once however often it was sent
    std::uint64_t missing = 0; ///< bytes within it that were never seen
};

/// What was seen, and what was found in it.
struct wire_report {
    std::vector<wire_stream> streams; ///< in the order of their ends
    /// How often each marker was found, in the order in which they were given.
    std::vector<std::uint64_t> found;

    [[nodiscard]] std::uint64_t carried() const noexcept;
    [[nodiscard]] std::uint64_t missing() const noexcept;
    /// How many of the markers were found at all.
    [[nodiscard]] std::size_t markers_found() const noexcept;
};

class wire_search {
public:
    static constexpr std::size_t kept = 16;
    /// Bytes that may wait for those before them; then these are given up as missing.
    static constexpr std::size_t most_waiting = std::size_t{32} << 20U;

    /// `markers` are not empty.
    explicit wire_search(std::vector<std::string> markers)
        : markers_(std::move(markers)), found_(markers_.size()) {}

    void add(const tcp_segment &segment);
    /// Until now; what still waits for bytes before it is looked at as it stands.
    [[nodiscard]] wire_report report();

private:
    struct stream {
        wire_stream seen;
        bool begun = false;
        std::uint64_t next = 0; ///< place of the first byte not seen yet; its low half is TCP's
        std::map<std::uint64_t, std::string> waiting; ///< by the place of their first byte
        std::size_t waiting_size = 0;
        std::string tail; ///< of what was searched: where a marker may have begun
    };

    /// Takes bytes that follow what there is, or what was given up.
    void take(stream &in, std::string_view piece);
    /// Takes all that waits and follows now.
    void catch_up(stream &in);
    /// Gives up what is missing before the first that waits.
    static void skip(stream &in);

    std::vector<std::string> markers_;
    std::vector<std::uint64_t> found_;
    std::map<std::pair<tcp_end, tcp_end>, stream> streams_;
};

} // namespace kvmig::lab::observe
