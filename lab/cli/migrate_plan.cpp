// SPDX-License-Identifier: MIT
#include <lab/cli/migrate_cold.hpp>
#include <lab/cli/migrate_plan.hpp>

#include <kvmig/libvirt/hypervisor.hpp>
#include <kvmig/run/describe_cold.hpp>
#include <kvmig/run/migrate_cold.hpp>
#include <kvmig/run/migrate_cold_copied.hpp>
#include <kvmig/run/plan_migration.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace kvmig::lab::cli {

namespace {

expected<migration::plan> plan_of_live(const migrate_request &asked, const libvirt::domain &domain,
                                       const libvirt::connection &destination) {
    const auto options = options_of(asked);
    if (!options) return fail(options.error());
    const run::steering_wish wish = steering_of(asked);
    const auto plan = run::plan_migration(domain, destination, *options, wish);
    if (!plan) return fail(plan.error());
    return run::describe_plan(*plan, domain, destination, wish);
}

expected<migration::plan> plan_of_cold(const migrate_request &asked, const libvirt::domain &domain,
                                       const libvirt::connection &destination,
                                       const std::stop_token &stop) {
    const auto wish = cold_request_of(asked);
    if (!wish) return fail(wish.error());
    libvirt::hypervisor from(domain.on());
    libvirt::hypervisor to(destination);
    if (!asked.copy_images) {
        const auto plan = run::plan_cold(from, domain.id(), domain.name(), to, wish->how);
        if (!plan) return fail(plan.error());
        run::shared_images images(from, to, plan->guest);
        if (auto able = images.check(); !able) return fail(std::move(able).error());
        return run::describe_plan(*plan, to);
    }
    const run::copy_reach reach;
    auto planned = run::plan_cold_copied(from, domain.id(), domain.name(), to, wish->copy,
                                         wish->how, stop, reach);
    if (!planned) return fail(std::move(planned).error());
    run::copied_images images(std::move(planned->here), std::move(planned->there),
                              *planned->plan.images, reach.ssh);
    if (auto able = images.check(); !able) return fail(std::move(able).error());
    return run::describe_plan(planned->plan, to);
}

/// `qcow2, 1024 bytes, upon /base`: what is known of it.
std::string shape_of(const migration::planned_disk &disk) {
    std::string out;
    const auto add = [&](const std::string &text) { out += (out.empty() ? "" : ", ") + text; };
    if (!disk.format.empty()) add(disk.format);
    if (disk.size) add(fmt::format("{} bytes", disk.size->count()));
    if (!disk.below.empty()) add("upon " + disk.below);
    if (!disk.pool.empty()) add("in the pool " + disk.pool);
    if (!disk.exists) {
        add("whether it is there is not known");
    } else {
        add(*disk.exists ? "is there" : disk.travels ? "is made" : "is missing");
    }
    return out;
}

} // namespace

expected<migration::plan> plan_of(const migrate_request &asked, const libvirt::domain &domain,
                                  const libvirt::connection &destination, const std::string &why,
                                  const std::stop_token &stop) {
    auto plan = asked.mode == "cold" ? plan_of_cold(asked, domain, destination, stop)
                                     : plan_of_live(asked, domain, destination);
    if (plan) plan->why = why;
    return plan;
}

