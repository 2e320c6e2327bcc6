// SPDX-License-Identifier: MIT
#include <lab/guest/memory_pages.hpp>
#include <lab/guest/pattern.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <set>
#include <vector>

using namespace kvmig::lab::guest;

namespace {

struct filled_memory {
    std::vector<std::uint64_t> words;
    memory_pages pages;

    explicit filled_memory(std::uint64_t count, std::uint64_t seed = 7)
        : words(count * page_words), pages(words, seed) {
        pages.fill(count);
    }
    memory_verdict check() const {
        memory_verdict verdict;
        pages.check(0, pages.size(), verdict);
        verdict.table_consistent = pages.table_consistent();
        return verdict;
    }
};

} // namespace

TEST_CASE("The pattern of a word follows from seed, page, generation and place alone") {
    const auto base = pattern_base(1, 2, 3);
    CHECK(pattern_word(base, 4) == pattern_word(pattern_base(1, 2, 3), 4));
    // Any of the four changed changes the word; none of these is near another.
    const std::set<std::uint64_t> words{
        pattern_word(base, 4),
        pattern_word(pattern_base(0, 2, 3), 4),
        pattern_word(pattern_base(1, 3, 3), 4),
        pattern_word(pattern_base(1, 2, 4), 4),
        pattern_word(base, 5),
    };
    CHECK(words.size() == 5);
}

TEST_CASE("A page's words are all different, and none is zero") {
    const auto base = pattern_base(0, 0, 0);
    std::set<std::uint64_t> words;
    for (std::size_t word = 0; word < page_words; ++word) words.insert(pattern_word(base, word));
    CHECK(words.size() == page_words);
    CHECK(words.count(0) == 0);
}

TEST_CASE("Index and generation do not stand in for one another") {
    // Page 1 in generation 0 must not look like page 0 in generation 1.
    for (std::uint64_t i = 0; i < 50; ++i) {
        CHECK(pattern_base(9, i, i + 1) != pattern_base(9, i + 1, i));
    }
}

TEST_CASE("Memory that was only filled is good, to the last page") {
    const filled_memory memory{10};
    CHECK(memory.check() == memory_verdict{10, 0, {}, true});
    CHECK(memory.check().good());
}

TEST_CASE("A page may repeat itself, and is checked to the last bit all the same") {
    for (const std::size_t period : {std::size_t{1}, std::size_t{3}, std::size_t{8}}) {
        std::vector<std::uint64_t> words(2 * page_words);
        memory_pages pages{words, 7, period};
        pages.fill(2);
        pages.write(1, write_mode::page);
        pages.write(1, write_mode::word);
        // The first word is a generation ahead of the others.
        const std::set<std::uint64_t> first(words.begin(), words.begin() + page_words);
        const std::set<std::uint64_t> second(words.begin() + page_words + 1, words.end());
        CHECK(first.size() == period);
        CHECK(second.size() == period);
        memory_verdict verdict;
        pages.check(0, 2, verdict);
        CHECK(verdict == memory_verdict{2, 0, {}, true});
        for (const std::size_t word : {std::size_t{0}, std::size_t{1}, page_words - 1}) {
            pages.damage(1, word);
            memory_verdict found;
            pages.check(0, 2, found);
            CHECK(found.bad == 1);
            pages.damage(1, word);
        }
    }
}

TEST_CASE("Memory is filled piece by piece, and only what is filled is checked") {
    std::vector<std::uint64_t> words(5 * page_words);
    memory_pages pages{words, 1};
    pages.fill(3);
    CHECK(pages.filled() == 3);
    memory_verdict verdict;
    pages.check(0, 5, verdict);
    CHECK(verdict.checked == 3);
    CHECK(verdict.good());
    pages.fill(100);
    CHECK(pages.filled() == 5);
    pages.check(3, 5, verdict);
    CHECK(verdict.checked == 5);
    CHECK(verdict.good());
}

TEST_CASE("A verdict on nothing is not good") {
    CHECK_FALSE(memory_verdict{}.good());
    CHECK_FALSE(filled_memory{0}.check().good());
}

TEST_CASE("Written pages are good, by the word, by the page, and by both in turn") {
    filled_memory memory{4};
    memory.pages.write(1, write_mode::word);
    memory.pages.write(2, write_mode::page);
    memory.pages.write(3, write_mode::word);
    memory.pages.write(3, write_mode::page);
    memory.pages.write(3, write_mode::word);
    CHECK(memory.check().good());
    CHECK(memory.pages.writes() == 5);
    CHECK(memory.pages.generation(0) == 0);
    CHECK(memory.pages.generation(3) == 3);
}

TEST_CASE("A write of one word changes one word of the page, a write of the page all of them") {
    filled_memory memory{1};
    const auto before = memory.words;
    const auto differing = [&] {
        std::size_t count = 0;
        for (std::size_t i = 0; i < page_words; ++i)
            count += memory.words[i] != before[i] ? 1U : 0U;
        return count;
    };
    memory.pages.write(0, write_mode::word);
    CHECK(differing() == 1);
    memory.pages.write(0, write_mode::page);
    CHECK(differing() == page_words);
}

TEST_CASE("One flipped bit anywhere in a page makes the page bad") {
    const std::size_t word = GENERATE(std::size_t{0}, std::size_t{1}, page_words - 1);
    filled_memory memory{3};
    memory.pages.write(1, write_mode::page);
    memory.pages.damage(1, word);
    CHECK(memory.check() == memory_verdict{3, 1, {1}, true});
    CHECK_FALSE(memory.check().good());
    memory.pages.damage(1, word);
    CHECK(memory.check().good());
}

TEST_CASE("A page that goes back to an earlier generation is bad") {
    filled_memory memory{2};
    const auto before = memory.words;
    memory.pages.write(1, write_mode::word);
    memory.words = before; // as if the last write had been lost on the way
    CHECK(memory.check().first_bad == std::vector<std::uint64_t>{1});
}

TEST_CASE("Two pages that changed places are both bad") {
    filled_memory memory{3};
    std::swap_ranges(memory.words.begin(), memory.words.begin() + page_words,
                     memory.words.begin() + 2 * page_words);
    CHECK(memory.check() == memory_verdict{3, 2, {0, 2}, true});
}

TEST_CASE("Another boot's memory is not mistaken for this one's") {
    filled_memory other{3, 8};
    filled_memory memory{3, 7};
    memory.words = other.words;
    CHECK(memory.check().bad == 3);
}

TEST_CASE("A verdict counts all bad pages and names the first few") {
    filled_memory memory{20};
    for (std::uint64_t page = 5; page < 20; ++page) memory.pages.damage(page, 9);
    const auto verdict = memory.check();
    CHECK(verdict.bad == 15);
    CHECK(verdict.first_bad == std::vector<std::uint64_t>{5, 6, 7, 8, 9, 10, 11, 12});
}
