// SPDX-License-Identifier: MIT
/// `kvmig::expected<T>`: a value or a `kvmig::error`.
///
/// `std::expected` where the standard library has it, `tl::expected` elsewhere; both offer the
/// same members as far as this library uses them.
#pragma once

#include <kvmig/core/error.hpp>

#include <string>
#include <utility>
#include <version>

#if defined(__cpp_lib_expected) && __cpp_lib_expected >= 202202L
#include <expected>
namespace kvmig {
template <class T> using expected = std::expected<T, error>;
using unexpected = std::unexpected<error>;
} // namespace kvmig
#else
#include <tl/expected.hpp>
namespace kvmig {
/// A value, or the error that stands in its way (`std::expected`, or `tl::expected` with its
/// interface).
template <class T> using expected = tl::expected<T, error>;
using unexpected = tl::unexpected<error>; ///< What `return`s an error as an `expected`.
} // namespace kvmig
#endif

namespace kvmig {

/// Turns an error into the failing side of any `expected<T>`: `return fail(std::move(err));`.
[[nodiscard]] inline unexpected fail(error err) { return unexpected(std::move(err)); }

/// `make_error`, ready to be returned.
[[nodiscard]] inline unexpected fail(error_kind kind, std::string what) {
    return unexpected(make_error(kind, std::move(what)));
}

} // namespace kvmig
