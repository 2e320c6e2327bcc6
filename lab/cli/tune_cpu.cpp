// SPDX-License-Identifier: MIT
// kvmig tune cpu: which of the host's CPUs a domain runs on.
#include <lab/cli/help.hpp>
#include <lab/cli/tune_domain.hpp>

#include <kvmig/libvirt/domain_pins.hpp>
#include <kvmig/libvirt/node.hpp>
#include <kvmig/tuning/cpu_pins.hpp>
#include <kvmig/xml/domain.hpp>
#include <kvmig/xml/numa_cells.hpp>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>

namespace kvmig::lab::cli {

namespace {

/// The pins that leave some of the host's CPUs out, and none that it lacks.
tuning::cpu_guest pinned_guest(const model::domain &about, const tuning::cpu_pins &pins,
                               const tuning::cpu_set &online) {
    tuning::cpu_guest out;
    out.domain = about.name;
    out.vcpus = about.vcpus;
    out.cpu_mode = about.cpu_mode;
    for (const auto &[vcpu, cpus] : pins.vcpus) {
        if (!cpus) continue;
        tuning::cpu_set here;
        std::set_intersection(cpus->begin(), cpus->end(), online.begin(), online.end(),
                              std::inserter(here, here.end()));
        if (!here.empty() && here != online) out.pins[vcpu] = std::move(here);
    }
    return out;
}

/// The other domains that run on the host; one that ends meanwhile is left out.
expected<std::vector<tuning::cpu_guest>> others_beside(const libvirt::domain &of,
                                                       const tuning::cpu_set &online) {
    const auto all = libvirt::domain::list(of.on(), VIR_CONNECT_LIST_DOMAINS_ACTIVE);
    if (!all) return fail(all.error());
    std::vector<tuning::cpu_guest> out;
    for (const libvirt::domain &other : *all) {
        if (other.id() == of.id()) continue;
        const auto xml = other.xml();
        if (!xml) continue;
        const auto about = xml::parse_domain(*xml);
        const auto pins = libvirt::pins_in(*xml);
        if (about && pins) out.push_back(pinned_guest(*about, *pins, online));
    }
    return out;
}

expected<tuning::cpu_pins_host> cpus_of(const libvirt::connection &on) {
    auto online = libvirt::read_online_cpus(on);
    if (!online) return fail(std::move(online).error());
    const auto capabilities = on.capabilities();
    if (!capabilities) return fail(capabilities.error());
    auto cells = xml::parse_numa_cells(*capabilities);
    if (!cells) return fail(std::move(cells).error());
    return tuning::cpu_pins_host{*std::move(online), *std::move(cells)};
}

/// What was asked for; absent: nothing.
struct asked_pins {
    std::map<std::uint32_t, std::optional<tuning::cpu_set>> vcpus;
    std::optional<std::optional<tuning::cpu_set>> emulator;
    [[nodiscard]] bool any() const { return !vcpus.empty() || emulator; }
};

expected<asked_pins> read_pins(const tune_request &asked) {
    asked_pins out;
    for (const std::string &text : asked.vcpu_pins) {
        auto pin = tuning::parse_vcpu_pin(text);
        if (!pin) return fail(std::move(pin).error());
        if (!out.vcpus.insert(*std::move(pin)).second) {
            return fail(make_error(error_kind::invalid_argument, "this vCPU is pinned twice")
                            .about("--vcpupin " + text));
        }
    }
    if (!asked.emulator) return out;
    auto pin = tuning::parse_pin(*asked.emulator);
    if (!pin) return fail(std::move(pin).error().about("--emulatorpin " + *asked.emulator));
    out.emulator = *std::move(pin);
    return out;
}

} // namespace

expected<tune_answer> plan_for_cpu(const tune_request &asked, const host::kernel_files &) {
    const auto pins = read_pins(asked);
    if (!pins) return fail(pins.error());
    const auto found = find_domain(asked);
    if (!found) return fail(found.error());
    const auto cpus = cpus_of(found->of.on());
    if (!cpus) return fail(cpus.error());
    auto guests = others_beside(found->of, cpus->online);
    if (!guests) return fail(std::move(guests).error());
    tune_answer out;
    for (const tuning_scope &scope : found->scopes) {
        const std::string object = fmt::format("{} ({})", found->of.name(), scope.name());
        const auto from = libvirt::read_cpu_pins(found->of, scope.flags);
        if (!from) return fail(from.error());
        const auto xml = libvirt::detail::xml_of(found->of, scope.flags);
        if (!xml) return fail(xml.error());
        const auto about = xml::parse_domain(*xml);
        if (!about) return fail(about.error());
        tuning::cpu_pins to = *from;
        // What runs is pinned somewhere at all times.
        const auto wanted = [&](const std::optional<tuning::cpu_set> &set) {
            return set || !scope.run ? set : std::optional(cpus->online);
        };
        for (const auto &[vcpu, set] : pins->vcpus) to.vcpus[vcpu] = wanted(set);
        if (pins->emulator) to.emulator = wanted(*pins->emulator);
        if (pins->any()) {
            auto plan = tuning::plan_cpu_pins({object, about->memory, scope.run.has_value()}, *from,
                                              to, *cpus);
            if (!plan) return fail(std::move(plan).error());
            out.plan.append(*std::move(plan));
            add_step(out, found->key(run::setting_group::cputune, scope), *from, to);
        } else {
            show_settings(out, object, *from);
        }
        const tuning::cpu_guest guest = pinned_guest(*about, to, cpus->online);
        const auto said = tuning::check_guest_cpus(guest, cpus->online);
        if (!said) return fail(said.error());
        for (const std::string &each : *said) out.plan.note(each);
        guests->push_back(guest);
        for (const std::string &each : tuning::check_cpus_together(*guests, cpus->online)) {
            out.plan.note(each);
        }
        guests->pop_back();
    }
    return out;
}

void add_cpu_options(CLI::App &sub, const std::shared_ptr<tune_request> &asked) {
    add_domain_options(sub, asked);
    sub.add_option("--vcpupin", asked->vcpu_pins,
                   "The host's CPUs on which a vCPU may run, or any; as often as there are vCPUs")
        ->type_name("VCPU:CPULIST")
        ->allow_extra_args(false);
    sub.add_option("--emulatorpin", asked->emulator,
                   "Those on which QEMU's other threads may run, or any")
        ->type_name("CPULIST");
    sub.footer(closing(
        {"kvmig tune cpu vm1", "kvmig tune cpu vm1 --vcpupin 0:2 --vcpupin 1:3 --dry-run",
         "kvmig tune cpu vm1 --vcpupin 0:any --emulatorpin 0-1 --config"},
        "Without a pin it shows those there are. A CPU that the host has not online, or a vCPU "
        "that there is not, is told before anything is set; so are vCPUs that have one CPU between "
        "them, more vCPUs than CPUs, memory in another NUMA cell, and what keeps the guest from "
        "moving to another host. Of what runs libvirt takes no pin away: put back, it names every "
        "CPU."));
}

} // namespace kvmig::lab::cli
