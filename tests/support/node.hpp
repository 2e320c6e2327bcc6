// SPDX-License-Identifier: MIT
// libvirt's own test driver, which keeps a host in memory.
#pragma once

#include <kvmig/libvirt/connection.hpp>
#include <support/catch.hpp>

#include <utility>

namespace kvmig::test {

/// The default node, with the running domain `test`; shared by all of a process.
inline libvirt::connection node() {
    libvirt::quiet_errors();
    auto on = libvirt::connection::open("test:///default");
    REQUIRE(on);
    return *std::move(on);
}

} // namespace kvmig::test
