// SPDX-License-Identifier: MIT
/// fail-*: a migration that fails as documented, is diagnosed from what libvirt says, mended as the
/// diagnosis prints, and then succeeds.
#include <lab/cli/diagnosis_text.hpp>
#include <lab/facts/facts_file.hpp>
#include <lab/machine/remote.hpp>
#include <lab/scenario/failures.hpp>
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>
#include <lab/scenario/tls_files.hpp>
#include <lab/topology/files.hpp>

#include <kvmig/diagnosis.hpp>
#include <kvmig/model/connection_uri.hpp>
#include <kvmig/precheck/report.hpp>
#include <kvmig/run/check.hpp>
#include <kvmig/run/explain.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kvmig::lab {

namespace {

using migration::flag;

constexpr std::chrono::minutes longest_attempt{10};

const machine_spec &source() { return *find_machine("kvm01"); }
const machine_spec &destination() { return *find_machine("kvm02"); }

bool asks(const fault &what, std::string_view option) {
    return std::find(what.options.begin(), what.options.end(), option) != what.options.end();
}
bool copies_disks(const fault &what) { return asks(what, "--copy-storage-all"); }
/// It breaks in post-copy: the guest is split between both hosts then, and neither is unhurt.
bool goes_ahead(const fault &what) { return asks(what, "--postcopy"); }

/// Led by the source's daemon, so that it takes the way that virsh takes.
migration::options as_virsh(const fault &what) {
    migration::options how{.flags = {flag::live, flag::peer2peer}};
    if (copies_disks(what)) how.flags.set(flag::non_shared_disk);
    if (asks(what, "--tls")) how.flags.set(flag::tls);
    if (goes_ahead(what)) how.flags.set(flag::postcopy);
    return how;
}

/// One failure, from the healthy guest to the guest that has moved.
class failure {
public:
    failure(const fault &what, stage &on, performer &guest)
        : what_(what), on_(on), out_(on.context().out), guest_(guest) {}

    expected<void> play() {
        on_.context().tell("breaking it");
        if (what_.tried != attempt::library) {
            if (auto broken = carry(what_.breaks); !broken) return broken;
        }
        if (auto begun = guest_.watch.begin(); !begun) return begun;
        if (auto told = foresee(); !told) return told;
        if (auto told = fail_as_documented(); !told) return told;
        // Without its daemon the destination can be asked only once it is mended.
        const bool reachable = on_.on().kvm02().is_alive();
        const bool split = goes_ahead(what_);
        if (reachable && !split) {
            if (auto unhurt = on_.prove_unhurt(guest_, "refused: "); !unhurt) return unhurt;
        }
        if (what_.remedy_moves && !split) {
            if (auto begun = guest_.watch.begin(); !begun) return begun;
        }
        if (auto mended = mend(); !mended) return mended;
        if (auto again = on_.reconnect(); !again) return again;
        if (what_.remedy_moves) return prove_moved();
        if (!reachable) {
            if (auto unhurt = on_.prove_unhurt(guest_, "refused: "); !unhurt) return unhurt;
        }
        return move();
    }

private:
    [[nodiscard]] std::stop_token stop() const { return on_.context().stop; }
    [[nodiscard]] expected<void> carry(const std::vector<fault_step> &steps) const {
        return carry_out(steps, *on_.context().lab, stop());
    }

    /// What the check says beforehand.
    expected<void> foresee() {
        if (!what_.uri.empty()) {
            const auto parsed = model::connection_uri::parse(what_.uri);
            out_.prove("kvmig refuses the URI", !parsed,
                       parsed ? "it was read" : describe(parsed.error()));
            return {};
        }
        on_.context().tell("checking beforehand");
        // Anew: a connection remembers what its host was called.
        const auto there = libvirt::connection::open(libvirt_uri(destination()));
        if (!there) {
            out_.samples["foreseen"] = describe(there.error());
            out_.prove("the check cannot begin, for the same cause",
                       first(diagnosed(there.error())) == what_.diagnosed, describe(there.error()));
            return {};
        }
        // It will be opened from the source, as `virsh` on the source does too.
        auto facts = run::collect_facts(guest_.at, *there, guest_.at.on().uri(), as_asked());
        if (!facts) return fail(std::move(facts).error());
        // Facts of broken hosts: what the rules are tested with (tests/corpus/facts/record.py).
        const std::filesystem::path &folder = on_.context().folder;
        auto kept = make_directory(folder);
        if (kept) kept = write_facts(*facts, folder / "facts.json");
        if (!kept) return kept;
        const precheck::report told = precheck::check(*facts);
        std::vector<std::string> found;
        bool seen = false;
        for (const precheck::finding &each : told.findings) {
            const bool blocks = each.how == precheck::severity::blocks;
            const bool expected =
                each.id == what_.foreseen && (blocks || each.how == precheck::severity::warns);
            if (blocks || expected) found.push_back(fmt::format("{}: {}", each.id, each.seen));
            seen = seen || expected;
        }
        out_.samples["foreseen"] = {
            {"found", found}, {"expected", what_.foreseen}, {"cannot", what_.unforeseen}};
        if (what_.foreseen.empty()) {
            out_.prove("the check says nothing else", found.empty(),
                       found.empty() ? std::string{what_.unforeseen}
                                     : fmt::format("{}", fmt::join(found, "; ")));
        } else {
            out_.prove(fmt::format("foreseen as {}, and nothing else", what_.foreseen),
                       seen && found.size() == 1, fmt::format("{}", fmt::join(found, "; ")));
        }
        return {};
    }

