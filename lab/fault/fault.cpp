// SPDX-License-Identifier: MIT
#include <lab/fault/fault.hpp>
#include <lab/machine/lifecycle.hpp>
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

std::string describe(const fault_step &step) {
    std::string_view what = step.shell;
    if (step.turned == power::cut)
        what = "its power is cut: kill its process, which `kvmig lab status` names";
    if (step.turned == power::on) what = "it is booted";
    return fmt::format("{}: {}", step.machine, what);
}

expected<void> carry_out(const std::vector<fault_step> &steps, const lab_paths &lab,
                         const std::stop_token &stop) {
    for (const fault_step &each : steps) {
        const machine_spec &machine = *find_machine(each.machine);
        expected<void> done;
        switch (each.turned) {
        case power::cut: done = cut_power(machine, lab); break;
        case power::on: done = boot(machine, lab, stop); break;
        case power::left:
            if (auto said = remote_output(machine, {"sh", "-c", std::string{each.shell}}, stop);
                !said) {
                done = fail(std::move(said).error());
            }
        }
        if (!done) return done;
    }
    return {};
}

} // namespace kvmig::lab
