// SPDX-License-Identifier: MIT
/// What both libvirts tell of a guest while it moves, and when that was heard.
#pragma once

#include <kvmig/core/error.hpp>
#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/domain.hpp>
#include <lab/observe/heartbeat_series.hpp>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace kvmig::lab::observe {

/// Listens until it is destroyed. Needs a running `libvirt::event_loop`.
class event_record {
public:
    /// One event, as it arrived here: late by its way from the host.
    struct entry {
        steady_time at;
        std::string host;
        std::string what; ///< `suspended (migrated)`, `pass 2`, `job completed`
    };

    /// Listens to changes in the guest's life on both hosts, and to its job at the source.
    event_record(const libvirt::domain &guest, const libvirt::connection &to);
    ~event_record();
    event_record(event_record &&) noexcept;
    event_record &operator=(event_record &&) noexcept;
    event_record(const event_record &) = delete;
    event_record &operator=(const event_record &) = delete;

    /// In the order in which they arrived.
    [[nodiscard]] std::vector<entry> all() const;
    /// What could not be listened to, and why.
    [[nodiscard]] const std::vector<error> &gaps() const noexcept { return gaps_; }

private:
    struct heard;
    std::unique_ptr<heard> heard_;
    std::vector<error> gaps_;
};

/// As `[{"at", "host", "what"}]`, `at` in milliseconds since `origin`.
[[nodiscard]] nlohmann::json to_json(const std::vector<event_record::entry> &entries,
                                     steady_time origin);

} // namespace kvmig::lab::observe
