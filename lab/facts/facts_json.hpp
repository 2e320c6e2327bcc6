// SPDX-License-Identifier: MIT
/// Facts of a check as text (`kvmig.facts/1`): told once, judged again anywhere.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/precheck/facts.hpp>

#include <string>
#include <string_view>

namespace kvmig::lab {

/// As JSON, with a newline at the end. A fact is `{"known": VALUE}` or `{"unknown": REASON}`; byte
/// counts and milliseconds are numbers, enumerators words. Bytes that are no UTF-8 are replaced.
[[nodiscard]] std::string facts_text(const precheck::facts &all);

/// The same facts again. Members that are not known are passed over; a fact that the text lacks is
/// unknown, as one that an older kvmig did not ask for; of everything else a missing or wrong
/// member is an error. Fails with `invalid_argument`, naming `file`, the place as a JSON pointer
/// (RFC 6901), and what would be right.
[[nodiscard]] expected<precheck::facts> parse_facts(std::string_view text, const std::string &file);

} // namespace kvmig::lab
