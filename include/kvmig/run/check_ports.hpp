// SPDX-License-Identifier: MIT
/// Whether the source of a migration gets through to the ports of its destination.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/host/command.hpp>
#include <kvmig/model/tried_port.hpp>
#include <kvmig/run/check_names.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::run {

/// The ends of libvirt's default range (`migration_port_min` and `_max` in qemu.conf).
inline constexpr std::uint16_t migration_ports[] = {49152, 49215};

namespace detail {

/// Tries each port by itself, as libvirt does: bash connects, and tells the error in words. Prints
/// a line for each, `PORT STATUS WORDS`; a status of 124 is timeout(1)'s.
inline constexpr std::string_view port_script =
    "host=$1; shift; for port in \"$@\"; do "
    "said=$(LC_ALL=C timeout 5 bash -c 'exec 3<>\"/dev/tcp/$0/$1\"' \"$host\" \"$port\" 2>&1); "
    "echo \"$port\" $? ${said##*: }; done";

/// What the script printed. Fails with `protocol` for a line that tells no port, or an error that
/// says nothing about the way to it, such as a name that does not resolve.
[[nodiscard]] inline expected<std::vector<model::tried_port>>
parse_port_answers(std::string_view text) {
    using model::port_answer;
    std::vector<model::tried_port> out;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        model::tried_port one;
        int status = -1;
        const char *end = line.data() + line.size();
        const auto port = std::from_chars(line.data(), end, one.port);
        std::from_chars_result code{port.ptr, std::errc::invalid_argument};
        if (port.ec == std::errc{} && port.ptr != end && *port.ptr == ' ') {
            code = std::from_chars(port.ptr + 1, end, status);
        }
        const std::string_view said(code.ptr, static_cast<std::size_t>(end - code.ptr));
        constexpr int timed_out = 124;
        if (code.ec == std::errc{} && status == 0 && said.empty()) {
            one.answer = port_answer::open;
        } else if ((code.ec == std::errc{} && status == timed_out) ||
                   said == " Connection timed out") {
            one.answer = port_answer::dropped;
        } else if (said == " Connection refused") {
            one.answer = port_answer::closed;
        } else if (said == " No route to host") {
            one.answer = port_answer::rejected;
        } else if (said == " Network is unreachable") {
            one.answer = port_answer::unreachable;
        } else {
            return fail(error_kind::protocol,
                        "trying a port answered: '" + std::string(line) + "'");
        }
        out.push_back(one);
    }
    return out;
}

} // namespace detail

/// What the host at `uri` meets when it connects to `ports` of `name`: here, or over SSH as libvirt
/// goes there. Needs bash there, and takes five seconds for each port from which no answer comes.
[[nodiscard]] inline expected<std::vector<model::tried_port>>
try_ports_at(const std::string &uri, const std::string &name, std::span<const std::uint16_t> ports,
             const std::stop_token &stop = {}, const std::vector<std::string> &ssh = {}) {
    std::vector<std::string> argv{"bash", "-c", std::string(detail::port_script), "bash", name};
    for (const std::uint16_t port : ports) argv.push_back(std::to_string(port));
    auto said = output_at(uri, argv, stop, ssh);
    if (!said) return fail(std::move(said).error());
    auto answers = detail::parse_port_answers(*said);
    if (answers && answers->size() != ports.size()) {
        return fail(error_kind::protocol, "of " + std::to_string(ports.size()) + " ports " +
                                              std::to_string(answers->size()) + " were tried");
    }
    return answers;
}

} // namespace kvmig::run
