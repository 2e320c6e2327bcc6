// SPDX-License-Identifier: MIT
/// Virtual networks on a host.
#pragma once

#include <kvmig/libvirt/connection.hpp>

#include <string>
#include <utility>

namespace kvmig::libvirt {

/// A reference to a network; the network stays when this is destroyed.
class network {
public:
    /// Takes the handle over.
    network(network_handle handle, connection on)
        : connection_(std::move(on)), handle_(std::move(handle)),
          name_(virNetworkGetName(handle_.get())) {}

    /// By name; `not_found` when the host has none of it.
    [[nodiscard]] static expected<network> lookup(const connection &on, const std::string &name) {
        virNetworkPtr pointer = virNetworkLookupByName(on.raw(), name.c_str());
        if (pointer == nullptr) {
            return fail(
                last_error("cannot find the network '" + name + "'", on.hostname()).about(name));
        }
        return network(network_handle(pointer), on.share());
    }

    /// libvirt's own, which stays this object's.
    [[nodiscard]] virNetworkPtr raw() const noexcept { return handle_.get(); }
    /// As libvirt names it.
    [[nodiscard]] const std::string &name() const noexcept { return name_; }
    /// Whether it runs.
    [[nodiscard]] expected<bool> is_active() const {
        const int answer = virNetworkIsActive(raw());
        if (answer < 0) {
            return fail(last_error("cannot read the state of the network '" + name() + "'",
                                   connection_.hostname())
                            .about(name()));
        }
        return answer == 1;
    }

private:
    connection connection_;
    network_handle handle_;
    std::string name_; // asking libvirt for it would wipe out the last error
};

} // namespace kvmig::libvirt
