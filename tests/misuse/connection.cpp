// SPDX-License-Identifier: MIT
// There is no connection that is closed: it is opened or an error, and nothing closes it early.
#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/domain.hpp>

#include <utility>

using kvmig::libvirt::connection;

kvmig::expected<bool> alive() {
#ifdef NEVER_OPENED
    const connection none; // error: connection
    static_cast<void>(none);
#endif
    auto opened = connection::open("test:///default");
#ifdef NOT_LOOKED_AT
    const auto early = kvmig::libvirt::domain::find(opened, "test"); // error: expected|conver
    static_cast<void>(early);
#endif
    if (!opened) return kvmig::fail(opened.error());
#ifdef CLOSED
    opened->close(); // error: close
#endif
#ifdef COPIED
    const connection second = *opened; // error: deleted
#else
    const connection second = opened->share();
#endif
    return second.is_alive();
}
