// SPDX-License-Identifier: MIT
// Facts as a file: every field comes back, and what is wrong is told with its place.
#include <lab/facts/facts_fields.hpp>
#include <lab/facts/facts_file.hpp>
#include <lab/facts/facts_json.hpp>
#include <lab/facts/facts_words.hpp>
#include <support/catch.hpp>
#include <support/temporary_directory.hpp>

#include <concepts>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <sys/stat.h>
#include <vector>

using namespace kvmig;

namespace {

/// Gives every member another value than it is born with, each time another one.
class filling {
public:
    explicit filling(unsigned seed) : next_(seed) {}

    template <class T> void fill(T &into) {
        ++next_;
        if constexpr (std::same_as<T, bool>) {
            into = !into;
        } else if constexpr (std::same_as<T, std::string>) {
            into = "text \"" + std::to_string(next_) + "\" ä/~\n";
        } else if constexpr (std::integral<T>) {
            into = static_cast<T>(next_);
        } else if constexpr (std::is_enum_v<T>) {
            const auto words = lab::all_words<T>();
            into = words[next_ % words.size()].second;
        } else if constexpr (std::same_as<T, uuid>) {
            into = uuid::random();
        } else if constexpr (lab::has_fields<T>) {
            std::set<const void *> places;
            std::set<std::string> names;
            lab::for_each_field(into, [&](const char *name, auto &member) {
                INFO(name);
                CHECK(places.insert(&member).second); // no member stands for another
                CHECK(names.insert(name).second);
                fill(member);
            });
        } else {
            into = T{next_}; // a count
        }
    }
    template <class T> void fill(std::optional<T> &into) { fill(into.emplace()); }
    template <class T> void fill(std::vector<T> &into) {
        into.resize(2);
        for (T &each : into) fill(each);
    }
    template <class T> void fill(precheck::fact<T> &into) {
        T value{};
        fill(value);
        into = value;
    }
    template <class T> void fill(precheck::by_name<T> &into) {
        std::string reason;
        fill(reason);
        into.otherwise(reason);
        for (const char *name : {"/srv/a~b.qcow2", ""}) {
            precheck::fact<T> told;
            fill(told);
            into.set(name, told);
        }
        into.set("not told", precheck::fact<T>::unknown("the daemon is silent"));
    }

private:
    unsigned next_;
};

precheck::facts filled_facts(unsigned seed) {
    precheck::facts out;
    filling(seed).fill(out);
    return out;
}

/// The file's text after `pointer` was set to `value`.
std::string changed_facts(const char *pointer, const nlohmann::json &value) {
    auto all = nlohmann::json::parse(lab::facts_text(filled_facts(1)));
    all[nlohmann::json::json_pointer(pointer)] = value;
    return all.dump();
}

/// The file's text without the member `name` of what `pointer` leads to.
std::string lacking_facts(const char *pointer, const char *name) {
    auto all = nlohmann::json::parse(lab::facts_text(filled_facts(1)));
    REQUIRE(all.at(nlohmann::json::json_pointer(pointer)).erase(name) == 1);
    return all.dump();
}

error refused_facts(const std::string &text) {
    const auto read = lab::parse_facts(text, "vm1.facts");
    REQUIRE_FALSE(read);
    CHECK(read.error().object == "vm1.facts");
    CHECK_FALSE(read.error().remedy.empty());
    return read.error();
}

} // namespace

TEST_CASE("every field of facts comes back from a file, with every enumerator", "[facts]") {
    const auto seed = GENERATE(range(0U, 20U));
    const auto before = filled_facts(seed);
    const auto after = lab::parse_facts(lab::facts_text(before), "facts");
    if (!after) FAIL(describe(after.error()));
    CHECK((*after == before));
}

TEST_CASE("what is empty or not asked for comes back as that", "[facts]") {
    const precheck::facts before;
    const auto after = lab::parse_facts(lab::facts_text(before), "facts");
    if (!after) FAIL(describe(after.error()));
    CHECK((*after == before));
}

TEST_CASE("a fact that is not known keeps its reason", "[facts]") {
    auto before = filled_facts(7);
    unsigned number = 0;
    precheck::for_each_fact(before, [&]<class T>(const char *name, precheck::fact<T> &told) {
        told = precheck::fact<T>::unknown(std::string(name) + std::to_string(number++));
    });
    REQUIRE(number > 30);
    const auto after = lab::parse_facts(lab::facts_text(before), "facts");
    if (!after) FAIL(describe(after.error()));
    CHECK((*after == before));
    CHECK(after->source.hostname.reason() == "hostname0");
}

