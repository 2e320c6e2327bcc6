// SPDX-License-Identifier: MIT
#include <lab/guest/agent/workload_agent.hpp>

#include <lab/guest/agent/pci_devices.hpp>
#include <lab/guest/agent/uptime.hpp>

#include <algorithm>
#include <condition_variable>
#include <sys/utsname.h>
#include <utility>

namespace kvmig::lab::guest {

using nlohmann::json;

namespace {

/// An answer without content, or the error.
expected<json> done(const expected<void> &result) {
    if (!result) return fail(result.error());
    return json::object();
}

std::string counted(bool good, std::uint64_t checked, std::uint64_t bad) {
    return std::string(good ? "good" : "BAD") + ", " + std::to_string(checked) + " checked, " +
           std::to_string(bad) + " bad";
}

} // namespace

workload_agent::workload_agent(const guest_settings &settings, const uuid &boot_id,
                               std::vector<std::string> faults, console &out)
    : settings_(settings), boot_id_(boot_id), out_(out), faults_(std::move(faults)),
      stalls_(settings.stall_period) {
    utsname names{};
    if (::uname(&names) == 0) kernel_ = names.release;
    for (const std::string &each : faults_) out_.say("fault: " + each);
}

void workload_agent::add_fault(const error &err) {
    std::string text = err.what;
    if (!err.object.empty()) text += " [" + err.object + ']';
    if (!err.remedy.empty()) text += "; try: " + err.remedy;
    out_.say("fault: " + text);
    faults_.push_back(std::move(text));
}

expected<std::unique_ptr<workload_agent>> workload_agent::start(const guest_settings &settings,
                                                                const std::string &listen,
                                                                std::vector<std::string> faults,
                                                                console &out) {
    const auto boot_id = settings.boot_id ? expected<uuid>{*settings.boot_id} : kernel_boot_id();
    if (!boot_id) return fail(boot_id.error());
    std::unique_ptr<workload_agent> agent{
        new workload_agent{settings, *boot_id, std::move(faults), out}};

    if (auto heartbeat = heartbeat_sender::make(settings, *boot_id)) {
        agent->heartbeat_ = std::move(*heartbeat);
    } else {
        agent->add_fault(heartbeat.error());
    }
    const auto seed = words_of(*boot_id);
    if (auto memory = memory_worker::start(settings, seed[0] ^ seed[1])) {
        agent->memory_ = std::move(*memory);
    } else {
        agent->add_fault(memory.error());
    }
    if (!settings.disk.empty()) {
        auto store =
            disk_store::open(settings.disk, settings.disk_offset, settings.disk_size, *boot_id);
        if (store) {
            agent->disk_ = std::make_unique<disk_worker>(std::move(*store), settings.disk_offset,
                                                         settings.disk_rate);
        } else {
            agent->add_fault(store.error());
        }
    }
    auto echo = echo_server::start(listen, settings.echo, *boot_id);
    if (!echo) return fail(echo.error());
    agent->echo_ = std::move(*echo);
    auto control = control_server::start(
        listen, settings.control, {settings.name, *boot_id},
        [self = agent.get()](const request &asked) { return self->handle(asked); });
    if (!control) return fail(control.error());
    agent->control_ = std::move(*control);
    // Last, so that whoever hears the heart may call.
    if (agent->heartbeat_) agent->heartbeat_->begin();
    out.say(settings.name + " ready: control=" + std::to_string(agent->control_->port()) +
            " echo=" + std::to_string(agent->echo_->port()) + " boot=" + boot_id->text());
    agent->reporter_ =
        std::jthread([self = agent.get()](const std::stop_token &stop) { self->report(stop); });
    return agent;
}

void workload_agent::report(const std::stop_token &stop) {
    if (settings_.report.count() == 0) return;
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock{mutex};
    while (!never.wait_for(lock, stop, settings_.report, [&] { return stop.stop_requested(); })) {
        const guest_status now = status();
        using milliseconds = std::chrono::milliseconds;
        std::string line =
            now.name + " boot " + now.boot_id.text() + " up " +
            std::to_string(std::chrono::duration_cast<milliseconds>(now.uptime).count()) +
            " ms, pages written " + std::to_string(now.memory.writes) + ", blocks written " +
            std::to_string(now.disk.writes) + ", longest stall " +
            std::to_string(std::chrono::duration_cast<milliseconds>(now.stalls.longest).count()) +
            " ms";
        {
            const std::lock_guard guard{verdicts_};
            line += ", memory " + memory_verdict_ + ", disk " + disk_verdict_;
        }
        if (now.disk.fault) line += ", disk fault: " + *now.disk.fault;
        out_.say(std::move(line));
    }
}

guest_status workload_agent::status() const {
    guest_status result;
    result.name = settings_.name;
    result.boot_id = boot_id_;
    result.kernel = kernel_;
    result.uptime = uptime();
    result.monotonic = monotonic_now();
    if (memory_) result.memory = memory_->status();
    if (disk_) result.disk = disk_->status();
    result.stalls = stalls_.counted();
    if (heartbeat_) result.heartbeat = heartbeat_->status();
    result.sessions = echo_->status();
    result.pci = pci_devices();
    result.faults = faults_;
    return result;
}

expected<void> workload_agent::need_memory() const {
    if (memory_) return {};
    return fail(make_error(error_kind::environment, "the guest could not fill its memory")
                    .advise("see 'faults' in its status"));
}

expected<void> workload_agent::need_disk() const {
    if (disk_) return {};
    if (settings_.disk.empty()) {
        return fail(make_error(error_kind::environment, "the guest was given no disk")
                        .advise("start it with kvmig.disk=/dev/vda"));
    }
    return fail(make_error(error_kind::environment, "the guest could not open its disk")
                    .about(settings_.disk)
                    .advise("see 'faults' in its status"));
}

void workload_agent::say_verdict(const char *of, std::string verdict, std::string &last) {
    out_.say(std::string(of) + ' ' + verdict);
    const std::lock_guard lock{verdicts_};
    last = std::move(verdict);
}

expected<json> workload_agent::change(const json &with) {
    const auto wanted = from_message<workload_change>(with);
    if (!wanted) return fail(wanted.error());
    // Everything is looked at before anything is changed.
    if (wanted->disk_rate) {
        if (auto there = need_disk(); !there) return fail(there.error());
    }
    if (wanted->rate || wanted->working_set || wanted->mode) {
        if (auto there = need_memory(); !there) return fail(there.error());
        if (auto changed = memory_->change(*wanted); !changed) return fail(changed.error());
    }
    if (wanted->disk_rate) {
        if (auto changed = disk_->set_rate(*wanted->disk_rate); !changed) {
            return fail(changed.error());
        }
    }
    return json(status());
}

expected<json> workload_agent::on_disk(const request &asked) {
    if (auto there = need_disk(); !there) return fail(there.error());
    if (asked.what == action::sync) {
        return done(disk_->sync());
    }
    const auto range = from_message<block_range>(asked.with);
    if (!range) return fail(range.error());
    const auto verdict =
        asked.what == action::write_disk ? disk_->write(*range) : disk_->verify(*range);
    if (!verdict) return fail(verdict.error());
    say_verdict("disk", counted(verdict->good(), verdict->checked, verdict->bad), disk_verdict_);
    return json(*verdict);
}

expected<json> workload_agent::damage(const request &asked) {
    if (!settings_.test_hooks) {
        return fail(make_error(error_kind::refused, "the guest damages nothing on purpose")
                        .advise("start it with kvmig.test_hooks"));
    }
    const auto place = from_message<damage_request>(asked.with);
    if (!place) return fail(place.error());
    if (asked.what == action::damage_memory) {
        if (auto there = need_memory(); !there) return fail(there.error());
        return done(memory_->damage(place->index));
    }
    if (auto there = need_disk(); !there) return fail(there.error());
    return done(disk_->damage(place->index));
}

expected<json> workload_agent::handle(const request &asked) {
    switch (asked.what) {
    case action::status: return json(status());
    case action::ready: {
        if (auto there = need_memory(); !there) return fail(there.error());
        if (!settings_.disk.empty()) {
            if (auto there = need_disk(); !there) return fail(there.error());
        }
        if (auto filled = memory_->filled(); !filled) return fail(filled.error());
        return json(status());
    }
    case action::set_workload: return change(asked.with);
    case action::reset_stalls: return json(stalls_.reset());
    case action::verify_memory: {
        if (auto there = need_memory(); !there) return fail(there.error());
        const auto verdict = memory_->verify();
        if (!verdict) return fail(verdict.error());
        say_verdict("memory", counted(verdict->good(), verdict->checked, verdict->bad),
                    memory_verdict_);
        return json(*verdict);
    }
    case action::write_disk:
    case action::verify_disk:
    case action::sync: return on_disk(asked);
    case action::shutdown: shutdown_.raise(); return json::object();
    case action::damage_memory:
    case action::damage_disk: return damage(asked);
    }
    return fail(error_kind::protocol, "the guest cannot do this");
}

void workload_agent::finish(std::chrono::steady_clock::time_point deadline) {
    if (!disk_) return;
    if (auto synced = disk_->finish(deadline); !synced) {
        out_.say("fault: " + synced.error().what);
    }
}

} // namespace kvmig::lab::guest