    /// What both hosts are to be asked for.
    [[nodiscard]] run::collect_options as_asked() const {
        return {.copy = copies_disks(what_) ? precheck::storage_copy::all
                                            : precheck::storage_copy::none,
                .peer2peer = true,
                .stop = stop()};
    }
    [[nodiscard]] evidence begun_evidence() const {
        evidence all;
        all.domain = guest_.guest.name;
        all.source = fqdn(source());
        all.destination = fqdn(destination());
        return all;
    }
    [[nodiscard]] diagnosis::report diagnosed(const error &err) const {
        evidence all = begun_evidence();
        diagnosis::add_error(all, err);
        return diagnosis::diagnose(all);
    }
    [[nodiscard]] static std::string_view first(const diagnosis::report &told) {
        return told.causes.empty() ? std::string_view{} : told.causes.front().about->id;
    }

    void prove_diagnosis(std::string_view whose, const std::string &words,
                         const diagnosis::report &told) {
        out_.samples[fmt::format("{} says", whose)] = words;
        out_.samples[fmt::format("{}: diagnosis", whose)] = cli::diagnosis_json(told);
        std::vector<std::string_view> ids;
        for (const diagnosis::cause &each : told.causes) ids.push_back(each.about->id);
        out_.prove(fmt::format("{}: {} is named first", whose, what_.diagnosed),
                   first(told) == what_.diagnosed,
                   fmt::format("{} ({})",
                               ids.empty() ? "no cause" : fmt::format("{}", fmt::join(ids, ", ")),
                               words));
    }

    expected<void> fail_as_documented() {
        if (what_.tried != attempt::library) {
            if (auto told = by_virsh(); !told) return told;
        }
        if (what_.tried != attempt::virsh) return by_library();
        return {};
    }

    /// As documented, on the source.
    expected<void> by_virsh() {
        const std::vector<std::string> argv = attempt_by_virsh(what_);
        on_.context().tell(fmt::format("kvm01: {}", fmt::join(argv, " ")));
        host::command cmd = remote_command(source(), argv);
        cmd.timeout = longest_attempt;
        auto done = host::run(cmd, stop());
        if (!done) return fail(std::move(done).error());
        out_.prove("virsh: the migration fails", done->status != 0,
                   done->status == 0 ? done->out : done->err);
        if (done->status == 0) return fail(error_kind::failed, "it was migrated all the same");
        // What a person would paste.
        evidence all = begun_evidence();
        all.texts.push_back({.text = done->err, .name = "virsh"});
        if (what_.look_into_logs) {
            out_.samples["looked into logs"] = true;
            if (auto added = add_qemu_logs(all); !added) return added;
        }
        told_ = diagnosis::diagnose(all);
        prove_diagnosis("virsh", done->err, told_);
        return {};
    }

    expected<void> add_qemu_logs(evidence &all) const {
        const std::string file = fmt::format("/var/log/libvirt/qemu/{}.log", guest_.guest.name);
        for (const auto &[machine, side] : {std::pair{&source(), evidence_side::source},
                                            {&destination(), evidence_side::destination}}) {
            auto text = remote_output(*machine, {"cat", file}, stop());
            if (!text) return fail(std::move(text).error());
            all.texts.push_back({.text = *std::move(text),
                                 .kind = text_kind::qemu_log,
                                 .name = file,
                                 .host = fqdn(*machine),
                                 .side = side});
        }
        return {};
    }

