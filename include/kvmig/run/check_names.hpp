// SPDX-License-Identifier: MIT
/// What the source of a migration is asked that libvirt does not tell: how it resolves the name of
/// its destination.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/host/command.hpp>
#include <kvmig/host/remote_command.hpp>
#include <kvmig/model/connection_uri.hpp>

#include <algorithm>
#include <chrono>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::run {

namespace detail {

/// The first word of each line, each once: what `getent ahosts` says.
[[nodiscard]] inline std::vector<std::string> first_words(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        std::string word(line.substr(0, line.find_first_of(" \t")));
        if (!word.empty() && std::find(out.begin(), out.end(), word) == out.end()) {
            out.push_back(std::move(word));
        }
    }
    return out;
}

/// A command that ended with a status that tells nothing.
[[nodiscard]] inline error ended(const host::command &command, const host::command_result &result) {
    error problem = make_error(error_kind::failed, to_string(command) + " ended with status " +
                                                       std::to_string(result.status));
    const auto said = result.err.substr(0, result.err.find('\n'));
    if (!said.empty()) problem.what += ": " + said;
    return problem;
}

} // namespace detail

/// The command that runs `argv` on the host at `uri`: here, or over SSH as libvirt goes there, with
/// `ssh` among its words (see `host::shared_login`). Fails with `unsupported` for a host that is
/// reached in another way.
[[nodiscard]] inline expected<host::command> command_at(const std::string &uri,
                                                        const std::vector<std::string> &argv,
                                                        const std::vector<std::string> &ssh = {}) {
    auto to = model::connection_uri::parse(uri);
    if (!to) return fail(std::move(to).error());
    host::command out;
    if (to->remote() && to->transport != "ssh") {
        return fail(make_error(error_kind::unsupported,
                               "the host is not reached over SSH, and libvirt does not tell")
                        .about(uri));
    }
    if (to->remote()) {
        auto end = host::ssh_end_of(uri);
        if (!end) return fail(std::move(end).error());
        std::vector<std::string> words = host::batch_ssh(*end);
        words.insert(words.end(), {"-T", "-o", "ConnectTimeout=10"});
        words.insert(words.end(), ssh.begin(), ssh.end());
        out = host::remote_command(std::move(words), host::login_of(*end), argv);
    } else {
        out.argv = argv;
    }
    out.timeout = std::chrono::seconds(30);
    return out;
}

/// What `argv` prints on the host at `uri`; an error when it ends with another status than 0.
[[nodiscard]] inline expected<std::string> output_at(const std::string &uri,
                                                     const std::vector<std::string> &argv,
                                                     const std::stop_token &stop = {},
                                                     const std::vector<std::string> &ssh = {}) {
    auto command = command_at(uri, argv, ssh);
    if (!command) return fail(std::move(command).error());
    auto result = host::run(*command, stop);
    if (!result) return fail(std::move(result).error());
    if (result->status != 0) return fail(detail::ended(*command, *result));
    return std::move(result->out);
}

/// The addresses that `name` has for the host at `uri`; empty when it has none there.
[[nodiscard]] inline expected<std::vector<std::string>>
resolve_at(const std::string &uri, const std::string &name, const std::stop_token &stop = {},
           const std::vector<std::string> &ssh = {}) {
    auto command = command_at(uri, {"getent", "ahosts", name}, ssh);
    if (!command) return fail(std::move(command).error());
    auto result = host::run(*command, stop);
    if (!result) return fail(std::move(result).error());
    if (result->status == 0) return detail::first_words(result->out);
    constexpr int no_such_key = 2; // getent(1)
    if (result->status == no_such_key) return std::vector<std::string>{};
    return fail(detail::ended(*command, *result));
}

} // namespace kvmig::run
