// SPDX-License-Identifier: MIT
/// The hypervisor port, and what drivers need beyond it, over a libvirt connection.
#pragma once

#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/domain.hpp>
#include <kvmig/libvirt/event_loop.hpp>
#include <kvmig/libvirt/events.hpp>
#include <kvmig/libvirt/host_devices.hpp>
#include <kvmig/libvirt/migration.hpp>
#include <kvmig/libvirt/volume_at.hpp>
#include <kvmig/ports/cold_host.hpp>
#include <kvmig/ports/device_host.hpp>
#include <kvmig/ports/hypervisor.hpp>
#include <kvmig/xml/capabilities.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <utility>

namespace kvmig::libvirt {

/// What libvirt's lifecycle event, and its detail, mean for a migration.
[[nodiscard]] constexpr ports::life_change life_change_of(int event, int detail) noexcept {
    using enum ports::life_change;
    if (event == VIR_DOMAIN_EVENT_SUSPENDED) {
        if (detail == VIR_DOMAIN_EVENT_SUSPENDED_MIGRATED) return stopped_for_switch_over;
        if (detail == VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY_FAILED) return post_copy_failed;
    }
    if (event == VIR_DOMAIN_EVENT_RESUMED) {
        if (detail == VIR_DOMAIN_EVENT_RESUMED_POSTCOPY) return runs_in_post_copy;
        if (detail == VIR_DOMAIN_EVENT_RESUMED_POSTCOPY_FAILED) return post_copy_failed;
    }
    return other;
}

/// `ports::cold_host` and `ports::device_host` by libvirt. Domains are looked up anew for each
/// call, so that what is told is what the daemon knows now.
class hypervisor {
public:
    /// Shares the connection.
    explicit hypervisor(const connection &on) : connection_(on.share()) {}

    /// The connection behind it.
    [[nodiscard]] const connection &on() const noexcept { return connection_; }

    /// Name, versions and capabilities of the host.
    [[nodiscard]] expected<model::host> host() const {
        auto xml = connection_.capabilities();
        if (!xml) return fail(std::move(xml).error());
        auto capabilities = xml::parse_capabilities(*xml);
        if (!capabilities) {
            return fail(std::move(capabilities).error().on(connection_.hostname()));
        }
        auto driver = connection_.type();
        if (!driver) return fail(std::move(driver).error());
        auto libvirt = connection_.libvirt_version();
        if (!libvirt) return fail(std::move(libvirt).error());
        auto version = connection_.hypervisor_version();
        if (!version) return fail(std::move(version).error());
        return model::host{.hostname = connection_.hostname(),
                           .uri = connection_.uri(),
                           .driver = *std::move(driver),
                           .libvirt = *libvirt,
                           .hypervisor = *version,
                           .uuid = capabilities->host_uuid};
    }

    /// Whether both go through one connection.
    [[nodiscard]] bool same_connection(const hypervisor &other) const noexcept {
        return connection_.raw() == other.connection_.raw();
    }
    /// As `connection::is_alive`.
    [[nodiscard]] bool is_alive() const noexcept { return connection_.is_alive(); }

    /// Nothing when the host does not know it.
    [[nodiscard]] expected<std::optional<model::domain_status>> status(const uuid &id) const {
        auto found = domain::lookup(connection_, id);
        if (!found) {
            if (found.error().kind == error_kind::not_found) return std::nullopt;
            return fail(std::move(found).error());
        }
        auto told = found->status();
        if (told) return std::optional(*std::move(told));
        // A transient domain may end between the two calls.
        if (told.error().kind == error_kind::not_found) return std::nullopt;
        return fail(std::move(told).error());
    }

    /// What runs now.
    [[nodiscard]] expected<model::job_statistics> job(const uuid &id) const {
        return with(id, [](const domain &d) { return d.job(); });
    }
    /// What ended last.
    [[nodiscard]] expected<model::job_statistics> completed_job(const uuid &id) const {
        return with(id, [](const domain &d) { return d.completed_job(true); });
    }
    /// As `domain::abort_job`.
    [[nodiscard]] expected<void> abort_job(const uuid &id) const {
        return with(id, [](const domain &d) { return d.abort_job(); });
    }
    /// As virDomainMigrateStartPostCopy.
    [[nodiscard]] expected<void> start_postcopy(const uuid &id) const {
        return with(id, [](const domain &d) { return d.start_postcopy(); });
    }
    /// As `domain::max_downtime`.
    [[nodiscard]] expected<std::chrono::milliseconds> max_downtime(const uuid &id) const {
        return with(id, [](const domain &d) { return d.max_downtime(); });
    }
    /// Takes effect on a migration under way too.
    [[nodiscard]] expected<void> set_max_downtime(const uuid &id,
                                                  std::chrono::milliseconds limit) const {
        return with(id, [&](const domain &d) { return d.set_max_downtime(limit); });
    }
    /// Takes effect on a migration under way too.
    [[nodiscard]] expected<void> set_max_speed(const uuid &id, byte_rate limit) const {
        return with(id, [&](const domain &d) { return d.set_max_speed(limit); });
    }
    /// Blocks until it has ended; the options must fit each other.
    [[nodiscard]] expected<void> migrate(const uuid &id, hypervisor &destination,
                                         const migration::options &options) const {
        return with(id,
                    [&](const domain &d) { return perform(d, destination.connection_, options); });
    }