    /// The journal of a host's daemon.
    [[nodiscard]] expected<std::string> journal(const machine_spec &host,
                                                const std::vector<std::string> &how) const {
        std::vector<std::string> argv{"journalctl", "--unit", "libvirtd", "--output", "cat"};
        argv.insert(argv.end(), how.begin(), how.end());
        return remote_output(host, argv, stop());
    }
    /// `-- cursor: s=...` is the last line of what `--show-cursor` prints.
    [[nodiscard]] static std::string cursor_in(const std::string &text) {
        constexpr std::string_view before = "-- cursor: ";
        const auto at = text.rfind(before);
        if (at == std::string::npos) return {};
        const auto begin = at + before.size();
        return text.substr(begin, text.find('\n', begin) - begin);
    }
    /// A host's daemon, and where its journal ends before the attempt.
    struct journal_end {
        const machine_spec *host;
        evidence_side side;
        std::string cursor;
    };
    /// Of the source, and of the destination where logs are to be looked into.
    [[nodiscard]] expected<std::vector<journal_end>> journal_ends() const {
        std::vector<journal_end> ends{{&source(), evidence_side::source, {}}};
        if (what_.look_into_logs) ends.push_back({&destination(), evidence_side::destination, {}});
        for (journal_end &each : ends) {
            auto end = journal(*each.host, {"-n", "0", "--show-cursor"});
            if (!end) return fail(std::move(end).error());
            each.cursor = cursor_in(*end);
        }
        return ends;
    }
    expected<void> add_journals(evidence &all, const std::vector<journal_end> &ends) const {
        for (const journal_end &each : ends) {
            auto logged = journal(*each.host, {"--after-cursor", each.cursor});
            if (!logged) return fail(std::move(logged).error());
            all.texts.push_back({.text = *std::move(logged),
                                 .kind = text_kind::daemon_log,
                                 .name = "libvirtd's journal",
                                 .host = fqdn(*each.host),
                                 .side = each.side});
        }
        return {};
    }

    expected<void> by_library() {
        migration::options how = as_virsh(what_);
        const bool meanwhile = what_.tried == attempt::library;
        // Slow enough to be broken on the way.
        if (meanwhile) how.bandwidth = byte_rate::mib(1);
        if (goes_ahead(what_)) how.postcopy_bandwidth = byte_rate::mib(1);
        // It may have been a restart that broke it.
        if (auto there = on_.reconnect(); !there) return there;
        const auto ends = journal_ends();
        if (!ends) return fail(ends.error());
        bool broken = false;
        expected<void> breaking;
        const auto break_it = [&](const model::job_progress &now) {
            const auto &moved = copies_disks(what_) ? now.statistics.disk_processed
                                                    : now.statistics.memory_processed;
            if (!meanwhile || broken || moved.value_or(bytes{0}).count() == 0) return;
            if (goes_ahead(what_)) {
                const auto ahead = is_ahead();
                if (ahead && !*ahead) return;
                if (!ahead) breaking = fail(ahead.error());
            }
            broken = true;
            if (breaking) breaking = carry(what_.breaks);
        };
        const auto result =
            on_.attempt(guest_, "refused: ", on_.on().kvm02(), how, {.each_sample = break_it});
        if (!breaking) return breaking;
        out_.prove("the library: the migration fails", !result,
                   result ? "it was migrated" : describe(result.error()));
        if (result) return fail(error_kind::failed, "it was migrated all the same");
        // What the daemons said to each other is not always what the caller is told.
        evidence all = begun_evidence();
        if (auto added = add_journals(all, *ends); !added) return added;
        const diagnosis::report told =
            run::explain(result.error(), guest_.at, on_.on().kvm02(), guest_.at.on().uri(),
                         as_asked(), std::move(all));
        if (told_.causes.empty()) told_ = told;
        prove_diagnosis("the library", describe(result.error()), told);
        return {};
    }

    /// Whether the guest has gone ahead of its memory; has it go when it has not been told to.
    [[nodiscard]] expected<bool> is_ahead() {
        if (!sent_ahead_) {
            sent_ahead_ = true;
            if (auto told = guest_.at.start_postcopy(); !told) return fail(std::move(told).error());
        }
        const auto status = guest_.at.status();
        if (!status) return fail(status.error());
        return status->reason_text == "post-copy";
    }

    /// The printed steps, as printed; what is left to hands before one that moves, else after.
    expected<void> mend() {
        if (told_.causes.empty()) return fail(error_kind::failed, "there is no remedy to follow");
        if (what_.remedy_moves) {
            if (auto done = carry(what_.by_hand); !done) return done;
        }
        const auto &steps = told_.causes.front().remedy;
        for (const std::string_view wanted : what_.remedy) {
            const auto found = std::find_if(steps.begin(), steps.end(), [&](const auto &each) {
                return each.run.find(wanted) != std::string::npos;
            });
            if (found == steps.end()) {
                return fail(error_kind::failed,
                            fmt::format("no step of the remedy holds '{}'", wanted));
            }
            if (auto done = follow(*found); !done) return done;
        }
        return what_.remedy_moves ? expected<void>{} : carry(what_.by_hand);
    }

