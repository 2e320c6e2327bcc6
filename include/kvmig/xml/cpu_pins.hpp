// SPDX-License-Identifier: MIT
/// The pins in a domain's definition.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/xml/document.hpp>
#include <kvmig/xml/writer.hpp>

#include <cstdint>
#include <map>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace kvmig::xml {

/// Sets of CPUs as they are written (`0-3,^2`); empty where there is no pin.
struct cpu_pin_texts {
    std::map<std::uint32_t, std::string> vcpus = {}; ///< every vCPU that there may be
    std::string emulator = {};                       ///< of the threads that are no vCPU

    friend bool operator==(const cpu_pin_texts &, const cpu_pin_texts &) = default;
};

/// Reads `<cputune>`. Errors name path and line.
[[nodiscard]] inline expected<cpu_pin_texts> parse_cpu_pins(std::string_view domain) {
    auto doc = document::parse(domain, "domain");
    if (!doc) return fail(std::move(doc).error());
    cpu_pin_texts out;
    const pugi::xml_node vcpu = doc->root().child("vcpu");
    const auto count = doc->small(vcpu, vcpu ? vcpu.text().get() : "1");
    if (!count) return fail(count.error());
    for (std::uint32_t i = 0; i < *count; ++i) out.vcpus[i];
    const pugi::xml_node tune = doc->root().child("cputune");
    for (const pugi::xml_node &pin : tune.children("vcpupin")) {
        const auto number = doc->small(pin, pin.attribute("vcpu").value());
        if (!number) return fail(number.error());
        // libvirt passes over a pin of a vCPU that there is not.
        const auto of = out.vcpus.find(*number);
        if (of != out.vcpus.end()) of->second = pin.attribute("cpuset").value();
    }
    out.emulator = tune.child("emulatorpin").attribute("cpuset").value();
    return out;
}

/// The definition with these pins in the place of those it has; all else stays as it is, pins of
/// vCPUs that there are not among it. Fails with `invalid_argument` when it is no XML of a domain.
[[nodiscard]] inline expected<std::string> with_cpu_pins(std::string_view domain,
                                                         const cpu_pin_texts &pins) {
    const auto checked = document::parse(domain, "domain");
    if (!checked) return fail(checked.error());
    pugi::xml_document doc;
    pugi::xml_node root = doc.append_copy(checked->root());
    pugi::xml_node tune = root.child("cputune");
    if (!tune) tune = root.append_child("cputune");
    const auto put = [&tune](pugi::xml_node pin, const char *name, const std::string &cpus) {
        if (cpus.empty()) {
            tune.remove_child(pin);
            return pugi::xml_node{};
        }
        if (!pin) pin = add_with(tune, name, "cpuset", cpus);
        pin.attribute("cpuset") = cpus.c_str();
        return pin;
    };
    for (const auto &[vcpu, cpus] : pins.vcpus) {
        const std::string number = std::to_string(vcpu);
        pugi::xml_node pin =
            put(tune.find_child_by_attribute("vcpupin", "vcpu", number.c_str()), "vcpupin", cpus);
        if (pin && !pin.attribute("vcpu")) pin.append_attribute("vcpu") = number.c_str();
    }
    put(tune.child("emulatorpin"), "emulatorpin", pins.emulator);
    if (!tune.first_child()) root.remove_child(tune);
    return text_of(doc);
}

} // namespace kvmig::xml
