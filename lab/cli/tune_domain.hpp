// SPDX-License-Identifier: MIT
/// kvmig tune disk, memory and cpu: what libvirt holds of a domain.
#pragma once

#include <lab/cli/tune_request.hpp>

#include <kvmig/core/uuid.hpp>
#include <kvmig/libvirt/domain.hpp>
#include <kvmig/run/domain_settings.hpp>
#include <kvmig/run/setting_key.hpp>
#include <kvmig/run/setting_texts.hpp>
#include <kvmig/tuning/value.hpp>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::lab::cli {

/// What runs, or what is defined.
struct tuning_scope {
    unsigned flags = 0;
    std::optional<uuid> run = {}; ///< its mark, which it may not bear yet
    [[nodiscard]] const char *name() const { return run ? "live" : "config"; }
};

/// A domain, and what of it is to be set.
struct tuned_domain {
    libvirt::domain of;
    std::string uri;
    std::vector<tuning_scope> scopes;
    [[nodiscard]] std::string key(run::setting_group group, const tuning_scope &scope,
                                  const std::string &disk = {}) const {
        return to_text(run::setting_key{group, disk, scope.run, of.id(), uri});
    }
};

[[nodiscard]] expected<tuned_domain> find_domain(const tune_request &asked);

/// The step that writes a group of settings as one.
template <class Settings>
void add_step(tune_answer &to, std::string key, const Settings &from, const Settings &wanted,
              std::vector<std::string> moves_too = {}) {
    if (!to.steps) to.steps.emplace();
    tuning::change step;
    step.what.name = std::move(key);
    step.from = run::to_text(from);
    step.to = run::to_text(wanted);
    step.moves_too = std::move(moves_too);
    if (step.from != step.to) to.steps->changes.push_back(std::move(step));
}

/// What there is, for those who set nothing: those that say something, and in JSON each as `now`.
template <class Settings>
void show_settings(tune_answer &to, const std::string &object, const Settings &now) {
    std::vector<std::string> set;
    nlohmann::json &all = to.more["now"][object];
    const auto settings = run::parse_settings(run::to_text(now));
    for (const auto &[name, value] : settings.value()) {
        all[name] = value;
        if (value.empty() || value == "0" || value == "unlimited") continue;
        set.push_back(fmt::format("{}={}", name, value));
    }
    to.text += fmt::format("{}: {}\n", object,
                           set.empty() ? "no limits" : fmt::format("{}", fmt::join(set, " ")));
}

/// `DOMAIN`, `--connect`, `--live` and `--config`.
void add_domain_options(CLI::App &sub, const std::shared_ptr<tune_request> &asked);

[[nodiscard]] expected<tune_answer> plan_for_disk(const tune_request &asked,
                                                  const host::kernel_files &files);
[[nodiscard]] expected<tune_answer> plan_for_memory(const tune_request &asked,
                                                    const host::kernel_files &files);

[[nodiscard]] expected<tune_answer> plan_for_cpu(const tune_request &asked,
                                                 const host::kernel_files &files);
/// The tuning of block I/O on the host's disks that was asked for, added to the plan.
[[nodiscard]] expected<void> plan_for_blkiotune(const tune_request &asked,
                                                const tuned_domain &found, tune_answer &out);

/// The options of each, named as virsh does.
void add_disk_options(CLI::App &sub, const std::shared_ptr<tune_request> &asked);
void add_memory_options(CLI::App &sub, const std::shared_ptr<tune_request> &asked);
void add_cpu_options(CLI::App &sub, const std::shared_ptr<tune_request> &asked);
void add_blkio_options(CLI::App &sub, const std::shared_ptr<tune_request> &asked);

/// What libvirt holds, by the connections that the program opens.
[[nodiscard]] run::domain_settings settings_of_domains();

/// Where the record of domains is kept: what they are defined as outlives a boot.
[[nodiscard]] std::filesystem::path domain_record_path(const tune_request &asked);

} // namespace kvmig::lab::cli
