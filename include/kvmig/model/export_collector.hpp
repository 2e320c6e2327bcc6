// SPDX-License-Identifier: MIT
/// Gathers exports from texts that name a path once for each client.
#pragma once

#include <kvmig/model/nfs_export.hpp>

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::model {

/// Clients of one path, gathered from wherever they stand.
class export_collector {
public:
    /// One more client of `path`; the order in which paths came first is kept.
    void add(const std::string &path, export_client client) {
        const auto [found, added] = places_.emplace(path, exports_.size());
        if (added) exports_.push_back({path, {}, {}});
        exports_[found->second].clients.push_back(std::move(client));
    }
    /// All, as written in `file`.
    [[nodiscard]] std::vector<nfs_export> take(const std::string &file) {
        for (nfs_export &each : exports_) each.file = file;
        places_.clear();
        return std::move(exports_);
    }

private:
    std::map<std::string, std::size_t> places_;
    std::vector<nfs_export> exports_;
};

} // namespace kvmig::model
