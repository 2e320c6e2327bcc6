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
    std::string text = {};
    text_kind kind = text_kind::plain;
    std::string name = {}; ///< file name or other origin, for the reader
    std::string host = {}; ///< empty when unknown
    evidence_side side = evidence_side::unknown;
};

/// An error as libvirt returned it (`virError`): its message and its numbers.
struct evidence_error {
    std::string message = {};
    libvirt_code code;
    std::string host = {};
    evidence_side side = evidence_side::unknown;
};

/// One reason of QEMU's `query-migrate`/`blocked-reasons`.
struct evidence_blocker {
    std::string reason = {};
    std::string host = {};
};

/// What a precheck found; the id is that of the catalogue where it is the same thing.
struct evidence_finding {
    std::string id = {};
    std::string severity = {}; ///< `blocks`, `warns`, `unknown` or `info`
    std::string seen = {};
    std::string host = {};
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
    sign what = sign::none;
    std::string host = {};
    evidence_side side = evidence_side::unknown;
};

/// The state of the migration job as last seen (`virDomainGetJobStats`, `query-migrate`).
struct evidence_job {
    std::string status = {}; ///< QEMU's word: `active`, `failed`, `postcopy-paused`…
    std::string phase = {};  ///< libvirt's: `begin3`, `perform3`, `finish3`…
    std::string error = {};  ///< `errmsg` of the job statistics, or QEMU's `error-desc`
    std::optional<std::uint64_t> iteration;
    std::optional<page_rate> dirty;
    std::optional<bytes> page_size;
    std::optional<byte_rate> speed;
    std::optional<bytes> remaining;
    std::optional<bytes> least_remaining; ///< the least seen in earlier iterations
};

/// Everything known about one failed migration. Every part may be missing.
struct evidence {
    std::vector<evidence_error> errors;
    std::vector<evidence_blocker> blockers;
    std::vector<evidence_finding> findings;
    std::vector<evidence_sign> signs;
    std::optional<evidence_job> job;
    std::vector<evidence_text> texts;
    /// Names to fill into remedies when a message does not carry them; empty when unknown.
    std::string domain = {};
    std::string source = {};
    std::string destination = {};
};

} // namespace kvmig
