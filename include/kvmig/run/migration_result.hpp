// SPDX-License-Identifier: MIT
/// What came of a migration.
#pragma once

#include <kvmig/convergence/promise.hpp>
#include <kvmig/core/error.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/migration/machine.hpp>
#include <kvmig/migration/state.hpp>
#include <kvmig/model/host.hpp>
#include <kvmig/model/job.hpp>
#include <kvmig/run/steer.hpp>
#include <kvmig/run/whereabouts.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace kvmig::run {

/// Called on the thread that called `migrate`, for every sample. It must not throw.
using progress_callback = std::function<void(const model::job_progress &)>;

/// How a migration is looked at and steered.
struct sampling {
    std::chrono::milliseconds interval{250}; ///< between two looks at the job's statistics
    /// Between two attempts to abort, while a cancelled migration has not ended.
    std::chrono::milliseconds abort_interval{200};
    /// How long the event with the final statistics may take to come after the call returned.
    std::chrono::milliseconds final_event{2000};
    /// How long hosts that are still at work on a migration are waited for without any change.
    std::chrono::milliseconds patience{30000};
    /// How long a guest that was asked to shut down may take.
    std::chrono::milliseconds shutdown{120000};
    /// How long the guest may take to let go of a device of the host.
    std::chrono::milliseconds unplug{60000};
    /// How long it is watched when it may be about to let go of one that it is to keep: libvirt
    /// itself waits for 5 s when it detaches one (`qemuDomainRemoveDeviceWaitTime`).
    std::chrono::milliseconds late_unplug{6000};
    steering_wish steer{}; ///< of live migrations: what is done about one that does not end
};

/// A step of the machine, and when its journal had it, on the steady clock.
struct timed_step {
    migration::transition what;               ///< from where to where, and by what
    std::chrono::steady_clock::time_point at; ///< as late as it was durable
};

/// A migration that succeeded.
struct migration_result {
    std::string domain;      ///< its name at the source
    uuid id;                 ///< which it keeps
    model::host source;      ///< as it presented itself before
    model::host destination; ///< as it presented itself before
    /// The completed job's statistics as each side tells them; absent where `gaps` says why.
    std::optional<model::job_statistics> source_statistics;
    std::optional<model::job_statistics> destination_statistics; ///< see `source_statistics`
    std::chrono::steady_clock::time_point begun;         ///< from when times of samples count
    std::vector<timed_step> steps;                       ///< all that were taken, in order
    std::vector<model::job_progress> samples;            ///< in order of time
    std::chrono::milliseconds wall_time{0};              ///< of libvirt's call, on the steady clock
    whereabouts guest;                                   ///< asked after the call returned
    bool events = false;                                 ///< whether events were listened to
    std::vector<steering_step> steered;                  ///< what was decided on the way
    std::optional<convergence::promise_outcome> promise; ///< of a promised downtime
    bool cancelled_too_late = false; ///< a stop was asked for, and the guest had moved
    /// Where the machine stands: `completed`, unless `gaps` says that the source was not released.
    migration::state state = migration::state::completed;
    std::vector<error> gaps; ///< what could not be read, and why
};

} // namespace kvmig::run
