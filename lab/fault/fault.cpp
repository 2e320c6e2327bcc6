// SPDX-License-Identifier: MIT
#include <lab/fault/fault.hpp>
#include <lab/machine/remote.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kvmig::lab {

std::span<const fault> all_faults() {
    static const std::vector<fault> faults = [] {
        std::vector<fault> all;
        for (std::vector<fault> (*table)() :
             {transport_faults, certificate_faults, name_faults, storage_faults, host_faults}) {
            for (fault &each : table()) all.push_back(std::move(each));
        }
        return all;
    }();
    return faults;
}

expected<const fault *> find_fault(std::string_view id) {
    const auto all = all_faults();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const fault &each) { return each.id == id; });
    if (found != all.end()) return &*found;
    std::vector<std::string_view> ids;
    for (const fault &each : all) ids.push_back(each.id);
    return fail(make_error(error_kind::not_found, fmt::format("no failure is called '{}'", id))
                    .advise(fmt::format("use one of {}", fmt::join(ids, ", "))));
}

expected<void> carry_out(const std::vector<fault_step> &steps, const std::stop_token &stop) {
    for (const fault_step &each : steps) {
        auto done =
            remote_output(*find_machine(each.machine), {"sh", "-c", std::string{each.shell}}, stop);
        if (!done) return fail(std::move(done).error());
    }
    return {};
}

} // namespace kvmig::lab
