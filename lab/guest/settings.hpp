// SPDX-License-Identifier: MIT
/// What a guest is told when it starts: `kvmig.KEY=VALUE` on its kernel command line, or
/// `--KEY=VALUE` when the agent runs as an ordinary process.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <kvmig/core/uuid.hpp>
#include <lab/guest/memory_pages.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <netinet/in.h>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kvmig::lab::guest {

/// Where the agent listens, and where it sends its heartbeat.
inline constexpr std::uint16_t control_port = 4100;
inline constexpr std::uint16_t echo_port = 4101;
inline constexpr std::uint16_t heartbeat_port = 4102;

/// An IPv4 address with the length of its network prefix, or with a port.
struct network_address {
    std::string host;     ///< dotted decimal; empty when not set
    unsigned prefix = 24; ///< 0 to 32
    std::uint16_t port = 0;

    friend bool operator==(const network_address &, const network_address &) = default;
};

/// Everything the agent can be told at its start.
struct guest_settings {
    std::string name = "guest";     ///< `name`: letters, digits, `.`, `_`, `-`; at most 32
    std::string interface = "eth0"; ///< `interface`: gets the address; at most 15 characters
    network_address address; ///< `address=192.0.2.101/24`: as an ordinary process, where it listens
    network_address probe;   ///< `probe=192.0.2.1[:4102]`: none sends no heartbeat
    bytes memory = bytes::mib(64);           ///< `memory=MiB`: what is filled with the pattern
    bytes working_set = bytes::mib(16);      ///< `working_set=MiB`: the first part of it is dirtied
    page_rate rate;                          ///< `rate=pages/s`: 0 dirties nothing
    write_mode mode = write_mode::word;      ///< `mode=word|page`
    std::uint64_t period = page_words;       ///< `period=words`, to 512: then a page repeats itself
    std::string disk;                        ///< `disk=/dev/vda`: none leaves disks alone
    bytes disk_offset;                       ///< `disk_offset=MiB`: where the pattern begins
    bytes disk_size = bytes::mib(64);        ///< `disk_size=MiB`: at most to the disk's end
    std::uint64_t disk_rate = 0;             ///< `disk_rate=blocks/s`, of 4096 bytes
    std::chrono::milliseconds heartbeat{10}; ///< `heartbeat=ms` between two datagrams
    std::chrono::microseconds stall_period{
        1000};                            ///< `stall_period=us` of the stall counter; 0 is off
    std::chrono::seconds report{5};       ///< `report=s` between two lines on the console; 0 is off
    std::uint16_t control = control_port; ///< `control_port`: 0 takes a free one
    std::uint16_t echo = echo_port;       ///< `echo_port`: 0 takes a free one
    std::optional<std::string> shell;     ///< `shell[=ttyS0]`: a busybox shell on this terminal
    std::optional<uuid> boot_id;          ///< `boot_id`: instead of the kernel's, for tests
    bool test_hooks = false;              ///< `test_hooks`: damage on purpose is allowed

    friend bool operator==(const guest_settings &, const guest_settings &) = default;
};

/// Parses `KEY` and `KEY=VALUE` entries. Fails with `invalid_argument` at the first that is not
/// understood, naming it and what would be right.
[[nodiscard]] expected<guest_settings> parse_settings(const std::vector<std::string> &entries);

/// The entries of a kernel command line that begin with `kvmig.`, without this prefix.
[[nodiscard]] std::vector<std::string> settings_on_command_line(std::string_view command_line);

/// The settings as words of a kernel command line, those at their default left out. Parsing it
/// gives the settings back; sizes are whole MiB.
[[nodiscard]] std::string command_line(const guest_settings &settings);

/// `text` as an IPv4 address in network byte order.
[[nodiscard]] expected<in_addr> parse_ipv4(const std::string &text);

} // namespace kvmig::lab::guest
