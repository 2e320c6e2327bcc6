// SPDX-License-Identifier: MIT
// Each example as people and programs deliver it: prefixed, wrapped, cut, doubled, requoted. A
// message may then no longer be recognised; it must never be taken for another.
#include <diagnosis/support.hpp>

#include <random>

using namespace kvmig;
using namespace kvmig::diagnosis;
using namespace kvmig::diagnosis::test;

namespace {

/// Calls `visit(entry, example)` for every entry that has an example.
template <class Visit> void each_example(Visit visit) {
    each_entry([&](const entry &one) {
        if (!one.example.empty()) visit(one, std::string(one.example));
    });
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    for (std::size_t at = text.find(from); at != std::string::npos;
         at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
    return text;
}

} // namespace

TEST_CASE("prefixes of terminals, journals and logs do not hide a message") {
    each_example([](const entry &one, const std::string &text) {
        for (const std::string_view prefix :
             {"error: ", "  ", "\t",
              "May 20 10:00:00 kvm01 virsh[4711]: ", "2024-05-20T10:00:00.123456Z ",
              "libvirt: QEMU Driver error : ", "2024-05-20 10:00:00.123+0000: 4711: info : ",
              "libvirt.libvirtError: ", "\x1b[0;1;31merror:\x1b[0m ", "> ", "| "}) {
            INFO(prefix << text);
            CHECK(first_id(diagnose(std::string(prefix) + text)) == one.id);
        }
    });
}

TEST_CASE("line ends and blank lines around a message do not matter") {
    each_example([](const entry &one, const std::string &text) {
        INFO(text);
        CHECK(first_id(diagnose(text + "\r\n")) == one.id);
        CHECK(first_id(diagnose("\n\n" + text + "\n\n")) == one.id);
        CHECK(first_id(diagnose("$ virsh migrate vm1\r\n" + text + "\r\n$ \r\n")) == one.id);
    });
}

TEST_CASE("other quotation marks and escapes do not matter") {
    each_example([](const entry &one, const std::string &text) {
        INFO(text);
        CHECK(first_id(diagnose(replaced(text, "'", "\xE2\x80\x99"))) == one.id);
        CHECK(first_id(diagnose(replaced(text, "'", ""))) == one.id);
        CHECK(first_id(diagnose(replaced(replaced(text, "\"", "\\\""), "'", "`"))) == one.id);
        CHECK(first_id(diagnose(replaced(text, " ", "\xC2\xA0"))) == one.id);
        CHECK(first_id(diagnose(replaced(text, ": ", "\xEF\xBC\x9A "))) == one.id);
    });
}

TEST_CASE("a message told twice is one cause, seen twice") {
    each_example([](const entry &one, const std::string &text) {
        INFO(text);
        const report once = diagnose(text);
        const report twice = diagnose(text + "\n\n" + text + "\n");
        CHECK(first_id(twice) == one.id);
        REQUIRE(twice.causes.size() == once.causes.size());
        CHECK(twice.causes[0].seen == 2 * once.causes[0].seen);
        CHECK(twice.causes[0].remedy == once.causes[0].remedy);
    });
}

TEST_CASE("a message wrapped at any width keeps its cause") {
    each_example([](const entry &one, const std::string &text) {
        for (std::size_t width = 24; width < text.size() && width < 132; width += 17) {
            for (const std::string_view line_end : {"\n", "\r\n", "\n    ", "\n> "}) {
                std::string wrapped;
                for (std::size_t at = 0; at < text.size(); at += width) {
                    // Indentation swallows a blank at the seam; terminals do not indent.
                    if (line_end.size() > 2 && at != 0 && text[at] == ' ') wrapped += ' ';
                    wrapped += text.substr(at, width);
                    if (at + width < text.size()) wrapped += line_end;
                }
                INFO(one.id << " at " << width << ":\n" << wrapped);
                CHECK(first_id(diagnose(wrapped)) == one.id);
            }
        }
    });
}

TEST_CASE("a message wrapped between words keeps its cause") {
    each_example([](const entry &one, const std::string &text) {
        for (std::size_t width = 30; width < text.size() && width < 132; width += 7) {
            std::string wrapped = text;
            std::size_t begin = 0;
            while (wrapped.size() - begin > width) {
                const std::size_t blank = wrapped.rfind(' ', begin + width);
                if (blank == std::string::npos || blank <= begin) break;
                wrapped[blank] = '\n';
                begin = blank + 1;
            }
            INFO(one.id << " at " << width << ":\n" << wrapped);
            CHECK(first_id(diagnose(wrapped)) == one.id);
        }
    });
}

TEST_CASE("a message cut short is known or unknown, never another cause for certain") {
    std::size_t known = 0;
    std::size_t tried = 0;
    each_example([&](const entry &one, const std::string &text) {
        for (std::size_t keep = 10; keep < text.size(); keep += 2) {
            for (const bool front : {false, true}) {
                const std::string part =
                    front ? text.substr(text.size() - keep) : text.substr(0, keep);
                const report found = diagnose(part);
                INFO(one.id << " from: " << part << "\nas: " << ids(found));
                ++tried;
                if (found.causes.empty()) continue;
                if (first_id(found) == one.id) {
                    ++known;
                    continue;
                }
                // Whatever it is taken for stands whole in what is left, or is only possible.
                const cause &other = found.causes[0];
                CHECK((other.sure == confidence::possible || !other.evidence[0].cut));
            }
        }
    });
    // Four in ten of all the cuts, down to ten bytes, leave enough to know the message by.
    CHECK(known * 10 > tried * 4);
}

TEST_CASE("libvirt's own prefix is no message cut at its front") {
    // The end of `KVM internal error: {rest}` too, which QEMU says.
    CHECK(ids(diagnose("internal error: the ship has sailed")).empty());
    CHECK(ids(diagnose("error: internal error: the ship has sailed")).empty());
    CHECK(first_id(diagnose("KVM internal error: the ship has sailed")) == "KVM-DMN-007");
}

TEST_CASE("any bytes are survived, and answered the same each time") {
    std::mt19937 random(20240520);
    std::vector<std::string> seeds;
    each_example([&](const entry &, const std::string &text) { seeds.push_back(text); });
    for (int round = 0; round < 3000; ++round) {
        std::string text;
        for (auto parts = random() % 4 + 1; parts > 0; --parts) {
            text += seeds[random() % seeds.size()];
            if (random() % 2 == 0) text += '\n';
        }
        for (auto changes = random() % 30; changes > 0 && !text.empty(); --changes) {
            const std::size_t at = random() % text.size();
            switch (random() % 5) {
            case 0: text[at] = static_cast<char>(random() % 256); break;
            case 1: text.erase(at, random() % 20); break;
            case 2: text.insert(at, text.substr(random() % text.size(), random() % 40)); break;
            case 3: text.insert(at, 1, "\n\r\x1b\\'\"\xE2:[]{}\0"[random() % 13]); break;
            default: text[at] = "\n \t"[random() % 3]; break;
            }
        }
        const report first = diagnose(text);
        const report second = diagnose(text);
        REQUIRE(ids(first) == ids(second));
        for (const cause &one : first.causes) {
            REQUIRE(one.about != nullptr);
            REQUIRE_FALSE(one.evidence.empty());
            REQUIRE(one.evidence.size() <= most_clues);
            for (const clue &seen : one.evidence) REQUIRE(seen.offset <= text.size());
            for (const filled_step &todo : one.remedy) {
                REQUIRE(todo.run.find('\n') == std::string::npos);
            }
        }
    }
}
