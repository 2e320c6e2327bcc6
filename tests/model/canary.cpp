// SPDX-License-Identifier: MIT
#include <kvmig/model/canary.hpp>
#include <support/catch.hpp>

#include <chrono>
#include <string>

using namespace kvmig;

TEST_CASE("a canary's name has its age, and its images have its name") {
    const model::token_id made{std::chrono::sys_days{std::chrono::year{2026} / 11 / 22} +
                                   std::chrono::hours{19},
                               "0123456789abcdef0123456789abcdef"};
    const std::string name = model::canary_name(made);
    CHECK(name == "kvmig-canary-20261122T190000Z-0123456789abcdef0123456789abcdef");
    for (const char *more : {"", ".qcow2", "-0.qcow2", "-1.raw"}) {
        INFO(more);
        CHECK(model::parse_canary_name(name + more) == made);
    }
    for (const std::string &other :
         {std::string(), std::string("kvmig-canary-"), "x" + name, name + "0", name + "f.qcow2",
          name.substr(0, name.size() - 1),
          std::string("kvmig-canary-20261322T190000Z-0123456789abcdef"
                      "0123456789abcdef"),
          std::string(".kvmig-token-20261122T190000Z-0123456789abcdef0123456789abcdef")}) {
        INFO(other);
        CHECK_FALSE(model::parse_canary_name(other));
    }
}
