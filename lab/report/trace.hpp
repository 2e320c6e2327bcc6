// SPDX-License-Identifier: MIT
/// A run as a trace of events on one time axis, for ui.perfetto.dev and chrome://tracing.
#pragma once

#include <lab/scenario/runner.hpp>

#include <string>

namespace kvmig::lab {

/// Chrome's Trace Event Format in its JSON object form. Processes: the controller (scenarios,
/// migrations, the state machine, what was decided), each host by its name (libvirt's job as slices
/// and counters, its events), the guest (stalls), the network (silences of the heartbeat, lost
/// pings). Slices of a thread lie inside or behind each other; events are in order of time.
///
/// The axis is the controller's steady clock in microseconds, from the beginning of the first
/// scenario on; of what lies between two scenarios one second is left. What the controller saw is
/// exact, libvirt's events are late by their way, and the guest's stalls by that of a heartbeat:
/// `otherData.clocks` says so, with the measured time of pings. A run of a version that did not
/// keep when its migrations began has them one after the other.
[[nodiscard]] std::string trace_of(const run_result &run);

} // namespace kvmig::lab
