// SPDX-License-Identifier: MIT
#include <kvmig/run/whereabouts.hpp>
#include <support/catch.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace kvmig;
using run::guest_side;
using run::host_answer;

namespace {

/// Everything a host can answer, by what it means: active, known and not active, unknown, unread.
const std::vector<std::pair<char, host_answer>> &answers() {
    static const std::vector<std::pair<char, host_answer>> all = {
        {'a',
         {"h", model::domain_status{model::domain_state::running, 1, "booted", true, true},
          std::nullopt}},
        {'a',
         {"h", model::domain_status{model::domain_state::paused, 1, "user", true, false},
          std::nullopt}},
        {'i',
         {"h", model::domain_status{model::domain_state::shutoff, 1, "shutdown", false, true},
          std::nullopt}},
        {'i', {"h", std::nullopt, std::nullopt}},
        {'u', {"h", std::nullopt, make_error(error_kind::unreachable, "gone")}},
    };
    return all;
}

} // namespace

TEST_CASE("where a guest is follows from every pair of answers") {
    for (const auto &[source, source_answer] : answers()) {
        for (const auto &[destination, destination_answer] : answers()) {
            const run::whereabouts guest{source_answer, destination_answer};
            INFO(guest.text());
            guest_side wanted = guest_side::neither;
            if (source == 'u' || destination == 'u') {
                wanted = guest_side::unknown;
            } else if (source == 'a' && destination == 'a') {
                wanted = guest_side::both;
            } else if (source == 'a') {
                wanted = guest_side::source;
            } else if (destination == 'a') {
                wanted = guest_side::destination;
            }
            CHECK(guest.side() == wanted);
            CHECK_FALSE(to_string(guest.side()).empty());
        }
    }
}

TEST_CASE("an answer is told in a clause") {
    CHECK(answers()[0].second.text() == "h says running (booted)");
    CHECK(answers()[3].second.text() == "h does not know it");
    CHECK(answers()[4].second.text() == "h cannot be asked");
}
