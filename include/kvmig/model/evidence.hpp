// SPDX-License-Identifier: MIT
/// What is at hand when a migration has failed: errors, logs, states and findings, from which
/// `kvmig/diagnosis` names causes.
#pragma once

#include <kvmig/core/error.hpp>
#include <kvmig/core/units.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kvmig {

/// Which end of the migration a piece of evidence comes from.
enum class evidence_side : std::uint8_t { unknown, source, destination };

/// The enumerator's name, e.g. `"destination"`.
[[nodiscard]] constexpr std::string_view to_string(evidence_side side) noexcept {
    switch (side) {
    case evidence_side::unknown: return "unknown";
    case evidence_side::source: return "source";
    case evidence_side::destination: return "destination";
    }
    return "unknown";
}

/// What sort of text it is. Only `plain` must prove line by line that it speaks of KVM at all.
enum class text_kind : std::uint8_t {
    plain,      ///< anything: pasted output, a journal, a whole log file
    message,    ///< one message of libvirt's or QEMU's, as a program received it
    qemu_log,   ///< `/var/log/libvirt/qemu/DOMAIN.log`
    daemon_log, ///< what libvirtd or virtqemud logged
};

/// Text with its origin.
struct evidence_text {
    std::string text = {};             ///< as it was written: one line or many
    text_kind kind = text_kind::plain; ///< how far it is trusted to speak of KVM
    std::string name = {};             ///< file name or other origin, for the reader
    std::string host = {};             ///< empty when unknown
    /// Of the host; `unknown` where a text speaks of both, or nobody told.
    evidence_side side = evidence_side::unknown;
};

/// An error as libvirt returned it (`virError`): its message and its numbers.
struct evidence_error {
    std::string message = {}; ///< `virError.message`, untranslated at best
    libvirt_code code;     ///< all 0 where the numbers are not known: the message alone counts then
    std::string host = {}; ///< where it happened; empty when unknown
    evidence_side side = evidence_side::unknown; ///< of `host`
};

/// One reason of QEMU's `query-migrate`/`blocked-reasons`.
struct evidence_blocker {
    std::string reason = {}; ///< QEMU's sentence, as it is
    std::string host = {};   ///< whose QEMU said so; empty when unknown
};

/// What a precheck found; the id is that of the catalogue where it is the same thing.
struct evidence_finding {
    std::string id = {};       ///< such as `KVM-NET-003`
    std::string severity = {}; ///< `blocks`, `warns`, `unknown` or `info`
    std::string seen = {};     ///< the fact that made the finding, as the precheck told it
    std::string host = {};     ///< where it was seen; empty when unknown
};

/// A state that was observed, in libvirt's own words (`virDomainPausedReason`,
/// `virDomainRunningReason`, `virDomainShutoffReason`, `virDomainCrashedReason`, connections).
enum class sign : std::uint8_t {
    none,
    paused_postcopy_failed,  ///< source: `VIR_DOMAIN_PAUSED_POSTCOPY_FAILED`
    running_postcopy_failed, ///< destination: `VIR_DOMAIN_RUNNING_POSTCOPY_FAILED`
    paused_io_error,         ///< `VIR_DOMAIN_PAUSED_IOERROR`
    paused_shutting_down,    ///< `VIR_DOMAIN_PAUSED_SHUTTING_DOWN`
    crashed,                 ///< QEMU ended by itself: `VIR_DOMAIN_SHUTOFF_CRASHED`
    destroyed,               ///< somebody ended it: `VIR_DOMAIN_SHUTOFF_DESTROYED`
    connection_lost,         ///< a libvirt connection was closed with an error
    keepalive_timeout,       ///< `VIR_CONNECT_CLOSE_REASON_KEEPALIVE`
    running_on_both,         ///< the domain runs on both hosts
    not_converging,          ///< memory is dirtied faster than it is sent
    link_saturated,          ///< the transfer ran at the link's or the limit's rate throughout
    out_of_memory_killed,    ///< the kernel killed QEMU
};

/// A state, and where it was seen.
struct evidence_sign {
    sign what = sign::none;                      ///< `none` says nothing
    std::string host = {};                       ///< where it was seen; empty when unknown
    evidence_side side = evidence_side::unknown; ///< of `host`
};

/// The state of the migration job as last seen (`virDomainGetJobStats`, `query-migrate`).
struct evidence_job {
    std::string status = {}; ///< QEMU's word: `active`, `failed`, `postcopy-paused`…
    std::string phase = {};  ///< libvirt's: `begin3`, `perform3`, `finish3`…
    std::string error = {};  ///< `errmsg` of the job statistics, or QEMU's `error-desc`
    /// Passes over memory, as `memory_iteration` of the job.
    std::optional<std::uint64_t> iteration;
    std::optional<page_rate> dirty;       ///< pages the guest writes to in a second
    std::optional<bytes> page_size;       ///< of the pages that `dirty` counts
    std::optional<byte_rate> speed;       ///< at which memory is sent
    std::optional<bytes> remaining;       ///< memory and disks still to be sent
    std::optional<bytes> least_remaining; ///< the least seen in earlier iterations
};

/// Everything known about one failed migration. Every part may be missing.
struct evidence {
    std::vector<evidence_error> errors;     ///< as caught, libvirt's own; in no order
    std::vector<evidence_blocker> blockers; ///< of the source's QEMU
    std::vector<evidence_finding> findings; ///< what prechecks said before
    std::vector<evidence_sign> signs;       ///< states and events of domains and connections
    /// Of the source, which alone has one; absent when nobody looked.
    std::optional<evidence_job> job;
    std::vector<evidence_text> texts; ///< logs and messages, the weakest of the evidence
    /// Names to fill into remedies when a message does not carry them; empty when unknown.
    std::string domain = {};
    std::string source = {};      ///< see `domain`: the host that the guest came from
    std::string destination = {}; ///< see `domain`: the host that it went to
};

} // namespace kvmig
