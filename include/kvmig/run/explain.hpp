// SPDX-License-Identifier: MIT
/// Why a migration failed: by the words of the error, and where they tell a symptom alone, by what
/// both hosts tell.
#pragma once

#include <kvmig/core/error.hpp>
#include <kvmig/diagnosis/diagnose.hpp>
#include <kvmig/diagnosis/entry.hpp>
#include <kvmig/diagnosis/from_error.hpp>
#include <kvmig/diagnosis/report.hpp>
#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/domain.hpp>
#include <kvmig/model/evidence.hpp>
#include <kvmig/precheck/finding.hpp>
#include <kvmig/precheck/report.hpp>
#include <kvmig/run/check.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace kvmig::run {

/// Whether the report names a cause, and not only what may follow from one.
[[nodiscard]] inline bool names_cause(const diagnosis::report &told) {
    return !told.causes.empty() && told.causes.front().about->says != diagnosis::weight::symptom;
}

/// Whether libvirt said no, rather than this library.
[[nodiscard]] inline bool told_by_libvirt(const error &why) {
    return why.libvirt || std::any_of(why.causes.begin(), why.causes.end(), told_by_libvirt);
}

/// Adds what blocks; what only warns has not made a migration fail.
inline void add_findings(evidence &all, const precheck::report &found) {
    for (const precheck::finding &each : found.findings) {
        if (each.how != precheck::severity::blocks) continue;
        all.findings.push_back({.id = each.id,
                                .severity = std::string(to_string(each.how)),
                                .seen = each.seen,
                                .host = each.host});
    }
}

/// The causes of a failure by its words, for which no host is asked. `all` says whose it is, and
/// may hold more evidence.
[[nodiscard]] inline diagnosis::report explain(const error &why, evidence all = {}) {
    diagnosis::add_error(all, why);
    return diagnosis::diagnose(all);
}

/// The causes of a failed migration of `domain`, the likeliest first. Where libvirt's words are a
/// symptom alone (a source's daemon may tell that a connection ended, and lose what the destination
/// had said before), both hosts are asked what blocks it now: see `collect_facts`. What they do not
/// tell is left out. `all` may hold more evidence, such as the daemons' journals.
[[nodiscard]] inline diagnosis::report explain(const error &why, const libvirt::domain &domain,
                                               const libvirt::connection &destination,
                                               const std::string &uri_here,
                                               const collect_options &how = {}, evidence all = {}) {
    all.domain = domain.name();
    all.source = domain.on().hostname();
    all.destination = destination.hostname();
    diagnosis::add_error(all, why);
    diagnosis::report told = diagnosis::diagnose(all);
    if (names_cause(told) || !told_by_libvirt(why)) return told;
    const auto facts = collect_facts(domain, destination, uri_here, how);
    if (!facts) return told;
    add_findings(all, precheck::check(*facts));
    return diagnosis::diagnose(all);
}

} // namespace kvmig::run
