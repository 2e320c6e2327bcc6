// SPDX-License-Identifier: MIT
// Against libvirt's own test driver, which sends lifecycle events.
#include <kvmig/libvirt/event_loop.hpp>
#include <kvmig/libvirt/events.hpp>
#include <kvmig/libvirt/hypervisor.hpp>
#include <kvmig/libvirt/lifecycle_text.hpp>
#include <support/catch.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

using namespace kvmig;
using namespace std::chrono_literals;

namespace {

/// Gathers events, and waits for them; the time is a watchdog only.
class gathered {
public:
    void add(const libvirt::lifecycle_event &event) {
        const std::scoped_lock held(lock_);
        events_.push_back(event);
        thread_ = std::this_thread::get_id();
        changed_.notify_all();
    }
    bool wait_for(std::size_t count) {
        std::unique_lock held(lock_);
        return changed_.wait_for(held, 30s, [&] { return events_.size() >= count; });
    }
    std::vector<libvirt::lifecycle_event> all() {
        const std::scoped_lock held(lock_);
        return events_;
    }
    std::thread::id thread() {
        const std::scoped_lock held(lock_);
        return thread_;
    }

private:
    std::mutex lock_;
    std::condition_variable changed_;
    std::vector<libvirt::lifecycle_event> events_;
    std::thread::id thread_;
};

} // namespace

TEST_CASE("there is one event loop, and it can be started again after it was stopped") {
    for (int round = 0; round < 3; ++round) {
        auto loop = libvirt::event_loop::start();
        REQUIRE(loop);
        CHECK(libvirt::event_loop::running());
        const auto second = libvirt::event_loop::start();
        REQUIRE_FALSE(second);
        CHECK(second.error().kind == error_kind::conflict);
        auto moved = *std::move(loop);
        CHECK(libvirt::event_loop::running());
    }
    CHECK_FALSE(libvirt::event_loop::running());
}

TEST_CASE("lifecycle events come on the loop's thread until the subscription ends") {
    libvirt::quiet_errors();
    auto loop = libvirt::event_loop::start();
    REQUIRE(loop);
    auto on = libvirt::connection::open("test:///default");
    REQUIRE(on);
    gathered seen;
    gathered still;
    auto subscription =
        libvirt::on_lifecycle(*on, [&](libvirt::lifecycle_event event) { seen.add(event); });
    REQUIRE(subscription);
    const auto second = libvirt::connection::open("test:///default");
    REQUIRE(second);
    const auto other =
        libvirt::on_lifecycle(*second, [&](libvirt::lifecycle_event event) { still.add(event); });
    REQUIRE(other);
    const auto domain = libvirt::domain::lookup(*on, "test");
    REQUIRE(domain);

    REQUIRE(domain->suspend());
    REQUIRE(domain->resume());
    REQUIRE(seen.wait_for(2));
    REQUIRE(still.wait_for(2));
    CHECK(seen.all()[0].domain == domain->id());
    CHECK(seen.all()[0].event == VIR_DOMAIN_EVENT_SUSPENDED);
    CHECK(seen.all()[1].event == VIR_DOMAIN_EVENT_RESUMED);
    CHECK(seen.thread() != std::this_thread::get_id());

    subscription->reset();
    REQUIRE(domain->suspend());
    REQUIRE(domain->resume());
    // The other subscription has seen both: this one would have too.
    REQUIRE(still.wait_for(4));
    CHECK(seen.all().size() == 2);
}

TEST_CASE("a callback may end its own subscription") {
    auto loop = libvirt::event_loop::start();
    REQUIRE(loop);
    auto on = libvirt::connection::open("test:///default");
    REQUIRE(on);
    gathered seen;
    ports::subscription mine;
    std::mutex lock;
    std::unique_lock held(lock); // the callback waits until `mine` is set
    auto subscription = libvirt::on_lifecycle(*on, [&](libvirt::lifecycle_event event) {
        {
            const std::scoped_lock waiting(lock);
            mine.reset();
        }
        seen.add(event);
    });
    REQUIRE(subscription);
    mine = *std::move(subscription);
    held.unlock();
    gathered still;
    const auto second = libvirt::connection::open("test:///default");
    REQUIRE(second);
    const auto other =
        libvirt::on_lifecycle(*second, [&](libvirt::lifecycle_event event) { still.add(event); });
    REQUIRE(other);
    const auto domain = libvirt::domain::lookup(*on, "test");
    REQUIRE(domain);
    REQUIRE(domain->suspend());
    REQUIRE(domain->resume());
    REQUIRE(still.wait_for(2));
    REQUIRE(seen.wait_for(1));
    CHECK(seen.all().size() == 1);
}

