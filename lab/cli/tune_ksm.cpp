// SPDX-License-Identifier: MIT
#include <lab/cli/tune_ksm.hpp>

#include <lab/cli/tuning_text.hpp>

#include <kvmig/run/watch_ksm.hpp>
#include <kvmig/tuning/ksm_plan.hpp>
#include <kvmig/tuning/ksm_policy.hpp>
#include <kvmig/tuning/ksmtuned.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <mutex>
#include <set>
#include <string_view>

namespace kvmig::lab::cli {

namespace {

/// Guests that do not run here, by name: an error once, a remark to one who watches.
using absent_guests = std::set<std::string>;

tuning::ksm_guest *find_guest(tuning::ksm_sample &sample, const std::string &name,
                              absent_guests &absent) {
    for (tuning::ksm_guest &guest : sample.guests) {
        if (guest.name == name) return &guest;
    }
    absent.insert(name);
    return nullptr;
}

/// Tells the guests of the sample what the request says of them.
expected<absent_guests> mark_guests(const tune_request &asked, tuning::ksm_sample &sample) {
    absent_guests absent;
    for (const std::string &name : asked.leaving) {
        if (auto *guest = find_guest(sample, name, absent)) guest->leaving = true;
    }
    for (const std::string &text : asked.tenants) {
        const auto equals = text.find('=');
        if (equals == std::string::npos || equals + 1 == text.size()) {
            return fail(
                make_error(error_kind::invalid_argument, "a tenant is told as DOMAIN=TENANT")
                    .about("--tenant " + text));
        }
        if (auto *guest = find_guest(sample, text.substr(0, equals), absent)) {
            guest->tenant = text.substr(equals + 1);
        }
    }
    if (!asked.watch && !absent.empty()) {
        return fail(make_error(error_kind::not_found, "no guest of that name runs here")
                        .about(*absent.begin()));
    }
    return absent;
}

/// Decides by the policy asked for; a policy that remembers lives as long as this.
class ksm_decider {
public:
    explicit ksm_decider(const tune_request &asked) : asked_(asked) {}

    expected<tuning::ksm_decision> operator()(tuning::ksm_sample &sample) {
        const auto absent = mark_guests(asked_, sample);
        if (!absent) return fail(absent.error());
        auto decided = decide(sample);
        if (decided && !absent->empty()) {
            decided->warnings.push_back(
                fmt::format("not running here: {}", fmt::join(*absent, ", ")));
        }
        return decided;
    }

private:
    expected<tuning::ksm_decision> decide(const tuning::ksm_sample &sample) {
        if (asked_.policy == "ksmtuned") {
            if (!daemon_) {
                auto started = tuning::ksmtuned::start(sample.memory.total);
                if (!started) return fail(std::move(started.error()));
                daemon_ = *started;
            }
            bytes committed;
            for (const tuning::ksm_guest &guest : sample.guests) committed = committed + guest.rss;
            const tuning::memory_facts &m = sample.memory;
            return tuning::decision_of(daemon_->step(m.free + m.buffers + m.cached, committed));
        }
        if (asked_.policy == "profit") {
            if (!policy_) {
                tuning::ksm_policy_settings settings;
                settings.cpu_ceiling = asked_.cpu_ceiling / 100;
                settings.keep_free = asked_.keep_free / 100;
                auto made = tuning::ksm_policy::make(settings);
                if (!made) return fail(std::move(made.error()));
                policy_ = *made;
            }
            return policy_->step(sample);
        }
        tuning::ksm_decision out;
        out.action =
            asked_.policy == "stop" ? tuning::ksm_action::stop : tuning::ksm_action::unmerge;
        out.reason = "asked for";
        return out;
    }

    const tune_request &asked_;
    std::optional<tuning::ksmtuned> daemon_;
    std::optional<tuning::ksm_policy> policy_;
};

/// The decision and the figures it was made from.
nlohmann::json figures_of(const tuning::ksm_sample &sample, const tuning::ksm_decision &decided) {
    nlohmann::json out;
    out["decision"] = {{"action", to_string(decided.action)}, {"reason", decided.reason}};
    nlohmann::json &facts = out["facts"];
    for (const tuning::ksm_file &file : tuning::ksm_files) {
        if (const auto value = get(sample.ksm, file.name)) facts[std::string(file.name)] = *value;
    }
    if (const auto saved = tuning::saved(sample.ksm, sample.page)) {
        out["saved_bytes"] = saved->count();
        if (const auto profit = tuning::profit(sample.ksm, sample.page)) {
            out["profit_bytes"] = *profit;
        }
    }
    return out;
}

/// Tells the rounds of `--watch`.
class ksm_log {
public:
    ksm_log(bool as_json, bool dry_run) : json_(as_json), dry_run_(dry_run) {}

