// SPDX-License-Identifier: MIT
/// Connections to both hosts, and what is there: so that a scenario can prove that it left nothing.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/libvirt.hpp>
#include <lab/topology/topology.hpp>

#include <map>
#include <set>
#include <string>

namespace kvmig::lab {

/// libvirt connections to `kvm01` and `kvm02`, over SSH, from inside the lab's namespace.
class hosts {
public:
    [[nodiscard]] static expected<hosts> connect();

    [[nodiscard]] const libvirt::connection &kvm01() const noexcept { return first_; }
    [[nodiscard]] const libvirt::connection &kvm02() const noexcept { return second_; }

    /// Connects to kvm02 anew when its daemon was restarted meanwhile.
    [[nodiscard]] expected<void> reconnect();

private:
    hosts(libvirt::event_loop loop, libvirt::connection first, libvirt::connection second)
        : loop_(std::move(loop)), first_(std::move(first)), second_(std::move(second)) {}
    libvirt::event_loop loop_; ///< outlives the connections
    libvirt::connection first_;
    libvirt::connection second_;
};

/// Domains and volumes of each host, as `HOST: domain NAME` and `HOST: volume NAME`.
[[nodiscard]] expected<std::set<std::string>> inventory(const hosts &on);

} // namespace kvmig::lab
