// SPDX-License-Identifier: MIT
/// From evidence to ranked causes.
#pragma once

#include <kvmig/diagnosis/errno_text.hpp>
#include <kvmig/diagnosis/report.hpp>
#include <kvmig/diagnosis/resolve.hpp>
#include <kvmig/diagnosis/rules.hpp>
#include <kvmig/diagnosis/scan_text.hpp>
#include <kvmig/diagnosis/signs.hpp>
#include <kvmig/model/evidence.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace kvmig::diagnosis {

namespace detail {

/// libvirt's number for an error of the operating system, whose `errno` stands in `int1`.
inline constexpr int vir_err_system_error = 38;

/// Gathers what speaks for each entry, and ranks.
class gatherer {
public:
    gatherer(const evidence &all, const rules &known) : all_(all), known_(known), scanner_(known) {}

    [[nodiscard]] report run() {
        for (const evidence_error &err : all_.errors) take_error(err);
        for (const evidence_blocker &one : all_.blockers) {
            const bool known = take_text({.text = one.reason,
                                          .kind = text_kind::message,
                                          .name = "blocked reason",
                                          .host = one.host,
                                          .side = evidence_side::source},
                                         true);
            if (!known) unexplained(one.reason, "blocked reason", one.host);
        }
        for (const evidence_finding &one : all_.findings) take_finding(one);
        for (const evidence_sign &one : all_.signs) take_sign(one);
        if (all_.job) take_job(*all_.job);
        for (const evidence_text &text : all_.texts) take_text(text, false);
        return ranked();
    }

private:
    /// What ranks a cause; smaller comes first.
    struct rank {
        bool symptom = false;
        bool usual = false;
        bool by_text = true; ///< structured evidence outranks text
        bool cut = false;
        bool source_part =
            false;          ///< where libvirt tells both hosts' words, the destination's first
        bool outer = false; ///< wraps a message that says more
        std::size_t order = 0;

        [[nodiscard]] auto key() const {
            return std::tuple(symptom, usual, by_text, cut, source_part, outer, order);
        }
    };
    struct gathered {
        cause told;
        rank best;
        std::vector<values> value_sets;
    };

    void add(const entry &about, clue seen, rank how, values found) {
        // A message that only wraps another says less than the one within.
        how.symptom = about.says == weight::symptom || how.outer;
        how.usual = about.says == weight::usual;
        how.order = order_++;
        auto [at, is_new] = gathered_.try_emplace(&about);
        gathered &one = at->second;
        if (is_new || how.key() < one.best.key()) {
            if (!is_new) how.order = std::min(how.order, one.best.order);
            one.best = how;
        }
        one.told.about = &about;
        ++one.told.seen;
        if (one.told.evidence.size() < most_clues) one.told.evidence.push_back(std::move(seen));
        const bool fresh =
            std::find(one.value_sets.begin(), one.value_sets.end(), found) == one.value_sets.end();
        if (fresh && one.value_sets.size() < most_value_sets) {
            one.value_sets.push_back(std::move(found));
        }
    }

    void unexplained(std::string_view text, std::string_view from, std::string_view host) {
        if (unexplained_.size() == most_unexplained) return;
        unexplained_.push_back({.text = shortened(text, {0, 0}),
                                .from = std::string(from),
                                .host = std::string(host)});
    }

    void take_error(const evidence_error &err) {
        evidence_text text{.text = err.message,
                           .kind = text_kind::message,
                           .name = "libvirt error",
                           .host = err.host,
                           .side = err.side};
        if (err.code.code == vir_err_system_error && err.code.int1 > 0) {
            // Whatever its language, the message ends in the words for `int1`.
            const std::string_view words = errno_text(err.code.int1);
            const std::size_t colon = text.text.rfind(": ");
            if (!words.empty() && colon != std::string::npos && !text.text.ends_with(words)) {
                text.text.replace(colon + 2, std::string::npos, words);
            }
        }
        if (take_text(text, true)) return;
        bool known = false;
        for (const auto &part : catalogue) {
            for (const entry &one : part) {
                for (const code_rule &numbers : one.codes) {
                    if (numbers.code == 0 || numbers.code != err.code.code) continue;
                    if (numbers.domain != 0 && numbers.domain != err.code.domain) continue;
                    if (numbers.int1 != 0 && numbers.int1 != err.code.int1) continue;
                    known = true;
                    add(one,
                        {.text = shortened(err.message, {0, 0}),
                         .from = "libvirt error code",
                         .host = err.host,
                         .side = err.side},
                        {.by_text = false}, {});
                }
            }
        }
        if (!known) unexplained(err.message, "libvirt error", err.host);
    }

