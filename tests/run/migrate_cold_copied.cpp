// SPDX-License-Identifier: MIT
// A cold migration whose image is copied, over a fake of two hosts and the real rsync between two
// folders, the controller killed on the way.
#include <fakes/controllers.hpp>
#include <fakes/far_host.hpp>
#include <kvmig/run/migrate_cold_copied.hpp>
#include <kvmig/run/recover.hpp>
#include <support/catch.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

using namespace kvmig;
using namespace std::chrono_literals;
using fakes::far_host;
using fakes::quick;
using fakes::world;
using fakes::world_host;
using fakes::world_journal;

namespace {

constexpr std::uint64_t size = 262144;

/// The hosts' shells, at each call of which the controller may be killed.
run::copy_reach reach_in(world &w, const far_host &far) {
    run::copy_reach out = far.reach();
    out.saved_states = far.here().string();
    out.shell = [&w](const std::string &) -> expected<ports::host_shell> {
        return [&w, shell = host::shell_at({})](const std::vector<std::string> &argv,
                                                const ports::heard_callback &heard,
                                                const std::stop_token &stop) {
            return w.call(w.controller(), [&] { return shell(argv, heard, stop); });
        };
    };
    return out;
}

std::optional<expected<run::cold_result>> migrate(world &w, const far_host &far, int at = 0,
                                                  const run::cold_options &options = {}) {
    w.begin_controller(at);
    world_host source(w, 0);
    world_host destination(w, 1);
    world_journal journal(w);
    run::copy_wish wish;
    wish.rules = {far.rule()};
    wish.address = model::uri_authority{.user = {}, .host = "far", .port = {}};
    try {
        return run::migrate_cold_copied(source, w.id, "vm1", destination, journal, wish, options,
                                        {}, {}, quick, reach_in(w, far));
    } catch (const fakes::killed &) {
        return std::nullopt;
    }
}

void check_moved(world &w, const far_host &far, bool undefined) {
    REQUIRE(w.status(1));
    CHECK(w.status(1)->state == model::domain_state::running);
    CHECK(w.status(0).has_value() == !undefined);
    CHECK(far_host::read(far.there() / "vm1.raw") == far_host::read(far.here() / "vm1.raw"));
    CHECK(far.files_there() == 1);
}
/// A guest without disks, whose memory can be saved on both sides.
world::script saving(const far_host &far) {
    return {.image = {}, .saved = {far.here() / "vm1.save", far.there() / "vm1.save"}};
}
/// It went on wherever it was started, and its memory lies nowhere any more.
void check_state_used(world &w, const far_host &far) {
    CHECK_FALSE(w.booted());
    CHECK_FALSE(std::filesystem::exists(far.here() / "vm1.save"));
    CHECK(far.files_there() == 0);
}
void check_as_before(world &w, const far_host &far) {
    REQUIRE(w.status(0));
    CHECK(w.status(0)->state == model::domain_state::running);
    CHECK(w.status(0)->persistent);
    CHECK_FALSE(w.status(1));
    CHECK(far.files_there() == 0);
}

} // namespace

TEST_CASE("a guest is shut down, its image copied, and started at the destination") {
    for (const bool undefine : {false, true}) {
        const far_host far;
        world w({.image = far.make("vm1.raw", size)});
        const auto result = migrate(w, far, 0, {.undefine_source = undefine});
        REQUIRE(result);
        INFO((*result ? "" : describe(result->error())));
        REQUIRE(*result);
        CHECK_THAT((**result).proof, Catch::Contains("SHA-256"));
        check_moved(w, far, undefine);
    }
}

TEST_CASE("a copy that cannot be is refused with the guest still running") {
    const far_host far;
    world w({.image = far.make("vm1.raw", size)});
    std::ofstream(far.there() / "vm1.raw") << "another guest's";
    const auto result = migrate(w, far);
    REQUIRE(result);
    REQUIRE_FALSE(*result);
    CHECK_THAT(describe(result->error()), Catch::Contains("is there already") &&
                                              Catch::Contains("the guest is at the source"));
    CHECK(far_host::read(far.there() / "vm1.raw") == "another guest's");
    CHECK(far.files_there() == 1);
    CHECK(w.records.unfinished()->empty());
}

TEST_CASE("a disk that is full on the way is undone") {
    const far_host far;
    world w({.image = far.make("vm1.raw", size)});
    far.write_script(
        "case \"$*\" in *--server*) echo 'rsync: [receiver] write failed: No space left "
        "on device (28)' >&2; exit 11;; esac; exec sh -c \"$*\"");
    const auto result = migrate(w, far);
    REQUIRE(result);
    REQUIRE_FALSE(*result);
    CHECK_THAT(describe(result->error()), Catch::Contains("no room left"));
    check_as_before(w, far);
}

