// SPDX-License-Identifier: MIT
/// What travels between the agent and its client, as values with their JSON.
///
/// Over TCP, one JSON document a line. The agent greets with `greeting`; then each line of the
/// client is a `request`, and each is answered by one `reply` with the same id, in order.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <kvmig/core/uuid.hpp>
#include <lab/guest/memory_pages.hpp>
#include <lab/guest/stall_histogram.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace kvmig::lab::guest {

inline constexpr std::string_view protocol_version = "kvmig.guest/1";
/// A line that is longer is refused, and ends the connection.
inline constexpr std::size_t longest_line = std::size_t{64} * 1024;

/// What a client can ask for.
enum class action : std::uint8_t {
    status,        ///< -> guest_status
    ready,         ///< answers once memory is filled and the disk is open -> guest_status
    set_workload,  ///< workload_change -> guest_status
    reset_stalls,  ///< -> stall_histogram as it was until now
    verify_memory, ///< -> memory_verdict
    write_disk,    ///< block_range: writes each block once, and syncs -> disk_verdict
    verify_disk,   ///< block_range -> disk_verdict
    sync,          ///< flushes the disk -> nothing
    shutdown,      ///< answers, then syncs and powers off -> nothing
    damage_memory, ///< damage_request; test hook
    damage_disk,   ///< damage_request; test hook
};
[[nodiscard]] std::string_view to_string(action what) noexcept;

/// The agent's first line on every connection.
struct greeting {
    std::string name;
    uuid boot_id;
    friend bool operator==(const greeting &, const greeting &) = default;
};

struct request {
    std::uint64_t id = 0;
    action what = action::status;
    nlohmann::json with = nlohmann::json::object(); ///< the action's argument
};

struct reply {
    std::uint64_t id = 0; ///< 0 answers a line whose id could not be read
    std::variant<nlohmann::json, error> result;
};

/// What the workload is to become; what is absent stays as it is.
struct workload_change {
    std::optional<page_rate> rate;          ///< memory pages dirtied a second
    std::optional<pages> working_set;       ///< of 4 KiB; at most the filled memory
    std::optional<write_mode> mode;         ///< one word of a page, or all of it
    std::optional<std::uint64_t> disk_rate; ///< disk blocks of 4 KiB written a second
    friend bool operator==(const workload_change &, const workload_change &) = default;
};

/// Blocks of the disk's pattern, counted from its beginning; without `count`, to its end.
struct block_range {
    std::uint64_t first = 0;
    std::optional<std::uint64_t> count;
    friend bool operator==(const block_range &, const block_range &) = default;
};

/// Flips one bit of one page or block.
struct damage_request {
    std::uint64_t index = 0;
    friend bool operator==(const damage_request &, const damage_request &) = default;
};

/// What a check of the disk found. Every block tells which boot wrote it and how often.
struct disk_verdict {
    std::uint64_t checked = 0;            ///< blocks read
    std::uint64_t bad = 0;                ///< damaged, misplaced, or not what this boot wrote last
    std::uint64_t current = 0;            ///< as this boot wrote them last
    std::uint64_t earlier = 0;            ///< intact, from an earlier boot
    std::uint64_t blank = 0;              ///< zeroes, and not written by this boot
    std::uint64_t foreign = 0;            ///< something else, and not written by this boot
    std::vector<std::uint64_t> first_bad; ///< the lowest bad blocks, at most 8
    /// Over index, generation and boot id of all intact blocks: equal before and after a move or
    /// a reboot when the blocks are the same, as long as nothing writes.
    std::uint64_t digest = 0;

    [[nodiscard]] bool good() const noexcept { return checked > 0 && bad == 0; }
    friend bool operator==(const disk_verdict &, const disk_verdict &) = default;
};

struct memory_status {
    pages size; ///< of 4 KiB
    pages filled;
    std::uint64_t writes = 0; ///< since the fill
    std::uint64_t missed = 0; ///< writes left out since the guest could not keep the rate
    page_rate rate;           ///< as asked for
    pages working_set;
    write_mode mode = write_mode::word;
    friend bool operator==(const memory_status &, const memory_status &) = default;
};

struct disk_status {
    std::string path; ///< empty: no disk
    bytes offset;
    std::uint64_t blocks = 0; ///< of 4 KiB, in the pattern's range
    bool direct = false;      ///< opened with O_DIRECT; else each batch is synced
    std::uint64_t writes = 0;
    std::uint64_t missed = 0; ///< as in `memory_status`
    std::uint64_t rate = 0;
    std::optional<std::string> fault; ///< the error that stopped the writer
    friend bool operator==(const disk_status &, const disk_status &) = default;
};

struct heartbeat_status {
    std::uint64_t sent = 0;
    std::uint64_t failed = 0; ///< refused by the guest's own network stack
    friend bool operator==(const heartbeat_status &, const heartbeat_status &) = default;
};

struct session_status {
    std::uint64_t accepted = 0; ///< connections since the boot
    std::uint64_t open = 0;
    std::uint64_t echoed = 0; ///< frames
    friend bool operator==(const session_status &, const session_status &) = default;
};

struct guest_status {
    std::string name;
    uuid boot_id;
    std::string kernel;                    ///< as in `uname -r`
    std::chrono::nanoseconds uptime{0};    ///< of the machine the agent runs on (CLOCK_BOOTTIME)
    std::chrono::nanoseconds monotonic{0}; ///< the clock of stalls and heartbeats
    memory_status memory;
    disk_status disk;
    stall_histogram stalls;
    heartbeat_status heartbeat;
    session_status sessions;
    std::vector<std::string> pci;    ///< what is plugged in now, each as in `1af4:1041`; sorted
    std::vector<std::string> faults; ///< what went wrong at the start, in plain words
    friend bool operator==(const guest_status &, const guest_status &) = default;
};

void to_json(nlohmann::json &out, const greeting &in);
void to_json(nlohmann::json &out, const workload_change &in);
void to_json(nlohmann::json &out, const block_range &in);
void to_json(nlohmann::json &out, const damage_request &in);
void to_json(nlohmann::json &out, const memory_verdict &in);
void to_json(nlohmann::json &out, const disk_verdict &in);
void to_json(nlohmann::json &out, const stall_histogram &in);
void to_json(nlohmann::json &out, const guest_status &in);

/// `T` out of what the other side sent; fails with `protocol`, naming the field.
/// Instantiated for all of the above.
template <class T> [[nodiscard]] expected<T> from_message(const nlohmann::json &in);

/// One line, with its newline.
[[nodiscard]] std::string encode(const greeting &in);
[[nodiscard]] std::string encode(const request &in);
[[nodiscard]] std::string encode(const reply &in);

/// One line, without its newline. Fails with `protocol`.
[[nodiscard]] expected<greeting> decode_greeting(std::string_view text);
[[nodiscard]] expected<request> decode_request(std::string_view text);
[[nodiscard]] expected<reply> decode_reply(std::string_view text);

} // namespace kvmig::lab::guest
