// SPDX-License-Identifier: MIT
/// A fake of the hypervisor port: two of them stand in for the hosts of a migration, to reach the
/// states that no driver reaches at will (cancelled half-way, lost on the way, split in two).
#pragma once

#include <kvmig/ports/hypervisor.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::fakes {

/// Opens once; who waits gives up after a watchdog's time.
class gate {
public:
    void open() {
        const std::scoped_lock held(lock_);
        open_ = true;
        changed_.notify_all();
    }
    [[nodiscard]] bool wait() {
        std::unique_lock held(lock_);
        return changed_.wait_for(held, std::chrono::seconds(60), [&] { return open_; });
    }

private:
    std::mutex lock_;
    std::condition_variable changed_;
    bool open_ = false;
};

/// A host whose answers are set by the test. Unless told otherwise it knows the domains put into
/// it, has no job, and no events.
class hypervisor {
public:
    explicit hypervisor(std::string hostname) {
        self.hostname = std::move(hostname);
        self.uri = "fake://" + self.hostname + "/system";
        self.driver = "FAKE";
        self.libvirt = {9, 0, 0};
        self.uuid = uuid::random();
    }

    model::host self;
    std::optional<error> host_problem;
    const void *connection_identity = this;

    /// The acts, called on whatever thread the code under test uses.
    std::function<expected<void>(hypervisor &destination)> on_migrate;
    std::function<expected<model::job_statistics>()> on_job;
    std::function<expected<model::job_statistics>()> on_completed_job;
    std::function<expected<void>()> on_abort_job;
    std::function<expected<ports::subscription>()> on_watch;
    std::function<std::optional<error>()> status_problem;

    std::atomic<int> migrations = 0;
    std::atomic<int> aborts = 0;
    std::atomic<int> looks = 0;
    std::atomic<int> watchers = 0;
    migration::options seen_options;

    void put(const uuid &id, model::domain_status status) {
        const std::scoped_lock held(lock_);
        domains_[id] = std::move(status);
    }
    void forget(const uuid &id) {
        const std::scoped_lock held(lock_);
        domains_.erase(id);
    }
    /// Tells an event to whoever watches.
    void tell(const ports::job_event &event) {
        ports::job_event_callback callback;
        {
            const std::scoped_lock held(lock_);
            callback = callback_;
        }
        if (callback) callback(event);
    }

    // The port.
    expected<model::host> host() {
        if (host_problem) return fail(*host_problem);
        return self;
    }
    bool same_connection(const hypervisor &other) const {
        return connection_identity == other.connection_identity;
    }
    expected<std::optional<model::domain_status>> status(const uuid &id) {
        if (status_problem) {
            if (auto problem = status_problem()) return fail(*std::move(problem));
        }
        const std::scoped_lock held(lock_);
        const auto found = domains_.find(id);
        if (found == domains_.end()) return std::nullopt;
        return std::optional(found->second);
    }
    expected<model::job_statistics> job(const uuid &) {
        ++looks;
        return on_job ? on_job() : model::job_statistics{};
    }
    expected<model::job_statistics> completed_job(const uuid &) {
        return on_completed_job ? on_completed_job() : model::job_statistics{};
    }
    expected<void> abort_job(const uuid &) {
        ++aborts;
        if (on_abort_job) return on_abort_job();
        return fail(error_kind::conflict, "no job is active on the domain");
    }
    expected<void> start_postcopy(const uuid &) { return {}; }
    expected<void> set_max_downtime(const uuid &, std::chrono::milliseconds) { return {}; }
    expected<void> set_max_speed(const uuid &, byte_rate) { return {}; }
    expected<void> migrate(const uuid &, hypervisor &destination,
                           const migration::options &options) {
        ++migrations;
        seen_options = options;
        return on_migrate(destination);
    }
    expected<ports::subscription> watch_job(const uuid &, ports::job_event_callback callback) {
        if (on_watch) return on_watch();
        const std::scoped_lock held(lock_);
        if (!has_events) return fail(error_kind::unsupported, "no event loop runs");
        callback_ = std::move(callback);
        ++watchers;
        return ports::subscription([this] {
            const std::scoped_lock ending(lock_);
            callback_ = nullptr;
            --watchers;
        });
    }

    bool has_events = false;

private:
    std::mutex lock_;
    std::map<uuid, model::domain_status> domains_;
    ports::job_event_callback callback_;
};

static_assert(ports::hypervisor<hypervisor>);

} // namespace kvmig::fakes
