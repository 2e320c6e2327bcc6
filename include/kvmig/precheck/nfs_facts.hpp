// SPDX-License-Identifier: MIT
/// What is known of NFS: exports of servers, mounts of both hosts.
#pragma once

#include <kvmig/model/nfs_export.hpp>
#include <kvmig/model/nfs_mount.hpp>
#include <kvmig/precheck/fact.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kvmig::precheck {

/// A server that was asked.
struct nfs_server {
    std::string name;                             ///< by which it is reached
    fact<std::vector<model::nfs_export>> exports; ///< with the options in force

    friend bool operator==(const nfs_server &, const nfs_server &) = default;
};

/// A host that was asked.
struct nfs_host {
    std::string name;                           ///< by which it is reached
    fact<std::vector<model::nfs_mount>> mounts; ///< of NFS, all of them

    friend bool operator==(const nfs_host &, const nfs_host &) = default;
};

/// As whom QEMU opens images (qemu.conf: `user`, `group`, `dynamic_ownership`).
struct image_user {
    std::uint32_t uid = 0;         ///< as the kernel counts users
    std::uint32_t gid = 0;         ///< as the kernel counts groups
    bool dynamic_ownership = true; ///< libvirtd gives images to that user, and back

    friend bool operator==(const image_user &, const image_user &) = default;
};

/// libvirt tells none of it: who can ask the hosts themselves does. What was not asked for is
/// absent, and no rule speaks of it.
struct nfs_facts {
    std::vector<nfs_server> servers;     ///< as many as were named
    std::optional<nfs_host> source;      ///< absent: its mounts were not asked for
    std::optional<nfs_host> destination; ///< absent: its mounts were not asked for
    /// The images that are written to, as absolute paths of the hosts. Where some are named, only
    /// mounts that hold one are judged; otherwise all.
    std::vector<std::string> images;
    std::optional<image_user> user; ///< absent: not known

    friend bool operator==(const nfs_facts &, const nfs_facts &) = default;
};

} // namespace kvmig::precheck