TEST_CASE("a fact that an older file lacks is unknown", "[facts]") {
    auto read = lab::parse_facts(lacking_facts("/destination", "memory_total"), "facts");
    REQUIRE(read);
    CHECK_FALSE(read->destination.memory_total.known());
    CHECK(read->destination.memory_total.reason() == "the file of facts does not tell it");
    read = lab::parse_facts(lacking_facts("/destination", "networks"), "facts");
    REQUIRE(read);
    CHECK(read->destination.networks.of("x").reason() == "the file of facts does not tell it");
    // More may stand beside what is known.
    CHECK(lab::parse_facts(changed_facts("/destination/novel", 7), "facts"));
}

TEST_CASE("a damaged file of facts is refused with the place and what would be right", "[facts]") {
    struct {
        const char *pointer;
        nlohmann::json value;
        const char *said;
    } static const damages[] = {
        {"/domain", nullptr, "at /domain: not an object"},
        {"/domain/name", 7, "at /domain/name: not a text"},
        {"/domain/locked", "no", "at /domain/locked: not true or false"},
        {"/domain/vcpus", -1, "at /domain/vcpus: not a whole number from 0 to 4294967295"},
        {"/domain/vcpus", 4294967296, "at /domain/vcpus: not a whole number from 0 to 4294967295"},
        {"/domain/vcpus", 1.5, "at /domain/vcpus: not a whole number"},
        {"/domain/uuid", "c7a5", "at /domain/uuid: not a UUID"},
        {"/domain/disks", nlohmann::json::object(), "at /domain/disks: not a list"},
        {"/domain/disks/1/source/kind", "tape",
         "at /domain/disks/1/source/kind: not one of 'none', 'file'"},
        {"/destination/ports/known/0/port", 65536,
         "at /destination/ports/known/0/port: not a whole number from 0 to 65535"},
        {"/destination/ports/known/0/answer", "unknown",
         "at /destination/ports/known/0/answer: not one of 'open', 'closed', 'rejected', "
         "'dropped', 'unreachable'"},
        {"/source/hostname", "kvm01",
         R"(at /source/hostname: not {"known": VALUE} or {"unknown": REASON})"},
        {"/source/hostname/unknown", "both", "at /source/hostname: not {"},
        {"/source/storage/named/~1srv~1a~0b.qcow2/known/active", 1,
         "at /source/storage/named/~1srv~1a~0b.qcow2/known/active: not true or false"},
        {"/source/storage/named", nullptr, "at /source/storage: not an object with 'named'"},
    };
    for (const auto &[pointer, value, said] : damages) {
        INFO(pointer);
        const auto problem = refused_facts(changed_facts(pointer, value));
        CHECK(problem.kind == error_kind::invalid_argument);
        CHECK_THAT(problem.what,
                   Catch::StartsWith("vm1.facts holds no facts: ") && Catch::Contains(said));
    }
    CHECK_THAT(refused_facts(lacking_facts("/domain/disks/0", "target")).what,
               Catch::EndsWith("at /domain/disks/0: not an object with 'target'"));
}

TEST_CASE("a file that holds no facts is refused", "[facts]") {
    const auto whole = lab::facts_text(filled_facts(1));
    CHECK_THAT(refused_facts("").what, Catch::Contains("line 1, column 1"));
    CHECK_THAT(refused_facts(whole.substr(0, whole.size() / 2)).what, Catch::Contains("line "));
    CHECK_THAT(refused_facts("1e999").what, Catch::Contains("vm1.facts holds no facts"));
    for (const char *foreign : {"[]", "{}", "7", R"({"schema": 1})"}) {
        CHECK_THAT(refused_facts(foreign).what, Catch::Contains("not 'kvmig.facts/1'"));
    }
    CHECK(refused_facts(R"({"schema": "kvmig.run/1"})").kind == error_kind::invalid_argument);
    const auto newer = refused_facts(changed_facts("/schema", "kvmig.facts/2"));
    CHECK(newer.kind == error_kind::unsupported);
    CHECK_THAT(newer.what, Catch::Contains("'kvmig.facts/2', not 'kvmig.facts/1'"));
}

TEST_CASE("a file of facts is its owner's alone, and whole or not there", "[facts]") {
    const test::temporary_directory folder;
    const auto file = folder.path() / "vm1.facts";
    REQUIRE(lab::write_facts(filled_facts(3), file));
    struct stat about {};
    REQUIRE(::stat(file.c_str(), &about) == 0);
    CHECK((about.st_mode & 0777U) == 0600U);
    CHECK(test::names_in(folder.path()) == std::set<std::string>{"vm1.facts"});
    const auto gone = lab::read_facts((folder.path() / "none").string());
    REQUIRE_FALSE(gone);
    CHECK(gone.error().kind == error_kind::invalid_argument);
    CHECK_THAT(gone.error().what, Catch::Contains("No such file"));
}