    void take_finding(const evidence_finding &found) {
        const entry *about = find_entry(found.id);
        if (about != nullptr && (found.severity == "blocks" || found.severity == "warns")) {
            add(*about, {.text = found.seen, .from = "precheck", .host = found.host},
                {.by_text = false}, {});
        } else if (found.severity == "blocks") {
            unexplained(found.id + ": " + found.seen, "precheck", found.host);
        }
    }

    void take_sign(const evidence_sign &seen) {
        if (seen.what == sign::none) return;
        for (const auto &part : catalogue) {
            for (const entry &one : part) {
                if (std::find(std::begin(one.signs), std::end(one.signs), seen.what) ==
                    std::end(one.signs)) {
                    continue;
                }
                add(one,
                    {.text = std::string(describe(seen.what)),
                     .from = "state",
                     .host = seen.host,
                     .side = seen.side},
                    {.by_text = false}, {});
            }
        }
    }

    void take_job(const evidence_job &job) {
        for (const sign what : signs_of(job)) {
            take_sign({.what = what, .host = all_.source, .side = evidence_side::source});
        }
        if (job.error.empty()) return;
        const bool known = take_text({.text = job.error,
                                      .kind = text_kind::message,
                                      .name = "job error",
                                      .host = all_.source,
                                      .side = evidence_side::source},
                                     true);
        if (!known) unexplained(job.error, "job error", all_.source);
    }

    bool take_text(const evidence_text &text, bool structured) {
        bool known = false;
        scanner_.scan(text.text, text.kind, [&](std::vector<hit> &hits) {
            resolve(hits, known_, work_);
            for (const hit &one : hits) {
                known = true;
                // A message and the one that it holds stand side by side in `hits`.
                const auto at = static_cast<std::size_t>(&one - hits.data());
                const bool outer = at + 1 < hits.size() && holds(one, hits[at + 1]);
                take_hit(one, text, structured, outer);
            }
        });
        if (!known && !structured) collect_unexplained(text);
        return known;
    }

    void take_hit(const hit &one, const evidence_text &text, bool structured, bool outer) {
        const rule &meaning = known_[one.rule_id];
        clue seen;
        const auto known = gathered_.find(meaning.about);
        const bool wanted =
            known == gathered_.end() || known->second.told.evidence.size() < most_clues;
        if (wanted) seen.text = shortened(text.text, one.where);
        seen.from = text.name;
        seen.side = one.side == evidence_side::unknown ? text.side : one.side;
        seen.host = text.host;
        if (seen.side == evidence_side::destination && one.side != evidence_side::unknown) {
            seen.host = all_.destination;
        }
        seen.line = structured ? 0 : one.line;
        seen.offset = one.where.begin;
        seen.source = meaning.wording_used->where;
        seen.cut = one.cut;
        add(*meaning.about, std::move(seen),
            {.by_text = !structured,
             .cut = one.cut,
             .source_part = one.side == evidence_side::source,
             .outer = outer},
            one.found);
    }

    /// The line in which `where` lies (or the lines, when it is wrapped), blanks trimmed, at most
    /// `longest_clue` bytes of it.
    [[nodiscard]] static std::string shortened(std::string_view text, text_span where) {
        // The line may be of any length: only so much of it is looked at.
        const std::size_t from = where.begin - std::min(where.begin, longest_clue / 2);
        const std::size_t line_end = text.substr(from, where.begin - from).rfind('\n');
        const std::size_t begin = line_end == std::string_view::npos ? from : from + line_end + 1;
        std::string_view line = text.substr(begin, longest_clue);
        const std::size_t past = std::min(where.end - begin, line.size());
        line = line.substr(0, line.find('\n', past));
        const std::size_t first = line.find_first_not_of(" \t\r");
        if (first == std::string_view::npos) return {};
        line = line.substr(first, line.find_last_not_of(" \t\r") + 1 - first);
        std::string out;
        for (const char c : line) { // control characters would play with the reader's terminal
            const auto byte = static_cast<unsigned char>(c);
            out += byte < 0x20 || byte == 0x7F ? ' ' : c;
        }
        return out;
    }

