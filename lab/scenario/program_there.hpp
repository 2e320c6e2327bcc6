// SPDX-License-Identifier: MIT
/// This program on a machine of the lab.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/host/command.hpp>
#include <lab/topology/topology.hpp>

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::lab {

/// The libraries that a program lacks, by what ldd(1) says of it.
[[nodiscard]] std::vector<std::string> lacking_libraries(std::string_view ldd_says);

/// Where a library is, by what ldd(1) says of a program that has it; none: it does not name it.
[[nodiscard]] std::optional<std::filesystem::path> place_of_library(std::string_view ldd_says,
                                                                    std::string_view library);

/// A copy of this program, with those of its libraries that the machine lacks, in a folder of its
/// own there.
class program_there {
public:
    /// Copies it; a folder that an earlier one left is replaced. Fails with `environment` where the
    /// machine lacks a library that this one lacks too.
    [[nodiscard]] static expected<program_there> bring(const machine_spec &to,
                                                       std::stop_token stop);

    /// `kvmig ARGUMENTS…` on the machine, to its end.
    [[nodiscard]] expected<host::command_result>
    run(const std::vector<std::string> &arguments) const;

    /// Removes the copy.
    [[nodiscard]] expected<void> remove() const;

private:
    program_there(const machine_spec &to, std::stop_token stop)
        : to_(&to), stop_(std::move(stop)) {}
    [[nodiscard]] expected<void> send(const std::filesystem::path &from,
                                      const std::string &name) const;

    const machine_spec *to_;
    std::stop_token stop_;
};

} // namespace kvmig::lab
