// SPDX-License-Identifier: MIT
// What libvirt tells of a guest, as the run keeps it.
#include <lab/observe/event_record.hpp>
#include <support/catch.hpp>

#include <kvmig/libvirt/error.hpp>
#include <kvmig/libvirt/event_loop.hpp>
#include <kvmig/libvirt/events.hpp>

#include <chrono>
#include <thread>

using namespace kvmig;
using lab::observe::event_record;

TEST_CASE("both hosts' events are kept in order, beside another who listens") {
    libvirt::quiet_errors();
    const auto loop = libvirt::event_loop::start();
    REQUIRE(loop);
    const auto from = libvirt::connection::open("test:///default");
    const auto to = libvirt::connection::open("test:///default");
    REQUIRE(from);
    REQUIRE(to);
    const auto guest = libvirt::domain::lookup(*from, "test");
    REQUIRE(guest);
    const auto other = libvirt::on_lifecycle(*from, [](libvirt::lifecycle_event) {});
    REQUIRE(other);
    const auto begun = std::chrono::steady_clock::now();
    const event_record told(*guest, *to);
    CHECK(told.gaps().empty());
    REQUIRE(guest->suspend());
    REQUIRE(guest->resume());
    // Each of the two connections tells both.
    const auto deadline = begun + std::chrono::minutes{1};
    while (told.all().size() < 4 && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::yield();
    }
    const auto all = told.all();
    REQUIRE(all.size() == 4);
    CHECK(all.front().what == "suspended (paused)");
    CHECK(all.back().what == "resumed (unpaused)");
    CHECK(all.front().host == from->hostname());
    CHECK(all.front().at >= begun);
    CHECK(all.back().at >= all.front().at);
    const auto json = to_json(all, all.front().at);
    CHECK(json.at(0).at("at") == 0.0);
    CHECK(json.at(3).at("what") == "resumed (unpaused)");
}
