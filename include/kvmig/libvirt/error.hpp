// SPDX-License-Identifier: MIT
/// libvirt's errors as `kvmig::error`.
///
/// libvirt's texts are translated by the process's locale (and by the daemon's, for errors that
/// come from there), so no decision here rests on a text: domain, code and `int1` decide. A
/// program that wants to compare or look up texts must run in the untranslated C locale, which
/// is where a C++ program is as long as it does not call `setlocale`.
#pragma once

#include <kvmig/core/expected.hpp>

#include <cerrno>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <string>
#include <utility>

namespace kvmig::libvirt {

/// libvirt keeps its last error in a place that only `virInitialize` makes, and opening a
/// connection does that; what may be called before the first one makes sure of it. A second call
/// costs nothing.
inline void ensure_initialized() noexcept {
    static const int initialized = virInitialize();
    static_cast<void>(initialized); // fails only without memory; the next call fails likewise
}

/// libvirt prints every error to stderr until told not to. The library leaves that as it finds
/// it, for the handler belongs to the program; a program that reports errors itself calls this
/// once.
inline void quiet_errors() noexcept {
    virSetErrorFunc(nullptr, [](void *, virErrorPtr) {});
}

/// What an `errno` that libvirt passes on means to the caller.
[[nodiscard]] constexpr error_kind kind_of_errno(int number) noexcept {
    switch (number) {
    case ENOENT: return error_kind::not_found;
    case EEXIST:
    case EBUSY: return error_kind::conflict;
    case EACCES:
    case EPERM: return error_kind::refused;
    case ECONNREFUSED:
    case ECONNRESET:
    case ECONNABORTED:
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETUNREACH:
    case ENETDOWN:
    case EPIPE:
    case ENOTCONN: return error_kind::unreachable;
    case ETIMEDOUT: return error_kind::timed_out;
    case ECANCELED: return error_kind::cancelled;
    case ENOMEM: return error_kind::environment;
    case EIO:
    case ENOSPC:
    case EDQUOT:
    case EROFS:
    case ESTALE: return error_kind::io;
    default: return error_kind::failed;
    }
}

/// What libvirt's code, with the part of libvirt it comes from, means to the caller.
[[nodiscard]] constexpr error_kind kind_of(int domain, int code, int int1) noexcept {
    switch (code) {
    case VIR_ERR_NO_DOMAIN:
    case VIR_ERR_NO_NETWORK:
    case VIR_ERR_NO_STORAGE_POOL:
    case VIR_ERR_NO_STORAGE_VOL:
    case VIR_ERR_NO_NODE_DEVICE:
    case VIR_ERR_NO_INTERFACE:
    case VIR_ERR_NO_SECRET:
    case VIR_ERR_NO_NWFILTER:
    case VIR_ERR_NO_NWFILTER_BINDING:
    case VIR_ERR_NO_NETWORK_PORT:
    case VIR_ERR_NO_DOMAIN_SNAPSHOT:
    case VIR_ERR_NO_DOMAIN_CHECKPOINT:
    case VIR_ERR_NO_DOMAIN_BACKUP:
    case VIR_ERR_NO_DOMAIN_METADATA:
    case VIR_ERR_NO_SERVER:
    case VIR_ERR_NO_CLIENT:
    case VIR_ERR_DEVICE_MISSING: return error_kind::not_found;

    case VIR_ERR_DOM_EXIST:
    case VIR_ERR_NETWORK_EXIST:
    case VIR_ERR_STORAGE_VOL_EXIST:
    case VIR_ERR_RESOURCE_BUSY:
    case VIR_ERR_BLOCK_COPY_ACTIVE:
    case VIR_ERR_OPERATION_INVALID: return error_kind::conflict;

    case VIR_ERR_INVALID_ARG:
    case VIR_ERR_NO_NAME: // these five: missing from XML
    case VIR_ERR_NO_OS:
    case VIR_ERR_NO_DEVICE:
    case VIR_ERR_NO_SOURCE:
    case VIR_ERR_NO_TARGET:
    case VIR_ERR_XML_ERROR:
    case VIR_ERR_XML_DETAIL:
    case VIR_ERR_XML_INVALID_SCHEMA:
    case VIR_ERR_CONF_SYNTAX:
    case VIR_ERR_INVALID_MAC: return error_kind::invalid_argument;

    case VIR_ERR_NO_SUPPORT:
    case VIR_ERR_ARGUMENT_UNSUPPORTED:
    case VIR_ERR_CONFIG_UNSUPPORTED:
    case VIR_ERR_OPERATION_UNSUPPORTED: return error_kind::unsupported;

    case VIR_ERR_OPERATION_DENIED:
    case VIR_ERR_ACCESS_DENIED:
    case VIR_ERR_AUTH_FAILED:
    case VIR_ERR_AUTH_CANCELLED:
    case VIR_ERR_AUTH_UNAVAILABLE:
    case VIR_ERR_MIGRATE_UNSAFE:
    case VIR_ERR_CPU_INCOMPATIBLE: return error_kind::refused;

    case VIR_ERR_NO_CONNECT:
    case VIR_ERR_INVALID_CONN:
    case VIR_ERR_SSH:
    case VIR_ERR_LIBSSH:
    case VIR_ERR_UNKNOWN_HOST: return error_kind::unreachable;

    case VIR_ERR_RPC: return error_kind::protocol;
    case VIR_ERR_OPERATION_TIMEOUT: return error_kind::timed_out;
    case VIR_ERR_OPERATION_ABORTED: return error_kind::cancelled;
    case VIR_ERR_NO_MEMORY: return error_kind::environment;
    case VIR_ERR_SYSTEM_ERROR: return kind_of_errno(int1);

    // A connection that breaks is told as an internal error of the RPC layer.
    case VIR_ERR_INTERNAL_ERROR:
        return domain == VIR_FROM_RPC ? error_kind::unreachable : error_kind::failed;
    default: return error_kind::failed;
    }
}

/// A `virError` as value. `doing` says what was tried, e.g. `cannot define the domain`; libvirt's
/// own text follows it after a colon.
[[nodiscard]] inline error to_error(const virError &from, std::string doing,
                                    std::string host = {}) {
    const auto text = [](const char *field) { return std::string(field == nullptr ? "" : field); };
    error out;
    out.kind = kind_of(from.domain, from.code, from.int1);
    out.what = std::move(doing);
    if (from.message != nullptr) out.what += ": " + std::string(from.message);
    out.host = std::move(host);
    out.libvirt = libvirt_code{.domain = from.domain,
                               .code = from.code,
                               .level = static_cast<int>(from.level),
                               .int1 = from.int1,
                               .int2 = from.int2,
                               .str1 = text(from.str1),
                               .str2 = text(from.str2),
                               .str3 = text(from.str3)};
    if (from.code == VIR_ERR_SYSTEM_ERROR && from.int1 > 0) out.system = from.int1;
    return out;
}

/// This thread's last libvirt error; to be called right after the call that failed, for nearly
/// every other call to libvirt, even `virDomainGetName`, wipes it out.
[[nodiscard]] inline error last_error(std::string doing, std::string host = {}) {
    ensure_initialized();
    const virErrorPtr last = virGetLastError();
    if (last == nullptr) {
        error out = make_error(error_kind::failed, std::move(doing) + ": libvirt gave no reason");
        out.host = std::move(host);
        return out;
    }
    return to_error(*last, std::move(doing), std::move(host));
}

} // namespace kvmig::libvirt
