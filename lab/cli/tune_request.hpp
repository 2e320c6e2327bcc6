// SPDX-License-Identifier: MIT
/// What `kvmig tune` was asked for, and what its topics answer.
#pragma once

#include <lab/cli/cli.hpp>

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <kvmig/host/kernel_files.hpp>
#include <kvmig/host/revert_record.hpp>
#include <kvmig/host/tuning_facts.hpp>
#include <kvmig/tuning/plan.hpp>

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::lab::cli {

struct tune_request {
    bool dry_run = false;
    bool revert = false;
    std::string root = "/";

    std::string policy = "profit";
    std::vector<std::string> leaving = {};
    std::vector<std::string> tenants = {}; ///< DOMAIN=TENANT
    double cpu_ceiling = 20;               ///< per cent
    double keep_free = 20;                 ///< per cent
    bool watch = false;
    std::uint32_t every = 60; ///< seconds

    std::vector<std::string> guests = {};
    std::string page = "2M";
    std::string keep = "512M";
    std::optional<std::string> thp_enabled = {};
    std::optional<std::string> thp_defrag = {};
    std::optional<std::string> thp_shmem_enabled = {};

    std::string profile = {}; ///< its name, or a file
    bool diff = false;

    std::string connect = "qemu:///system";
    std::string domain = {};
    std::string disk = {}; ///< its target; empty: the only one
    bool live = false;
    bool config = false;
    std::map<std::string, std::string> limits = {}; ///< by libvirt's name
    std::optional<std::string> hard_limit = {};
    std::optional<std::string> soft_limit = {};
    std::optional<std::string> swap_hard_limit = {};
    std::optional<std::uint32_t> weight = {};
    std::map<std::string, std::string> device_limits = {}; ///< PATH,N[,PATH,N…] by libvirt's name
    std::vector<std::string> vcpu_pins = {};               ///< VCPU:CPULIST
    std::optional<std::string> emulator = {};              ///< CPULIST
};

/// A plan, and what the answer tells beside it.
struct tune_answer {
    tuning::plan plan;
    nlohmann::json more = nlohmann::json::object();
    std::string text; ///< before the plan
    /// What is written through libvirt for the plan, by `run::setting_key`; absent: the plan names
    /// files.
    std::optional<tuning::plan> steps = {};
};

/// `4G`, `512MiB`, `1048576k`; bytes without a unit.
[[nodiscard]] expected<bytes> parse_size(std::string_view text);

/// The record of the host below the request's root.
[[nodiscard]] inline expected<host::revert_record> open_record(const tune_request &asked,
                                                               const host::kernel_files &files) {
    auto boot = host::read_boot_id(files);
    if (!boot) return fail(std::move(boot.error()));
    return host::revert_record::open(host::revert_record_path(asked.root), std::move(*boot));
}

} // namespace kvmig::lab::cli
