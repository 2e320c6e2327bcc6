// SPDX-License-Identifier: MIT
/// `kvmig migrate` as a process of its own that is killed on the way, and the `kvmig recover` that
/// takes up what it left.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/host/command.hpp>
#include <kvmig/migration/state.hpp>
#include <lab/scenario/scenario.hpp>

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace kvmig::lab {

/// When a controller is killed.
enum class killed : std::uint8_t {
    in,    ///< as soon as its journal holds the state: what belongs to it was not begun
    after, ///< when that was done, and what came of it is not recorded
};

class controller {
public:
    /// With a journal of its own below the scenario's folder, called `name`.
    controller(const scenario_context &context, const std::string &name)
        : context_(&context), state_home_(context.folder / name) {}

    /// `kvmig migrate` of `domain` between two lab hosts, to its end; how that was.
    [[nodiscard]] expected<host::command_result> migrate(const std::string &domain,
                                                         const std::string &from,
                                                         const std::string &to,
                                                         std::vector<std::string> options) const;

    /// Migrates `domain` between two lab hosts, and is killed (SIGKILL) at `where`. Fails when the
    /// migration ended before.
    [[nodiscard]] expected<void> migrate_and_die(const std::string &domain, const std::string &from,
                                                 const std::string &to,
                                                 std::vector<std::string> options,
                                                 migration::state where,
                                                 killed when = killed::in) const;

    /// `kvmig recover --all --json`: what it answers of the one migration there is.
    [[nodiscard]] expected<nlohmann::json> recover() const;

private:
    const scenario_context *context_;
    std::filesystem::path state_home_;
};

} // namespace kvmig::lab
