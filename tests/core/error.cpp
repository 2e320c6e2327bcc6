// SPDX-License-Identifier: MIT
#include <kvmig/core/expected.hpp>
#include <support/catch.hpp>

using namespace kvmig;

TEST_CASE("an error says what, where, why and what to do") {
    const error err = make_error(error_kind::unreachable, "cannot connect")
                          .on("kvm02")
                          .about("domain vm1")
                          .advise("open port 49152")
                          .because(make_error(error_kind::io, "No route to host"));
    CHECK(describe(err) == "cannot connect [domain vm1 on kvm02]\n"
                           "  because:\n"
                           "    No route to host\n"
                           "  try: open port 49152");
}

TEST_CASE("an error becomes the failing side of any expected") {
    const auto failing = []() -> expected<int> {
        return fail(error_kind::not_found, "no such domain");
    };
    const auto result = failing();
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == error_kind::not_found);
}
