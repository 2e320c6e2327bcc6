// SPDX-License-Identifier: MIT
#include <kvmig/migration/origin.hpp>
#include <support/catch.hpp>

#include <string>

using namespace kvmig;
using namespace kvmig::migration;

TEST_CASE("how things were is read back as it was written") {
    for (const kind k : kinds) {
        for (unsigned bits = 0; bits < 64; ++bits) {
            for (const activity was : {activity::running, activity::paused, activity::off}) {
                for (const stop_method stop : {stop_method::none, stop_method::shutdown,
                                               stop_method::save, stop_method::snapshot}) {
                    const origin o{k,
                                   was,
                                   stop,
                                   (bits & 1U) != 0,
                                   (bits & 2U) != 0,
                                   (bits & 4U) != 0,
                                   (bits & 8U) != 0,
                                   (bits & 16U) != 0,
                                   (bits & 32U) != 0};
                    const auto back = origin_from_text(to_text(o));
                    REQUIRE(back);
                    REQUIRE(*back == o);
                }
            }
        }
    }
}

TEST_CASE("a record that does not fit is refused by the word that is wrong") {
    const std::string good = to_text(origin{});
    const auto message = [](const std::string &text) {
        const auto read = origin_from_text(text);
        REQUIRE_FALSE(read);
        REQUIRE(read.error().kind == error_kind::protocol);
        return read.error().what;
    };
    CHECK(message("").find("0 words instead of 9") != std::string::npos);
    CHECK(message(good.substr(0, good.rfind(' '))).find("8 words instead of 9") !=
          std::string::npos);
    CHECK(message(good + " colour=blue").find("'colour=blue'") != std::string::npos);
    CHECK(message(good + " kind=live").find("'kind=live'") != std::string::npos); // twice
    std::string wrong = good;
    wrong.replace(wrong.find("kind=live"), 9, "kind=warm");
    CHECK(message(wrong).find("'kind=warm'") != std::string::npos);
    wrong = good;
    wrong.replace(wrong.find("undefine_source=no"), 18, "undefine_source=si");
    CHECK(message(wrong).find("'undefine_source=si'") != std::string::npos);
    CHECK(message(good + " undefine_source").find("'undefine_source'") != std::string::npos);
}
