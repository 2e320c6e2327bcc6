// SPDX-License-Identifier: MIT
/// The catalogue made ready for matching: every pattern in one matcher.
#pragma once

#include <kvmig/diagnosis/catalogue.hpp>
#include <kvmig/diagnosis/errno_text.hpp>
#include <kvmig/diagnosis/matcher.hpp>

#include <cstddef>
#include <string_view>
#include <vector>

namespace kvmig::diagnosis {

/// What a found template means.
struct rule {
    /// What a match of the template says.
    enum class sort : std::uint8_t { cause, noise, source_part, destination_part };
    sort is = sort::cause;                 ///< `cause` for what the catalogue explains
    const entry *about = nullptr;          ///< for a cause
    const pattern *wording_used = nullptr; ///< for a cause
};

/// Every pattern of the catalogue, every harmless wording, and the words with which libvirt joins
/// the messages of both hosts. Built once: see `rules::standard`.
class rules {
public:
    rules() {
        for (const auto &part : catalogue) {
            for (const entry &one : part) {
                for (const pattern &text : one.wordings()) {
                    add(text.text, {rule::sort::cause, &one, &text});
                }
            }
        }
        for (const harmless &one : harmless_words) add(one.text, {rule::sort::noise, {}, {}});
        add("Message from the source host:", {rule::sort::source_part, {}, {}});
        add("Message from the destination host:", {rule::sort::destination_part, {}, {}});
        matcher_.finish();
    }

    /// The one that everybody shares; built at the first call, by one thread.
    [[nodiscard]] static const rules &standard() {
        static const rules shared;
        return shared;
    }

    /// Every wording of the set, by which lines are searched.
    [[nodiscard]] const matcher &templates() const noexcept { return matcher_; }
    [[nodiscard]] const rule &operator[](std::size_t id) const { return meaning_[id]; }
    /// Bytes at the end of a pattern's text that are the words of an `errno`: they say little about
    /// where a message comes from.
    [[nodiscard]] std::size_t errno_tail(std::size_t id) const { return errno_tail_[id]; }
    /// Patterns that are no templates; the catalogue's test sees that there are none.
    [[nodiscard]] const std::vector<std::string_view> &malformed() const noexcept {
        return malformed_;
    }

private:
    void add(std::string_view text, rule meaning) {
        if (matcher_.add(text) < 0) {
            malformed_.push_back(text);
            return;
        }
        meaning_.push_back(meaning);
        std::size_t tail = 0;
        for (const int number : common_errno) {
            if (text.ends_with(errno_text(number))) tail = errno_text(number).size();
        }
        errno_tail_.push_back(tail);
    }

    matcher matcher_;
    std::vector<rule> meaning_;
    std::vector<std::size_t> errno_tail_;
    std::vector<std::string_view> malformed_;
};

} // namespace kvmig::diagnosis
