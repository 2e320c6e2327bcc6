// SPDX-License-Identifier: MIT
#include <kvmig/model/path_rule.hpp>
#include <support/catch.hpp>

#include <string>
#include <vector>

using namespace kvmig;
using model::path_rule;

TEST_CASE("a rule for paths is read, and what is none refused") {
    CHECK(path_rule::parse("/var/lib/=/srv/") == path_rule{"/var/lib", "/srv"});
    CHECK(path_rule::parse("/=/mnt") == path_rule{"/", "/mnt"});
    for (const char *bad : {"", "/a", "a=/b", "/a=b", "=", "/a="}) {
        INFO(bad);
        const auto read = path_rule::parse(bad);
        REQUIRE_FALSE(read);
        CHECK(read.error().kind == error_kind::invalid_argument);
        CHECK_THAT(read.error().remedy, Catch::Contains("FROM=TO"));
    }
}

TEST_CASE("the longest rule wins, and only whole names match") {
    const std::vector<path_rule> rules{{"/a", "/x"}, {"/a/b", "/y"}};
    CHECK(model::adapted(rules, "/a/c") == "/x/c");
    CHECK(model::adapted(rules, "/a/b/c") == "/y/c");
    CHECK(model::adapted(rules, "/a/bc") == "/x/bc");
    CHECK(model::adapted(rules, "/a") == "/x");
    CHECK(model::adapted(rules, "/ab") == "/ab");
    CHECK(model::adapted(rules, "a/b") == "a/b");
    CHECK(model::adapted({{"/", "/r"}}, "/a") == "/r/a");
    CHECK(model::adapted({{"/a", "/"}}, "/a/b") == "/b");
    CHECK(model::adapted({{"/a", "/"}}, "/a") == "/");
    CHECK(model::adapted({}, "/a") == "/a");
}
