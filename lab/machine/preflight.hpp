// SPDX-License-Identifier: MIT
/// What the lab needs of the machine it runs on, looked at before anything is started.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <lab/topology/paths.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace kvmig::lab {

/// What was found here; plain values, so that every lack can be shown in a test.
struct machine_facts {
    bool root = false;
    /// Why this user cannot make a user namespace with a range of ids; nothing: it can.
    std::optional<std::string> no_user_namespace;
    std::optional<std::string> no_tun; ///< why `/dev/net/tun` cannot be opened; nothing: it can
    bytes memory_available;
    bytes cache_space; ///< free where the cache is
    bytes state_space; ///< free where labs are kept
    std::vector<std::string> missing_tools;
};

/// Memory and disk that must be free before a lab is brought up.
inline constexpr bytes needed_memory = bytes::mib(5632);
inline constexpr bytes needed_cache_space = bytes::gib(3);
inline constexpr bytes needed_state_space = bytes::gib(2);

/// Reads the facts. Tools are looked up in `PATH`.
[[nodiscard]] expected<machine_facts> gather_machine_facts(const lab_paths &paths);

/// Every lack at once as one `environment` error, each with its remedy; success when there is none.
[[nodiscard]] expected<void> require(const machine_facts &facts);

/// The Debian package that holds a tool the lab needs; empty for a tool that it does not need.
[[nodiscard]] std::string package_of(std::string_view name);

} // namespace kvmig::lab
