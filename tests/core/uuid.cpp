// SPDX-License-Identifier: MIT
#include <kvmig/core/uuid.hpp>
#include <support/catch.hpp>

using kvmig::uuid;

TEST_CASE("a UUID is read in every form that libvirt reads") {
    const auto plain = uuid::parse("123e4567-e89b-42d3-a456-426614174000");
    REQUIRE(plain);
    CHECK(plain->text() == "123e4567-e89b-42d3-a456-426614174000");
    CHECK(uuid::parse("123E4567E89B42D3A456426614174000") == plain);
    CHECK(uuid::parse("12-3e4567-e89b-42d3-a456-4266141740-00") == plain);
}

TEST_CASE("what is no UUID is named in the error") {
    for (const char *text : {"", "123e4567", "123e4567-e89b-42d3-a456-42661417400g",
                             "123e4567-e89b-42d3-a456-4266141740000", "{123e4567}"}) {
        const auto parsed = uuid::parse(text);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error().kind == kvmig::error_kind::invalid_argument);
        CHECK(parsed.error().what.find(text) != std::string::npos);
        CHECK_FALSE(parsed.error().remedy.empty());
    }
}

TEST_CASE("random UUIDs are version 4 and differ") {
    const uuid a = uuid::random();
    const uuid b = uuid::random();
    CHECK(a != b);
    CHECK(a.text()[14] == '4');
    CHECK(uuid::parse(a.text()) == a);
}
