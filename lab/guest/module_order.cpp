// SPDX-License-Identifier: MIT
#include <lab/guest/module_order.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <sstream>

namespace kvmig::lab::guest {

namespace {

/// `kernel/drivers/virtio/virtio_pci.ko.xz` → `virtio_pci`.
std::string name_of(std::string_view path) {
    path.remove_prefix(path.rfind('/') + 1); // npos + 1 is 0
    std::string name{path.substr(0, path.find(".ko"))};
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

struct module {
    std::string path;
    std::vector<std::string> needs; ///< names
};

} // namespace

expected<std::vector<std::string>> module_order(std::string_view modules_dep,
                                                std::string_view modules_builtin,
                                                const std::vector<std::string> &wanted) {
    std::map<std::string, module> known;
    std::istringstream dependencies{std::string(modules_dep)};
    for (std::string line; std::getline(dependencies, line);) {
        if (line.empty()) continue;
        const auto colon = line.find(':');
        if (colon == std::string::npos) {
            return fail(make_error(error_kind::protocol,
                                   "'" + line.substr(0, 80) + "' is no line of modules.dep")
                            .advise("run depmod for this kernel"));
        }
        module entry{line.substr(0, colon), {}};
        std::istringstream needs{line.substr(colon + 1)};
        for (std::string path; needs >> path;) entry.needs.push_back(name_of(path));
        known.insert_or_assign(name_of(entry.path), entry);
    }
    std::set<std::string> done; // built in, or in the order already
    std::istringstream builtin{std::string(modules_builtin)};
    for (std::string line; std::getline(builtin, line);) {
        if (!line.empty()) done.insert(name_of(line));
    }

    std::vector<std::string> order;
    // Depth first; `done` before the descent, so that even a circle ends.
    const std::function<expected<void>(const std::string &)> visit =
        [&](const std::string &name) -> expected<void> {
        if (!done.insert(name).second) return {};
        const auto found = known.find(name);
        if (found == known.end()) {
            return fail(make_error(error_kind::not_found, "the kernel has no module '" + name + "'")
                            .advise("take a kernel that has it, or ask for another module"));
        }
        for (const std::string &need : found->second.needs) {
            if (auto visited = visit(need); !visited) return visited;
        }
        order.push_back(found->second.path);
        return {};
    };
    for (const std::string &name : wanted) {
        if (auto visited = visit(name_of(name)); !visited) return fail(visited.error());
    }
    return order;
}

} // namespace kvmig::lab::guest
