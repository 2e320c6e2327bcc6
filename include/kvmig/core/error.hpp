// SPDX-License-Identifier: MIT
/// Errors as values: what failed, where, what the layer below said, and what to do about it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig {

/// What sort of failure this is; decides the exit status of the command line and whether a retry
/// can help.
enum class error_kind : std::uint8_t {
    invalid_argument, ///< the caller's input is wrong; nothing was started
    not_found,        ///< a named thing does not exist
    conflict,         ///< the thing exists or is busy and stands in the way
    refused,          ///< the other side, or a rule, said no
    unsupported,      ///< this version or this host cannot do it
    environment,      ///< a tool, privilege, device or amount of memory is missing here
    unreachable,      ///< a host, daemon or server does not answer
    timed_out,        ///< a watchdog ended the wait
    cancelled,        ///< the caller asked to stop
    io,               ///< reading or writing failed
    protocol,         ///< the other side answered something that cannot be understood
    failed,           ///< the operation was tried and did not succeed
};

/// The enumerator's name, e.g. `"timed_out"`.
[[nodiscard]] constexpr std::string_view to_string(error_kind kind) noexcept {
    switch (kind) {
    case error_kind::invalid_argument: return "invalid_argument";
    case error_kind::not_found: return "not_found";
    case error_kind::conflict: return "conflict";
    case error_kind::refused: return "refused";
    case error_kind::unsupported: return "unsupported";
    case error_kind::environment: return "environment";
    case error_kind::unreachable: return "unreachable";
    case error_kind::timed_out: return "timed_out";
    case error_kind::cancelled: return "cancelled";
    case error_kind::io: return "io";
    case error_kind::protocol: return "protocol";
    case error_kind::failed: return "failed";
    }
    return "unknown";
}

/// libvirt's own error, field by field as in `virError`. `code` and `domain` are the numbers of
/// `virErrorNumber` and `virErrorDomain`; for `VIR_ERR_SYSTEM_ERROR`, `int1` is the `errno`.
struct libvirt_code {
    int domain = 0;   ///< which part of libvirt failed
    int code = 0;     ///< what failed
    int level = 0;    ///< `virErrorLevel`: 1 a warning, 2 an error
    int int1 = 0;     ///< -1 where it says nothing
    int int2 = 0;     ///< mostly -1: it says nothing
    std::string str1; ///< mostly the format of the message, with `%s` for `str2`
    std::string str2; ///< mostly what the message says beyond its code; may be empty
    std::string str3; ///< mostly empty

    friend bool operator==(const libvirt_code &, const libvirt_code &) = default;
};

/// One failure, with the failures below it.
struct error {
    /// The sort of failure: by it a caller decides whether to try again.
    error_kind kind = error_kind::failed;
    std::string what;   ///< what was being done, and what came of it: one sentence, no full stop
    std::string host;   ///< the host it happened on; empty when there is only this one
    std::string object; ///< the domain, pool, file or option it is about
    std::string remedy; ///< what the reader can do; empty when nothing is known
    std::optional<libvirt_code> libvirt; ///< set when libvirt reported it
    std::optional<int> system;           ///< the `errno`, when the operating system reported it
    std::vector<error> causes;           ///< what the layers below said, nearest first

    friend bool operator==(const error &, const error &) = default;

    /// Fluent additions, so that an error can be built where it is returned.
    [[nodiscard]] error &&on(std::string host_name) && {
        host = std::move(host_name);
        return std::move(*this);
    }
    /// Names the object that it is about.
    [[nodiscard]] error &&about(std::string object_name) && {
        object = std::move(object_name);
        return std::move(*this);
    }
    /// Says what the user can do.
    [[nodiscard]] error &&advise(std::string text) && {
        remedy = std::move(text);
        return std::move(*this);
    }
    /// Adds the error that led to this one.
    [[nodiscard]] error &&because(error cause) && {
        causes.push_back(std::move(cause));
        return std::move(*this);
    }
};

/// An error of this library's own: `what` is a clause without a full stop.
[[nodiscard]] inline error make_error(error_kind kind, std::string what) {
    error result;
    result.kind = kind;
    result.what = std::move(what);
    return result;
}

/// The error as text for people: `what`, the place in brackets, then causes and remedy indented
/// on lines of their own. No newline at the end.
[[nodiscard]] inline std::string describe(const error &err, int indent = 0) {
    const std::string pad(static_cast<std::size_t>(indent) * 2, ' ');
    std::string text = pad + err.what;
    if (!err.object.empty() || !err.host.empty()) {
        text += " [";
        text += err.object;
        if (!err.object.empty() && !err.host.empty()) text += ' ';
        if (!err.host.empty()) text += "on " + err.host;
        text += ']';
    }
    for (const error &cause : err.causes) {
        text += '\n' + pad + "  because:\n" + describe(cause, indent + 2);
    }
    if (!err.remedy.empty()) text += '\n' + pad + "  try: " + err.remedy;
    return text;
}

} // namespace kvmig