    expected<void> follow(const diagnosis::filled_step &step) {
        using diagnosis::machine;
        std::string text = step.run;
        for (const auto &[word, value] : what_.fill) {
            for (auto at = text.find(word); at != std::string::npos;
                 at = text.find(word, at + value.size())) {
                text.replace(at, word.size(), value);
            }
        }
        std::vector<std::string_view> where;
        switch (step.on) {
        case machine::source: where = {"kvm01"}; break;
        case machine::destination: where = {"kvm02"}; break;
        case machine::both: where = {"kvm01", "kvm02"}; break;
        case machine::server: where = {"nfs"}; break;
        case machine::here:
        case machine::guest:
            return fail(error_kind::unsupported,
                        fmt::format("'{}' is not for a machine of the lab", text));
        }
        on_.context().tell(fmt::format("{}: {}", fmt::join(where, ", "), text));
        out_.samples["remedy"].push_back(fmt::format("{}: {}", to_string(step.on), text));
        if (!what_.typed.empty()) text = fmt::format("export {}; {}", what_.typed, text);
        std::vector<fault_step> todo;
        for (const std::string_view each : where) todo.push_back({each, text});
        return carry(todo);
    }

    /// The way that failed goes now.
    expected<void> move() {
        auto moved = on_.move(guest_, "mended: ", on_.on().kvm02(), as_virsh(what_));
        if (!moved) return fail(std::move(moved).error());
        if (copies_disks(what_)) on_.own_volume(on_.on().kvm02(), guest_.guest.disk.string());
        return {};
    }

    expected<void> prove_moved() {
        auto there = libvirt::domain::lookup(on_.on().kvm02(), guest_.at.id());
        if (!there) return fail(std::move(there).error());
        guest_.at = *std::move(there);
        if (what_.pool == local_pool_name) {
            on_.own_volume(on_.on().kvm02(), guest_.guest.disk.string());
        }
        const auto now = guest_.at.status();
        if (!now) return fail(now.error());
        out_.prove("the remedy itself moved it",
                   now->active && now->state == model::domain_state::running,
                   fmt::format("{} on kvm02", to_string(now->state)));
        return guest_.watch.prove(out_, "mended: ", stop());
    }

    const fault &what_;
    stage &on_;
    scenario_result &out_;
    performer &guest_;
    diagnosis::report told_; ///< whose remedy is followed
    bool sent_ahead_ = false;
};

expected<void> prepare(const fault &what, const scenario_context &context) {
    if (what.certificates) {
        if (auto given = hand_out_certificates(context); !given) return given;
    }
    return carry_out(what.prepare, *context.lab, context.stop);
}

expected<void> run_failure(const fault &what, scenario_context &context) {
    if (auto ready = prepare(what, context); !ready) return ready;
    return play(context, what.guest(), what.pool, bytes::mib(64),
                [&](stage &on, performer &guest) { return failure(what, on, guest).play(); });
}

} // namespace

expected<void> hand_over(const fault &what, scenario_context &context) {
    if (auto ready = prepare(what, context); !ready) return ready;
    auto on = stage::set(context);
    if (!on) return fail(std::move(on).error());
    guest_domain guest = what.guest();
    auto path = on->add_image(what.pool, guest.name + ".qcow2", bytes::mib(64));
    if (!path) return fail(std::move(path).error());
    guest.disk = *path;
    auto started = on->start(guest);
    if (!started) return fail(std::move(started).error());
    started->watch.leave();
    if (what.tried == attempt::library) return {};
    context.tell("breaking it");
    return carry_out(what.breaks, *context.lab, context.stop);
}

std::vector<std::string> attempt_by_virsh(const fault &what) {
    std::vector<std::string> argv{"virsh", "migrate", "--live"};
    argv.insert(argv.end(), what.options.begin(), what.options.end());
    argv.push_back(what.guest().name);
    argv.push_back(what.uri.empty() ? libvirt_uri(destination()) : std::string{what.uri});
    return argv;
}

std::vector<scenario> failures() {
    std::vector<scenario> out;
    for (const fault &each : all_faults()) {
        out.push_back({each.id, "failure", each.title, false,
                       [&each](scenario_context &context) { return run_failure(each, context); },
                       "it breaks a host"});
    }
    return out;
}

} // namespace kvmig::lab
