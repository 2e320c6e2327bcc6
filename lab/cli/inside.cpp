// SPDX-License-Identifier: MIT
#include <lab/cli/inside.hpp>
#include <lab/machine/network.hpp>

#include <cstdlib>

namespace kvmig::lab::cli {

namespace {

constexpr const char *inside_variable = "KVMIG_LAB_INSIDE";

} // namespace

bool is_inside() { return std::getenv(inside_variable) != nullptr; }

exit_status again_inside(const lab_paths &paths, const context &ctx) {
    ::setenv(inside_variable, paths.root.c_str(), 1);
    auto status = run_inside(paths, ctx.arguments, ctx.interrupted.get_token());
    if (!status) return report(status.error());
    return static_cast<exit_status>(*status);
}

} // namespace kvmig::lab::cli
