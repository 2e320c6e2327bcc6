// SPDX-License-Identifier: MIT
/// Owners of what libvirt hands out: references and allocated text.
#pragma once

#include <cstdlib>
#include <libvirt/libvirt.h>
#include <memory>
#include <string>

namespace kvmig::libvirt {

/// Calls a libvirt `…Free` function as a deleter. Such a call can only fail for a pointer that
/// is no object, so its answer is not looked at.
template <auto Free> struct releaser {
    template <class T> void operator()(T *object) const noexcept {
        static_cast<void>(Free(object));
    }
};

/// Closed when it goes.
using connect_handle = std::unique_ptr<virConnect, releaser<virConnectClose>>;
/// Freed when it goes; the domain itself stays.
using domain_handle = std::unique_ptr<virDomain, releaser<virDomainFree>>;
/// Freed when it goes; the network itself stays.
using network_handle = std::unique_ptr<virNetwork, releaser<virNetworkFree>>;
/// Freed when it goes; the device itself stays.
using node_device_handle = std::unique_ptr<virNodeDevice, releaser<virNodeDeviceFree>>;
/// Freed when it goes; the pool itself stays.
using storage_pool_handle = std::unique_ptr<virStoragePool, releaser<virStoragePoolFree>>;
/// Freed when it goes, which aborts it where it was not finished.
using stream_handle = std::unique_ptr<virStream, releaser<virStreamFree>>;
/// Freed when it goes; the volume itself stays.
using storage_volume_handle = std::unique_ptr<virStorageVol, releaser<virStorageVolFree>>;

/// Takes over text that libvirt allocated; not for null.
[[nodiscard]] inline std::string take_text(char *text) {
    const std::unique_ptr<char, decltype(&std::free)> owner(text, &std::free);
    return owner.get();
}

} // namespace kvmig::libvirt
