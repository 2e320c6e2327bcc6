// SPDX-License-Identifier: MIT
/// What `kvmig migrate` is asked for.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/migration/options.hpp>
#include <kvmig/run/steer.hpp>
#include <lab/cli/cli.hpp>
#include <lab/topology/paths.hpp>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kvmig::lab::cli {

/// What was asked for on the command line.
struct migrate_request {
    std::string domain;
    std::string lab = default_lab();
    std::string from;
    std::string to;
    migration::options options{.flags = {}};
    std::optional<bool> live; ///< as asked for; otherwise unless offline
    std::string mode = "live";
    bool mode_given = false; ///< it is not the default's
    bool dry_run = false;
    // Of the mode cold.
    bool copy_images = false;
    bool keep_state = false;
    std::vector<std::string> path_rules;   ///< `FROM=TO`
    std::string copy_address;              ///< `[USER@]HOST[:PORT]`
    std::vector<std::string> device_pairs; ///< `SOURCE=DESTINATION`, PCI addresses
    std::string xml_file;
    std::string persistent_xml_file;
    // Amounts as they are typed, in MiB/s and bytes.
    std::uint64_t bandwidth = 0;
    std::uint64_t postcopy_bandwidth = 0;
    std::uint64_t switchover_bandwidth = 0;
    std::uint64_t xbzrle_cache = 0;
    unsigned interval = 250;
    // How it is steered.
    unsigned timeout = 0; ///< seconds; 0: none
    run::at_limit at_timeout = run::at_limit::suspend;
    std::string policy = "watch";
    unsigned promise = 0; ///< milliseconds of downtime; 0: none
    run::steering_wish steer;
};

/// Adds every option of it to the subcommand; both must outlive the parsing.
void add_request(CLI::App &sub, migrate_request &asked, context &ctx);

/// libvirt's options, with what was typed in other units or stands in files. Of the mode auto those
/// that no choice changes. Fails with `invalid_argument` for what the mode does not go with.
[[nodiscard]] expected<migration::options> options_of(const migrate_request &asked);
[[nodiscard]] run::steering_wish steering_of(const migrate_request &asked);

} // namespace kvmig::lab::cli
