// SPDX-License-Identifier: MIT
/// Finds every template of a set in a line, in one pass.
///
/// Each template is known by one or two *anchors*: stretches of eight literal bytes that as few
/// other templates as possible contain. A pass over the line looks up the hash of every eight bytes
/// in a bit set that fits the first-level cache; only a hit is compared further.
#pragma once

#include <kvmig/diagnosis/match.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace kvmig::diagnosis {

/// A template found by a `matcher`.
struct found_template {
    std::size_t id = 0;   ///< what `matcher::add` returned
    template_match match; ///< where, and what stood in its holes
};

/// Finds all templates of a set in a line at once: by a piece of literal text of each, then by all
/// of it.
class matcher {
public:
    /// Adds a template; returns its number, counted from 0, or -1 when it is malformed or has no
    /// literal of eight bytes. `text` must outlive the matcher.
    int add(std::string_view text) {
        entry_template one;
        one.arena.reserve(text.size() + 8);
        if (!parse_template(text, one.arena, one.pieces)) return -1;
        return keep(std::move(one));
    }

    /// The same for a template that is taken apart already: its literals (folded) and holes.
    int add(const std::vector<piece> &pieces) {
        entry_template one;
        std::size_t size = 0;
        for (const piece &part : pieces) size += part.literal.size();
        one.arena.reserve(size + 8);
        for (piece part : pieces) {
            if (!part.is_hole()) {
                const std::size_t at = one.arena.size();
                one.arena += part.literal;
                part.literal = std::string_view(one.arena.data() + at, part.literal.size());
            }
            one.pieces.push_back(part);
        }
        return keep(std::move(one));
    }
    /// To be called once, after the last `add` and before the first `scan`.
    void finish() {
        // How many templates share a stretch, counted by hash; a collision only costs quality.
        std::vector<std::uint16_t> shared(std::size_t{1} << 16U);
        for_each_window([&](std::size_t, std::size_t, std::size_t, std::uint64_t window) {
            ++shared[hash(window) >> (bits - 16U)];
        });
        std::vector<std::array<anchor, 2>> best(templates_.size());
        std::vector<std::array<unsigned, 2>> cost(templates_.size(), {~0U, ~0U});
        std::size_t last = ~std::size_t{0};
        std::size_t passed = 0;
        for_each_window(
            [&](std::size_t id, std::size_t k, std::size_t offset, std::uint64_t window) {
                if (id != last) passed = 0;
                last = id;
                // One anchor in each half of the template: whichever end is cut off, one remains.
                const std::size_t half = passed++ * 2 < templates_[id].windows() ? 0 : 1;
                const unsigned price = shared[hash(window) >> (bits - 16U)];
                if (price < cost[id][half]) {
                    cost[id][half] = price;
                    best[id][half] = {window, static_cast<std::uint32_t>(id),
                                      static_cast<std::uint16_t>(k),
                                      static_cast<std::uint16_t>(offset), none};
                }
            });
        set_.assign((std::size_t{1} << bits) / 64, 0);
        slots_.assign(std::size_t{1} << slot_bits, none);
        for (std::size_t id = 0; id < best.size(); ++id) {
            if (cost[id][0] != ~0U) insert(best[id][0]);
            // The second one is left out when too many share it: it would cost every log line.
            if (cost[id][1] != ~0U && (cost[id][0] == ~0U || cost[id][1] <= most_shared)) {
                insert(best[id][1]);
            }
        }
    }

    /// Appends every template found in the folded `line` to `out`, in order of the places where
    /// they were found; the same match may come twice. Adds the bytes looked at to `work`.
    void scan(std::string_view line, std::vector<found_template> &out, std::uint64_t &work) const {
        work += line.size();
        if (line.size() < anchor_size) return;
        const std::size_t last = line.size() - anchor_size;
        for (std::size_t i = 0; i <= last; ++i) {
            const std::uint64_t window = load(line.data() + i);
            const std::uint64_t h = hash(window);
            if (((set_[h >> 6U] >> (h & 63U)) & 1U) == 0) continue;
            for (std::uint32_t at = slots_[h >> (bits - slot_bits)]; at != none;
                 at = anchors_[at].next) {
                const anchor &one = anchors_[at];
                ++work;
                if (one.window != window) continue;
                const auto found =
                    match_template(templates_[one.id].pieces, line, one.piece, one.offset, i, work);
                if (found) out.push_back({one.id, *found});
            }
        }
    }

