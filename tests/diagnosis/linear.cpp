// SPDX-License-Identifier: MIT
// No pattern backtracks: the bytes looked at grow with the text, whatever it is made of.
#include <diagnosis/support.hpp>

using namespace kvmig;
using namespace kvmig::diagnosis;
using namespace kvmig::diagnosis::test;

namespace {

std::uint64_t work_for(std::string text) { return diagnose(std::move(text)).work; }

std::string repeated(std::string_view part, std::size_t size) {
    std::string text;
    while (text.size() < size) text += part;
    return text;
}

} // namespace

TEST_CASE("the work for a log is a few looks at each byte") {
    const std::string log = read_corpus("noise/virtqemud-journal.log");
    const std::string text = repeated(log, wrap_limit * 2);
    CHECK(work_for(text) < text.size() * 4);
}

TEST_CASE("the work doubles when a text doubles, even one that is made to vex") {
    const std::string_view vexing[] = {
        "unable to connect to server at '",
        "unable to connect to server at 'x:1': ",
        "cannot acquire state change lock (held by monitor=",
        "Cannot access storage file '/a' (as uid:1, gid:1",
        "Failed to get \"write\" lock Is another process using the image [",
        "internal error: process exited while connecting to monitor: ",
        "State of feature 'a' differs: source: '",
        "Message from the source host: Message from the destination host: ",
        "Target Target does not match source ",
        "... ... unable to ...",
        ": No such file or directory",
        "multifd 7: ",
        "\\n\\n'\"'\"",
        "\x1b[0m",
    };
    for (const std::string_view part : vexing) {
        for (const std::string_view line_end : {"", "\n"}) {
            const std::string unit = std::string(part) + std::string(line_end);
            // Both beyond the size up to which wrapped messages are looked for.
            const auto once = static_cast<double>(work_for(repeated(unit, wrap_limit * 2)));
            const auto twice = static_cast<double>(work_for(repeated(unit, wrap_limit * 4)));
            INFO(unit << " once " << once << " twice " << twice);
            CHECK(twice <= once * 2.1);
            // And the constant is bounded: longest hole times templates at one anchor.
            CHECK(once < static_cast<double>(wrap_limit) * 2 * 2000);
        }
    }
}

TEST_CASE("the search for wrapped messages is linear too") {
    for (const std::string_view part :
         {"unable to connect\nto server at ", "a\n", "migration of\n"}) {
        const auto once = static_cast<double>(work_for(repeated(part, wrap_limit / 8)));
        const auto twice = static_cast<double>(work_for(repeated(part, wrap_limit / 4)));
        INFO(part << " once " << once << " twice " << twice);
        CHECK(twice <= once * 2.1);
    }
}
