// SPDX-License-Identifier: MIT
/// An image copied off the store's server, past the hosts.
#pragma once

#include <kvmig/core/error.hpp>
#include <kvmig/core/expected.hpp>
#include <kvmig/run/copy.hpp>
#include <lab/scenario/scenario.hpp>
#include <lab/topology/topology.hpp>

#include <filesystem>
#include <fmt/format.h>
#include <string_view>
#include <system_error>

namespace kvmig::lab {

/// Copies the image called `name` into the scenario's folder, and removes the copy: what the
/// library says of it is what counts.
[[nodiscard]] inline expected<run::copy_result> copy_off_server(const scenario_context &context,
                                                                std::string_view name) {
    std::error_code code;
    std::filesystem::create_directories(context.folder, code);
    if (code) {
        return fail(make_error(error_kind::io, code.message()).about(context.folder.string()));
    }
    const std::filesystem::path copy = context.folder / name;
    auto copied = run::copy_image(
        fmt::format("nfs://{}{}/{}", find_machine("nfs")->address, export_path, name),
        copy.string(), {}, {}, context.stop);
    if (copied) std::filesystem::remove(copy, code);
    return copied;
}

} // namespace kvmig::lab
