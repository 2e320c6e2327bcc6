// SPDX-License-Identifier: MIT
/// What the way from one host to another carries, measured for a moment.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <kvmig/host/remote_command.hpp>
#include <kvmig/precheck/facts.hpp>
#include <kvmig/run/check_names.hpp>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::run {

/// What is sent at most, whichever comes first.
struct link_bounds {
    bytes most = bytes::mib(64);     ///< zeros, which SSH encrypts like anything else
    std::chrono::seconds longest{5}; ///< as long as the receiver runs
};

namespace detail {

/// Zeros into the command that the further words are.
inline constexpr std::string_view send_script =
    R"(most=$1; shift; head -c "$most" /dev/zero | "$@")";
/// Tells what came, and in what time; SIGINT has dd tell what came until then. In the background it
/// would come twice, and the second ends dd before it has told.
inline constexpr std::string_view receive_script =
    "LC_ALL=C timeout --foreground -s INT \"$1\" dd of=/dev/null bs=65536 iflag=fullblock 2>&1";

[[nodiscard]] inline std::vector<std::string> receiver(const link_bounds &within) {
    return {"sh", "-c", std::string(receive_script), "sh", std::to_string(within.longest.count())};
}

/// `67108864 bytes (67 MB, 64 MiB) copied, 1.25 s, 53.7 MB/s`, the last line of dd(1). Fails with
/// `protocol` for anything else, and when nothing came.
[[nodiscard]] inline expected<precheck::measured_link> parse_dd(std::string_view said) {
    while (said.ends_with('\n')) said.remove_suffix(1);
    const std::string_view line = said.substr(said.rfind('\n') + 1); // npos + 1 is the beginning
    constexpr std::string_view mark = " copied, ";
    const char *const end = line.data() + line.size();
    std::uint64_t count = 0;
    double seconds = 0;
    const auto counted = std::from_chars(line.data(), end, count);
    const auto at = line.find(mark);
    bool good = counted.ec == std::errc{} && at != std::string_view::npos &&
                std::string_view(counted.ptr, static_cast<std::size_t>(end - counted.ptr))
                    .starts_with(" bytes");
    if (good) {
        const auto timed = std::from_chars(line.data() + at + mark.size(), end, seconds);
        good = timed.ec == std::errc{} &&
               std::string_view(timed.ptr, static_cast<std::size_t>(end - timed.ptr))
                   .starts_with(" s");
    }
    if (!good || count == 0 || !(seconds > 0) || seconds > 3600) {
        return fail(error_kind::protocol,
                    "measuring the link, dd said: '" + std::string(line) + "'");
    }
    precheck::measured_link out;
    out.moved = bytes{count};
    out.over = std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
    out.rate = byte_rate{static_cast<std::uint64_t>(static_cast<double>(count) / seconds)};
    return out;
}

/// Sends from the host at `uri` into `words`, a command there that says what `receiver` says.
[[nodiscard]] inline expected<precheck::measured_link>
measure_into(const std::string &uri, const std::vector<std::string> &words,
             const link_bounds &within, const std::stop_token &stop) {
    std::vector<std::string> argv{"sh", "-c", std::string(send_script), "sh",
                                  std::to_string(within.most.count())};
    argv.insert(argv.end(), words.begin(), words.end());
    auto command = command_at(uri, argv);
    if (!command) return fail(std::move(command).error());
    auto result = host::run(*command, stop);
    if (!result) return fail(std::move(result).error());
    auto told = parse_dd(result->out);
    // timeout(1) ends with a status of its own, after dd has told.
    if (!told && result->status != 0) return fail(ended(*command, *result));
    return told;
}

} // namespace detail

/// What one SSH connection from the source, which is reached from here by `source_uri`, to the
/// destination carries; `destination_uri` as libvirt takes it. SSH's cipher binds it: a migration
/// in the clear may be faster. What other traffic takes away, it takes here too. Fails with
/// `unsupported` for a destination that is not reached over SSH.
[[nodiscard]] inline expected<precheck::measured_link>
measure_link(const std::string &source_uri, const std::string &destination_uri,
             const link_bounds &within = {}, const std::stop_token &stop = {}) {
    auto end = host::ssh_end_of(destination_uri);
    if (!end) return fail(std::move(end).error());
    if (end->host.empty()) {
        return fail(make_error(error_kind::unsupported,
                               "the destination's URI names no host to which the source could send")
                        .about(destination_uri));
    }
    std::vector<std::string> ssh = host::batch_ssh(*end);
    ssh.insert(ssh.end(), {"-T", "-o", "ConnectTimeout=10", "-o", "Compression=no"});
    const auto receive =
        host::remote_command(std::move(ssh), host::login_of(*end), detail::receiver(within));
    return detail::measure_into(source_uri, receive.argv, within, stop);
}

} // namespace kvmig::run
