// SPDX-License-Identifier: MIT
// The catalogue is sound: what every entry promises, held against every entry.
#include <diagnosis/support.hpp>

#include <map>
#include <set>

#if __has_include(<libvirt/virterror.h>)
#include <libvirt/virterror.h>
#define KVMIG_TEST_VIRTERROR
#endif

using namespace kvmig;
using namespace kvmig::diagnosis;
using namespace kvmig::diagnosis::test;

TEST_CASE("every id is written once, in its topic's letters, and stands in the list of ids") {
    std::set<std::string> listed;
    std::set<std::string> retired;
    std::string before;
    for (const auto &row : read_rows("ids.txt")) {
        INFO(row[0]);
        CHECK(before < row[0]);
        before = row[0];
        (row.size() > 1 && row[1] == "retired" ? retired : listed).insert(row[0]);
    }
    std::set<std::string> seen;
    each_entry([&](const entry &one) {
        INFO(one.id);
        CHECK(one.id.size() == 11);
        CHECK(topic_of(one.id) != nullptr);
        CHECK(seen.insert(std::string(one.id)).second);
        CHECK(retired.count(std::string(one.id)) == 0);
    });
    // A number that is listed and gone from the catalogue is to be marked `retired`, never deleted.
    CHECK(seen == listed);
}

TEST_CASE("the parts of the catalogue follow the topics") {
    std::size_t before = 0;
    for (const auto &part : catalogue) {
        REQUIRE_FALSE(part.empty());
        const topic_name *name = topic_of(part.front().id);
        REQUIRE(name != nullptr);
        const auto at = static_cast<std::size_t>(name - topics.data());
        CHECK(before <= at);
        before = at;
        for (const entry &one : part) CHECK(topic_of(one.id) == name);
    }
    CHECK(before + 1 == topics.size());
}

TEST_CASE("every entry explains itself") {
    each_entry([](const entry &one) {
        INFO(one.id);
        CHECK(one.title.size() > 15);
        CHECK(one.title.back() != '.');
        CHECK(one.cause.size() > 25);
        CHECK(one.cause.back() == '.');
        CHECK_FALSE(one.steps().empty());
        CHECK_FALSE(one.look.empty());
        const bool by_state = one.signs[0] != sign::none;
        CHECK((by_state || !one.wordings().empty()));
        CHECK((one.wordings().empty() || !one.example.empty()));
        for (const pattern &text : one.wordings()) {
            INFO(text.text);
            CHECK_FALSE(text.where.empty());
            CHECK(static_cast<unsigned>(text.seen) != 0);
        }
    });
}

TEST_CASE("every pattern is a template that can be found") {
    for (const std::string_view text : rules::standard().malformed()) {
        FAIL_CHECK("not a template, or no literal of eight bytes: " << text);
    }
}

TEST_CASE("holes of remedies have a value, or are what the reader has to fill in") {
    const std::set<std::string> known = {"domain", "source", "destination", "host"};
    each_entry([&](const entry &one) {
        std::set<std::string> names = known;
        for (const pattern &text : one.wordings()) {
            std::string arena;
            arena.reserve(text.text.size() + 8);
            std::vector<piece> pieces;
            REQUIRE(parse_template(text.text, arena, pieces));
            for (const piece &part : pieces) {
                if (!part.is_hole()) continue;
                names.insert(std::string(part.name));
                if (part.type == hole_type::endpoint) names.insert({"host", "port"});
            }
        }
        const auto check = [&](std::string_view text) {
            INFO(one.id << ": " << text);
            for (std::size_t at = text.find('{'); at != std::string_view::npos;
                 at = text.find('{', at + 1)) {
                const std::size_t close = text.find('}', at);
                REQUIRE(close != std::string_view::npos);
                const std::string name(text.substr(at + 1, close - at - 1));
                INFO("hole " << name);
                CHECK(names.count(name) == 1);
            }
        };
        for (const step &todo : one.steps()) {
            check(todo.run);
            check(todo.note);
        }
        check(one.look);
    });
}

TEST_CASE("every example leads to its own entry") {
    each_entry([](const entry &one) {
        if (one.example.empty()) return;
        INFO(one.example);
        CHECK(first_id(diagnose(std::string(one.example))) == one.id);
    });
}

TEST_CASE("every wording of every entry leads to that entry and no other") {
    each_entry([](const entry &one) {
        for (const pattern &text : one.wordings()) {
            const std::string message = sample(text.text);
            INFO(one.id << ": " << text.text << "\n as: " << message);
            const report found = diagnose(message);
            CHECK(first_id(found) == one.id);
            // The whole message, not a part of it that some other wording shares.
            if (!found.causes.empty()) CHECK_FALSE(found.causes.front().evidence.front().cut);
        }
    });
}

TEST_CASE("no two entries have the same wording") {
    std::map<std::string, std::string_view> owner;
    each_entry([&](const entry &one) {
        for (const pattern &text : one.wordings()) {
            // Holes are alike whatever they are called.
            std::string bare;
            bool inside = false;
            for (const char c : folded(text.text)) {
                if (c == '{') bare += "{}";
                inside = c == '{' || (inside && c != '}');
                if (!inside && c != '}') bare += c;
            }
            const auto [at, is_new] = owner.try_emplace(bare, one.id);
            INFO(text.text);
            if (!is_new) CHECK(at->second == one.id);
        }
    });
}

TEST_CASE("every state leads to an entry") {
    for (int number = 1; number <= static_cast<int>(sign::out_of_memory_killed); ++number) {
        const auto what = static_cast<sign>(number);
        evidence all;
        all.signs.push_back({.what = what, .host = "kvm01", .side = evidence_side::source});
        const report found = diagnose(all);
        INFO(describe(what));
        REQUIRE_FALSE(describe(what).empty());
        REQUIRE(found.causes.size() == 1);
        CHECK(found.causes.front().evidence.front().host == "kvm01");
    }
}

#ifdef KVMIG_TEST_VIRTERROR
TEST_CASE("libvirt's error codes are the numbers of its header") {
    const std::map<int, std::string_view> expected = {
        {VIR_ERR_NO_CONNECT, "KVM-DMN-010"},       {VIR_ERR_OPERATION_DENIED, "KVM-SEC-002"},
        {VIR_ERR_NO_DOMAIN, "KVM-IDN-006"},        {VIR_ERR_NO_NETWORK, "KVM-NIC-003"},
        {VIR_ERR_NO_STORAGE_POOL, "KVM-STO-021"},  {VIR_ERR_NO_NWFILTER, "KVM-NIC-009"},
        {VIR_ERR_NO_SECRET, "KVM-SEC-012"},        {VIR_ERR_OPERATION_TIMEOUT, "KVM-LIF-006"},
        {VIR_ERR_AUTH_CANCELLED, "KVM-SEC-002"},   {VIR_ERR_MIGRATE_UNSAFE, "KVM-STO-001"},
        {VIR_ERR_RESOURCE_BUSY, "KVM-STO-015"},    {VIR_ERR_ACCESS_DENIED, "KVM-SEC-002"},
        {VIR_ERR_CPU_INCOMPATIBLE, "KVM-CPU-016"}, {VIR_ERR_AUTH_UNAVAILABLE, "KVM-SEC-001"}};
    std::map<int, std::string_view> found;
    each_entry([&](const entry &one) {
        for (const code_rule &rule : one.codes) {
            if (rule.code != 0) CHECK(found.try_emplace(rule.code, one.id).second);
        }
    });
    CHECK(found == expected);
    CHECK(detail::vir_err_system_error == VIR_ERR_SYSTEM_ERROR);
}
#endif
