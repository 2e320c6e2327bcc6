// SPDX-License-Identifier: MIT
/// Where the threads of a domain may run, as libvirt holds it. `flags` is `VIR_DOMAIN_AFFECT_LIVE`
/// or `VIR_DOMAIN_AFFECT_CONFIG`.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/libvirt/domain.hpp>
#include <kvmig/tuning/cpu_pins.hpp>
#include <kvmig/xml/cpu_pins.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::libvirt {

namespace detail {

/// A bit for each CPU.
[[nodiscard]] inline tuning::cpu_set cpus_in(const unsigned char *map, int size) {
    tuning::cpu_set out;
    for (std::uint32_t cpu = 0; cpu < static_cast<std::uint32_t>(size) * 8; ++cpu) {
        if (((unsigned{map[cpu / 8]} >> (cpu % 8)) & 1U) != 0) out.insert(cpu);
    }
    return out;
}

[[nodiscard]] inline std::vector<unsigned char> map_of(const tuning::cpu_set &cpus) {
    std::vector<unsigned char> out(cpus.empty() ? 1 : VIR_CPU_MAPLEN(*cpus.rbegin() + 1));
    for (const std::uint32_t cpu : cpus) {
        out[cpu / 8] = static_cast<unsigned char>(unsigned{out[cpu / 8]} | (1U << (cpu % 8)));
    }
    return out;
}

} // namespace detail

/// The pins that a domain's XML names, each in the XML's own words where it runs; a vCPU without
/// one has none. Errors name path and line, or the set of CPUs that is none.
[[nodiscard]] inline expected<tuning::cpu_pins> pins_in(const std::string &xml) {
    const auto texts = xml::parse_cpu_pins(xml);
    if (!texts) return fail(texts.error());
    const auto read = [](const std::string &text) {
        return tuning::parse_pin(text.empty() ? std::string("any") : text);
    };
    tuning::cpu_pins out;
    for (const auto &[vcpu, text] : texts->vcpus) {
        const auto cpus = read(text);
        if (!cpus) return fail(cpus.error());
        out.vcpus[vcpu] = *cpus;
    }
    const auto emulator = read(texts->emulator);
    if (!emulator) return fail(emulator.error());
    out.emulator = *emulator;
    return out;
}

/// Where its threads may run: of the definition its pins, of what runs the CPUs in force, whether
/// pinned or not.
[[nodiscard]] inline expected<tuning::cpu_pins> read_cpu_pins(const domain &of, unsigned flags) {
    const bool live = (flags & VIR_DOMAIN_AFFECT_LIVE) != 0;
    const auto xml = of.xml(live ? 0 : VIR_DOMAIN_XML_INACTIVE);
    if (!xml) return fail(xml.error());
    auto out = pins_in(*xml);
    if (!out || !live) return out;
    constexpr int size = VIR_CPU_MAPLEN(tuning::most_cpus);
    const int most = static_cast<int>(out->vcpus.size());
    std::vector<unsigned char> maps(static_cast<std::size_t>(size) * out->vcpus.size());
    const int count = virDomainGetVcpuPinInfo(of.raw(), most, maps.data(), size, flags);
    if (count < 0) return fail(of.problem("cannot read the pins of the vCPUs"));
    out->vcpus.clear();
    for (int i = 0; i < count; ++i) {
        out->vcpus[static_cast<std::uint32_t>(i)] =
            detail::cpus_in(maps.data() + static_cast<std::ptrdiff_t>(i) * size, size);
    }
    std::vector<unsigned char> map(static_cast<std::size_t>(size));
    if (virDomainGetEmulatorPinInfo(of.raw(), map.data(), size, flags) < 0) {
        return fail(of.problem("cannot read the pin of the emulator"));
    }
    out->emulator = detail::cpus_in(map.data(), size);
    return out;
}

namespace detail {

/// Of what runs, the threads that are to move, one after the other.
[[nodiscard]] inline expected<void> pin_run(const domain &of, const tuning::cpu_pins &to) {
    const auto now = read_cpu_pins(of, VIR_DOMAIN_AFFECT_LIVE);
    if (!now) return fail(now.error());
    for (const auto &[vcpu, cpus] : to.vcpus) {
        const auto was = now->vcpus.find(vcpu);
        if (!cpus || (was != now->vcpus.end() && was->second == cpus)) continue;
        auto map = map_of(*cpus);
        // Older than its sibling with flags, and known to every driver; of what runs they do alike.
        if (virDomainPinVcpu(of.raw(), vcpu, map.data(), static_cast<int>(map.size())) < 0) {
            return fail(of.problem("cannot pin the vCPU " + std::to_string(vcpu)));
        }
    }
    if (!to.emulator || now->emulator == to.emulator) return {};
    auto map = map_of(*to.emulator);
    if (virDomainPinEmulator(of.raw(), map.data(), static_cast<int>(map.size()),
                             VIR_DOMAIN_AFFECT_LIVE) < 0) {
        return fail(of.problem("cannot pin the emulator"));
    }
    return {};
}

} // namespace detail

/// Pins those that differ. The definition is written anew, as `virsh edit` does: libvirt has no
/// call that takes a pin away, and of what runs none is taken away at all.
[[nodiscard]] inline expected<void> write_cpu_pins(const domain &of, const tuning::cpu_pins &to,
                                                   unsigned flags) {
    if ((flags & VIR_DOMAIN_AFFECT_LIVE) != 0) return detail::pin_run(of, to);
    const auto xml = of.xml(VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
    if (!xml) return fail(xml.error());
    const auto now = pins_in(*xml);
    if (!now) return fail(now.error());
    if (*now == to) return {};
    const auto text = [](const std::optional<tuning::cpu_set> &cpus) {
        return cpus ? tuning::to_text(*cpus) : std::string{};
    };
    xml::cpu_pin_texts texts;
    for (const auto &[vcpu, cpus] : to.vcpus) texts.vcpus[vcpu] = text(cpus);
    texts.emulator = text(to.emulator);
    const auto pinned = xml::with_cpu_pins(*xml, texts);
    if (!pinned) return fail(pinned.error());
    const auto defined = domain::define(of.on(), *pinned);
    if (!defined) return fail(defined.error());
    return {};
}

} // namespace kvmig::libvirt
