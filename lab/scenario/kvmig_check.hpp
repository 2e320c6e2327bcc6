// SPDX-License-Identifier: MIT
/// `kvmig check` of a scenario's guest, by the very program that runs here.
#pragma once

#include <lab/scenario/stage.hpp>

#include <kvmig/core/expected.hpp>
#include <kvmig/host/command.hpp>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace kvmig::lab {

/// What a check answered.
struct checked {
    int status = 0;
    nlohmann::json answer; ///< `kvmig.check/1`
    double seconds = 0;    ///< the program's own start included

    [[nodiscard]] std::string verdict() const { return answer.value("verdict", ""); }
    /// Whether `id` was found with this severity.
    [[nodiscard]] bool found(const std::string &id, const std::string &severity) const;
    /// Status, verdict, and the ids of all that was found.
    [[nodiscard]] std::string seen() const;

    [[nodiscard]] nlohmann::json canary() const {
        return answer.value("canary", nlohmann::json::object());
    }
    [[nodiscard]] std::string outcome() const { return canary().value("outcome", "no canary"); }
    /// The id of the cause that is named first.
    [[nodiscard]] std::string cause() const;
    [[nodiscard]] bool swept() const {
        return !canary().value("swept", nlohmann::json::array()).empty();
    }
    [[nodiscard]] double in_canary() const { return canary().value("seconds", 0.0); }
};

/// Whether `who` may go from kvm01 to kvm02, as JSON.
[[nodiscard]] host::command check_command(const performer &who, std::vector<std::string> options);

/// Runs a check that answers as JSON, tells that this is being done, and keeps the answer under
/// that name.
[[nodiscard]] expected<checked> ask_check(scenario_context &context, const std::string &doing,
                                          const host::command &check);

} // namespace kvmig::lab
