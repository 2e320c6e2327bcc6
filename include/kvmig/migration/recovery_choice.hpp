// SPDX-License-Identifier: MIT
/// Where the rules must not decide alone: what a person can choose, and what follows from it.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/migration/origin.hpp>
#include <kvmig/migration/past.hpp>
#include <kvmig/migration/ruling.hpp>
#include <kvmig/migration/sighting.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace kvmig::migration {

/// The choices that are open after `decide` has settled nothing; empty when it has.
[[nodiscard]] inline std::vector<choice> choices_after(const ruling &r, const origin &o,
                                                       const past &p, const sighting &source,
                                                       const sighting &destination) {
    if (!r.feed.has(event::not_settled)) return {};
    const auto has_copy = [](const sighting &s) {
        return s.reachable() && s.seen != presence::absent;
    };
    std::vector<choice> out = {choice::ask_later};
    if (has_copy(source) && !forward_only(o.kind, p.position)) out.push_back(choice::keep_source);
    if (has_copy(destination)) out.push_back(choice::keep_destination);
    out.push_back(choice::take_over);
    return out;
}

/// What `c` means, for the person who is to choose.
[[nodiscard]] constexpr std::string_view meaning_of(choice c) noexcept {
    switch (c) {
    case choice::ask_later: return "repair what does not answer or is under way, and recover again";
    case choice::keep_source:
        return "the source's copy counts: what the destination runs is ended, and the guest goes "
               "on at the source. Only if the destination cannot run it now, and what it may have "
               "written is not needed";
    case choice::keep_destination:
        return "the destination's copy counts: what the source runs is ended, and the guest goes "
               "on at the destination. Only if the source cannot run it now, and the "
               "destination's memory and disks are complete";
    case choice::take_over:
        return "close the record without touching anything: it has been settled by hand";
    }
    return "unknown";
}

/// What follows from a person's choice: as `decide`, to be fed to the machine and done. Images at
/// either side are left alone. Fails with `refused` for a choice that is not open.
[[nodiscard]] inline expected<ruling> choose(choice c, const ruling &r, const origin &o,
                                             const past &p, const sighting &source,
                                             const sighting &destination) {
    const std::vector<choice> open = choices_after(r, o, p, source, destination);
    std::string words;
    bool found = false;
    for (const choice each : open) {
        found = found || each == c;
        words += words.empty() ? "open: " : ", ";
        words += to_string(each);
    }
    if (!found) {
        if (words.empty()) words = "recover without a choice; both hosts leave no doubt";
        return fail(make_error(error_kind::refused,
                               "the choice " + std::string(to_string(c)) + " is not open here")
                        .advise(std::move(words)));
    }
    ruling out;
    out.found = r.found;
    switch (c) {
    case choice::ask_later: out.feed.push_back(event::not_settled); break;
    case choice::take_over: out.feed.push_back(event::person_took_over); break;
    case choice::keep_source:
        if (destination.active()) {
            // And ask again: the source is touched only when the destination is known to be clear.
            out.feed.push_back(event::incoming_left_over);
            out.steps.push_back(host_step::destroy_destination);
            break;
        }
        out.feed.push_back(event::guest_at_source);
        if (source.seen == presence::paused && o.source_was == activity::running) {
            out.steps.push_back(host_step::resume_source);
        }
        if (source.seen == presence::shut_off && o.source_was != activity::off) {
            out.steps.push_back(host_step::start_source);
        }
        if (destination.persistent && !o.destination_defined) {
            out.steps.push_back(host_step::undefine_destination);
        }
        break;
    case choice::keep_destination:
        out.feed.push_back(event::guest_at_destination);
        if (source.active()) out.steps.push_back(host_step::destroy_source);
        if (o.start_at_destination && destination.seen == presence::paused) {
            out.steps.push_back(host_step::resume_destination);
        }
        if (o.start_at_destination && destination.seen == presence::shut_off) {
            out.steps.push_back(host_step::start_destination);
        }
        break;
    }
    return out;
}

/// For people: what was seen, what follows, and the choices.
[[nodiscard]] inline std::string describe(const ruling &r, const origin &o, const past &p,
                                          const sighting &source, const sighting &destination) {
    std::string out = "the record ends in " + std::string(to_string(p.position)) +
                      "\nsource: " + describe(source) + "\ndestination: " + describe(destination) +
                      "\n" + std::string(facts_of(r.found).why);
    for (const host_step step : r.steps) out += "\n- " + std::string(to_string(step));
    for (const choice c : choices_after(r, o, p, source, destination)) {
        out += "\n" + std::string(to_string(c)) + ": " + std::string(meaning_of(c));
    }
    return out;
}

} // namespace kvmig::migration
