// SPDX-License-Identifier: MIT
/// A failed system call as an error.
#pragma once

#include <kvmig/core/error.hpp>

#include <cerrno>
#include <string>
#include <system_error>

namespace kvmig::lab::guest {

/// `what`, and the system's words for `number`.
[[nodiscard]] inline error system_error(error_kind kind, const std::string &what,
                                        int number = errno) {
    error result = make_error(kind, what + ": " + std::generic_category().message(number));
    result.system = number;
    return result;
}

} // namespace kvmig::lab::guest
