// SPDX-License-Identifier: MIT
#include <kvmig/model/probe_token.hpp>
#include <support/catch.hpp>

#include <chrono>
#include <string>

using namespace kvmig;
using namespace std::chrono_literals;

namespace {

constexpr const char *random_part = "0123456789abcdef0123456789abcdef";

/// 2026-01-31 23:59:58.
std::chrono::sys_seconds moment() {
    using namespace std::chrono;
    return sys_days{year{2026} / January / 31} + 23h + 59min + 58s;
}

} // namespace

TEST_CASE("a token's name tells when it was made, and reads back") {
    const model::token_id id{moment(), random_part};
    const std::string name = model::token_name(id);
    CHECK(name == ".kvmig-token-20260131T235958Z-0123456789abcdef0123456789abcdef");
    CHECK(model::parse_token_name(name) == id);
    const std::string pool = model::token_name(id, "kvmig-token-");
    CHECK(pool == name.substr(1));
    CHECK(model::parse_token_name(pool, "kvmig-token-") == id);
    CHECK_FALSE(model::parse_token_name(pool));
    CHECK_FALSE(model::parse_token_name(name, "kvmig-token-"));
}

TEST_CASE("what is not named like a token is nobody's to sweep") {
    const auto *const name = GENERATE(
        "", ".kvmig-token-", ".kvmig-token-20260131T235958Z", ".kvmig-token-20260131T235958Z-",
        ".kvmig-token-20260131T235958Z-0123456789abcde",    // too short to be unique
        ".kvmig-token-20260131T235958Z-0123456789ABCDEF",   // not as they are written
        ".kvmig-token-20260131T235958Z-0123456789abcdef.x", // somebody's copy
        ".kvmig-token-20260131T235958Z_0123456789abcdef",   //
        ".kvmig-token-20260131 235958Z-0123456789abcdef",   //
        ".kvmig-token-20260131T235958+-0123456789abcdef",   //
        ".kvmig-token-20260231T235958Z-0123456789abcdef",   // no such day
        ".kvmig-token-20261301T235958Z-0123456789abcdef",   // no such month
        ".kvmig-token-20260131T245958Z-0123456789abcdef",   // no such hour
        ".kvmig-token-20260131T236058Z-0123456789abcdef",   // no such minute
        ".kvmig-token-20260131T235960Z-0123456789abcdef",   // no such second
        ".kvmig-token-2026-131T235958Z-0123456789abcdef",   //
        "vm1.qcow2", "x.kvmig-token-20260131T235958Z-0123456789abcdef");
    INFO(name);
    CHECK_FALSE(model::parse_token_name(name));
}

TEST_CASE("a token is old after an hour, and never before it was made") {
    const model::token_id id{moment(), random_part};
    CHECK_FALSE(model::is_old(id, moment()));
    CHECK_FALSE(model::is_old(id, moment() + 1h - 1s));
    CHECK(model::is_old(id, moment() + 1h));
    CHECK(model::is_old(id, moment() + 24h * 365));
    CHECK_FALSE(model::is_old(id, moment() - 24h));
    CHECK(model::is_old(id, moment() + 10s, 10s));
}

TEST_CASE("a token says whose it is, and no two say the same") {
    const model::token_id id{moment(), random_part};
    const std::string text = model::token_content(id, "kvm01\nrandom: 0", "feed");
    CHECK_THAT(text, Catch::Contains("\nhost: kvm01 random: 0\n"));
    CHECK_THAT(text, Catch::Contains("\ntime: 20260131T235958Z\n"));
    CHECK_THAT(text, Catch::EndsWith("\nrandom: feed\n"));
    CHECK(text != model::token_content(id, "kvm01\nrandom: 0", "beef"));
    CHECK(text.size() < model::token_most);
}
