// SPDX-License-Identifier: MIT
/// Memory full of the pattern, with a table of how often each page was written.
#pragma once

#include <lab/guest/pattern.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

namespace kvmig::lab::guest {

/// How a page is dirtied: its first word alone (what a delta compressor likes), or all of it.
enum class write_mode : std::uint8_t { word, page };

/// What a check of memory found.
struct memory_verdict {
    std::uint64_t checked = 0;            ///< pages looked at
    std::uint64_t bad = 0;                ///< pages that do not hold what was written last
    std::vector<std::uint64_t> first_bad; ///< the lowest of them, at most `memory_pages::told`
    /// Whether the generations of all pages add up to the writes that were counted.
    bool table_consistent = true;

    /// Every page that was looked at is as it should be, and something was looked at.
    [[nodiscard]] bool good() const noexcept { return checked > 0 && bad == 0 && table_consistent; }
    friend bool operator==(const memory_verdict &, const memory_verdict &) = default;
};

/// Pages in memory that somebody else owns. Not for several threads at once.
///
/// Word 0 of a page holds its generation's pattern, the others that of the last write of the
/// whole page; so both kinds of write can be checked to the last bit.
class memory_pages {
public:
    /// How many bad pages a verdict names.
    static constexpr std::size_t told = 8;

    /// `memory` outlives this object; its size is a whole number of pages. After `period` words,
    /// of which there is at least one, a page's pattern begins anew: a compressor finds little in
    /// one that never does.
    memory_pages(std::span<std::uint64_t> memory, std::uint64_t seed,
                 std::size_t period = page_words)
        : memory_(memory), seed_(seed), period_(period), table_(memory.size() / page_words) {}

    [[nodiscard]] std::uint64_t size() const noexcept { return table_.size(); }
    /// Pages that `fill` has reached; only these can be written and checked.
    [[nodiscard]] std::uint64_t filled() const noexcept { return filled_; }
    /// Writes since the fill, which is not counted.
    [[nodiscard]] std::uint64_t writes() const noexcept { return writes_; }
    [[nodiscard]] std::uint32_t generation(std::uint64_t page) const noexcept {
        return table_[page].head;
    }

    /// Writes generation 0 to the next `count` pages, or to as many as are left.
    void fill(std::uint64_t count) noexcept {
        const std::uint64_t end = filled_ + std::min(count, size() - filled_);
        for (; filled_ < end; ++filled_) write_all(filled_);
    }

    /// Gives the page its next generation. `page` is below `filled()`.
    void write(std::uint64_t page, write_mode mode) noexcept {
        ++table_[page].head;
        ++writes_;
        if (mode == write_mode::page) {
            table_[page].body = table_[page].head;
            write_all(page);
        } else {
            words(page)[0] = head_word(page);
        }
    }

    /// Checks up to `count` pages from `first` on, and adds what it found to `verdict`.
    void check(std::uint64_t first, std::uint64_t count, memory_verdict &verdict) const {
        const std::uint64_t end = first + std::min(count, filled_ - std::min(first, filled_));
        for (std::uint64_t page = first; page < end; ++page) {
            ++verdict.checked;
            if (intact(page)) continue;
            ++verdict.bad;
            if (verdict.first_bad.size() < told) verdict.first_bad.push_back(page);
        }
    }

    /// Whether the table agrees with the count of writes. Both wrap, so modulo 2^32.
    [[nodiscard]] bool table_consistent() const noexcept {
        const auto sum = std::accumulate(
            table_.begin(), table_.end(), std::uint32_t{0},
            [](std::uint32_t total, const state &page) { return total + page.head; });
        return sum == static_cast<std::uint32_t>(writes_);
    }

    /// Flips one bit of a page without telling the table: shows that a check can fail.
    void damage(std::uint64_t page, std::size_t word) noexcept { words(page)[word] ^= 1U; }

private:
    struct state {
        std::uint32_t head = 0; ///< generation of word 0: one more with each write
        std::uint32_t body = 0; ///< generation of the other words
    };

    [[nodiscard]] std::span<std::uint64_t> words(std::uint64_t page) const noexcept {
        return memory_.subspan(page * page_words, page_words);
    }
    [[nodiscard]] std::uint64_t head_word(std::uint64_t page) const noexcept {
        return pattern_word(pattern_base(seed_, page, table_[page].head), 0);
    }
    void write_all(std::uint64_t page) noexcept {
        const auto out = words(page);
        const std::uint64_t base = pattern_base(seed_, page, table_[page].body);
        out[0] = head_word(page);
        each_word(base, [&](std::size_t word, std::uint64_t value) { out[word] = value; });
    }
    [[nodiscard]] bool intact(std::uint64_t page) const noexcept {
        const auto in = words(page);
        const std::uint64_t base = pattern_base(seed_, page, table_[page].body);
        std::uint64_t differences = in[0] ^ head_word(page);
        each_word(base,
                  [&](std::size_t word, std::uint64_t value) { differences |= in[word] ^ value; });
        return differences == 0;
    }
    /// Of what starts from `base`, the words behind the first.
    template <class Act> void each_word(std::uint64_t base, Act act) const {
        for (std::size_t word = 1, of = 1 % period_; word < page_words; ++word) {
            act(word, pattern_word(base, of));
            if (++of == period_) of = 0;
        }
    }

    std::span<std::uint64_t> memory_;
    std::uint64_t seed_;
    std::size_t period_;
    std::vector<state> table_;
    std::uint64_t filled_ = 0;
    std::uint64_t writes_ = 0;
};

} // namespace kvmig::lab::guest
