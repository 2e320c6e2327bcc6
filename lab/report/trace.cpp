// SPDX-License-Identifier: MIT
#include <lab/report/median.hpp>
#include <lab/report/repetition.hpp>
#include <lab/report/trace.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

namespace kvmig::lab {

namespace {

/// Times in milliseconds until they are written.
constexpr double pause_between = 1000;
/// Five heartbeats that did not come.
constexpr double silence = 50;

constexpr int controller_process = 1;
constexpr int network_process = 2;
constexpr int guest_process = 3;
constexpr int first_host = 10;

const nlohmann::json &member(const nlohmann::json &of, const std::string &name) {
    static const nlohmann::json none;
    if (!of.is_object()) return none;
    const auto found = of.find(name);
    return found == of.end() ? none : *found;
}

/// Samples are whatever the version that ran wrote: what is not there is not drawn.
std::optional<double> number_of(const nlohmann::json &of, const std::string &name) {
    const nlohmann::json &value = member(of, name);
    if (!value.is_number()) return std::nullopt;
    return value.get<double>();
}

std::string text_of(const nlohmann::json &of, const std::string &name) {
    const nlohmann::json &value = member(of, name);
    return value.is_string() ? value.get<std::string>() : std::string{};
}

/// A row of numbers, `null` as nothing; empty when it is no row.
std::vector<std::optional<double>> row_of(const nlohmann::json &row) {
    std::vector<std::optional<double>> out;
    if (!row.is_array()) return out;
    for (const nlohmann::json &each : row) {
        out.push_back(each.is_number() ? std::optional(each.get<double>()) : std::nullopt);
    }
    return out;
}

/// One move, or one stretch of time that was watched, with the names that its samples have.
struct stretch {
    std::string prefix;
    double begun = 0;   ///< of the migration, on the axis
    double watched = 0; ///< since when it is watched, on the axis
    double until = 0;   ///< on the axis
    const nlohmann::json *migration = nullptr;
};

class trace_writer {
public:
    void add(const scenario_result &one, const std::string &name);
    [[nodiscard]] std::string text() &&;

private:
    struct track {
        int process;
        int thread;
    };

    void describe_process(int process, const std::string &name) {
        about_.push_back({{"ph", "M"},
                          {"pid", process},
                          {"tid", 0},
                          {"name", "process_name"},
                          {"args", {{"name", name}}}});
        about_.push_back({{"ph", "M"},
                          {"pid", process},
                          {"tid", 0},
                          {"name", "process_sort_index"},
                          {"args", {{"sort_index", process}}}});
    }
    /// The thread `name` of a process, which is told of when it is first needed.
    track track_of(int process, const std::string &of, const std::string &name);
    track controller(const std::string &name) {
        return track_of(controller_process, "controller", name);
    }
    track host(const std::string &hostname, const std::string &name) {
        const auto number = first_host + static_cast<int>(hosts_.size());
        const int process = hosts_.emplace(hostname, number).first->second;
        return track_of(process, hostname + ": libvirt and QEMU", name);
    }

    /// A slice behind those that its track has already: where two would overlap, the later one
    /// begins as the earlier ends.
    void slice(const track &on, const std::string &name, double from, double to,
               nlohmann::json args = nlohmann::json::object());
    void instant(const track &on, const std::string &name, double at,
                 nlohmann::json args = nlohmann::json::object()) {
        events_.push_back({at, 0, {{"ph", "i"}, {"s", "t"}, {"name", name}}});
        events_.back().put(on.process, on.thread, std::move(args));
    }
    void counter(const track &on, const std::string &name, double at, double value) {
        events_.push_back({at, 0, {{"ph", "C"}, {"name", name}}});
        events_.back().put(on.process, 0, {{"value", value}});
    }

    [[nodiscard]] std::vector<stretch> stretches_of(const scenario_result &one) const;
    void add_migration(const stretch &of);
    void add_job(const stretch &of);
    void add_outside(const scenario_result &one, const stretch &of);
    void add_stalls(const scenario_result &one, const stretch &of);

    struct event {
        double at;
        double length;
        nlohmann::json what;

