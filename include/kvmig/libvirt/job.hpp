// SPDX-License-Identifier: MIT
/// Job statistics from libvirt's typed parameters.
#pragma once

#include <kvmig/core/units.hpp>
#include <kvmig/libvirt/typed_parameters.hpp>
#include <kvmig/model/job.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>

namespace kvmig::libvirt {

static_assert(static_cast<int>(model::job_type::cancelled) == VIR_DOMAIN_JOB_CANCELLED);
static_assert(static_cast<int>(model::job_operation::snapshot_revert) ==
              VIR_DOMAIN_JOB_OPERATION_SNAPSHOT_REVERT);
static_assert(static_cast<int>(model::job_operation::dump) == VIR_DOMAIN_JOB_OPERATION_DUMP);
#if LIBVIR_VERSION_NUMBER >= 9000000
static_assert(static_cast<int>(model::job_operation::snapshot_delete) ==
              VIR_DOMAIN_JOB_OPERATION_SNAPSHOT_DELETE);
#endif

/// What libvirt told about a job. Fields it does not name stay absent; fields this version does
/// not know are left out. A type outside `virDomainJobType` counts as `unbounded`: there is a
/// job, and its end cannot be foretold.
[[nodiscard]] inline model::job_statistics to_job_statistics(int type, parameter_view params) {
    model::job_statistics out;
    out.type = type >= 0 && type <= VIR_DOMAIN_JOB_CANCELLED ? static_cast<model::job_type>(type)
                                                             : model::job_type::unbounded;
    if (const auto operation = params.number(VIR_DOMAIN_JOB_OPERATION)) {
        const bool known =
            *operation <= static_cast<std::uint64_t>(model::job_operation::snapshot_delete);
        out.operation =
            known ? static_cast<model::job_operation>(*operation) : model::job_operation::unknown;
    }
    model::for_each_field(out, [&](const char *name, auto &field) {
        using value = typename std::remove_reference_t<decltype(field)>::value_type;
        if constexpr (std::is_same_v<value, bool>) {
            field = params.boolean(name);
        } else if constexpr (std::is_same_v<value, std::string>) {
            field = params.text(name);
        } else if (const auto number = params.number(name)) {
            if constexpr (std::is_same_v<value, std::chrono::milliseconds>) {
                field = value{static_cast<std::chrono::milliseconds::rep>(*number)};
            } else {
                field = value{*number};
            }
        }
    });
    return out;
}

} // namespace kvmig::libvirt
