// SPDX-License-Identifier: MIT
/// File owners without being root.
#pragma once

#include <string>
#include <unistd.h>
#include <vector>

namespace kvmig::lab {

/// The command line that runs `argv` where files can have any owner: as it is for root; otherwise
/// in a user namespace in which this user is root (needs newuidmap and a range in /etc/subuid).
[[nodiscard]] inline std::vector<std::string> as_root(std::vector<std::string> argv) {
    if (::geteuid() == 0) return argv;
    std::vector<std::string> wrapped{"unshare", "--map-root-user", "--map-auto", "--"};
    wrapped.insert(wrapped.end(), argv.begin(), argv.end());
    return wrapped;
}

} // namespace kvmig::lab
