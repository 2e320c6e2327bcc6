// SPDX-License-Identifier: MIT
#include <lab/scenario/child.hpp>
#include <lab/scenario/kvmig_check.hpp>

#include <algorithm>
#include <chrono>
#include <fmt/format.h>

namespace kvmig::lab {

namespace {

constexpr std::chrono::minutes longest_check{5};

nlohmann::json findings_of(const checked &told) {
    return told.answer.value("findings", nlohmann::json::array());
}

} // namespace

bool checked::found(const std::string &id, const std::string &severity) const {
    const nlohmann::json all = findings_of(*this);
    return std::any_of(all.begin(), all.end(), [&](const nlohmann::json &each) {
        return each.value("id", "") == id && each.value("severity", "") == severity;
    });
}

std::string checked::seen() const {
    std::string out = fmt::format("status {}, {}", status, verdict());
    for (const nlohmann::json &each : findings_of(*this)) {
        out += fmt::format("; {} {}: {}", each.value("id", ""), each.value("severity", ""),
                           each.value("seen", ""));
    }
    return out;
}

std::string checked::cause() const {
    const auto causes = canary().value("causes", nlohmann::json::array());
    return causes.empty() ? "no cause" : causes[0].value("id", "");
}

host::command check_command(const performer &who, std::vector<std::string> options) {
    options.insert(options.begin(),
                   {"check", who.guest.name, "--from", "kvm01", "--to", "kvm02", "--json"});
    host::command out = kvmig_command(std::move(options));
    out.timeout = longest_check;
    return out;
}

expected<checked> ask_check(scenario_context &context, const std::string &doing,
                            const host::command &check) {
    context.tell(doing);
    const auto begun = std::chrono::steady_clock::now();
    auto done = host::run(check, context.stop);
    if (!done) return fail(std::move(done).error());
    checked out;
    out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    out.status = done->status;
    out.answer = nlohmann::json::parse(done->out, nullptr, false);
    if (out.answer.is_discarded() || !out.answer.is_object()) {
        return fail(make_error(error_kind::protocol,
                               fmt::format("kvmig check ended with status {}", done->status))
                        .because(make_error(error_kind::failed, done->err)));
    }
    context.out.samples[doing] = out.answer;
    return out;
}

} // namespace kvmig::lab
