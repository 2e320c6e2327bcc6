// SPDX-License-Identifier: MIT
#include <lab/cli/migration_json.hpp>

#include <chrono>
#include <string>
#include <type_traits>

namespace kvmig::lab::cli {

namespace {

template <class Value> nlohmann::json plain(const Value &value) {
    if constexpr (std::is_same_v<Value, std::chrono::milliseconds> ||
                  std::is_same_v<Value, bytes> || std::is_same_v<Value, pages>) {
        return value.count();
    } else if constexpr (std::is_same_v<Value, byte_rate> || std::is_same_v<Value, page_rate>) {
        return value.per_second();
    } else {
        return value;
    }
}

nlohmann::json answer_to_json(const run::host_answer &answer) {
    nlohmann::json out{{"hostname", answer.hostname}};
    if (answer.unread) {
        out["unread"] = to_json(*answer.unread);
    } else if (answer.status) {
        out["state"] = to_string(answer.status->state);
        out["reason"] = answer.status->reason_text;
        out["active"] = answer.status->active;
        out["persistent"] = answer.status->persistent;
    } else {
        out["state"] = "unknown to the host";
    }
    return out;
}

/// What live and cold migrations have in common.
template <class Result> nlohmann::json migrated(const Result &result) {
    nlohmann::json out{{"schema", "kvmig.migrate/1"},
                       {"outcome", "migrated"},
                       {"domain", {{"name", result.domain}, {"uuid", result.id.text()}}},
                       {"source", to_json(result.source)},
                       {"destination", to_json(result.destination)},
                       {"state", to_string(result.state)},
                       {"wall_time", result.wall_time.count()},
                       {"guest",
                        {{"side", to_string(result.guest.side())},
                         {"source", answer_to_json(result.guest.source)},
                         {"destination", answer_to_json(result.guest.destination)}}},
                       {"transitions", to_json(result.steps, result.begun)},
                       {"gaps", nlohmann::json::array()}};
    for (const error &gap : result.gaps) out["gaps"].push_back(to_json(gap));
    return out;
}

} // namespace

nlohmann::json to_json(const error &err) {
    nlohmann::json out{{"kind", to_string(err.kind)}, {"what", err.what}};
    if (!err.host.empty()) out["host"] = err.host;
    if (!err.object.empty()) out["object"] = err.object;
    if (!err.remedy.empty()) out["remedy"] = err.remedy;
    if (err.system) out["errno"] = *err.system;
    if (err.libvirt) {
        out["libvirt"] = {{"domain", err.libvirt->domain}, {"code", err.libvirt->code},
                          {"level", err.libvirt->level},   {"int1", err.libvirt->int1},
                          {"int2", err.libvirt->int2},     {"str1", err.libvirt->str1},
                          {"str2", err.libvirt->str2},     {"str3", err.libvirt->str3}};
    }
    for (const error &cause : err.causes) out["causes"].push_back(to_json(cause));
    return out;
}

nlohmann::json to_json(const model::host &host) {
    nlohmann::json out{{"hostname", host.hostname},
                       {"uri", host.uri},
                       {"driver", host.driver},
                       {"libvirt", host.libvirt.text()}};
    if (host.hypervisor) out["hypervisor"] = host.hypervisor->text();
    if (host.uuid) out["uuid"] = host.uuid->text();
    return out;
}

nlohmann::json to_json(const model::job_statistics &statistics) {
    nlohmann::json out{{"type", to_string(statistics.type)}};
    if (statistics.operation) out["operation"] = to_string(*statistics.operation);
    model::for_each_field(statistics, [&](const char *name, const auto &field) {
        if (field) out[name] = plain(*field);
    });
    return out;
}

nlohmann::json to_json(const model::job_progress &progress) {
    nlohmann::json out = to_json(progress.statistics);
    out["since_start"] = progress.since_start.count();
    if (progress.iteration) out["iteration"] = *progress.iteration;
    return out;
}

nlohmann::json to_json(const std::vector<run::timed_step> &steps,
                       std::chrono::steady_clock::time_point begun) {
    nlohmann::json out = nlohmann::json::array();
    for (const run::timed_step &each : steps) {
        const std::chrono::duration<double, std::milli> at = each.at - begun;
        out.push_back({{"at", at.count()},
                       {"from", to_string(each.what.from)},
                       {"on", to_string(each.what.on)},
                       {"to", to_string(each.what.to)}});
    }
    return out;
}

nlohmann::json to_json(const run::migration_result &result) {
    nlohmann::json out = migrated(result);
    out["cancelled_too_late"] = result.cancelled_too_late;
    out["events"] = result.events;
    out["statistics"] = nlohmann::json::object();
    out["samples"] = nlohmann::json::array();
    out["steered"] = nlohmann::json::array();
    for (const run::steering_step &each : result.steered) {
        nlohmann::json step{
            {"at", each.at.count()}, {"what", to_string(each.what)}, {"reason", each.reason}};
        if (each.downtime) step["downtime"] = each.downtime->count();
        out["steered"].push_back(std::move(step));
    }
    if (const auto &promise = result.promise) {
        out["promise"] = {{"promised", promise->promised.count()}};
        if (promise->measured) {
            out["promise"]["measured"] = promise->measured->count();
            out["promise"]["kept"] = !promise->broken();
        }
    }
    if (result.source_statistics) {
        out["statistics"]["source"] = to_json(*result.source_statistics);
    }
    if (result.destination_statistics) {
        out["statistics"]["destination"] = to_json(*result.destination_statistics);
    }
    for (const auto &sample : result.samples) out["samples"].push_back(to_json(sample));
    return out;
}

nlohmann::json to_json(const unmoved &what) {
    nlohmann::json out{{"schema", "kvmig.migrate/1"},
                       {"outcome", what.why.kind == error_kind::cancelled ? "cancelled" : "failed"},
                       {"error", to_json(what.why)},
                       {"source", {{"hostname", what.source}}},
                       {"destination", {{"hostname", what.destination}}},
                       {"transitions", to_json(what.steps, what.begun)},
                       {"samples", nlohmann::json::array()}};
    const std::chrono::duration<double, std::milli> took = what.ended - what.begun;
    out["wall_time"] = took.count();
    for (const auto &sample : what.samples) out["samples"].push_back(to_json(sample));
    return out;
}

nlohmann::json to_json(const run::cold_result &result) {
    nlohmann::json out = migrated(result);
    out["proof"] = result.proof;
    if (result.downtime) out["downtime"] = result.downtime->count();
    return out;
}

} // namespace kvmig::lab::cli
