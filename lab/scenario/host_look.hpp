// SPDX-License-Identifier: MIT
/// A lab host's kernel files, read over SSH all at once: laid into a folder here, where the library
/// reads them as it reads those of its own host.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <kvmig/tuning/ksm_policy.hpp>
#include <kvmig/tuning/plan.hpp>
#include <lab/topology/topology.hpp>

#include <filesystem>
#include <map>
#include <stop_token>
#include <string>
#include <string_view>

namespace kvmig::lab {

/// What `grep -H ''` says of files, as their texts by path. Fails with `protocol` at a line that
/// does not begin with an absolute path and a colon.
[[nodiscard]] expected<std::map<std::string, std::string>> texts_by_path(std::string_view said);

/// The shell that writes each change of a plan, in order, up to the first that the kernel refuses.
/// Fails with `unsupported` at a change that is not of a file.
[[nodiscard]] expected<std::string> shell_of(const tuning::plan &plan);

/// Looks at one host again and again.
class host_look {
public:
    /// What each look finds is kept below `folder` until the next. The host's QEMU processes are
    /// those that run now.
    [[nodiscard]] static expected<host_look> at(const machine_spec &machine,
                                                std::filesystem::path folder, std::stop_token stop);

    /// One look, on the clock of the host's uptime.
    [[nodiscard]] expected<tuning::ksm_sample> look() const;

    /// Writes what the plan says on the host.
    [[nodiscard]] expected<void> carry_out(const tuning::plan &plan) const;

    /// What a shell on the host says.
    [[nodiscard]] expected<std::string> shell(const std::string &text) const;

private:
    host_look(const machine_spec &machine, std::filesystem::path folder, std::string processes,
              std::stop_token stop)
        : machine_(&machine), folder_(std::move(folder)), processes_(std::move(processes)),
          stop_(std::move(stop)) {}

    const machine_spec *machine_;
    std::filesystem::path folder_;
    std::string processes_; ///< as the shell takes them: `{12,34}`
    std::stop_token stop_;
};

/// Takes memory away from the host by a pool of huge pages, until so much is to be had; where less
/// is already, nothing. What there is then.
[[nodiscard]] expected<tuning::ksm_sample> leave_memory(const host_look &host, bytes left);

} // namespace kvmig::lab
