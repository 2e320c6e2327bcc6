// SPDX-License-Identifier: MIT
#include <kvmig/core/line_diff.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

using namespace kvmig;

namespace {

std::string diff_of(const std::string &from, const std::string &to) {
    return unified_diff(from, to, "a", "b");
}

/// Both texts again, out of the compared lines.
std::pair<std::string, std::string> put_together(const std::string &from, const std::string &to) {
    std::pair<std::string, std::string> out;
    for (const auto &line : kvmig::diff_detail::compare_lines(from, to)) {
        if (line.mark != '+') out.first += std::string(line.text) + '\n';
        if (line.mark != '-') out.second += std::string(line.text) + '\n';
    }
    return out;
}

} // namespace

TEST_CASE("texts of the same lines do not differ") {
    CHECK(diff_of("", "").empty());
    CHECK(diff_of("x\ny\n", "x\ny\n").empty());
    CHECK(diff_of("x\ny\n", "x\ny").empty());
}

TEST_CASE("a difference is told as diff -u tells it") {
    struct row {
        std::string from;
        std::string to;
        std::string told;
    };
    const std::vector<row> table = {
        {"", "x\n", "@@ -0,0 +1 @@\n+x\n"},
        {"x\n", "", "@@ -1 +0,0 @@\n-x\n"},
        {"x\n", "y\n", "@@ -1 +1 @@\n-x\n+y\n"},
        {"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nv\n6\n7\n8\n9\n",
         "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+v\n 6\n 7\n 8\n"},
        // Six equal lines between two changes: one hunk; seven: two.
        {"a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n",
         "@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n"},
        {"a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n",
         "@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+B\n"},
        {"1\n2\n3\n", "1\nnew\n2\n3\n", "@@ -1,3 +1,4 @@\n 1\n+new\n 2\n 3\n"},
    };
    for (const row &each : table) {
        CAPTURE(each.from, each.to);
        CHECK(diff_of(each.from, each.to) == "--- a\n+++ b\n" + each.told);
    }
}

TEST_CASE("whatever differs, both texts are in the difference, and as little of them as can be") {
    // Every pair of texts of up to four lines out of two.
    std::vector<std::string> all = {""};
    for (std::size_t begin = 0, length = 0; length < 4; ++length) {
        const std::size_t end = all.size();
        for (; begin < end; ++begin) {
            for (const char *line : {"x\n", "y\n"}) all.push_back(all[begin] + line);
        }
    }
    REQUIRE(all.size() == 31);
    for (const std::string &from : all) {
        for (const std::string &to : all) {
            CAPTURE(from, to);
            CHECK(put_together(from, to) == std::pair(from, to));
            CHECK(diff_of(from, to).empty() == (from == to));
        }
    }
    const auto lines = kvmig::diff_detail::compare_lines("x\ny\nx\n", "y\nx\nx\n");
    CHECK(std::count_if(lines.begin(), lines.end(), [](auto l) { return l.mark == ' '; }) == 2);
}

TEST_CASE("texts too unlike to be compared are told as replaced") {
    std::string from;
    std::string to;
    for (int i = 0; i < 4100; ++i) {
        from += "a" + std::to_string(i) + '\n';
        to += "b" + std::to_string(i) + '\n';
    }
    CHECK(put_together(from, to) == std::pair(from, to));
    CHECK_THAT(diff_of(from, to), Catch::StartsWith("--- a\n+++ b\n@@ -1,4100 +1,4100 @@\n-a0\n"));
}
