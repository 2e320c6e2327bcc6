// SPDX-License-Identifier: MIT
#include <lab/machine/lifecycle.hpp>
#include <lab/observe/environment.hpp>
#include <lab/observe/logs.hpp>
#include <lab/scenario/venue.hpp>

namespace kvmig::lab {

venue nested_venue(const lab_paths &paths) {
    return {paths.name,
            nested_site(),
            paths,
            [paths](const progress &tell, const std::stop_token &stop) {
                return reset(paths, tell, stop);
            },
            [paths](const std::stop_token &stop) { return describe_environment(paths, stop); },
            [paths](const std::filesystem::path &folder) { return collect_logs(paths, folder); }};
}

} // namespace kvmig::lab
