// SPDX-License-Identifier: MIT
/// How the source of a migration resolves the name of its destination.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/host/command.hpp>
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

} // namespace detail

/// The command by which the host at `uri` resolves `name`: here, or over SSH as libvirt goes there.
/// Fails with `unsupported` for a host that is reached in another way.
[[nodiscard]] inline expected<host::command> resolving_command(const std::string &uri,
                                                               const std::string &name) {
    auto to = model::connection_uri::parse(uri);
    if (!to) return fail(std::move(to).error());
    host::command out;
    out.timeout = std::chrono::seconds(20);
    if (to->remote() && to->transport != "ssh") {
        return fail(make_error(error_kind::unsupported,
                               "the host is not reached over SSH, and libvirt does not tell")
                        .about(uri));
    }
    if (to->remote()) {
        out.argv = {"ssh", "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"};
        if (to->authority.port) {
            out.argv.insert(out.argv.end(), {"-p", std::to_string(*to->authority.port)});
        }
        if (!to->authority.user.empty()) {
            out.argv.insert(out.argv.end(), {"-l", to->authority.user});
        }
        out.argv.insert(out.argv.end(),
                        {"--", to->authority.host, "getent ahosts " + host::quoted(name)});
    } else {
        out.argv = {"getent", "ahosts", name};
    }
    return out;
}

/// The addresses that `name` has for the host at `uri`; empty when it has none there.
[[nodiscard]] inline expected<std::vector<std::string>>
resolve_at(const std::string &uri, const std::string &name, const std::stop_token &stop = {}) {
    auto command = resolving_command(uri, name);
    if (!command) return fail(std::move(command).error());
    auto result = host::run(*command, stop);
    if (!result) return fail(std::move(result).error());
    if (result->status == 0) return detail::first_words(result->out);
    constexpr int no_such_key = 2; // getent(1)
    if (result->status == no_such_key) return std::vector<std::string>{};
    error problem = make_error(error_kind::failed, to_string(*command) + " ended with status " +
                                                       std::to_string(result->status));
    const auto said = result->err.substr(0, result->err.find('\n'));
    if (!said.empty()) problem.what += ": " + said;
    return fail(std::move(problem));
}

} // namespace kvmig::run
