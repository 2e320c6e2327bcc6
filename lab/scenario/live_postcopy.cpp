// SPDX-License-Identifier: MIT
/// live-postcopy: the guest goes ahead of its memory, the stream that brings it breaks, and is
/// taken up again.
#include <lab/cli/migration_json.hpp>
#include <lab/scenario/on_machine.hpp>
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>

#include <kvmig/run/recover.hpp>

#include <fmt/format.h>

namespace kvmig::lab {

namespace {

using migration::flag;
using migration::state;

expected<void> on_kvm02(const scenario_context &context, const std::vector<std::string> &argv) {
    return on_machine(context, "kvm02", argv);
}

/// No new stream is let in, and the one that flows ends for both sides at once: were its packets
/// dropped, TCP would go on hoping for a quarter of an hour.
expected<void> break_stream(const scenario_context &context) {
    auto closed = on_kvm02(context, {"iptables", "-I", "INPUT", "-p", "tcp", "--syn", "--dport",
                                     "49152:49215", "-j", "REJECT", "--reject-with", "tcp-reset"});
    if (!closed) return closed;
    return on_kvm02(context, {"ss", "-K", "sport >= 49152 and sport <= 49215"});
}

expected<void> mend_stream(const scenario_context &context) {
    return on_kvm02(context, {"iptables", "-F", "INPUT"});
}

std::string reason_at(const libvirt::domain &guest) {
    const auto status = guest.status();
    return status ? fmt::format("{} ({})", to_string(status->state), status->reason_text)
                  : describe(status.error());
}

/// Migrates until the stream breaks in post-copy; the journal has the migration open then.
expected<void> migrate_until_broken(stage &on, performer &guest, timed_journal &journal) {
    scenario_context &context = on.context();
    scenario_result &out = context.out;
    // So slow that memory is on the way still when the stream breaks.
    const migration::options how{.flags = {flag::live, flag::postcopy},
                                 .bandwidth = byte_rate::mib(2),
                                 .postcopy_bandwidth = byte_rate::mib(1)};
    expected<void> switched;
    expected<void> broken;
    bool asked = false;
    bool ahead = false;
    const auto break_it = [&](const model::job_progress &now) {
        if (ahead || now.statistics.memory_processed.value_or(bytes{0}).count() == 0) return;
        if (!asked) {
            asked = true;
            switched = guest.at.start_postcopy();
        }
        const auto status = guest.at.status();
        ahead = status && status->reason_text == "post-copy";
        if (ahead) broken = break_stream(context);
    };
    const auto result = on.attempt(guest, "recovered: ", on.on().kvm02(), how,
                                   {.each_sample = break_it, .journal = &journal});
    if (!switched) return switched;
    if (!broken) return broken;
    out.prove("broken: the guest had gone ahead", ahead,
              ahead ? "the source waited in post-copy" : "post-copy was not seen");
    out.prove("broken: the migration fails", !result,
              result ? "it was migrated" : describe(result.error()));
    if (result) return fail(error_kind::failed, "it was migrated all the same");
    auto there = libvirt::domain::lookup(on.on().kvm02(), guest.at.id());
    if (!there) return fail(std::move(there).error());
    const std::string here_told = reason_at(guest.at);
    const std::string there_told = reason_at(*there);
    out.prove("broken: each side keeps its part of the memory",
              here_told == "paused (post-copy failed)" &&
                  there_told.find("(post-copy failed)") != std::string::npos,
              fmt::format("kvm01: {}, kvm02: {}", here_told, there_told));
    const auto open = journal.unfinished();
    if (!open) return fail(open.error());
    out.prove("broken: the record is left open", open->size() == 1,
              fmt::format("{} of 1 migration", open->size()));
    if (open->size() != 1) return fail(error_kind::failed, "there is nothing to take up");
    const auto told = journal.read(open->front());
    if (!told) return fail(told.error());
    out.prove("broken: in post-copy, paused", told->at() == state::post_copy_paused,
              std::string{to_string(told->at())});
    return {};
}

expected<void> take_up(stage &on, performer &guest, timed_journal &journal) {
    scenario_context &context = on.context();
    const auto open = journal.unfinished();
    if (!open) return fail(open.error());
    context.tell("taking it up again");
    const auto came = run::recover(
        journal, open->front(),
        [](const std::string &uri) -> expected<libvirt::hypervisor> {
            auto to = libvirt::connection::open(uri);
            if (!to) return fail(std::move(to).error());
            return libvirt::hypervisor(*to);
        },
        {}, context.stop);
    if (!came) return fail(came.error());
    nlohmann::json &kept = context.out.samples["recovered: migration"];
    kept["state"] = to_string(came->now.at);
    kept["transitions"] = cli::to_json(journal.steps(), journal.steps().front().at);
    context.out.prove("recovered: to its end", came->now.at == state::completed,
                      fmt::format("{} {}", to_string(came->now.at), came->now.said));
    libvirt::hypervisor source(on.on().kvm01());
    libvirt::hypervisor destination(on.on().kvm02());
    const run::whereabouts now{run::ask(source, guest.at.id(), "kvm01"),
                               run::ask(destination, guest.at.id(), "kvm02")};
    context.out.prove("recovered: the guest runs at the destination only",
                      now.side() == run::guest_side::destination, now.text());
    auto there = libvirt::domain::lookup(on.on().kvm02(), guest.at.id());
    if (!there) return fail(std::move(there).error());
    guest.at = *std::move(there);
    return guest.watch.prove(context.out, "recovered: ", context.stop);
}

expected<void> go_ahead(stage &on, performer &guest) {
    if (auto begun = guest.watch.begin(); !begun) return begun;
    timed_journal journal;
    if (auto broken = migrate_until_broken(on, guest, journal); !broken) return broken;
    if (auto mended = mend_stream(on.context()); !mended) return mended;
    return take_up(on, guest, journal);
}

} // namespace

scenario live_postcopy() {
    return {"live-postcopy",
            "live",
            "live in post-copy, whose stream breaks and is taken up again: memory is whole",
            false,
            [](scenario_context &context) {
                return play(context, usual_guest(), pool_name, bytes::mib(64), go_ahead);
            },
            "it cuts the link between both hosts"};
}

} // namespace kvmig::lab
