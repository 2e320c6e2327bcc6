// SPDX-License-Identifier: MIT
/// What a server of NFS, or libnfs, said, as an error of ours.
#pragma once

#include <kvmig/core/error.hpp>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace kvmig::nfs {

/// The status as the protocol names it (`NFS3ERR_STALE`, `NFS4ERR_EXPIRED`, `MNT3ERR_ACCES`), out
/// of libnfs' text; empty when the text has none.
[[nodiscard]] inline std::string status_name(std::string_view text) {
    for (const std::string_view family : {"NFS3ERR_", "NFS4ERR_", "MNT3ERR_"}) {
        const auto begin = text.find(family);
        if (begin == std::string_view::npos) continue;
        const auto end = text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789", begin);
        return std::string(text.substr(begin, end == std::string_view::npos ? end : end - begin));
    }
    return {};
}

/// From an `errno`.
[[nodiscard]] inline error_kind kind_of(int number) {
    switch (number) {
    case ENOENT:
    case ENOTDIR: return error_kind::not_found;
    case EEXIST:
    case EISDIR:
    case ENOTEMPTY:
    case EBUSY: return error_kind::conflict;
    case EACCES:
    case EPERM:
    case EROFS: return error_kind::refused;
    case ETIMEDOUT: return error_kind::timed_out;
    case EINTR: // how libnfs ends what was under way when its connection went
    case ECONNREFUSED:
    case ECONNRESET:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENOTCONN:
    case EPIPE: return error_kind::unreachable;
    case EINVAL:
    case ENAMETOOLONG: return error_kind::invalid_argument;
    case ENOSYS:
    case EOPNOTSUPP: return error_kind::unsupported;
    default: return error_kind::io;
    }
}

/// libnfs' answer to a call: the `errno`, and its text.
struct answer_text {
    int number = 0;   ///< EIO where libnfs names a status whose number it does not tell
    std::string text; ///< libnfs' own; empty when it told none
};

/// Reads a failing callback: `status` is negative, `data` libnfs' text or nothing, `last` what the
/// context tells as its latest error. libnfs 4 answers EFAULT for whatever failed of a read or
/// write, and for a lost connection; `data` need then be no text. The true number stands in `last`,
/// as `NFS3ERR_NOSPC(-28)`; where no status of NFS does, no answer came (ECONNRESET).
[[nodiscard]] inline answer_text read_answer(int status, const char *data, const char *last) {
    answer_text out{-status, ""};
    if (out.number != EFAULT && data != nullptr) out.text = data;
    if (out.text.empty() && last != nullptr) out.text = last;
    const std::string name = status_name(out.text);
    // Of this one libnfs 4 knows no number.
    if (name.ends_with("ERR_DQUOT")) out.number = EDQUOT;
    if (out.number != EFAULT) return out;
    out.number = ECONNRESET;
    if (name.empty()) return out;
    out.number = EIO;
    const char *first = out.text.data() + out.text.find(name) + name.size();
    const char *end = out.text.data() + out.text.size();
    int number = 0;
    if (end - first > 2 && first[0] == '(' && first[1] == '-' &&
        std::from_chars(first + 2, end, number).ec == std::errc{}) {
        out.number = number;
    }
    return out;
}

/// Whether the server asked to be asked again later: in its grace period after a start, or while it
/// fetches what is not at hand (RFC 1813, NFS3ERR_JUKEBOX; RFC 7530, 15.1.1.3 and 15.1.9.2).
[[nodiscard]] inline bool asks_for_patience(const answer_text &answer) {
    const std::string name = status_name(answer.text);
    return name == "NFS3ERR_JUKEBOX" || name == "NFS4ERR_DELAY" || name == "NFS4ERR_GRACE";
}

/// What can be done about it; empty where nothing general can be said.
[[nodiscard]] inline std::string remedy_for(int number) {
    switch (number) {
    case EACCES:
    case EPERM:
        return "see what the export allows this host and user: exportfs -v on the server "
               "(root_squash, secure, the list of clients)";
    case EROFS: return "the export or its file system is read-only: exportfs -v on the server";
    case ESTALE:
        return "the file was removed or its file system came back as another one; open it anew, "
               "and "
               "give the export an fsid= of its own";
    case ENOSPC: return "make room on the server's file system: df -h there";
    case EDQUOT: return "raise the quota of the user who writes: quota on the server";
    default: return {};
    }
}

/// `what` failed for `path` on `server`.
[[nodiscard]] inline error failure(std::string_view what, std::string_view path,
                                   std::string_view server, const answer_text &answer) {
    std::string said = status_name(answer.text);
    if (said.empty()) said = answer.text.empty() ? std::strerror(answer.number) : answer.text;
    error out = make_error(kind_of(answer.number), std::string(what) + " failed: " + said)
                    .about(std::string(path));
    out.host = std::string(server);
    out.system = answer.number;
    out.remedy = remedy_for(answer.number);
    if (asks_for_patience(answer)) {
        out.kind = error_kind::unreachable;
        out.remedy = "the server is not ready, as for a minute or two after its start; try again "
                     "then, and see its log if it lasts";
    }
    return out;
}

} // namespace kvmig::nfs
