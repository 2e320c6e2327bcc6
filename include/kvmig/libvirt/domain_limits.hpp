// SPDX-License-Identifier: MIT
/// The limits of a domain's disks and memory, as libvirt holds them. `flags` is
/// `VIR_DOMAIN_AFFECT_LIVE` or `VIR_DOMAIN_AFFECT_CONFIG`.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <kvmig/libvirt/domain.hpp>
#include <kvmig/libvirt/typed_parameters.hpp>
#include <kvmig/tuning/iotune.hpp>
#include <kvmig/tuning/memtune.hpp>
#include <kvmig/tuning/value.hpp>
#include <kvmig/xml/iotune_groups.hpp>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

namespace kvmig::libvirt {

namespace detail {

/// libvirt's way of reading parameters: how many there are, then the values.
template <class Read>
[[nodiscard]] expected<typed_parameters> read_parameters(const domain &of, const std::string &doing,
                                                         Read read) {
    int count = 0;
    if (read(nullptr, &count) < 0) return fail(of.problem(doing));
    if (count == 0) return typed_parameters{};
    auto *params = static_cast<virTypedParameterPtr>(
        std::calloc(static_cast<std::size_t>(count), sizeof(virTypedParameter)));
    const int answer = read(params, &count);
    if (answer < 0) {
        error err = of.problem(doing);
        std::free(params);
        return fail(std::move(err));
    }
    return typed_parameters(params, count);
}

/// The XML that the flags are about.
[[nodiscard]] inline expected<std::string> xml_of(const domain &of, unsigned flags) {
    return of.xml((flags & VIR_DOMAIN_AFFECT_CONFIG) != 0 ? VIR_DOMAIN_XML_INACTIVE : 0);
}

} // namespace detail

/// The limits of a disk, by its target (`vda`); fails with `not_found`, naming those there are. The
/// group is that of the XML: of a disk that has none QEMU tells one all the same.
[[nodiscard]] inline expected<tuning::iotune> read_iotune(const domain &of, const std::string &disk,
                                                          unsigned flags) {
    const auto xml = detail::xml_of(of, flags);
    if (!xml) return fail(xml.error());
    const auto groups = xml::parse_iotune_groups(*xml);
    if (!groups) return fail(groups.error());
    const auto here = groups->find(disk);
    if (here == groups->end()) {
        std::string all;
        for (const auto &[target, group] : *groups) all += (all.empty() ? "" : ", ") + target;
        return fail(
            make_error(error_kind::not_found, "the domain '" + of.name() + "' has no disk " + disk)
                .about(of.name())
                .advise(all.empty() ? "it has none" : "it has " + all));
    }
    const auto params = detail::read_parameters(
        of, "cannot read the limits of the disk " + disk, [&](virTypedParameterPtr into, int *n) {
            return virDomainGetBlockIoTune(of.raw(), disk.c_str(), into, n, flags);
        });
    if (!params) return fail(params.error());
    tuning::iotune out;
    out.group_name = here->second;
    for (const auto &[name, none] : tuning::parameters(out)) {
        const auto value = params->view().number(name.c_str());
        if (!value) continue;
        if (auto taken = tuning::set(out, name, std::to_string(*value)); !taken) {
            return fail(std::move(taken).error());
        }
    }
    return out;
}

/// Sets all of them, since one that is left out sets its siblings to zero; a group that is empty
/// stays what it is.
[[nodiscard]] inline expected<void> write_iotune(const domain &of, const std::string &disk,
                                                 const tuning::iotune &to, unsigned flags) {
    typed_parameters params;
    for (const auto &[name, value] : tuning::parameters(to)) {
        if (name == VIR_DOMAIN_BLOCK_IOTUNE_GROUP_NAME) {
            if (value.empty()) continue;
            if (auto added = params.add(name.c_str(), value); !added) return added;
            continue;
        }
        const auto number = tuning::number<unsigned long long>(value, name);
        if (!number) return fail(number.error());
        if (auto added = params.add(name.c_str(), *number); !added) return added;
    }
    if (virDomainSetBlockIoTune(of.raw(), disk.c_str(), params.data(), params.size(), flags) < 0) {
        return fail(of.problem("cannot set the limits of the disk " + disk));
    }
    return {};
}

/// The limits of its memory.
[[nodiscard]] inline expected<tuning::memtune> read_memtune(const domain &of, unsigned flags) {
    const auto params = detail::read_parameters(
        of, "cannot read the limits of the memory", [&](virTypedParameterPtr into, int *n) {
            return virDomainGetMemoryParameters(of.raw(), into, n, flags);
        });
    if (!params) return fail(params.error());
    const auto limit = [&](const char *name) -> std::optional<bytes> {
        const auto kib = params->view().number(name);
        if (!kib || *kib == 0 || *kib >= VIR_DOMAIN_MEMORY_PARAM_UNLIMITED) return std::nullopt;
        return bytes::kib(*kib);
    };
    tuning::memtune out;
    out.hard_limit = limit(VIR_DOMAIN_MEMORY_HARD_LIMIT);
    out.soft_limit = limit(VIR_DOMAIN_MEMORY_SOFT_LIMIT);
    out.swap_hard_limit = limit(VIR_DOMAIN_MEMORY_SWAP_HARD_LIMIT);
    return out;
}

/// Sets those that differ, since a host that does not count swap refuses its limit even where it is
/// none; together, so that libvirt takes them in the order that the kernel wants. `min_guarantee`
/// is left out, which QEMU's driver refuses.
[[nodiscard]] inline expected<void> write_memtune(const domain &of, const tuning::memtune &to,
                                                  unsigned flags) {
    const auto now = read_memtune(of, flags);
    if (!now) return fail(now.error());
    struct row {
        const char *name;
        std::optional<bytes> tuning::memtune::*limit;
    };
    typed_parameters params;
    for (const auto &[name, limit] :
         {row{VIR_DOMAIN_MEMORY_HARD_LIMIT, &tuning::memtune::hard_limit},
          row{VIR_DOMAIN_MEMORY_SOFT_LIMIT, &tuning::memtune::soft_limit},
          row{VIR_DOMAIN_MEMORY_SWAP_HARD_LIMIT, &tuning::memtune::swap_hard_limit}}) {
        const std::optional<bytes> &value = to.*limit;
        if (value == (*now).*limit) continue;
        const unsigned long long kib =
            value ? value->count() / 1024 : VIR_DOMAIN_MEMORY_PARAM_UNLIMITED;
        if (auto added = params.add(name, kib); !added) return added;
    }
    if (params.size() == 0) return {};
    if (virDomainSetMemoryParameters(of.raw(), params.data(), params.size(), flags) < 0) {
        return fail(of.problem("cannot set the limits of the memory"));
    }
    return {};
}

/// What its process holds of the host's memory; absent where it does not run, and where libvirt
/// does not tell.
[[nodiscard]] inline std::optional<bytes> read_rss(const domain &of) {
    std::array<virDomainMemoryStatStruct, VIR_DOMAIN_MEMORY_STAT_NR> told{};
    const int count = virDomainMemoryStats(of.raw(), told.data(), told.size(), 0);
    for (int i = 0; i < count; ++i) {
        const virDomainMemoryStatStruct &each = told[static_cast<std::size_t>(i)];
        if (each.tag == VIR_DOMAIN_MEMORY_STAT_RSS) return bytes::kib(each.val);
    }
    return std::nullopt;
}

} // namespace kvmig::libvirt
