// SPDX-License-Identifier: MIT
// A guest that holds one of its host's devices, moved and moved back.
#include <fakes/controllers.hpp>
#include <kvmig/run/device_mover.hpp>
#include <kvmig/run/migrate_between.hpp>
#include <kvmig/run/recover.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <chrono>
#include <stop_token>
#include <string>
#include <vector>

using namespace kvmig;
using namespace std::chrono_literals;
using fakes::world;
using fakes::world_host;
using fakes::world_journal;
using migration::flag;

namespace {

const model::pci_address here{0, 6, 0, 0};
const model::pci_address there{0, 7, 0, 0};

/// A world, its one controller, and what it is asked for.
struct one_guest {
    world w;
    int number = begin(w);
    world_host source{w, 0};
    world_host destination{w, 1};
    world_journal journal{w};
    migration::options options;
    run::sampling how = fakes::quick;
    std::stop_source stop;

    static int begin(world &in) {
        in.begin_controller(0); // never killed
        return in.controller();
    }
    explicit one_guest(world::script s) : w(s) {
        options.flags = {flag::live, flag::persist_dest};
        options.host_devices.set_aside = true;
        options.host_devices.at_destination = {{here, there}};
    }
    expected<run::migration_result> go() {
        return run::migrate_journaled(source, w.id, "vm1", destination, journal, options, {},
                                      stop.get_token(), how);
    }
};

bool told(const error &of, const std::string &part) {
    return of.what.find(part) != of.what.npos ||
           std::any_of(of.causes.begin(), of.causes.end(),
                       [&](const error &each) { return told(each, part); });
}

} // namespace

TEST_CASE("a device is detached before the move, and another attached after it") {
    one_guest g({.device = true});
    const auto result = g.go();
    REQUIRE(result);
    CHECK(result->state == migration::state::completed);
    CHECK(result->gaps.size() == 2); // the statistics, which this world does not have
    CHECK_FALSE(g.w.held(0));
    CHECK(g.w.held(1));
}

TEST_CASE("without the wish the guest keeps its device, and libvirt refuses") {
    one_guest g({.device = true});
    g.options.host_devices = {};
    const auto result = g.go();
    REQUIRE_FALSE(result);
    CHECK(told(result.error(), "cannot migrate a domain with <hostdev"));
    CHECK(g.w.held(0));
}

TEST_CASE("a guest that holds none moves as any other") {
    one_guest g({});
    g.options.host_devices.at_destination.clear();
    const auto result = g.go();
    REQUIRE(result);
    CHECK_FALSE(g.w.held(1));
}

TEST_CASE("of a move that fails the device is at the source again") {
    one_guest g({.fails_in = world::sending, .device = true});
    const auto result = g.go();
    REQUIRE_FALSE(result);
    CHECK(g.w.held(0));
    CHECK_FALSE(g.w.held(1));
    CHECK(g.w.records.unfinished()->empty());
}

TEST_CASE("where nothing takes its place, the guest moves without it and that is told") {
    one_guest g({.device = true, .none_there = true});
    g.options.host_devices.at_destination.clear();
    const auto result = g.go();
    REQUIRE(result);
    CHECK(result->state == migration::state::completed);
    CHECK_FALSE(g.w.held(1));
    REQUIRE(result->gaps.size() == 3);
    CHECK_THAT(result->gaps.front().what, Catch::Contains("moved without its device 0000:06:00.0"));
    CHECK_THAT(result->gaps.front().remedy, Catch::Contains("virsh -c fake:///1 nodedev-list"));
}

TEST_CASE("a device that cannot be attached at the destination is a gap, with what to type") {
    one_guest g({.device = true, .cannot_attach = 1});
    const auto result = g.go();
    REQUIRE(result);
    CHECK(result->state == migration::state::completed);
    CHECK(g.w.records.unfinished()->empty());
    REQUIRE(result->gaps.size() == 3);
    const error &gap = result->gaps.front();
    CHECK(gap.object == "0000:07:00.0");
    CHECK(told(gap, "the device is broken"));
    CHECK(gap.remedy == "printf %s '<hostdev mode=\"subsystem\" type=\"pci\"><source><address "
                        "bus=\"0x07\" domain=\"0x0000\" slot=\"0x00\" function=\"0x0\"/></source>"
                        "</hostdev>' | virsh -c fake:///1 attach-device " +
                            g.w.id.text() + " /dev/stdin --live");
}