    /// How many templates were added.
    [[nodiscard]] std::size_t size() const noexcept { return templates_.size(); }
    /// Literals and holes of a template, in order.
    [[nodiscard]] std::span<const piece> pieces(std::size_t id) const {
        return templates_[id].pieces;
    }
    /// Bytes of literal text in a template.
    [[nodiscard]] std::size_t literal(std::size_t id) const { return templates_[id].literal; }
    /// The anchors in use, for those who tune the catalogue.
    [[nodiscard]] std::size_t anchors() const noexcept { return anchors_.size(); }

private:
    static constexpr std::size_t anchor_size = 8;
    static constexpr unsigned bits = 17; // 16 KiB of bits
    static constexpr unsigned slot_bits = 13;
    static constexpr unsigned most_shared = 8;
    static constexpr std::uint32_t none = ~std::uint32_t{0};

    struct entry_template {
        std::string arena; // never moves its bytes: pieces point into it
        std::vector<piece> pieces;
        std::size_t literal = 0;

        entry_template() = default;
        entry_template(const entry_template &) = delete;
        entry_template &operator=(const entry_template &) = delete;
        entry_template(entry_template &&other) noexcept { *this = std::move(other); }
        entry_template &operator=(entry_template &&other) noexcept {
            const char *before = other.arena.data();
            arena = std::move(other.arena);
            pieces = std::move(other.pieces);
            literal = other.literal;
            for (piece &part : pieces) { // a short string lives inside the object
                if (part.is_hole()) continue;
                part.literal = std::string_view(arena.data() + (part.literal.data() - before),
                                                part.literal.size());
            }
            return *this;
        }
        ~entry_template() = default;

        [[nodiscard]] std::size_t windows() const {
            std::size_t count = 0;
            for (const piece &part : pieces) {
                if (part.literal.size() >= anchor_size) {
                    count += part.literal.size() - anchor_size + 1;
                }
            }
            return count;
        }
    };

    struct anchor {
        std::uint64_t window = 0;
        std::uint32_t id = 0;
        std::uint16_t piece = 0;
        std::uint16_t offset = 0;
        std::uint32_t next = none;
    };

    int keep(entry_template one) {
        std::size_t holes = 0;
        std::size_t longest_literal = 0;
        for (const piece &part : one.pieces) {
            holes += part.is_hole() ? 1U : 0U;
            one.literal += part.literal.size();
            longest_literal = std::max(longest_literal, part.literal.size());
        }
        if (longest_literal < anchor_size || holes > most_holes) return -1;
        templates_.push_back(std::move(one));
        return static_cast<int>(templates_.size()) - 1;
    }

    [[nodiscard]] static std::uint64_t load(const char *at) noexcept {
        std::uint64_t window = 0;
        std::memcpy(&window, at, sizeof window);
        return window;
    }
    [[nodiscard]] static std::uint64_t hash(std::uint64_t window) noexcept {
        return (window * 0x9E3779B97F4A7C15U) >> (64U - bits);
    }

    template <class Visit> void for_each_window(Visit visit) const {
        for (std::size_t id = 0; id < templates_.size(); ++id) {
            const auto &pieces = templates_[id].pieces;
            for (std::size_t k = 0; k < pieces.size(); ++k) {
                const std::string_view literal = pieces[k].literal;
                for (std::size_t i = 0; i + anchor_size <= literal.size(); ++i) {
                    visit(id, k, i, load(literal.data() + i));
                }
            }
        }
    }

    void insert(const anchor &one) {
        const std::uint64_t h = hash(one.window);
        set_[h >> 6U] |= std::uint64_t{1} << (h & 63U);
        std::uint32_t &slot = slots_[h >> (bits - slot_bits)];
        anchors_.push_back(one);
        anchors_.back().next = slot;
        slot = static_cast<std::uint32_t>(anchors_.size() - 1);
    }

    std::vector<entry_template> templates_;
    std::vector<anchor> anchors_;
    std::vector<std::uint64_t> set_;
    std::vector<std::uint32_t> slots_;
};

} // namespace kvmig::diagnosis
