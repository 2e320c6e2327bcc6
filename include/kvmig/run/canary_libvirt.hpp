// SPDX-License-Identifier: MIT
/// Canaries between libvirt's hosts.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/domain.hpp>
#include <kvmig/libvirt/hypervisor.hpp>
#include <kvmig/libvirt/storage.hpp>
#include <kvmig/model/canary.hpp>
#include <kvmig/model/storage.hpp>
#include <kvmig/ports/canary_host.hpp>
#include <kvmig/run/canary.hpp>
#include <kvmig/run/folder_pool.hpp>
#include <kvmig/xml/storage.hpp>

#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

/// `ports::canary_host` by libvirt. A folder without a pool has a transient one for the time of a
/// call.
class libvirt_canary_host : public libvirt::hypervisor {
public:
    using hypervisor::hypervisor;

    /// The domains here that are called as canaries are.
    [[nodiscard]] expected<std::vector<ports::found_domain>> canaries() const {
        const auto all = libvirt::domain::list(on());
        if (!all) return fail(all.error());
        std::vector<ports::found_domain> out;
        for (const libvirt::domain &each : *all) {
            if (!model::parse_canary_name(each.name())) continue;
            auto text = each.xml();
            if (text) {
                out.push_back({each.id(), each.name(), *std::move(text)});
            } else if (text.error().kind != error_kind::not_found) { // it may have ended meanwhile
                return fail(std::move(text).error());
            }
        }
        return out;
    }

    /// A transient domain that does not run yet.
    [[nodiscard]] expected<void> start_paused(const std::string &xml) const {
        auto started = libvirt::domain::create(on(), xml, VIR_DOMAIN_START_PAUSED);
        if (!started) return fail(std::move(started).error());
        return {};
    }

    /// The images of the place that are called as canaries are.
    [[nodiscard]] expected<std::vector<std::string>>
    canary_images(const model::canary_place &place) const {
        return in_pool(place,
                       [](const libvirt::storage_pool &pool) -> expected<std::vector<std::string>> {
                           if (auto looked = pool.refresh(); !looked)
                               return fail(std::move(looked).error());
                           const auto all = pool.volumes();
                           if (!all) return fail(all.error());
                           std::vector<std::string> out;
                           for (const libvirt::storage_volume &each : *all) {
                               if (model::parse_canary_name(each.name()))
                                   out.push_back(each.name());
                           }
                           return out;
                       });
    }

    /// An image of 1 MiB that takes no room yet.
    [[nodiscard]] expected<void> make_canary_image(const model::canary_image &image) const {
        return in_pool(image.place, [&](const libvirt::storage_pool &pool) -> expected<void> {
            model::storage_volume asked;
            asked.name = image.name;
            asked.format = image.format;
            asked.capacity = bytes::mib(1);
            asked.allocation = bytes{0};
            auto made = pool.create_volume(xml::build_storage_volume(asked));
            if (!made) return fail(std::move(made).error());
            return {};
        });
    }

    /// One that is not there is no error.
    [[nodiscard]] expected<void> remove_canary_image(const model::canary_place &place,
                                                     const std::string &name) const {
        return in_pool(place, [&](const libvirt::storage_pool &pool) -> expected<void> {
            // A pool of NFS knows whose a file was at its last look.
            if (auto looked = pool.refresh(); !looked) return looked;
            const auto found = pool.volume(name);
            if (found) return found->remove();
            const error &why = found.error();
            if (why.kind == error_kind::not_found && !libvirt::is_pool_gone(why)) return {};
            return fail(why);
        });
    }

private:
    template <class Call>
    [[nodiscard]] auto in_pool(const model::canary_place &place, Call call) const
        -> decltype(call(std::declval<const libvirt::storage_pool &>())) {
        if (!place.pool.empty()) {
            const auto pool = libvirt::storage_pool::lookup(on(), place.pool);
            if (!pool) return fail(pool.error());
            return call(*pool);
        }
        folder_pool pool(on(), place.folder, ports::system_clock{}.utc());
        auto out = pool.with(call);
        if (auto closed = pool.close(); out && !closed) return fail(std::move(closed).error());
        return out;
    }
};

static_assert(ports::canary_host<libvirt_canary_host>);

/// `send_canary` in the place of `guest`, which may be shut off. Fails with `cancelled` when it was
/// stopped, and as libvirt does when the guest's XML cannot be read.
[[nodiscard]] inline expected<precheck::canary_facts>
send_canary(const libvirt::domain &guest, const libvirt::connection &destination,
            const canary_options &how = {}) {
    auto text = guest.xml(VIR_DOMAIN_XML_MIGRATABLE);
    if (!text) return fail(std::move(text).error());
    libvirt_canary_host from(guest.on());
    libvirt_canary_host to(destination);
    return send_canary(from, to, guest.name(), *text, how);
}

} // namespace kvmig::run
