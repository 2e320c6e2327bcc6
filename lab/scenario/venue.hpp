// SPDX-License-Identifier: MIT
/// Where scenarios are run and how that is made clean: the one place where the lab's own machines
/// and hosts of an inventory differ.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/image/root_image.hpp>
#include <lab/topology/paths.hpp>
#include <lab/topology/site.hpp>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace kvmig::lab {

struct venue {
    std::string name; ///< what the results are filed under
    site where;
    /// Whose machines may be broken, so that every scenario can be run; none: they are not the
    /// lab's.
    std::optional<lab_paths> lab;
    /// Puts it back to what each scenario begins with.
    std::function<expected<void>(const progress &, const std::stop_token &)> clean;
    /// What a figure depends on besides what it measures (`environment` of kvmig.run/1).
    std::function<expected<nlohmann::json>(const std::stop_token &)> environment;
    /// Copies logs into a folder; what could not be had comes back.
    std::function<std::vector<error>(const std::filesystem::path &)> collect_logs;
};

/// The lab's own machines, from inside its namespace.
[[nodiscard]] venue nested_venue(const lab_paths &paths);

} // namespace kvmig::lab
