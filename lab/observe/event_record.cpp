// SPDX-License-Identifier: MIT
#include <lab/observe/event_record.hpp>

#include <kvmig/libvirt/events.hpp>
#include <kvmig/libvirt/lifecycle_text.hpp>

#include <fmt/format.h>
#include <mutex>
#include <utility>

namespace kvmig::lab::observe {

struct event_record::heard {
    mutable std::mutex mutex;
    std::vector<entry> entries;
    std::vector<ports::subscription> subscriptions; // last: they write to the others

    void add(const std::string &host, std::string what) {
        const auto now = std::chrono::steady_clock::now();
        const std::scoped_lock lock{mutex};
        entries.push_back({now, host, std::move(what)});
    }
};

event_record::event_record(const libvirt::domain &guest, const libvirt::connection &to)
    : heard_(std::make_unique<heard>()) {
    heard *const into = heard_.get();
    const auto keep = [&](expected<ports::subscription> got) {
        if (got) {
            into->subscriptions.push_back(*std::move(got));
        } else {
            gaps_.push_back(std::move(got).error());
        }
    };
    const uuid id = guest.id();
    for (const libvirt::connection *host : {&guest.on(), &to}) {
        // The library listens too, on the same connection.
        keep(libvirt::on_lifecycle<event_record>(
            *host, [into, id, name = host->hostname()](libvirt::lifecycle_event told) {
                if (told.domain == id) {
                    into->add(name, libvirt::lifecycle_text(told.event, told.detail));
                }
            }));
    }
    const std::string source = guest.on().hostname();
    keep(libvirt::on_migration_iteration<event_record>(guest, [into, source](std::uint64_t pass) {
        into->add(source, fmt::format("pass {}", pass));
    }));
    keep(libvirt::on_job_completed<event_record>(
        guest, [into, source](const model::job_statistics &end) {
            into->add(source, fmt::format("job {}", to_string(end.type)));
        }));
}

event_record::~event_record() = default;
event_record::event_record(event_record &&) noexcept = default;
event_record &event_record::operator=(event_record &&) noexcept = default;

std::vector<event_record::entry> event_record::all() const {
    const std::scoped_lock lock{heard_->mutex};
    return heard_->entries;
}

nlohmann::json to_json(const std::vector<event_record::entry> &entries, steady_time origin) {
    nlohmann::json out = nlohmann::json::array();
    for (const event_record::entry &each : entries) {
        const std::chrono::duration<double, std::milli> at = each.at - origin;
        out.push_back({{"at", at.count()}, {"host", each.host}, {"what", each.what}});
    }
    return out;
}

} // namespace kvmig::lab::observe
