// SPDX-License-Identifier: MIT
#include <lab/guest/json_fields.hpp>
#include <lab/guest/messages.hpp>

#include <array>
#include <utility>

namespace kvmig::lab::guest {

using nlohmann::json;

namespace {

constexpr std::array<std::pair<action, std::string_view>, 11> actions{{
    {action::status, "status"},
    {action::ready, "ready"},
    {action::set_workload, "set_workload"},
    {action::reset_stalls, "reset_stalls"},
    {action::verify_memory, "verify_memory"},
    {action::write_disk, "write_disk"},
    {action::verify_disk, "verify_disk"},
    {action::sync, "sync"},
    {action::shutdown, "shutdown"},
    {action::damage_memory, "damage_memory"},
    {action::damage_disk, "damage_disk"},
}};

constexpr std::array error_kinds{
    error_kind::invalid_argument, error_kind::not_found,
    error_kind::conflict,         error_kind::refused,
    error_kind::unsupported,      error_kind::environment,
    error_kind::unreachable,      error_kind::timed_out,
    error_kind::cancelled,        error_kind::io,
    error_kind::protocol,         error_kind::failed,
};

std::string_view mode_name(write_mode mode) { return mode == write_mode::word ? "word" : "page"; }

expected<write_mode> mode_named(const std::string &name) {
    if (name == "word") return write_mode::word;
    if (name == "page") return write_mode::page;
    return fail(make_error(error_kind::protocol, "'" + name + "' is no way of writing a page")
                    .advise("say 'word' or 'page'"));
}

json to_value(const memory_status &in) {
    return {{"pages", in.size.count()},     {"filled", in.filled.count()},
            {"writes", in.writes},          {"missed", in.missed},
            {"rate", in.rate.per_second()}, {"working_set", in.working_set.count()},
            {"mode", mode_name(in.mode)}};
}
json to_value(const disk_status &in) {
    json out{{"path", in.path},     {"offset", in.offset.count()}, {"blocks", in.blocks},
             {"direct", in.direct}, {"writes", in.writes},         {"missed", in.missed},
             {"rate", in.rate}};
    if (in.fault) out["fault"] = *in.fault;
    return out;
}

template <class T> expected<T> finished(const json_fields &fields, T value) {
    if (auto read = fields.finish(); !read) return fail(read.error());
    return value;
}

expected<json> parse_line(std::string_view line, const char *what) {
    if (line.size() > longest_line) {
        return fail(error_kind::protocol, std::string(what) + " is longer than " +
                                              std::to_string(longest_line) + " bytes");
    }
    json document = json::parse(line, nullptr, false);
    if (!document.is_object()) {
        return fail(error_kind::protocol, std::string(what) + " is not a JSON object");
    }
    return document;
}

std::string line(const json &document) {
    // Foreign bytes in an error's text must not make the answer impossible.
    return document.dump(-1, ' ', true, json::error_handler_t::replace) + '\n';
}

} // namespace

std::string_view to_string(action what) noexcept {
    for (const auto &[known, name] : actions) {
        if (known == what) return name;
    }
    return "unknown";
}

void to_json(json &out, const greeting &in) {
    out = {{"hello", protocol_version}, {"name", in.name}, {"boot_id", in.boot_id.text()}};
}
void to_json(json &out, const workload_change &in) {
    out = json::object();
    if (in.rate) out["rate"] = in.rate->per_second();
    if (in.working_set) out["working_set"] = in.working_set->count();
    if (in.mode) out["mode"] = mode_name(*in.mode);
    if (in.disk_rate) out["disk_rate"] = *in.disk_rate;
}
void to_json(json &out, const block_range &in) {
    out = {{"first", in.first}};
    if (in.count) out["count"] = *in.count;
}
void to_json(json &out, const damage_request &in) { out = {{"index", in.index}}; }
void to_json(json &out, const memory_verdict &in) {
    out = {{"checked", in.checked},
           {"bad", in.bad},
           {"first_bad", in.first_bad},
           {"table_consistent", in.table_consistent}};
}
void to_json(json &out, const disk_verdict &in) {
    out = {{"checked", in.checked}, {"bad", in.bad},
           {"current", in.current}, {"earlier", in.earlier},
           {"blank", in.blank},     {"foreign", in.foreign},
           {"digest", in.digest},   {"first_bad", in.first_bad}};
}
void to_json(json &out, const stall_histogram &in) {
    json kept = json::array();
    for (const stall &each : in.kept) kept.push_back({each.until.count(), each.length.count()});
    out = {{"count", in.count},
           {"longest_ns", in.longest.count()},
           {"longest_at_ns", in.longest_at.count()},
           {"since_ns", in.since.count()},
           {"counts", in.counts},
           {"kept_ns", std::move(kept)}};
}
void to_json(json &out, const guest_status &in) {
    out = {{"name", in.name},
           {"boot_id", in.boot_id.text()},
           {"kernel", in.kernel},
           {"uptime_ns", in.uptime.count()},
           {"monotonic_ns", in.monotonic.count()},
           {"memory", to_value(in.memory)},
           {"disk", to_value(in.disk)},
           {"stalls", in.stalls},
           {"heartbeat", {{"sent", in.heartbeat.sent}, {"failed", in.heartbeat.failed}}},
           {"sessions",
            {{"accepted", in.sessions.accepted},
             {"open", in.sessions.open},
             {"echoed", in.sessions.echoed}}},
           {"pci", in.pci},
           {"faults", in.faults}};
}

template <> expected<greeting> from_message<greeting>(const json &in) {
    greeting out;
    std::string version;
    json_fields fields{in, "the guest's greeting"};
    fields.take("hello", version).take("name", out.name).take("boot_id", out.boot_id);
    if (auto read = fields.finish(); !read) return fail(read.error());
    if (version != protocol_version) {
        return fail(make_error(error_kind::protocol, "the guest speaks '" + version + "', not '" +
                                                         std::string(protocol_version) + "'")
                        .advise("build the guest's image anew from this version's agent"));
    }
    return out;
}

template <> expected<workload_change> from_message<workload_change>(const json &in) {
    workload_change out;
    std::optional<std::string> mode;
    json_fields fields{in, "the workload"};
    fields.only({"rate", "working_set", "mode", "disk_rate"})
        .take("rate", out.rate)
        .take("working_set", out.working_set)
        .take("mode", mode)
        .take("disk_rate", out.disk_rate);
    if (auto read = fields.finish(); !read) return fail(read.error());
    if (mode) {
        const auto known = mode_named(*mode);
        if (!known) return fail(known.error());
        out.mode = *known;
    }
    return out;
}

template <> expected<block_range> from_message<block_range>(const json &in) {
    block_range out;
    json_fields fields{in, "the range of blocks"};
    fields.only({"first", "count"}).take("first", out.first).take("count", out.count);
    return finished(fields, out);
}

template <> expected<damage_request> from_message<damage_request>(const json &in) {
    damage_request out;
    json_fields fields{in, "the place to damage"};
    fields.only({"index"}).take("index", out.index);
    return finished(fields, out);
}

template <> expected<memory_verdict> from_message<memory_verdict>(const json &in) {
    memory_verdict out;
    json_fields fields{in, "the verdict on memory"};
    fields.take("checked", out.checked)
        .take("bad", out.bad)
        .take("first_bad", out.first_bad)
        .take("table_consistent", out.table_consistent);
    return finished(fields, out);
}

template <> expected<disk_verdict> from_message<disk_verdict>(const json &in) {
    disk_verdict out;
    json_fields fields{in, "the verdict on the disk"};
    fields.take("checked", out.checked)
        .take("bad", out.bad)
        .take("current", out.current)
        .take("earlier", out.earlier)
        .take("blank", out.blank)
        .take("foreign", out.foreign)
        .take("digest", out.digest)
        .take("first_bad", out.first_bad);
    return finished(fields, out);
}

template <> expected<stall_histogram> from_message<stall_histogram>(const json &in) {
    stall_histogram out;
    std::vector<std::array<std::chrono::nanoseconds, 2>> kept;
    json_fields fields{in, "the guest's stalls"};
    fields.take("count", out.count)
        .take("longest_ns", out.longest)
        .take("longest_at_ns", out.longest_at)
        .take("since_ns", out.since)
        .take("counts", out.counts)
        .take("kept_ns", kept);
    for (const auto &[until, length] : kept) out.kept.push_back({until, length});
    return finished(fields, out);
}

template <> expected<guest_status> from_message<guest_status>(const json &in) {
    guest_status out;
    json memory, disk, stalls, heartbeat, sessions;
    std::string mode;
    json_fields fields{in, "the guest's status"};
    fields.take("name", out.name)
        .take("boot_id", out.boot_id)
        .take("kernel", out.kernel)
        .take("uptime_ns", out.uptime)
        .take("monotonic_ns", out.monotonic)
        .take("memory", memory)
        .take("disk", disk)
        .take("stalls", stalls)
        .take("heartbeat", heartbeat)
        .take("sessions", sessions)
        .take("pci", out.pci)
        .take("faults", out.faults);
    if (auto read = fields.finish(); !read) return fail(read.error());

    json_fields of_memory{memory, "the guest's memory status"};
    of_memory.take("pages", out.memory.size)
        .take("filled", out.memory.filled)
        .take("writes", out.memory.writes)
        .take("missed", out.memory.missed)
        .take("rate", out.memory.rate)
        .take("working_set", out.memory.working_set)
        .take("mode", mode);
    if (auto read = of_memory.finish(); !read) return fail(read.error());
    const auto known = mode_named(mode);
    if (!known) return fail(known.error());
    out.memory.mode = *known;

    json_fields of_disk{disk, "the guest's disk status"};
    of_disk.take("path", out.disk.path)
        .take("offset", out.disk.offset)
        .take("blocks", out.disk.blocks)
        .take("direct", out.disk.direct)
        .take("writes", out.disk.writes)
        .take("missed", out.disk.missed)
        .take("rate", out.disk.rate)
        .take("fault", out.disk.fault);
    if (auto read = of_disk.finish(); !read) return fail(read.error());

    auto histogram = from_message<stall_histogram>(stalls);
    if (!histogram) return fail(histogram.error());
    out.stalls = *histogram;

    json_fields of_heartbeat{heartbeat, "the guest's heartbeat status"};
    of_heartbeat.take("sent", out.heartbeat.sent).take("failed", out.heartbeat.failed);
    if (auto read = of_heartbeat.finish(); !read) return fail(read.error());
    json_fields of_sessions{sessions, "the guest's session status"};
    of_sessions.take("accepted", out.sessions.accepted)
        .take("open", out.sessions.open)
        .take("echoed", out.sessions.echoed);
    return finished(of_sessions, out);
}

std::string encode(const greeting &in) { return line(in); }
std::string encode(const request &in) {
    return line({{"id", in.id}, {"do", to_string(in.what)}, {"with", in.with}});
}
std::string encode(const reply &in) {
    if (const auto *value = std::get_if<json>(&in.result)) {
        return line({{"id", in.id}, {"ok", *value}});
    }
    const auto &err = std::get<error>(in.result);
    return line({{"id", in.id},
                 {"error",
                  {{"kind", to_string(err.kind)},
                   {"what", err.what},
                   {"object", err.object},
                   {"remedy", err.remedy}}}});
}

expected<greeting> decode_greeting(std::string_view text) {
    const auto document = parse_line(text, "the guest's greeting");
    if (!document) return fail(document.error());
    return from_message<greeting>(*document);
}

expected<request> decode_request(std::string_view text) {
    const auto document = parse_line(text, "the request");
    if (!document) return fail(document.error());
    request out;
    std::string name;
    std::optional<json> with;
    json_fields fields{*document, "the request"};
    fields.only({"id", "do", "with"}).take("id", out.id).take("do", name).take("with", with);
    if (auto read = fields.finish(); !read) return fail(read.error());
    if (with) out.with = std::move(*with);
    for (const auto &[known, known_name] : actions) {
        if (known_name != name) continue;
        out.what = known;
        return out;
    }
    std::string advice = "ask for one of:";
    for (const auto &known : actions) (advice += ' ') += known.second;
    return fail(make_error(error_kind::protocol, "the guest cannot do '" + name.substr(0, 60) + "'")
                    .advise(advice));
}

expected<reply> decode_reply(std::string_view text) {
    auto document = parse_line(text, "the guest's reply");
    if (!document) return fail(document.error());
    reply out;
    std::optional<json> ok, failure;
    json_fields fields{*document, "the guest's reply"};
    fields.take("id", out.id).take("ok", ok).take("error", failure);
    if (auto read = fields.finish(); !read) return fail(read.error());
    if (ok.has_value() == failure.has_value()) {
        return fail(error_kind::protocol,
                    "the guest's reply has neither 'ok' nor 'error', or both");
    }
    if (ok) {
        out.result = std::move(*ok);
        return out;
    }
    error err;
    std::string kind;
    json_fields of_error{*failure, "the error in the guest's reply"};
    of_error.take("kind", kind)
        .take("what", err.what)
        .take("object", err.object)
        .take("remedy", err.remedy);
    if (auto read = of_error.finish(); !read) return fail(read.error());
    for (const error_kind known : error_kinds) {
        if (to_string(known) == kind) err.kind = known;
    }
    out.result = std::move(err);
    return out;
}

} // namespace kvmig::lab::guest
