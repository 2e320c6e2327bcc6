// SPDX-License-Identifier: MIT
/// The port by which programs are run on a host, wherever that is.
#pragma once

#include <kvmig/core/expected.hpp>

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace kvmig::ports {

/// What came of a program that ran.
struct ran_program {
    int status = 0;  ///< exit status; 255 also when a host that SSH reaches could not be reached
    std::string out; ///< its standard output, to the end
    std::string err; ///< its standard error, to the end

    friend bool operator==(const ran_program &, const ran_program &) = default;
};

/// Told what the program says on its standard output, piece by piece.
using heard_callback = std::function<void(std::string_view)>;

/// Runs `argv` on one host, to its end, no word read by a shell. Succeeds whenever it was tried,
/// whatever the exit status; fails with `cancelled` after a stop, with `environment` when this
/// machine lacks what it takes to reach the host.
using host_shell =
    std::function<expected<ran_program>(const std::vector<std::string> &argv,
                                        const heard_callback &heard, const std::stop_token &stop)>;

} // namespace kvmig::ports