        void put(int process, int thread, nlohmann::json args) {
            what["pid"] = process;
            what["tid"] = thread;
            what["ts"] = at * 1000;
            if (!args.empty()) what["args"] = std::move(args);
        }
    };
    std::vector<event> events_;
    nlohmann::json about_ = nlohmann::json::array();
    std::map<std::pair<int, std::string>, int> threads_;
    std::map<std::string, int> hosts_;
    std::map<std::pair<int, int>, double> ends_; ///< of the last slice of each track
    std::vector<double> pings_;                  ///< how long those took that were answered
    double now_ = 0;                             ///< where the next scenario begins
};

trace_writer::track trace_writer::track_of(int process, const std::string &of,
                                           const std::string &name) {
    const auto known = threads_.find({process, name});
    if (known != threads_.end()) return {process, known->second};
    const auto others =
        static_cast<int>(std::count_if(threads_.begin(), threads_.end(), [&](const auto &each) {
            return each.first.first == process;
        }));
    if (others == 0) describe_process(process, of);
    const int thread = others + 1;
    threads_.emplace(std::pair{process, name}, thread);
    for (const auto &[what, args] :
         {std::pair{"thread_name", nlohmann::json{{"name", name}}},
          std::pair{"thread_sort_index", nlohmann::json{{"sort_index", thread}}}}) {
        about_.push_back(
            {{"ph", "M"}, {"pid", process}, {"tid", thread}, {"name", what}, {"args", args}});
    }
    return {process, thread};
}

void trace_writer::slice(const track &on, const std::string &name, double from, double to,
                         nlohmann::json args) {
    double &end = ends_[{on.process, on.thread}];
    from = std::max(from, end);
    if (to <= from) return;
    end = to;
    events_.push_back(
        {from, to - from, {{"ph", "X"}, {"name", name}, {"dur", (to - from) * 1000}}});
    events_.back().put(on.process, on.thread, std::move(args));
}

/// In the order in which they began.
std::vector<stretch> trace_writer::stretches_of(const scenario_result &one) const {
    constexpr std::string_view words[] = {"migration", "heartbeat"};
    std::map<std::string, stretch> found;
    if (one.samples.is_object()) {
        for (const auto &[name, value] : one.samples.items()) {
            for (const std::string_view word : words) {
                if (!name.ends_with(word)) continue;
                const std::string prefix = name.substr(0, name.size() - word.size());
                found[prefix].prefix = prefix;
                if (word == words[0] && value.is_object()) found[prefix].migration = &value;
            }
        }
    }
    std::vector<stretch> out;
    double behind = now_; // for those of which it is not known
    for (auto &[prefix, each] : found) {
        const nlohmann::json none;
        const nlohmann::json &migration = each.migration == nullptr ? none : *each.migration;
        const nlohmann::json &beats = member(one.samples, prefix + "heartbeat");
        const double later = number_of(migration, "watched_for").value_or(0);
        const auto begun = number_of(migration, "begun");
        const auto watched = number_of(beats, "begun");
        each.begun = begun ? now_ + *begun : watched ? now_ + *watched + later : behind + later;
        each.watched = watched ? now_ + *watched : each.begun - later;
        each.until = each.begun + number_of(migration, "wall_time").value_or(0);
        for (const char *list : {"transitions", "samples"}) {
            const nlohmann::json &all = member(migration, list);
            if (!all.is_array() || all.empty()) continue;
            const auto last =
                number_of(all.back(), list == std::string_view("samples") ? "since_start" : "at");
            each.until = std::max(each.until, each.begun + last.value_or(0));
        }
        behind = std::max(behind, each.until) + pause_between;
        out.push_back(each);
    }
    std::stable_sort(out.begin(), out.end(),
                     [](const stretch &a, const stretch &b) { return a.watched < b.watched; });
    return out;
}

void trace_writer::add_migration(const stretch &of) {
    const nlohmann::json &all = member(*of.migration, "transitions");
    const track states = controller("state machine");
    if (all.is_array()) {
        for (std::size_t i = 0; i < all.size(); ++i) {
            const auto from = number_of(all[i], "at");
            if (!from) continue;
            const auto next = i + 1 < all.size() ? number_of(all[i + 1], "at") : std::nullopt;
            const nlohmann::json why{{"on", text_of(all[i], "on")},
                                     {"from", text_of(all[i], "from")}};
            const std::string state = text_of(all[i], "to");
            if (next) {
                slice(states, state, of.begun + *from, of.begun + *next, why);
            } else {
                instant(states, state, of.begun + *from, why);
            }
        }
    }
    const nlohmann::json &steered = member(*of.migration, "steered");
    for (const nlohmann::json &each : steered.is_array() ? steered : nlohmann::json::array()) {
        if (const auto at = number_of(each, "at")) {
            instant(controller("decisions"), text_of(each, "what"), of.begun + *at,
                    {{"reason", text_of(each, "reason")}});
        }
    }
    const nlohmann::json &told = member(*of.migration, "told");
    for (const nlohmann::json &each : told.is_array() ? told : nlohmann::json::array()) {
        if (const auto at = number_of(each, "at")) {
            instant(host(text_of(each, "host"), "events"), text_of(each, "what"), of.begun + *at);
        }
    }
}

std::string phase_of_sample(const nlohmann::json &sample) {
    const auto some = [&](const char *name) { return number_of(sample, name).value_or(0) > 0; };
    if (some("memory_postcopy_requests")) return "post-copy";
    if (some("memory_total")) return "memory";
    return some("disk_total") ? "disks" : "preparing";
}

/// What the source's libvirt told of its job each time it was asked.
void trace_writer::add_job(const stretch &of) {
    const nlohmann::json &samples = member(*of.migration, "samples");
    if (!samples.is_array() || samples.empty()) return;
    const std::string source = text_of(member(*of.migration, "source"), "hostname");
    const auto at = [&](std::size_t i) {
        return of.begun + number_of(samples[i], "since_start").value_or(0);
    };
    /// Runs of equal texts, as slices.
    const auto runs = [&](const char *thread, const auto &text) {
        std::size_t first = 0;
        for (std::size_t i = 1; i <= samples.size(); ++i) {
            if (i < samples.size() && text(samples[i]) == text(samples[first])) continue;
            const std::string name = text(samples[first]);
            const double end = i < samples.size() ? at(i) : of.until;
            if (!name.empty()) slice(host(source, thread), name, at(first), end);
            first = i;
        }
    };
    runs("job", phase_of_sample);
    runs("passes over memory", [](const nlohmann::json &sample) {
        const auto pass = number_of(sample, "iteration");
        if (!pass || phase_of_sample(sample) == "preparing") return std::string{};
        return fmt::format("pass {:.0f}", *pass);
    });
    constexpr double mib = 1024.0 * 1024.0;
    const track where = host(source, "job");
    std::map<std::string, double> newest;
    for (std::size_t i = 0; i < samples.size(); ++i) {
        const nlohmann::json &each = samples[i];
        const double page = number_of(each, "memory_page_size").value_or(4096);
        for (const auto &[counted, name, factor] :
             {std::tuple{"memory_remaining", "memory left, MiB", 1 / mib},
              std::tuple{"disk_remaining", "disks left, MiB", 1 / mib},
              std::tuple{"memory_bps", "sent, MiB/s", 1 / mib},
              std::tuple{"memory_dirty_rate", "dirtied, MiB/s", page / mib},
              std::tuple{"auto_converge_throttle", "guest slowed, %", 1.0}}) {
            const auto value = number_of(each, counted);
            const auto before = newest.find(name);
            // What was never more than nothing is not drawn.
            if (!value || (*value == 0 && before == newest.end())) continue;
            if (before != newest.end() && before->second == *value * factor) continue;
            newest[name] = *value * factor;
            counter(where, name, at(i), *value * factor);
        }
    }
    for (const auto &[name, value] : newest) {
        if (value != 0) counter(where, name, of.until, 0);
    }
}

void trace_writer::add_outside(const scenario_result &one, const stretch &of) {
    // What was heard before the watch began belongs to the stretch before.
    const nlohmann::json &beats = member(member(one.samples, of.prefix + "heartbeat"), "arrivals");
    std::optional<double> last;
    for (const nlohmann::json &each : beats.is_array() ? beats : nlohmann::json::array()) {
        const auto row = row_of(each);
        if (row.empty() || !row[0] || *row[0] < 0) continue;
        if (last && *row[0] - *last >= silence) {
            slice(track_of(network_process, "network, seen by the controller", "heartbeat"),
                  "no heartbeat", of.watched + *last, of.watched + *row[0]);
        }
        last = row[0];
    }
    const nlohmann::json &pings = member(member(one.samples, of.prefix + "pings"), "pings");
    double lost = 0; // when the first of those was sent that were lost in a row
    int count = 0;
    for (const nlohmann::json &each : pings.is_array() ? pings : nlohmann::json::array()) {
        const auto row = row_of(each);
        if (row.size() < 2 || !row[0] || *row[0] < 0) continue;
        if (!row[1]) {
            if (count++ == 0) lost = *row[0];
            continue;
        }
        pings_.push_back(*row[1]);
        if (count > 0) {
            slice(track_of(network_process, "network, seen by the controller", "pings"),
                  "pings lost", of.watched + lost, of.watched + *row[0], {{"lost", count}});
        }
        count = 0;
    }
}

void trace_writer::add_stalls(const scenario_result &one, const stretch &of) {
    const nlohmann::json &stalls =
        member(member(member(one.samples, of.prefix + "guest"), "stalls"), "placed");
    for (const nlohmann::json &each : stalls.is_array() ? stalls : nlohmann::json::array()) {
        const auto row = row_of(each);
        if (row.size() < 3 || !row[0] || !row[1] || !row[2]) continue;
        slice(track_of(guest_process, "guest", "stalls"), "stall", of.watched + *row[0],
              of.watched + *row[1], {{"milliseconds by the guest's own clock", *row[2]}});
    }
}

void trace_writer::add(const scenario_result &one, const std::string &name) {
    const auto all = stretches_of(one);
    double end = now_ + one.seconds * 1000;
    for (const stretch &each : all) end = std::max(end, each.until);
    nlohmann::json args{{"outcome", to_string(one.result)}};
    if (!one.reason.empty()) args["reason"] = one.reason;
    slice(controller("scenarios"), name, now_, end, std::move(args));
    for (const stretch &each : all) {
        add_outside(one, each);
        add_stalls(one, each);
        if (each.migration == nullptr) continue;
        const nlohmann::json &migration = *each.migration;
        nlohmann::json about{{"outcome", text_of(migration, "outcome")}};
        for (const char *side : {"source", "destination"}) {
            about[side] = text_of(member(migration, side), "hostname");
        }
        const std::string why = text_of(member(migration, "error"), "what");
        if (!why.empty()) about["error"] = why;
        slice(controller("migrations"), each.prefix + "migration", each.begun, each.until,
              std::move(about));
        add_migration(each);
        add_job(each);
    }
    now_ = end + pause_between;
}

std::string trace_writer::text() && {
    std::stable_sort(events_.begin(), events_.end(), [](const event &a, const event &b) {
        return a.at != b.at ? a.at < b.at : a.length > b.length;
    });
    std::string clocks =
        "Times are the controller's steady clock, from the beginning of the first scenario on; of "
        "what lies between two scenarios one second is left. What the controller saw is exact. "
        "libvirt's events have the time at which they arrived at the controller. Stalls are placed "
        "by the guest's heartbeats, which carry the guest's clock, and are late by as long as a "
        "heartbeat travels.";
    if (!pings_.empty()) {
        clocks +=
            fmt::format(" Pings to the guest and back took {:.1f} ms (median), {:.1f} ms at most.",
                        median(pings_), *std::max_element(pings_.begin(), pings_.end()));
    }
    nlohmann::json out{{"displayTimeUnit", "ms"}, {"otherData", {{"clocks", clocks}}}};
    out["traceEvents"] = std::move(about_);
    for (event &each : events_) out["traceEvents"].push_back(std::move(each.what));
    return out.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
}

} // namespace

std::string trace_of(const run_result &run) {
    trace_writer out;
    const auto names = names_of(run);
    for (std::size_t i = 0; i < names.size(); ++i) out.add(run.scenarios[i], names[i]);
    return std::move(out).text();
}

} // namespace kvmig::lab
