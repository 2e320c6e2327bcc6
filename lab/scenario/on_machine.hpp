// SPDX-License-Identifier: MIT
/// Programs on a machine of the lab, which is called by its name.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/machine/remote.hpp>
#include <lab/scenario/scenario.hpp>
#include <lab/topology/topology.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::lab {

/// Runs a program on `machine`; what it says.
[[nodiscard]] inline expected<std::string> ask_machine(const scenario_context &context,
                                                       std::string_view machine,
                                                       const std::vector<std::string> &argv) {
    return remote_output(*find_machine(machine), argv, context.stop);
}

/// The same of a program that has nothing to say.
[[nodiscard]] inline expected<void> on_machine(const scenario_context &context,
                                               std::string_view machine,
                                               const std::vector<std::string> &argv) {
    auto done = ask_machine(context, machine, argv);
    if (!done) return fail(std::move(done).error());
    return {};
}

} // namespace kvmig::lab
