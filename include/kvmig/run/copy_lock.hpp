// SPDX-License-Identifier: MIT
/// Whether a guest uses an image on a server, and how much of that can be told.
#pragma once

#include <kvmig/model/image_use.hpp>
#include <kvmig/model/nfs_url.hpp>
#include <kvmig/nfs/context.hpp>
#include <kvmig/nfs/lock.hpp>
#include <kvmig/run/copy_mark.hpp>

#include <string>

namespace kvmig::run::detail {

struct use_on_server {
    model::image_use use = model::image_use::free;
    std::string note; ///< what was not, or cannot be, looked at
};

/// Asks over NFSv4 for QEMU's locks on the file that NFSv3 shows as `identity`. What hinders that
/// is a note: many servers have no NFSv4, or other paths there.
inline use_on_server look_for_locks(model::nfs_url url, const image_identity &identity,
                                    const nfs::connect_options &options) {
    const std::string name = to_string(url);
    const auto unseen = [&](const std::string &why) {
        return use_on_server{model::image_use::free, "NFSv3 shows no locks, and NFSv4 " + why +
                                                         ": whether a guest uses " + name +
                                                         " was not looked at"};
    };
    url.version = 4;
    url.mount_port.reset();
    const auto on = nfs::context::connect(url, options);
    if (!on) return unseen("does not answer here (" + on.error().what + ")");
    const auto about = on->stat(url.path);
    if (!about) return unseen("has no such path (" + about.error().what + ")");
    // Not its size: that of an image in use may have grown in between.
    if (about->inode != identity.inode) return unseen("has another file at that path");
    const auto use = nfs::image_use_at(*on, url.path);
    if (!use) return unseen("told nothing (" + use.error().what + ")");
    return {*use, "no QEMU on a host that mounts it by NFSv4 uses " + name +
                      "; one that comes by NFSv3 or QEMU's own driver would not be seen"};
}

} // namespace kvmig::run::detail
