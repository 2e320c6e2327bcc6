// SPDX-License-Identifier: MIT
#include <kvmig/migration/mode_choice.hpp>

#include <support/catch.hpp>

#include <optional>
#include <string>
#include <vector>

using namespace kvmig;
using namespace kvmig::migration;

namespace {

disk_seen seen_disk(const std::string &name, sharing is, bool backing = false,
                    bool copyable = true) {
    return {.disk = name,
            .is = is,
            .why = "seen of " + name,
            .copyable = copyable,
            .backing_there = backing,
            .backing_why = backing ? "" : name + " has no backing file"};
}

constexpr auto on_both = sharing::shared;
constexpr auto on_one = sharing::not_shared;
constexpr auto not_known = sharing::unknown;

} // namespace

TEST_CASE("the mode is chosen by what is known of the guest") {
    struct row {
        bool active;
        std::vector<disk_seen> disks;
        std::optional<kind> mode; ///< nothing: refused
        std::vector<std::string> copied;
    };
    const std::vector<row> table = {
        {false, {}, kind::cold, {}},
        {true, {}, kind::live, {}},
        {true, {seen_disk("vda", on_both)}, kind::live, {}},
        {true,
         {seen_disk("vda", on_both), seen_disk("vdb", on_both, false, false)},
         kind::live,
         {}},
        {true, {seen_disk("vda", on_one)}, kind::block, {}},
        {true, {seen_disk("vda", on_one, true)}, kind::incremental, {}},
        // One that has nothing below, or not there, is copied whole, and so are all.
        {true, {seen_disk("vda", on_one, true), seen_disk("vdb", on_one)}, kind::block, {}},
        {true,
         {seen_disk("vda", on_one, true), seen_disk("vdb", on_one, true)},
         kind::incremental,
         {}},
        // A shared disk is not to be copied upon itself.
        {true, {seen_disk("vda", on_both), seen_disk("vdb", on_one)}, kind::block, {"vdb"}},
        {true,
         {seen_disk("vda", on_one, true), seen_disk("vdb", on_both)},
         kind::incremental,
         {"vda"}},
        {true, {seen_disk("vda", not_known)}, std::nullopt, {}},
        {true, {seen_disk("vda", on_one, true), seen_disk("vdb", not_known)}, std::nullopt, {}},
        {true, {seen_disk("vda", on_one, true, false)}, std::nullopt, {}},
    };
    for (std::size_t i = 0; i < table.size(); ++i) {
        CAPTURE(i);
        const auto chosen = choose_mode({"vm1", table[i].active, table[i].disks});
        REQUIRE(chosen.has_value() == table[i].mode.has_value());
        if (!chosen) continue;
        CHECK(chosen->mode == *table[i].mode);
        CHECK(chosen->disks == table[i].copied);
        CHECK_FALSE(chosen->why.empty());
    }
}

TEST_CASE("what cannot be decided is told with what was seen, and with the modes that would fit") {
    const auto unknown = choose_mode({"vm1", true, {seen_disk("vda", not_known)}});
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().kind == error_kind::conflict);
    CHECK_THAT(unknown.error().what, Catch::Contains("vda (seen of vda)"));
    CHECK_THAT(unknown.error().remedy, Catch::Contains("--mode live") &&
                                           Catch::Contains("--mode block") &&
                                           Catch::Contains("--mode incremental"));
    const auto stuck = choose_mode({"vm1", true, {seen_disk("vdc", on_one, false, false)}});
    REQUIRE_FALSE(stuck);
    CHECK_THAT(stuck.error().what, Catch::Contains("vdc") && Catch::Contains("seen of vdc"));
    CHECK_THAT(stuck.error().remedy, Catch::Contains("--mode cold --copy-images"));
}

TEST_CASE("the choice says why") {
    const auto block = choose_mode({"vm1", true, {seen_disk("vda", on_one)}});
    REQUIRE(block);
    CHECK_THAT(block->why, Catch::Contains("seen of vda") && Catch::Contains("no backing file"));
    const auto live = choose_mode({"vm1", true, {seen_disk("vda", on_both)}});
    REQUIRE(live);
    CHECK_THAT(live->why, Catch::Contains("all its disks are shared: vda (seen of vda)"));
}
