// SPDX-License-Identifier: MIT
/// What `kvmig migrate` tells of a live migration while it runs.
#pragma once

#include <kvmig/convergence/window.hpp>
#include <kvmig/model/job.hpp>

#include <optional>
#include <string>

namespace kvmig::lab::cli {

/// Keeps what was seen, to tell what is to be expected.
class migration_progress {
public:
    explicit migration_progress(std::string domain);

    /// Takes a sample in. To be called with all of them, also with those that are not shown.
    void add(const model::job_progress &now);

    /// One line about the newest sample: phase, what is left in MiB, rates, and how long it takes
    /// yet or that no end is in sight. Empty before the first.
    [[nodiscard]] std::string text() const;

    /// The same in few words: phase, part done, what is left, rate, and the end.
    [[nodiscard]] std::string brief() const;

private:
    [[nodiscard]] std::optional<byte_rate> disk_rate() const;
    /// While disks are mirrored, that of the disks: memory does not move yet.
    [[nodiscard]] std::optional<byte_rate> rate() const;
    /// How long it takes yet, behind a comma; empty when nothing can be told.
    [[nodiscard]] std::string end_text() const;

    std::string domain_;
    model::job_progress newest_;
    bool any_ = false;
    std::optional<model::job_progress> disks_began_; ///< the first look at which disks were counted
    convergence::window seen_;
};

} // namespace kvmig::lab::cli
