// SPDX-License-Identifier: MIT
/// Commands on other hosts, over SSH: where a libvirt URI leads, there they are run.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/host/command.hpp>
#include <kvmig/model/connection_uri.hpp>
#include <kvmig/ports/host_shell.hpp>

#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::host {

/// `user@host` as ssh and rsync take it; an IPv6 address as it is written for ssh.
[[nodiscard]] inline std::string login_of(const model::uri_authority &at) {
    return at.user.empty() ? at.host : at.user + "@" + at.host;
}

/// Where SSH leads to the host of a libvirt URI; no host: this machine. The user and the port are
/// kept only of a URI that speaks SSH itself. Fails as `connection_uri::parse`; with `unsupported`
/// for an alias, which only libvirt can read.
[[nodiscard]] inline expected<model::uri_authority> ssh_end_of(std::string_view uri) {
    auto parsed = model::connection_uri::parse(uri);
    if (!parsed) return fail(std::move(parsed).error());
    if (!parsed->alias.empty()) {
        return fail(make_error(error_kind::unsupported,
                               "where the alias '" + parsed->alias +
                                   "' leads is known to libvirt only, so that no program can be "
                                   "run on its host")
                        .advise("give the URI itself"));
    }
    model::uri_authority out = parsed->authority;
    if (parsed->transport != "ssh" && parsed->transport != "libssh" &&
        parsed->transport != "libssh2") {
        out.user.clear();
        out.port.reset();
    }
    if (login_of(out).starts_with('-')) {
        return fail(error_kind::invalid_argument,
                    "'" + login_of(out) + "' is no host: ssh would take it for an option");
    }
    return out;
}

/// ssh in batch mode: it never asks.
inline const std::vector<std::string> quiet_ssh{"ssh", "-o", "BatchMode=yes"};

/// ssh's words up to the host.
[[nodiscard]] inline std::vector<std::string> batch_ssh(const model::uri_authority &to) {
    std::vector<std::string> out = quiet_ssh;
    if (to.port) out.insert(out.end(), {"-p", std::to_string(*to.port)});
    return out;
}

/// The local command that runs `argv` on the host that `ssh` (a program and its options) reaches as
/// `login`. sshd hands words to a shell: each is quoted. An empty `argv` is an interactive login.
[[nodiscard]] inline command remote_command(std::vector<std::string> ssh, std::string login,
                                            const std::vector<std::string> &argv) {
    command cmd;
    cmd.argv = std::move(ssh);
    cmd.argv.push_back(std::move(login));
    if (argv.empty()) return cmd;
    cmd.argv.emplace_back("--");
    for (const std::string &word : argv) cmd.argv.push_back(host::quoted(word));
    return cmd;
}

/// Runs programs where `to` leads, and on this machine when it names no host.
[[nodiscard]] inline ports::host_shell shell_at(model::uri_authority to) {
    return [to = std::move(to)](const std::vector<std::string> &argv,
                                const ports::heard_callback &heard,
                                const std::stop_token &stop) -> expected<ports::ran_program> {
        command cmd;
        if (to.host.empty()) {
            cmd.argv = argv;
        } else {
            cmd = remote_command(batch_ssh(to), login_of(to), argv);
        }
        cmd.heard = heard;
        auto ran = run(cmd, stop);
        if (ran) return ports::ran_program{ran->status, std::move(ran->out), std::move(ran->err)};
        error why = std::move(ran).error();
        // As a shell there would say it.
        if (why.kind == error_kind::environment && to.host.empty()) {
            return ports::ran_program{127, {}, why.what};
        }
        return fail(std::move(why));
    };
}

/// The same by the URI of the host's libvirt.
[[nodiscard]] inline expected<ports::host_shell> shell_of(std::string_view uri) {
    auto to = ssh_end_of(uri);
    if (!to) return fail(std::move(to).error());
    return shell_at(*std::move(to));
}

} // namespace kvmig::host
