// SPDX-License-Identifier: MIT
/// What the library's check says of a guest that is to go to kvm02.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/precheck/report.hpp>
#include <kvmig/run/check.hpp>
#include <lab/scenario/stage.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace kvmig::lab {

/// What the check says of moving `guest` to kvm02.
[[nodiscard]] inline expected<precheck::report> check(stage &on, const performer &guest) {
    auto facts = run::collect_facts(guest.at, on.on().kvm02(), guest.at.on().uri(),
                                    {.stop = on.context().stop});
    if (!facts) return fail(std::move(facts).error());
    return precheck::check(*facts);
}

/// The finding of this id; null: there is none.
[[nodiscard]] inline const precheck::finding *find(const precheck::report &in,
                                                   std::string_view id) {
    const auto found = std::find_if(in.findings.begin(), in.findings.end(),
                                    [&](const precheck::finding &each) { return each.id == id; });
    return found == in.findings.end() ? nullptr : &*found;
}

/// The ids of what blocks, and what was seen; or that nothing does.
[[nodiscard]] inline std::string blocks(const precheck::report &in) {
    std::string out;
    for (const precheck::finding &each : in.findings) {
        if (each.how != precheck::severity::blocks) continue;
        out += (out.empty() ? "" : ", ") + each.id + " (" + each.seen + ")";
    }
    return out.empty() ? "nothing blocks" : out;
}

} // namespace kvmig::lab
