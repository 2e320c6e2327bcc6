// SPDX-License-Identifier: MIT
/// Settings of the lab's hosts that a benchmark changes, as they were before.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/scenario/scenario.hpp>
#include <lab/topology/topology.hpp>

#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::lab {

/// The shell that writes each file what its text, as it was read, says that is chosen.
[[nodiscard]] std::string writing_of(const std::vector<std::string> &files,
                                     const std::map<std::string, std::string> &texts);

/// Kernel files of both hosts.
class kept_settings {
public:
    /// Reads `files` of kvm01 and kvm02. Fails where a host lacks one.
    [[nodiscard]] static expected<kept_settings> read(std::vector<std::string> files,
                                                      std::stop_token stop);

    /// Writes them back in their order, and proves that they are as before.
    [[nodiscard]] expected<void> put_back(scenario_result &out) const;

private:
    using texts_of_hosts = std::map<std::string_view, std::map<std::string, std::string>>;

    kept_settings(std::vector<std::string> files, std::stop_token stop)
        : files_(std::move(files)), stop_(std::move(stop)) {}
    [[nodiscard]] expected<texts_of_hosts> now() const;

    std::vector<std::string> files_;
    std::stop_token stop_;
    texts_of_hosts before_;
};

/// kvm01 and kvm02.
[[nodiscard]] std::vector<const machine_spec *> both_hosts();

} // namespace kvmig::lab
