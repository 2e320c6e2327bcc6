// SPDX-License-Identifier: MIT
/// The NUMA cells of a host.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/model/numa_cell.hpp>
#include <kvmig/xml/document.hpp>

#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::xml {

/// Those that the capabilities XML tells (`virConnectGetCapabilities`); none where it tells none.
/// Errors name path and line.
[[nodiscard]] inline expected<std::vector<model::numa_cell>>
parse_numa_cells(std::string_view capabilities) {
    auto doc = document::parse(capabilities, "capabilities");
    if (!doc) return fail(std::move(doc).error());
    std::vector<model::numa_cell> out;
    for (const pugi::xml_node &each :
         doc->root().child("host").child("topology").child("cells").children("cell")) {
        model::numa_cell cell;
        const auto id = doc->small(each, each.attribute("id").value());
        if (!id) return fail(id.error());
        cell.id = *id;
        if (const pugi::xml_node memory = each.child("memory")) {
            const auto amount = doc->amount(memory, "KiB");
            if (!amount) return fail(amount.error());
            cell.memory = *amount;
        }
        for (const pugi::xml_node &cpu : each.child("cpus").children("cpu")) {
            const auto number = doc->small(cpu, cpu.attribute("id").value());
            if (!number) return fail(number.error());
            cell.cpus.insert(*number);
        }
        out.push_back(std::move(cell));
    }
    return out;
}

} // namespace kvmig::xml
