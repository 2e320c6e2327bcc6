// SPDX-License-Identifier: MIT
/// Where the lab keeps what it makes (XDG base directories).
#pragma once

#include <kvmig/core/expected.hpp>

#include <filesystem>
#include <string>
#include <string_view>

namespace kvmig::lab {

/// `$XDG_CACHE_HOME/kvmig`, else `~/.cache/kvmig`: what can be made again. Fails with
/// `environment` when neither variable is set.
[[nodiscard]] expected<std::filesystem::path> cache_directory();

/// `$XDG_STATE_HOME/kvmig`, else `~/.local/state/kvmig`: labs and results.
[[nodiscard]] expected<std::filesystem::path> state_directory();

/// The files of one lab, all below `root`.
struct lab_paths {
    std::string name;
    std::filesystem::path root;

    [[nodiscard]] std::filesystem::path lock() const { return root / "lock"; }
    /// What this lab was brought up with.
    [[nodiscard]] std::filesystem::path settings() const { return root / "lab.json"; }
    /// Keys, seeds and configuration made once for this lab.
    [[nodiscard]] std::filesystem::path identity() const { return root / "identity"; }
    /// The snapshot of all machines, booted and ready; there or not there, never in part.
    [[nodiscard]] std::filesystem::path saved() const { return root / "saved"; }
    /// Overlays, sockets and consoles of the machines that run now.
    [[nodiscard]] std::filesystem::path running() const { return root / "run"; }

    [[nodiscard]] std::filesystem::path overlay(std::string_view machine) const;
    [[nodiscard]] std::filesystem::path console(std::string_view machine) const;
    [[nodiscard]] std::filesystem::path qmp(std::string_view machine) const;
    [[nodiscard]] std::filesystem::path query(std::string_view machine) const;
    [[nodiscard]] std::filesystem::path agent(std::string_view machine) const;
    [[nodiscard]] std::filesystem::path seed(std::string_view machine) const;
};

/// The lab that is meant where none is named: `$KVMIG_LAB`, else `default`.
[[nodiscard]] std::string default_lab();

/// The lab of this name. A name is 1–32 of `a-z`, `0-9`, `-`; anything else is an
/// `invalid_argument` that names it.
[[nodiscard]] expected<lab_paths> paths_of(const std::string &name);

} // namespace kvmig::lab
