// SPDX-License-Identifier: MIT
/// Whether the source of a migration can open its destination by itself.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/host/command.hpp>
#include <kvmig/precheck/facts.hpp>
#include <kvmig/run/check_names.hpp>

#include <algorithm>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

namespace kvmig::run {

namespace detail {

/// As the daemon would: as root, without an agent, a terminal, or somebody who answers questions.
/// The statuses 3 and 124 (timeout's) are the script's own.
inline constexpr std::string_view open_script =
    "[ \"$(id -u)\" = 0 ] || { id -un; exit 3; }; "
    "exec env -u DISPLAY -u SSH_ASKPASS -u SSH_AUTH_SOCK LC_ALL=C "
    "setsid -w timeout 20 virsh -q -c \"$1\" uri";

/// What is behind the last "error: ", with line feeds as blanks: the error itself, after that which
/// says what could not be done.
[[nodiscard]] inline std::string last_words(std::string_view text) {
    constexpr std::string_view mark = "error: ";
    if (const auto at = text.rfind(mark); at != std::string_view::npos) {
        text.remove_prefix(at + mark.size());
    }
    std::string out(text);
    while (!out.empty() && (out.back() == '\n' || out.back() == '\r')) out.pop_back();
    std::replace_if(
        out.begin(), out.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
    return out;
}

/// The answer of the script.
[[nodiscard]] inline expected<precheck::opened_connection>
read_opened(const host::command &command, const host::command_result &result) {
    switch (result.status) {
    case 0: return precheck::opened_connection{true, ""};
    case 1: return precheck::opened_connection{false, last_words(result.err)};
    case 3:
        return fail(error_kind::unsupported, "the daemon there is root, and this is tried as '" +
                                                 result.out.substr(0, result.out.find('\n')) + "'");
    case 124: return fail(error_kind::timed_out, "there was no answer within 20 s");
    case 127: return fail(error_kind::environment, "the source has no virsh to try it with");
    default: return fail(ended(command, result));
    }
}

} // namespace detail

/// What comes of it when the host at `uri` opens `destination`, as its daemon does in a migration
/// that it leads: here, or over SSH as libvirt goes there. Needs root and virsh there; fails with
/// `unsupported` or `environment` without, and with `timed_out` after 20 s.
[[nodiscard]] inline expected<precheck::opened_connection>
open_at(const std::string &uri, const std::string &destination, const std::stop_token &stop = {},
        const std::vector<std::string> &ssh = {}) {
    auto command =
        command_at(uri, {"sh", "-c", std::string(detail::open_script), "sh", destination}, ssh);
    if (!command) return fail(std::move(command).error());
    auto result = host::run(*command, stop);
    if (!result) return fail(std::move(result).error());
    return detail::read_opened(*command, *result);
}

} // namespace kvmig::run