TEST_CASE("job events of one domain can be listened to, and ended") {
    auto loop = libvirt::event_loop::start();
    REQUIRE(loop);
    auto on = libvirt::connection::open("test:///default");
    REQUIRE(on);
    const auto domain = libvirt::domain::lookup(*on, "test");
    REQUIRE(domain);
    auto end = libvirt::on_job_completed(*domain, [](const model::job_statistics &) {});
    REQUIRE(end);
    auto pass = libvirt::on_migration_iteration(*domain, [](std::uint64_t) {});
    REQUIRE(pass);
    end->reset();
    pass->reset();
    CHECK_FALSE(*end);
}

TEST_CASE("without an event loop the port says that jobs cannot be watched") {
    auto on = libvirt::connection::open("test:///default");
    REQUIRE(on);
    libvirt::hypervisor port(*on);
    const auto domain = libvirt::domain::lookup(*on, "test");
    REQUIRE(domain);
    const auto watch = port.watch_job(domain->id(), [](const ports::job_event &) {});
    REQUIRE_FALSE(watch);
    CHECK(watch.error().kind == error_kind::unsupported);
    auto loop = libvirt::event_loop::start();
    REQUIRE(loop);
    auto listening = libvirt::connection::open("test:///default");
    REQUIRE(listening);
    libvirt::hypervisor second(*listening);
    CHECK(second.watch_job(domain->id(), [](const ports::job_event &) {}));
}

TEST_CASE("one connection tells several listeners of the same event") {
    struct another;
    libvirt::quiet_errors();
    auto loop = libvirt::event_loop::start();
    REQUIRE(loop);
    auto on = libvirt::connection::open("test:///default");
    REQUIRE(on);
    gathered first;
    gathered second;
    const auto mine =
        libvirt::on_lifecycle(*on, [&](libvirt::lifecycle_event event) { first.add(event); });
    REQUIRE(mine);
    CHECK_FALSE(libvirt::on_lifecycle(*on, [](libvirt::lifecycle_event) {}));
    auto yours = libvirt::on_lifecycle<another>(
        *on, [&](libvirt::lifecycle_event event) { second.add(event); });
    REQUIRE(yours);
    const auto domain = libvirt::domain::lookup(*on, "test");
    REQUIRE(domain);
    REQUIRE(domain->suspend());
    REQUIRE(first.wait_for(1));
    REQUIRE(second.wait_for(1));
    yours->reset();
    REQUIRE(domain->resume());
    REQUIRE(first.wait_for(2));
    CHECK(second.all().size() == 1);
}

TEST_CASE("changes in a domain's life have virsh's words") {
    using libvirt::lifecycle_text;
    CHECK(lifecycle_text(VIR_DOMAIN_EVENT_DEFINED, VIR_DOMAIN_EVENT_DEFINED_ADDED) ==
          "defined (added)");
    CHECK(lifecycle_text(VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_MIGRATED) ==
          "started (migrated)");
    CHECK(lifecycle_text(VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY_FAILED) ==
          "suspended (post-copy error)");
    CHECK(lifecycle_text(VIR_DOMAIN_EVENT_RESUMED, VIR_DOMAIN_EVENT_RESUMED_POSTCOPY) ==
          "resumed (post-copy)");
    CHECK(lifecycle_text(VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_MIGRATED) ==
          "stopped (migrated)");
    CHECK(lifecycle_text(VIR_DOMAIN_EVENT_CRASHED, VIR_DOMAIN_EVENT_CRASHED_PANICKED) ==
          "crashed (panicked)");
    CHECK(lifecycle_text(VIR_DOMAIN_EVENT_STOPPED, 99) == "stopped (unknown)");
    CHECK(lifecycle_text(99, 0) == "unknown");
    CHECK(lifecycle_text(-1, -1) == "unknown");
}