    void operator()(const run::ksm_round &round) {
        if (json_) {
            print(json_of(round));
            return;
        }
        const std::string why = reason_of(round);
        // Figures within a reason move all the time: what counts is whether its words do.
        std::string words = why;
        std::erase_if(words, [](char c) { return c >= '0' && c <= '9'; });
        const bool changed = !dry_run_ && !round.problem && !round.plan.empty();
        if (words == last_ && !changed) return;
        last_ = std::move(words);
        fmt::print(stderr, "{}{}\n", why, round.problem ? "" : changes_of(round.plan));
    }

    void print(const nlohmann::json &line) const {
        fmt::print("{}\n", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
        std::fflush(stdout); // read as it comes
    }

private:
    [[nodiscard]] static std::string reason_of(const run::ksm_round &round) {
        if (round.problem) return "kvmig: " + describe(*round.problem);
        std::string out =
            fmt::format("{}: {}", to_string(round.decision.action), round.decision.reason);
        for (const std::string &note : round.plan.notes) out += "; note: " + note;
        return out;
    }

    [[nodiscard]] static std::string changes_of(const tuning::plan &plan) {
        std::string out;
        for (const tuning::change &step : plan.changes) {
            const std::string_view name = step.what.name;
            out +=
                fmt::format("; {} {} -> {}", name.substr(name.rfind('/') + 1), step.from, step.to);
        }
        return out;
    }

    [[nodiscard]] nlohmann::json json_of(const run::ksm_round &round) const {
        nlohmann::json out = tuning_json(round.plan);
        out["dry_run"] = dry_run_;
        out["time"] = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
        if (round.problem) {
            out["problem"] = describe(*round.problem);
        } else {
            out.update(figures_of(round.sample, round.decision));
        }
        return out;
    }

    bool json_;
    bool dry_run_;
    std::string last_;
};

} // namespace

expected<tune_answer> plan_for_ksm(const tune_request &asked, const host::kernel_files &files) {
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now().time_since_epoch());
    auto sample = host::read_ksm_sample(files, now);
    if (!sample) return fail(std::move(sample.error()));
    const auto decided = ksm_decider(asked)(*sample);
    if (!decided) return fail(decided.error());
    auto plan = tuning::plan_ksm(sample->ksm, *decided);
    if (!plan) return fail(std::move(plan.error()));
    tune_answer out;
    out.plan = std::move(*plan);
    out.more = figures_of(*sample, *decided);
    out.text = fmt::format("{}: {}\n", to_string(decided->action), decided->reason);
    if (const auto saved = tuning::saved(sample->ksm, sample->page)) {
        out.text += fmt::format("saved now: {:.1f} MiB", saved->as_mib());
        if (const auto profit = tuning::profit(sample->ksm, sample->page)) {
            out.text += fmt::format(", less the account: {:.1f} MiB",
                                    static_cast<double>(*profit) / (1024.0 * 1024.0));
        }
        out.text += '\n';
    }
    return out;
}

exit_status watch_for_ksm(const tune_request &asked, const context &ctx,
                          const std::function<bool()> &wait) {
    const host::kernel_files files{asked.root};
    std::optional<host::revert_record> record;
    if (!asked.dry_run) {
        auto opened = open_record(asked, files);
        if (!opened) return report(opened.error());
        record = std::move(*opened);
    }
    ksm_log log(ctx.json, asked.dry_run);
    ksm_decider decider(asked);
    const auto done = run::watch_ksm(files, record ? &*record : nullptr, std::ref(decider),
                                     std::ref(log), std::cref(wait));
    if (!done) return report(done.error());
    if (ctx.json) {
        nlohmann::json last = tuning_json(*done);
        last["dry_run"] = asked.dry_run;
        log.print(last);
    } else if (asked.dry_run) {
        fmt::print(stderr, "ended; nothing was written\n");
    } else {
        fmt::print(stderr, "ended; {} put back\n", done->restored.size());
    }
    return exit_status::done;
}

exit_status watch_for_ksm(const tune_request &asked, const context &ctx) {
    std::mutex mutex;
    std::condition_variable_any wake;
    const std::stop_token stop = ctx.interrupted.get_token();
    return watch_for_ksm(asked, ctx, [&] {
        std::unique_lock lock(mutex);
        wake.wait_for(lock, stop, std::chrono::seconds{asked.every}, [] { return false; });
        return !stop.stop_requested();
    });
}

} // namespace kvmig::lab::cli
