// SPDX-License-Identifier: MIT
/// What a server exports, as its mountd tells (the same as `showmount -e`).
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/nfs/quiet_pipe.hpp>
#include <kvmig/nfs/session.hpp>

/// For libnfs's headers alone: every parameter called so would shadow their global type `name`.
#define name kvmig_libnfs_name // NOLINT(readability-identifier-naming): as libnfs spells it
#include <nfsc/libnfs-raw-mount.h>
#undef name
#include <nfsc/libnfs-raw.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <poll.h>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::nfs {

/// One export, and to whom; mountd tells no options.
struct exported {
    std::string path;                 ///< absolute, as on the server
    std::vector<std::string> clients; ///< names, networks, netgroups; empty: everyone

    friend bool operator==(const exported &, const exported &) = default;
};

namespace detail {

/// What libnfs decodes lies in its memory without regard to alignment.
template <class Node> Node unaligned(const Node *at) {
    Node out;
    std::memcpy(&out, static_cast<const void *>(at), sizeof out);
    return out;
}

} // namespace detail

/// The exports of `server`, asked through its rpcbind. `unreachable` or `timed_out` when nobody
/// answers, `refused` when its rpcbind or mountd says no.
[[nodiscard]] inline expected<std::vector<exported>>
exports_of(const std::string &server, std::chrono::milliseconds patience = default_patience,
           const std::stop_token &stop = {}) {
    struct outcome {
        bool done = false;
        int status = 0;
        std::string text;
        std::vector<exported> exports;
    };
    outcome out;
    const quiet_pipe quiet;
    const auto end = [&out](rpc_context *rpc) {
        // libnfs forgets a connection that is being made, unless it is told that it failed.
        if (!out.done) {
            const auto alone = while_connecting();
            ::rpc_service(rpc, POLLHUP);
        }
        ::rpc_destroy_context(rpc);
    };
    const std::unique_ptr<rpc_context, decltype(end)> rpc(::rpc_init_context(), end);
    if (!rpc) return fail(error_kind::environment, "libnfs made no context: no memory");
    const auto failed = [&server](error_kind kind, std::string why) {
        return fail(make_error(kind, "the exports could not be asked for: " + std::move(why))
                        .on(server)
                        .advise("rpcinfo -p " + server + "; showmount -e " + server));
    };
    const auto take = [](rpc_context *, int status, void *data, void *about) {
        auto &into = *static_cast<outcome *>(about);
        into.done = true;
        into.status = status;
        if (status == RPC_STATUS_ERROR && data != nullptr) {
            into.text = static_cast<const char *>(data);
        }
        if (status != RPC_STATUS_SUCCESS) return;
        for (const exportnode *next = *static_cast<exports *>(data); next != nullptr;) {
            const exportnode one = detail::unaligned(next);
            exported made{one.ex_dir, {}};
            for (const groupnode *who = one.ex_groups; who != nullptr;) {
                const groupnode group = detail::unaligned(who);
                made.clients.emplace_back(group.gr_name);
                who = group.gr_next;
            }
            into.exports.push_back(std::move(made));
            next = one.ex_next;
        }
    };
    const auto why = [&rpc, &out] {
        const char *text = ::rpc_get_error(rpc.get());
        if (!out.text.empty()) return out.text;
        return std::string(text != nullptr && *text != '\0' ? text : "no reason was told");
    };
    {
        const auto alone = while_connecting();
        if (::mount_getexports_async(rpc.get(), server.c_str(), take, &out) != 0) {
            return failed(error_kind::unreachable, why());
        }
    }
    auto heard = session::clock::now();
    while (!out.done) {
        if (stop.stop_requested()) return failed(error_kind::cancelled, "cancelled");
        if (session::clock::now() - heard > patience) {
            return failed(error_kind::timed_out,
                          "no answer for " + std::to_string(patience.count() / 1000) + " s");
        }
        pollfd one{::rpc_get_fd(rpc.get()), static_cast<short>(::rpc_which_events(rpc.get())), 0};
        const int count = ::poll(&one, one.fd < 0 ? 0 : 1, 100);
        if (count < 0 && errno != EINTR) return failed(error_kind::failed, std::strerror(errno));
        const short revents = count > 0 ? one.revents : short{0};
        if ((revents & POLLIN) != 0) heard = session::clock::now();
        const auto alone = while_connecting();
        if (::rpc_service(rpc.get(), revents) < 0 && !out.done) {
            return failed(error_kind::unreachable, why());
        }
    }
    if (out.status != RPC_STATUS_SUCCESS) {
        return failed(
            out.status == RPC_STATUS_ERROR ? error_kind::refused : error_kind::unreachable, why());
    }
    return std::move(out.exports);
}

} // namespace kvmig::nfs
