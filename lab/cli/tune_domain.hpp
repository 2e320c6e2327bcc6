// SPDX-License-Identifier: MIT
/// kvmig tune disk and memory: the limits of a domain, through libvirt.
#pragma once

#include <lab/cli/tune_request.hpp>

#include <kvmig/run/domain_settings.hpp>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

namespace kvmig::lab::cli {

[[nodiscard]] expected<tune_answer> plan_for_disk(const tune_request &asked,
                                                  const host::kernel_files &files);
[[nodiscard]] expected<tune_answer> plan_for_memory(const tune_request &asked,
                                                    const host::kernel_files &files);

/// The options of each, named as virsh does.
void add_disk_options(CLI::App &sub, const std::shared_ptr<tune_request> &asked);
void add_memory_options(CLI::App &sub, const std::shared_ptr<tune_request> &asked);

/// What libvirt holds, by the connections that the program opens.
[[nodiscard]] run::domain_settings settings_of_domains();

/// Where the record of domains is kept: what they are defined as outlives a boot.
[[nodiscard]] std::filesystem::path domain_record_path(const tune_request &asked);

} // namespace kvmig::lab::cli
