// SPDX-License-Identifier: MIT
/// Controllers of the fake world: what they hold of its hosts and its journal, and those that take
/// up what others left.
#pragma once

#include <fakes/world.hpp>
#include <kvmig/ports/cold_host.hpp>
#include <kvmig/ports/device_host.hpp>
#include <kvmig/ports/journal.hpp>
#include <kvmig/run/recover.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::fakes {

/// A controller's connection to one of the hosts.
class world_host {
public:
    world_host(world &in, int side) : in_(&in), side_(side), controller_(in.controller()) {}

    expected<model::host> host() {
        return in_->call(controller_, [&]() -> expected<model::host> {
            model::host out;
            out.hostname = side_ == 0 ? "kvm01" : "kvm02";
            out.uri = uri();
            out.libvirt = {9, 0, 0};
            return out;
        });
    }
    [[nodiscard]] std::string uri() const { return side_ == 0 ? "fake:///0" : "fake:///1"; }
    bool same_connection(const world_host &other) const { return side_ == other.side_; }
    [[nodiscard]] static bool is_alive() { return true; }
    expected<std::optional<model::domain_status>> status(const uuid &) {
        return in_->call(controller_, [&]() -> expected<std::optional<model::domain_status>> {
            return in_->status(side_);
        });
    }
    expected<model::job_statistics> job(const uuid &) {
        return in_->call(controller_, [&] { return in_->job(side_); });
    }
    expected<model::job_statistics> completed_job(const uuid &) {
        return in_->call(controller_, []() -> expected<model::job_statistics> {
            return model::job_statistics{};
        });
    }
    expected<void> abort_job(const uuid &) {
        return in_->call(controller_, [&] { return in_->abort(); });
    }
    expected<void> start_postcopy(const uuid &) { return {}; }
    expected<std::chrono::milliseconds> max_downtime(const uuid &) {
        return std::chrono::milliseconds{300};
    }
    expected<void> set_max_downtime(const uuid &, std::chrono::milliseconds) { return {}; }
    expected<void> set_max_speed(const uuid &, byte_rate) { return {}; }
    /// Called on a thread of its own, which a killed process takes with it.
    expected<void> migrate(const uuid &, world_host &, const migration::options &) {
        try {
            return in_->call(controller_, [&] { return in_->migrate(controller_); });
        } catch (const killed &) {
            return fail(error_kind::unreachable, "killed");
        }
    }
    expected<ports::subscription> watch_job(const uuid &, const ports::job_event_callback &) {
        return fail(error_kind::unsupported, "no event loop runs");
    }
    expected<ports::subscription> watch_lifecycle(const uuid &, const ports::life_callback &) {
        return fail(error_kind::unsupported, "no event loop runs");
    }
    expected<void> suspend(const uuid &) {
        return fail(error_kind::unsupported, "nobody suspends here");
    }
    expected<void> resume(const uuid &) {
        return in_->call(controller_, [&] { return in_->resume(side_); });
    }
    expected<void> start(const uuid &) {
        return in_->call(controller_, [&] { return in_->start(side_); });
    }
    expected<void> destroy(const uuid &) {
        return in_->call(controller_, [&] { return in_->destroy(side_); });
    }
    expected<void> undefine(const uuid &) {
        return in_->call(controller_, [&] { return in_->undefine(side_); });
    }
    expected<void> remove_image(const std::string &) {
        return in_->call(controller_, [&]() -> expected<void> {
            in_->set_target(false);
            return {};
        });
    }
    expected<std::string> definition(const uuid &) {
        return in_->call(controller_, [&]() -> expected<std::string> {
            const std::string disk = "<disk type='file'><source file='" + in_->image_path() +
                                     "'/><target dev='vda'/></disk>";
            return "<domain type='kvm'><name>vm1</name><memory>1024</memory><devices>" +
                   (in_->image_path().empty() ? std::string() : disk) + "</devices></domain>";
        });
    }
    /// At the source it is at 0000:06:00.0, at the destination at 0000:07:00.0.
    expected<std::string> live_definition(const uuid &) {
        return in_->call(controller_, [&]() -> expected<std::string> {
            const auto holds = in_->holds(side_);
            if (!holds) return fail(error_kind::conflict, "the domain is not running");
            const std::string bus = side_ == 0 ? "0x06" : "0x07";
            const std::string device = "<hostdev mode='subsystem' type='pci'><source>"
                                       "<address bus='" +
                                       bus + "'/></source><alias name='hostdev0'/></hostdev>";
            return "<domain><devices>" + (*holds ? device : std::string()) + "</devices></domain>";
        });
    }
    expected<void> detach_device(const uuid &, const std::string &) {
        return in_->call(controller_, [&] { return in_->detach(side_); });
    }
    expected<void> attach_device(const uuid &, const std::string &xml) {
        return in_->call(controller_, [&]() -> expected<void> {
            const char *bus = side_ == 0 ? "bus=\"0x06\"" : "bus=\"0x07\"";
            if (xml.find(bus) == xml.npos) return fail(error_kind::not_found, "no such device");
            return in_->attach(side_);
        });
    }
    expected<std::optional<model::pci_device>> pci_device(const model::pci_address &at) {
        return in_->call(controller_, [&]() -> expected<std::optional<model::pci_device>> {
            const bool there =
                at.bus == (side_ == 0 ? 6 : 7) && !(side_ == 1 && in_->told().none_there);
            if (!there) return std::nullopt;
            return model::pci_device{at, "0x8086", "0x1521", "I350", 7U};
        });
    }
    expected<void> define(const std::string &) {
        return in_->call(controller_, [&] { return in_->define(side_); });
    }
    expected<std::optional<uuid>> named(const std::string &) {
        return in_->call(controller_, [&]() -> expected<std::optional<uuid>> {
            const auto there = in_->status(side_);
            return there ? std::optional(in_->id) : std::nullopt;
        });
    }
    expected<void> shut_down(const uuid &) {
        return in_->call(controller_, [&] { return in_->shut_down(side_); });
    }
    expected<void> save(const uuid &) {
        return in_->call(controller_, [&] { return in_->save(side_); });
    }
    expected<void> forget_saved(const uuid &) {
        return in_->call(controller_, [&] { return in_->forget_saved(side_); });
    }
    expected<std::optional<model::storage_volume>> image(const std::string &) {
        return in_->call(controller_, [&]() -> expected<std::optional<model::storage_volume>> {
            return in_->image(side_);
        });
    }

private:
    world *in_;
    int side_;
    int controller_;
};