TEST_CASE("a device that cannot be attached at the source again leaves the record open") {
    one_guest g({.fails_in = world::sending, .device = true, .cannot_attach = 0});
    const auto result = g.go();
    REQUIRE_FALSE(result);
    CHECK(told(result.error(), "the device 0000:06:00.0, which the guest let go of"));
    CHECK(told(result.error(), "the device is broken"));
    CHECK(told(result.error(), "is left open"));
    CHECK(g.w.running() == 1);
    CHECK_FALSE(g.w.held(0));
    REQUIRE(g.w.records.unfinished()->size() == 1);

    const auto recover = [&](std::optional<migration::choice> chosen) {
        g.w.begin_controller(0);
        world_journal journal(g.w);
        const auto connect = [&](const std::string &uri) -> expected<world_host> {
            return world_host(g.w, uri == "fake:///0" ? 0 : 1);
        };
        return run::recover(journal, g.w.records.unfinished()->front(), connect,
                            {.undo = false, .chosen = chosen}, {}, g.how);
    };
    auto again = recover({});
    REQUIRE(again);
    CHECK_FALSE(again->now.ended());
    REQUIRE(again->now.problem);
    CHECK(again->now.problem->object == "0000:06:00.0");
    CHECK_THAT(again->now.problem->remedy, Catch::Contains("virsh -c fake:///0 attach-device"));
    CHECK(again->now.choices ==
          std::vector{migration::choice::ask_later, migration::choice::take_over});

    SECTION("until a person gives it up") {
        const auto closed = recover(migration::choice::take_over);
        REQUIRE(closed);
        CHECK(closed->now.at == migration::state::taken_over);
    }
    SECTION("until it can be attached") {
        g.w.mend();
        const auto ended = recover({});
        REQUIRE(ended);
        CHECK(ended->now.at == migration::state::failed);
        CHECK(g.w.held(0));
    }
    CHECK(g.w.records.unfinished()->empty());
}

TEST_CASE("a guest that does not let go stays, and keeps its device") {
    one_guest g({.device = true, .clings = true});
    g.how.unplug = 3ms;
    const auto result = g.go();
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == error_kind::timed_out);
    CHECK(told(result.error(), "does not let go of its device 0000:06:00.0"));
    CHECK(g.w.held(0));
    CHECK(g.w.running() == 1);
    CHECK(g.w.records.unfinished()->empty());
}

TEST_CASE("a cancellation ends the wait, and a device that leaves all the same comes back") {
    one_guest g({.device = true, .clings = true});
    g.how.late_unplug = 60s; // ends when it has left
    int looks = 0;           // the first is the plan's
    int stop_at = 0;
    SECTION("before it was asked for") { stop_at = 2; }
    SECTION("while the guest takes its time") { stop_at = 4; }
    g.w.on_holds = [&] {
        if (++looks == stop_at) g.stop.request_stop();
        if (stop_at == 4 && looks == 10) g.w.loosen();
    };
    const auto result = g.go();
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == error_kind::cancelled);
    CHECK(told(result.error(), "0000:06:00.0"));
    CHECK(g.w.held(0));
    CHECK_FALSE(g.w.lets_go());
    CHECK(g.w.records.unfinished()->empty());
}

TEST_CASE("a device that an earlier controller may have asked for is told while it is held") {
    for (const bool inherited : {true, false}) {
        INFO(inherited);
        one_guest g({.device = true, .clings = true});
        run::device_mover<world_host> mover(g.source, g.destination, g.w.id);
        mover.adopt({{.source = here, .destination = there, .xml = "<hostdev/>"}},
                    {"qemu+ssh://kvm01/system", "qemu+ssh://kvm02/system"});
        if (inherited) mover.expect_late();
        REQUIRE(mover.give_back(2ms, [] {}));
        CHECK(g.w.held(0));
        REQUIRE(mover.gaps().size() == (inherited ? 1 : 0));
        if (!inherited) continue;
        const error &gap = mover.gaps().front();
        CHECK(told(gap, "holds its device 0000:06:00.0"));
        CHECK_THAT(describe(gap),
                   Catch::Contains("virsh -c qemu+ssh://kvm01/system attach-device"));
    }
}

TEST_CASE("a wish that names what a host does not have is refused before anything starts") {
    one_guest g({.device = true});
    g.options.host_devices.at_destination = {{here, {0, 9, 0, 0}}, {{0, 8, 0, 0}, there}};
    const auto result = g.go();
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == error_kind::invalid_argument);
    CHECK(told(result.error(), "kvm02 has no PCI device 0000:09:00.0"));
    CHECK(told(result.error(), "the guest has no device 0000:08:00.0"));
    CHECK(g.w.held(0));
    CHECK(g.w.records.unfinished()->empty());
}

TEST_CASE("devices are read from the record as they were written, beside paths of images") {
    const std::string device = "<hostdev type=\"pci\"><source><address bus=\"6\"/></source>\n"
                               "<rom file=\"/a\\b c\"/></hostdev>";
    const std::vector<run::set_aside_device> devices = {{here, there, device}, {here, {}, device}};
    const std::vector<std::string> paths = {"/images/vm1.qcow2", "/images/a b"};
    const std::string text = run::to_text(paths) + run::to_text(devices);
    const auto read = run::devices_from_text(text);
    REQUIRE(read);
    CHECK(*read == devices);
    CHECK(run::paths_from_text(text) == paths);
    // As records were before there were devices in them.
    CHECK(run::devices_from_text(run::to_text(paths))->empty());
    CHECK(run::devices_from_text("")->empty());

    for (const char *line :
         {"hostdev ", "hostdev 0000:06:00.0", "hostdev 0000:06:00.0 -",
          "hostdev 0000:06:00.0 - <a/>",
          "hostdev x - <hostdev type='pci'><source><address/></source></hostdev>",
          "hostdev 0000:06:00.0 x <hostdev type='pci'><source><address/></source></hostdev>"}) {
        INFO(line);
        const auto bad = run::devices_from_text(std::string("/images/a\n") + line + "\n");
        REQUIRE_FALSE(bad);
        CHECK(bad.error().kind == error_kind::protocol);
    }
}