TEST_CASE("a destination that cannot start the guest has nothing of its image left") {
    const far_host far;
    world w({.cannot_start = true, .image = far.make("vm1.raw", size)});
    const auto result = migrate(w, far, 0, {.undefine_source = true});
    REQUIRE(result);
    REQUIRE_FALSE(*result);
    check_as_before(w, far);
}

TEST_CASE("a controller killed at any call of a copying migration is recovered from") {
    int deaths = 0;
    for (int at = 1;; ++at) {
        const bool undo = at % 2 == 0;
        INFO("killed at " << at << ", undo " << undo);
        const far_host far;
        world w({.image = far.make("vm1.raw", size)});
        const bool died = !migrate(w, far, at, {.undefine_source = true}).has_value();
        CHECK_FALSE(w.ever_two());
        for (const bool back : {undo, false}) {
            static_cast<void>(fakes::take_up(w, 0, back, quick, reach_in(w, far)));
        }
        CHECK(w.running() == 1);
        CHECK(w.records.unfinished()->empty());
        if (w.status(1) && w.status(1)->active) {
            check_moved(w, far, true);
        } else {
            check_as_before(w, far);
        }
        if (!died) break;
        ++deaths;
    }
    CHECK(deaths > 50);
}

TEST_CASE("a guest goes on at the destination from its saved memory") {
    for (const bool undefine : {false, true}) {
        const far_host far;
        world w(saving(far));
        const auto result = migrate(w, far, 0, {.undefine_source = undefine, .keep_state = true});
        REQUIRE(result);
        INFO((*result ? "" : describe(result->error())));
        REQUIRE(*result);
        CHECK_THAT((**result).proof, Catch::Contains("vm1.save: SHA-256"));
        REQUIRE(w.status(1));
        CHECK(w.status(1)->reason_text == "restored");
        CHECK(w.status(0).has_value() == !undefine);
        check_state_used(w, far);
    }
}

TEST_CASE("a guest whose memory is not saved, or not gone on from, runs on at the source") {
    for (const auto fails : {&world::script::cannot_save, &world::script::cannot_start}) {
        const far_host far;
        world::script s = saving(far);
        s.*fails = true;
        world w(s);
        const auto result = migrate(w, far, 0, {.undefine_source = true, .keep_state = true});
        REQUIRE(result);
        REQUIRE_FALSE(*result);
        check_as_before(w, far);
        check_state_used(w, far);
        CHECK(w.records.unfinished()->empty());
    }
}

TEST_CASE("memory cannot be kept where its definition would change, or nothing is copied") {
    const far_host far;
    world::script s = saving(far);
    s.image = far.make("vm1.raw", size);
    world w(s);
    const auto mapped = migrate(w, far, 0, {.keep_state = true});
    REQUIRE(mapped);
    REQUIRE_FALSE(*mapped);
    CHECK(mapped->error().kind == error_kind::unsupported);
    CHECK_THAT(describe(mapped->error()), Catch::Contains("the rules for paths change it"));
    check_as_before(w, far);

    world_host source(w, 0);
    world_host destination(w, 1);
    world_journal journal(w);
    const auto shared = run::migrate_cold_shared(source, w.id, "vm1", destination, journal,
                                                 {.keep_state = true}, {}, {}, quick);
    REQUIRE_FALSE(shared);
    CHECK(shared.error().kind == error_kind::unsupported);
    check_as_before(w, far);
}

TEST_CASE("a controller killed at any call while memory is kept loses none of it") {
    int deaths = 0;
    for (int at = 1;; ++at) {
        const bool undo = at % 2 == 0;
        INFO("killed at " << at << ", undo " << undo);
        const far_host far;
        world w(saving(far));
        const bool died =
            !migrate(w, far, at, {.undefine_source = undo, .keep_state = true}).has_value();
        CHECK_FALSE(w.ever_two());
        for (const bool back : {undo, false}) {
            static_cast<void>(fakes::take_up(w, 0, back, quick, reach_in(w, far)));
        }
        CHECK(w.running() == 1);
        CHECK(w.records.unfinished()->empty());
        check_state_used(w, far);
        if (!died) break;
        ++deaths;
    }
    CHECK(deaths > 50);
}

TEST_CASE("a record of copies that cannot be read is left alone") {
    const far_host far;
    world w({.image = far.make("vm1.raw", size)});
    w.begin_controller(0);
    world_journal journal(w);
    ports::migration_record record;
    record.before.kind = migration::kind::cold;
    record.before.shared_storage = false;
    record.detail = "<domain type='kvm'><name>vm1</name><memory>1024</memory></domain>";
    record.options = "copies";
    const auto id = journal.open(record).value().id();
    const auto connect = [&](const std::string &) -> expected<world_host> {
        return world_host(w, 0);
    };
    const auto came = run::recover(journal, id, connect);
    REQUIRE_FALSE(came);
    CHECK(came.error().kind == error_kind::protocol);
}
