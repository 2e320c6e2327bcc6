// SPDX-License-Identifier: MIT
/// A fake of the hypervisor port: two of them stand in for the hosts of a migration, to reach the
/// states that no driver reaches at will (cancelled half-way, lost on the way, split in two).
#pragma once

#include <kvmig/ports/hypervisor.hpp>
#include <kvmig/ports/steerable.hpp>

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

/// libvirt's error when a job is aborted.
inline error aborted() {
    error err = make_error(error_kind::cancelled,
                           "operation aborted: migration out job: canceled by client");
    err.libvirt.emplace().code = 78; // VIR_ERR_OPERATION_ABORTED
    return err;
}

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
    std::function<expected<void>()> on_start_postcopy;
    std::function<expected<ports::subscription>()> on_watch;
    std::function<std::optional<error>()> status_problem;
    /// Before a call of the name that puts things right: its failure, if any.
    std::function<std::optional<error>(const std::string &call)> steer_problem;
    /// After a call of the name that put things right.
    std::function<void(const std::string &call)> on_steered;

    std::atomic<bool> alive = true; ///< the connection
    std::atomic<int> migrations = 0;
    std::atomic<int> aborts = 0;
    std::atomic<int> looks = 0;
    std::atomic<int> watchers = 0;
    migration::options seen_options;
    std::atomic<std::chrono::milliseconds> downtime_limit{std::chrono::milliseconds{300}};
    std::atomic<int> downtimes_set = 0;
    std::optional<error> downtime_problem;

    /// The calls that put things right, in order.
    [[nodiscard]] std::vector<std::string> steered() {
        const std::scoped_lock held(lock_);
        return steered_;
    }
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

    /// Tells a change in the guest's life to whoever watches.
    void tell(ports::life_change change) {
        ports::life_callback callback;
        {
            const std::scoped_lock held(lock_);
            callback = life_callback_;
        }
        if (callback) callback(change);
    }

    // The port.
    expected<model::host> host() {
        if (host_problem) return fail(*host_problem);
        return self;
    }
    bool same_connection(const hypervisor &other) const {
        return connection_identity == other.connection_identity;
    }
    bool is_alive() const { return alive; }
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
    expected<void> start_postcopy(const uuid &) {
        return on_start_postcopy ? on_start_postcopy()
                                 : fail(error_kind::conflict, "post-copy cannot begin");
    }
    expected<std::chrono::milliseconds> max_downtime(const uuid &) { return downtime_limit.load(); }
    expected<void> set_max_downtime(const uuid &, std::chrono::milliseconds limit) {
        if (downtime_problem) return fail(*downtime_problem);
        downtime_limit = limit;
        ++downtimes_set;
        return {};
    }
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

    expected<ports::subscription> watch_lifecycle(const uuid &, ports::life_callback callback) {
        const std::scoped_lock held(lock_);
        if (!has_events) return fail(error_kind::unsupported, "no event loop runs");
        life_callback_ = std::move(callback);
        return ports::subscription([this] {
            const std::scoped_lock ending(lock_);
            life_callback_ = nullptr;
        });
    }
    expected<void> suspend(const uuid &id) {
        return steer("suspend", id, true, [](auto &found) {
            found->second.state = model::domain_state::paused;
            found->second.reason = 1; // user
        });
    }
    expected<void> resume(const uuid &id) {
        return steer("resume", id, true, [](auto &found) {
            found->second.state = model::domain_state::running;
            found->second.reason = 5; // unpaused
        });
    }
    expected<void> remove_image(const std::string &path) {
        const std::scoped_lock held(lock_);
        steered_.push_back("remove_image " + path);
        return {};
    }
    expected<void> start(const uuid &id) {
        return steer("start", id, false, [](auto &found) {
            found->second = {model::domain_state::running, 1, "booted", true, true};
        });
    }
    expected<void> destroy(const uuid &id) {
        return steer("destroy", id, true, [this](auto &found) {
            if (!found->second.persistent) {
                domains_.erase(found);
                return;
            }
            found->second = {model::domain_state::shutoff, 2, "destroyed", false, true};
        });
    }
    expected<void> undefine(const uuid &id) {
        return steer("undefine", id, std::nullopt, [this](auto &found) {
            found->second.persistent = false;
            if (!found->second.active) domains_.erase(found);
        });
    }

    bool has_events = false;

private:
    /// Does `change` to a domain that is (not) active; anything else is refused, as libvirt does.
    template <class Change>
    expected<void> steer(const std::string &call, const uuid &id, std::optional<bool> active,
                         Change change) {
        if (steer_problem) {
            if (auto problem = steer_problem(call)) return fail(*std::move(problem));
        }
        {
            const std::scoped_lock held(lock_);
            auto found = domains_.find(id);
            if (found == domains_.end()) return fail(error_kind::not_found, "Domain not found");
            if (active && found->second.active != *active) {
                return fail(error_kind::conflict,
                            *active ? "domain is not running" : "domain is already running");
            }
            steered_.push_back(call);
            change(found);
        }
        if (on_steered) on_steered(call);
        return {};
    }

    std::mutex lock_;
    std::map<uuid, model::domain_status> domains_;
    ports::job_event_callback callback_;
    ports::life_callback life_callback_;
    std::vector<std::string> steered_;
};

static_assert(ports::steerable<hypervisor>);

} // namespace kvmig::fakes
