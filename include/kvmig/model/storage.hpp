// SPDX-License-Identifier: MIT
/// Storage pools and volumes, as libvirt's XML describes them.
#pragma once

#include <kvmig/core/units.hpp>
#include <kvmig/core/uuid.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kvmig::model {

/// A storage pool. What has no meaning for its type stays empty.
struct storage_pool {
    std::string name; ///< unique among the pools of a host; `source_name` where the XML has none
    std::optional<kvmig::uuid> uuid; ///< absent in XML written by hand: libvirt makes one
    std::string type = "dir";        ///< `dir`, `fs`, `netfs`, `logical`, `iscsi`, …

    std::string source_host;     ///< `netfs`: the server
    std::string source_dir;      ///< `netfs`: the exported path
    std::string source_name;     ///< `logical`: the volume group
    std::string source_format;   ///< `netfs`: `nfs`; `fs`: `ext4`, …; `auto` when empty
    std::string source_protocol; ///< `netfs`: the NFS version, as in `nfsvers=`
    /// Paths of disks or partitions: `fs`, `logical`, `disk` and others.
    std::vector<std::string> source_devices;
    std::vector<std::string> mount_options; ///< `fs` and `netfs`, one option each

    std::string target_path;                   ///< where the pool stands on the host
    std::optional<std::uint32_t> target_mode;  ///< of the directory, when libvirt makes it
    std::optional<std::uint32_t> target_owner; ///< numeric user
    std::optional<std::uint32_t> target_group; ///< numeric group

    std::optional<bytes> capacity;   ///< told by libvirt, not asked for
    std::optional<bytes> allocation; ///< what its volumes take up; told by libvirt
    std::optional<bytes> available;  ///< for new volumes; told by libvirt

    friend bool operator==(const storage_pool &, const storage_pool &) = default;
};

/// The image below another: one link of a backing chain.
struct backing_store {
    std::string path;   ///< absolute, or as the image names it
    std::string format; ///< `raw`, `qcow2`, …; empty: not told

    friend bool operator==(const backing_store &, const backing_store &) = default;
};

/// A storage volume.
struct storage_volume {
    std::string name;           ///< within its pool; a file's name
    std::string type;           ///< `file`, `block`, `dir`, …: told by libvirt, not asked for
    std::string path;           ///< told by libvirt, not asked for
    std::string format = "raw"; ///< `raw`, `qcow2`, …
    bytes capacity;             ///< what the guest sees
    /// What it takes up; asked for when a volume is made: fully allocated unless less.
    std::optional<bytes> allocation;
    std::optional<backing_store> backing; ///< absent: the volume stands alone
    std::optional<std::uint32_t> mode;    ///< permissions of the file; absent: libvirt's choice
    std::optional<std::uint32_t> owner;   ///< numeric user; absent: libvirt's choice
    std::optional<std::uint32_t> group;   ///< numeric group; absent: libvirt's choice
    /// When its content was last changed, `SECONDS.NANOSECONDS` since 1970: told by libvirt, not
    /// asked for.
    std::string modified;

    friend bool operator==(const storage_volume &, const storage_volume &) = default;
};

} // namespace kvmig::model
