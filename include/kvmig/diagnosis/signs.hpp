// SPDX-License-Identifier: MIT
/// States that follow from the figures of a migration job.
#pragma once

#include <kvmig/model/evidence.hpp>

#include <optional>
#include <string_view>
#include <vector>

namespace kvmig::diagnosis {

/// The states that a job's last figures prove; none when they prove nothing.
///
/// Not converging: after the first full pass (iteration 3 and later), the guest dirties at least as
/// many bytes a second as are sent, and no less remains than remained before.
[[nodiscard]] inline std::vector<sign> signs_of(const evidence_job &job) {
    std::vector<sign> seen;
    if (job.status == "postcopy-paused") seen.push_back(sign::paused_postcopy_failed);
    const bool figures = job.iteration && job.dirty && job.page_size && job.speed;
    if (figures && *job.iteration >= 3 && job.speed->per_second() > 0 &&
        job.dirty->of(*job.page_size) >= *job.speed) {
        const bool falling =
            job.remaining && job.least_remaining && *job.remaining < *job.least_remaining;
        if (!falling) seen.push_back(sign::not_converging);
    }
    return seen;
}

/// A state in words, as a clue shows it.
[[nodiscard]] constexpr std::string_view describe(sign what) noexcept {
    switch (what) {
    case sign::none: return "";
    case sign::paused_postcopy_failed: return "paused after post-copy failed";
    case sign::running_postcopy_failed: return "running although post-copy failed";
    case sign::paused_io_error: return "paused by an I/O error";
    case sign::paused_shutting_down: return "paused while shutting down";
    case sign::crashed: return "QEMU ended by itself";
    case sign::destroyed: return "QEMU was ended on request";
    case sign::connection_lost: return "the connection to libvirt was lost";
    case sign::keepalive_timeout: return "libvirt's keepalive went unanswered";
    case sign::running_on_both: return "the domain runs on both hosts";
    case sign::not_converging: return "memory is dirtied as fast as it is sent";
    case sign::link_saturated: return "the transfer ran at the limit of the link";
    case sign::out_of_memory_killed: return "the kernel killed QEMU for want of memory";
    }
    return "";
}

} // namespace kvmig::diagnosis
