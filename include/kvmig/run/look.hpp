// SPDX-License-Identifier: MIT
/// One look at one host, for those who decide where a guest is.
#pragma once

#include <kvmig/core/error.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/migration/sighting.hpp>
#include <kvmig/ports/hypervisor.hpp>

#include <optional>
#include <utility>

namespace kvmig::run {

/// What was seen, and why no more than that.
struct look_result {
    migration::sighting seen;     ///< `presence::unreachable` with a `problem`
    std::optional<error> problem; ///< set when the host counts as unreachable
};

/// Whether an error of `job` tells of an incoming migration: libvirt counts only at the source,
/// and says of the destination's job that this is "not supported" (`VIR_ERR_OPERATION_UNSUPPORTED`,
/// `qemuDomainGetJobStatsInternal`).
[[nodiscard]] inline bool tells_of_incoming_job(const error &err) noexcept {
    constexpr int operation_unsupported = 84;
    return err.libvirt && err.libvirt->code == operation_unsupported;
}

/// Asks `host` for the guest and its job. A host that does not say whether a job runs counts as
/// unreachable, unless its driver knows no jobs: to act on half an answer is not safe.
template <ports::hypervisor H> [[nodiscard]] look_result look(H &host, const uuid &id) {
    auto status = host.status(id);
    if (!status) return {{}, std::move(status).error()};
    if (!*status || !(**status).active) return {migration::sight(*status, false), std::nullopt};
    auto job = host.job(id);
    if (job) {
        return {migration::sight(*status, job->type != model::job_type::none), std::nullopt};
    }
    error why = std::move(job).error();
    if (tells_of_incoming_job(why)) return {migration::sight(*status, true), std::nullopt};
    if (why.kind == error_kind::unsupported) {
        return {migration::sight(*status, false), std::nullopt};
    }
    if (why.kind == error_kind::not_found || why.kind == error_kind::conflict) {
        // Its process ended between the two questions: what is left of it is asked anew.
        auto again = host.status(id);
        if (!again) return {{}, std::move(again).error()};
        if (!*again || !(**again).active) return {migration::sight(*again, false), std::nullopt};
    }
    return {{}, std::move(why)};
}

} // namespace kvmig::run