std::string plan_text(const migration::plan &plan) {
    std::string out = fmt::format("{}: the plan of a migration, mode {}: {}\n", plan.domain,
                                  to_string(plan.mode), plan.why);
    out += fmt::format("  from  {}  {}\n  to    {}  {}\n", plan.source.hostname, plan.source.uri,
                       plan.destination.hostname, plan.destination.uri);
    out += "steps\n";
    std::size_t host = 0;
    std::size_t state = 0;
    for (const migration::planned_step &each : plan.steps) {
        host = std::max(host, each.host.size());
        state = std::max(state, to_string(each.at).size());
    }
    std::size_t number = 0;
    for (const migration::planned_step &each : plan.steps) {
        out += fmt::format("  {:>2}  {:<{}}  {:<{}}  {}: {}\n", ++number, to_string(each.at), state,
                           each.host, host, each.what, each.object);
    }
    out += plan.disks.empty() ? "disks: none\n" : "disks\n";
    for (const migration::planned_disk &each : plan.disks) {
        out += fmt::format("  {}  {}  {}: {}\n", each.disk.empty() ? "-" : each.disk, each.source,
                           each.travels ? "travels" : "stays", each.why);
        out += fmt::format("       there {}: {}\n", each.target, shape_of(each));
    }
    if (!plan.devices.empty()) out += "devices of the host\n";
    for (const migration::planned_device &each : plan.devices) {
        out += each.destination.empty()
                   ? fmt::format("  {}  the guest goes on without it: {}\n", each.source, each.why)
                   : fmt::format("  {}  there {}: {}\n", each.source, each.destination, each.why);
    }
    out += "way\n";
    for (const std::string &each : plan.transport) out += "  " + each + '\n';
    out += "options, as libvirt names them\n";
    for (const auto &[name, value] : plan.options) {
        out += fmt::format("  {} = {}\n", name, value.empty() ? "none" : value);
    }
    if (plan.xml_difference) {
        out += plan.xml_difference->empty()
                   ? "XML: the destination gets the guest as it is at the source\n"
                   : "XML: what differs at the destination\n" + *plan.xml_difference;
    }
    if (!plan.unknown.empty()) out += "not known beforehand\n";
    for (const std::string &each : plan.unknown) out += "  " + each + '\n';
    return out + "nothing has been changed on either host\n";
}

nlohmann::json plan_json(const migration::plan &plan) {
    const auto end = [](const migration::planned_end &of) {
        return nlohmann::json{{"hostname", of.hostname}, {"uri", of.uri}};
    };
    nlohmann::json out{{"schema", "kvmig.plan/1"},
                       {"mode", to_string(plan.mode)},
                       {"why", plan.why},
                       {"domain", {{"name", plan.domain}, {"uuid", plan.id.text()}}},
                       {"source", end(plan.source)},
                       {"destination", end(plan.destination)},
                       {"steps", nlohmann::json::array()},
                       {"disks", nlohmann::json::array()},
                       {"devices", nlohmann::json::array()},
                       {"transport", plan.transport},
                       {"options", nlohmann::json::array()},
                       {"unknown", plan.unknown}};
    for (const migration::planned_step &each : plan.steps) {
        out["steps"].push_back({{"state", to_string(each.at)},
                                {"host", each.host},
                                {"what", each.what},
                                {"object", each.object}});
    }
    for (const migration::planned_disk &each : plan.disks) {
        nlohmann::json disk{{"source", each.source}, {"travels", each.travels}, {"why", each.why}};
        const auto some = [&disk](const char *name, const std::string &text) {
            if (!text.empty()) disk[name] = text;
        };
        some("disk", each.disk);
        some("target", each.target);
        some("pool", each.pool);
        some("volume", each.volume);
        some("format", each.format);
        some("below", each.below);
        if (each.size) disk["size"] = each.size->count();
        if (each.exists) disk["exists"] = *each.exists;
        out["disks"].push_back(std::move(disk));
    }
    for (const migration::planned_device &each : plan.devices) {
        nlohmann::json device{{"source", each.source}, {"why", each.why}};
        if (!each.destination.empty()) device["destination"] = each.destination;
        out["devices"].push_back(std::move(device));
    }
    // A list: a parameter may stand there several times.
    for (const auto &[name, value] : plan.options) {
        out["options"].push_back({{"name", name}, {"value", value}});
    }
    if (plan.xml_difference) out["xml_difference"] = *plan.xml_difference;
    return out;
}

} // namespace kvmig::lab::cli