    /// Lines that speak of a failure, from a text of which nothing is known.
    void collect_unexplained(const evidence_text &text) {
        std::string line;
        std::size_t number = 0;
        const std::string_view all = text.text;
        for (std::size_t begin = 0; begin < all.size() && unexplained_.size() < most_unexplained;) {
            const std::size_t end = std::min(all.find('\n', begin), all.size());
            ++number;
            fold(all.substr(begin, std::min(end - begin, longest_clue)), line);
            if (contains_any(line, {"error", "fail", "cannot", "could not", "unable", "refused",
                                    "denied", "timed out", "not supported", "invalid"})) {
                unexplained_.push_back({.text = shortened(all, {begin, begin}),
                                        .from = text.name,
                                        .host = text.host,
                                        .side = text.side,
                                        .line = number,
                                        .offset = begin});
            }
            begin = end + 1;
        }
    }

    [[nodiscard]] report ranked() {
        std::vector<gathered *> order;
        for (auto &[about, one] : gathered_) order.push_back(&one);
        std::sort(order.begin(), order.end(), [](const gathered *a, const gathered *b) {
            return a->best.key() < b->best.key();
        });
        report out;
        const bool any_cause = !order.empty() && !order.front()->best.symptom;
        for (gathered *one : order) {
            finish(*one);
            const bool follows = any_cause && one->best.symptom;
            (follows ? out.symptoms : out.causes).push_back(std::move(one->told));
        }
        out.unexplained = std::move(unexplained_);
        out.work = scanner_.work() + work_;
        return out;
    }

    void finish(gathered &one) const {
        cause &told = one.told;
        const entry &about = *told.about;
        if (about.says == weight::symptom || one.best.cut)
            told.sure = confidence::possible;
        else if (about.says == weight::usual)
            told.sure = confidence::likely;
        else
            told.sure = confidence::certain;
        for (values &found : one.value_sets) {
            if (told.found.empty()) told.found = found;
            complete(found);
            for (const step &one_step : about.steps()) {
                filled_step filled{.on = one_step.on,
                                   .run = fill(one_step.run, found, true),
                                   .note = fill(one_step.note, found, false)};
                if (std::find(told.remedy.begin(), told.remedy.end(), filled) ==
                    told.remedy.end()) {
                    told.remedy.push_back(std::move(filled));
                }
            }
        }
        if (!one.value_sets.empty()) told.look = fill(about.look, one.value_sets.front(), false);
    }

    /// Adds the names that the evidence knows to those of a message.
    void complete(values &found) const {
        const auto know = [&found](std::string_view name, const std::string &value) {
            if (!value.empty() && find_value(found, name) == nullptr) {
                found.emplace_back(name, value);
            }
        };
        know("domain", all_.domain);
        know("source", all_.source);
        know("destination", all_.destination);
        know("host", all_.destination);
        if (const std::string *host = find_value(found, "host")) {
            const std::string copy = *host;
            know("destination", copy);
        }
    }

    static constexpr std::size_t most_value_sets = 4;
    static constexpr std::size_t most_unexplained = 20;
    static constexpr std::size_t longest_clue = 480;

    const evidence &all_;
    const rules &known_;
    text_scanner scanner_;
    std::map<const entry *, gathered> gathered_;
    std::vector<clue> unexplained_;
    std::size_t order_ = 0;
    std::uint64_t work_ = 0;
};

} // namespace detail

/// The causes for which `all` speaks, strongest first. Never throws on any text, and never guesses:
/// what matches nothing is returned as unexplained. The time taken grows linearly with the text.
[[nodiscard]] inline report diagnose(const evidence &all, const rules &known = rules::standard()) {
    return detail::gatherer(all, known).run();
}

/// The same for text alone: pasted output, or a whole log.
[[nodiscard]] inline report diagnose(std::string text) {
    evidence all;
    all.texts.push_back({.text = std::move(text)});
    return diagnose(all);
}

} // namespace kvmig::diagnosis