    /// Fails with `unsupported` while no `event_loop` runs in this process.
    [[nodiscard]] expected<ports::subscription> watch_job(const uuid &id,
                                                          ports::job_event_callback callback) {
        if (!event_loop::running()) return fail(no_event_loop());
        return with(id, [&](const domain &d) -> expected<ports::subscription> {
            auto end = on_job_completed(d, [callback](model::job_statistics statistics) {
                callback({.completed = std::move(statistics), .iteration = std::nullopt});
            });
            if (!end) return fail(std::move(end).error());
            auto pass = on_migration_iteration(d, [callback](std::uint64_t number) {
                callback({.completed = std::nullopt, .iteration = number});
            });
            if (!pass) return fail(std::move(pass).error());
            using both = std::pair<ports::subscription, ports::subscription>;
            auto kept = std::make_shared<both>(*std::move(end), *std::move(pass));
            return ports::subscription([kept] {
                kept->first.reset();
                kept->second.reset();
            });
        });
    }

    /// Fails with `unsupported` while no `event_loop` runs in this process.
    [[nodiscard]] expected<ports::subscription>
    watch_lifecycle(const uuid &id, const ports::life_callback &callback) {
        if (!event_loop::running()) return fail(no_event_loop());
        return on_lifecycle(connection_, [id, callback](lifecycle_event told) {
            if (told.domain == id) callback(life_change_of(told.event, told.detail));
        });
    }
    /// As `domain::suspend`.
    [[nodiscard]] expected<void> suspend(const uuid &id) const {
        return with(id, [](const domain &d) { return d.suspend(); });
    }
    /// As `domain::resume`.
    [[nodiscard]] expected<void> resume(const uuid &id) const {
        return with(id, [](const domain &d) { return d.resume(); });
    }
    /// Starts a domain that is defined.
    [[nodiscard]] expected<void> start(const uuid &id) const {
        return with(id, [](const domain &d) { return d.start(); });
    }
    /// Ends the guest as if its plug were pulled.
    [[nodiscard]] expected<void> destroy(const uuid &id) const {
        return with(id, [](const domain &d) { return d.destroy(); });
    }
    /// The guest's firmware variables, which libvirt will not leave without an owner, stay.
    [[nodiscard]] expected<void> undefine(const uuid &id) const {
        return with(id, [](const domain &d) {
            auto done = d.undefine(VIR_DOMAIN_UNDEFINE_KEEP_NVRAM);
            // A driver without firmware variables knows no such flag.
            if (done || done.error().kind != error_kind::invalid_argument) return done;
            return d.undefine();
        });
    }

    /// Removes the volume of this path; one that is not there is no error.
    [[nodiscard]] expected<void> remove_image(const std::string &path) const {
        auto volume = storage_volume::lookup_by_path(connection_, path);
        if (volume) return volume->remove();
        if (volume.error().kind == error_kind::not_found) return {};
        return fail(std::move(volume).error());
    }
    /// The XML of the definition, with its secrets.
    [[nodiscard]] expected<std::string> definition(const uuid &id) const {
        return with(id, [](const domain &d) {
            return d.xml(VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
        });
    }
    /// The XML of the guest as it runs.
    [[nodiscard]] expected<std::string> live_definition(const uuid &id) const {
        return with(id, [](const domain &d) { return d.xml(); });
    }
    /// As `libvirt::detach_device`.
    [[nodiscard]] expected<void> detach_device(const uuid &id, const std::string &xml) const {
        return with(id, [&](const domain &d) { return libvirt::detach_device(d, xml); });
    }
    /// As `libvirt::attach_device`.
    [[nodiscard]] expected<void> attach_device(const uuid &id, const std::string &xml) const {
        return with(id, [&](const domain &d) { return libvirt::attach_device(d, xml); });
    }
    /// As `read_pci_device`.
    [[nodiscard]] expected<std::optional<model::pci_device>>
    pci_device(const model::pci_address &at) const {
        return read_pci_device(connection_, at);
    }
    /// Makes the definition, or replaces that of the same UUID.
    [[nodiscard]] expected<void> define(const std::string &xml) const {
        auto defined = domain::define(connection_, xml);
        if (!defined) return fail(std::move(defined).error());
        return {};
    }
    /// The UUID of the domain of this name; nothing when there is none.
    [[nodiscard]] expected<std::optional<uuid>> named(const std::string &name) const {
        auto found = domain::lookup(connection_, name);
        if (found) return std::optional(found->id());
        if (found.error().kind == error_kind::not_found) return std::nullopt;
        return fail(std::move(found).error());
    }
    /// Asks the guest to shut down, and does not wait for it.
    [[nodiscard]] expected<void> shut_down(const uuid &id) const {
        return with(id, [](const domain &d) { return d.shutdown(); });
    }
    /// Writes its memory to a file of libvirt's own, and ends it.
    [[nodiscard]] expected<void> save(const uuid &id) const {
        return with(id, [](const domain &d) { return d.managed_save(); });
    }
    /// Removes that file, where there is one.
    [[nodiscard]] expected<void> forget_saved(const uuid &id) const {
        return with(id, [](const domain &d) -> expected<void> {
            auto saved = d.has_managed_save();
            if (!saved) return fail(std::move(saved).error());
            return *saved ? d.remove_managed_save() : expected<void>();
        });
    }
    /// What a pool tells of the image at `path`, having looked anew; nothing when none has it.
    [[nodiscard]] expected<std::optional<model::storage_volume>>
    image(const std::string &path) const {
        return volume_at_now(connection_, path);
    }

private:
    [[nodiscard]] static error no_event_loop() {
        return make_error(error_kind::unsupported, "no event loop runs")
            .advise("start a kvmig::libvirt::event_loop before opening the connection");
    }

    template <class Act>
    [[nodiscard]] auto with(const uuid &id, Act act) const
        -> decltype(act(std::declval<const domain &>())) {
        auto found = domain::lookup(connection_, id);
        if (!found) return fail(std::move(found).error());
        return act(*found);
    }

    connection connection_;
};

static_assert(ports::cold_host<hypervisor>);
static_assert(ports::device_host<hypervisor>);

} // namespace kvmig::libvirt
