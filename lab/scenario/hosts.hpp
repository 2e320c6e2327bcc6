// SPDX-License-Identifier: MIT
/// Connections to both hosts of a site.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/libvirt.hpp>
#include <kvmig/migration/options.hpp>
#include <lab/topology/site.hpp>

#include <string>
#include <utility>

namespace kvmig::lab {

/// libvirt connections to a site's hosts, by the names they have in the lab: `kvm01`, where guests
/// start, and `kvm02`, where they go.
class hosts {
public:
    [[nodiscard]] static expected<hosts> connect(const site &where);

    [[nodiscard]] const site &where() const noexcept { return where_; }
    [[nodiscard]] const libvirt::connection &kvm01() const noexcept { return first_; }
    [[nodiscard]] const libvirt::connection &kvm02() const noexcept { return second_; }

    /// The host on which `guest` is not.
    [[nodiscard]] const libvirt::connection &other_than(const libvirt::domain &guest) const {
        return guest.on().hostname() == first_.hostname() ? second_ : first_;
    }

    /// Connects anew to a host whose daemon was restarted meanwhile.
    [[nodiscard]] expected<void> reconnect();

    /// `how`, with the ways by which the other host reaches `to`.
    [[nodiscard]] migration::options toward(const libvirt::connection &to,
                                            migration::options how = {}) const;

private:
    hosts(site where, libvirt::event_loop loop, libvirt::connection first,
          libvirt::connection second)
        : where_(std::move(where)), loop_(std::move(loop)), first_(std::move(first)),
          second_(std::move(second)) {}
    site where_;
    libvirt::event_loop loop_; ///< outlives the connections
    libvirt::connection first_;
    libvirt::connection second_;
};

} // namespace kvmig::lab