static_assert(ports::cold_host<world_host>);
static_assert(ports::device_host<world_host>);

/// A controller's hold of the world's journal.
class world_journal {
public:
    using lease = run::memory_journal::lease;

    explicit world_journal(world &in) : in_(&in), controller_(in.controller()) {}

    expected<lease> open(const ports::migration_record &record) {
        return in_->call(controller_, [&] { return in_->records.open(record); });
    }
    expected<lease> take(ports::migration_id id) {
        return in_->call(controller_, [&] { return in_->records.take(id); });
    }
    expected<void> append(const lease &held, const ports::journal_entry &entry) {
        return in_->call(controller_, [&] { return in_->records.append(held, entry); });
    }
    expected<ports::journaled_migration> read(ports::migration_id id) {
        return in_->call(controller_, [&] { return in_->records.read(id); });
    }
    expected<std::vector<ports::migration_id>> unfinished() {
        return in_->call(controller_, [&] { return in_->records.unfinished(); });
    }

private:
    world *in_;
    int controller_;
};

static_assert(ports::journal<world_journal>);

/// Looks so often that nothing of the world is waited for.
inline const run::sampling quick{.interval = std::chrono::milliseconds(1),
                                 .abort_interval = std::chrono::milliseconds(1),
                                 .final_event = std::chrono::milliseconds(0),
                                 .patience = std::chrono::milliseconds(5),
                                 .shutdown = std::chrono::milliseconds(20),
                                 .unplug = std::chrono::milliseconds(60000),
                                 .late_unplug = std::chrono::milliseconds(2)};

/// What came of a controller that took up what was left.
struct taken_up {
    bool killed = false;
    std::vector<run::settlement> settled; ///< in the order in which they were open
};

/// A new controller takes up every open migration; it is killed at its `at`-th half of a call (0:
/// never). An error of `recover` is a failure of the fake's user, and thrown.
inline taken_up take_up(world &w, int at, bool undo, const run::sampling &how,
                        const run::copy_reach &reach = {}) {
    w.begin_controller(at);
    world_journal journal(w);
    taken_up out;
    try {
        const auto open = journal.unfinished();
        for (const ports::migration_id id : open.value()) {
            const auto connect = [&](const std::string &uri) -> expected<world_host> {
                return world_host(w, uri == "fake:///0" ? 0 : 1);
            };
            auto came = run::recover(journal, id, connect, {.undo = undo, .chosen = {}}, {}, how,
                                     ports::system_clock(), reach);
            out.settled.push_back(std::move(came.value().now));
        }
    } catch (const killed &) {
    }
    out.killed = w.was_killed();
    return out;
}

} // namespace kvmig::fakes
