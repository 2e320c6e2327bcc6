// SPDX-License-Identifier: MIT
#include <lab/machine/remote.hpp>
#include <lab/scenario/host_look.hpp>
#include <lab/scenario/kept_settings.hpp>

#include <kvmig/host/command.hpp>
#include <kvmig/tuning/value.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kvmig::lab {

std::vector<const machine_spec *> both_hosts() {
    return {find_machine("kvm01"), find_machine("kvm02")};
}

std::string writing_of(const std::vector<std::string> &files,
                       const std::map<std::string, std::string> &texts) {
    std::string out;
    for (const std::string &file : files) {
        out += fmt::format("{}echo {} > {}", out.empty() ? "" : "; ",
                           host::quoted(tuning::chosen(texts.at(file))), host::quoted(file));
    }
    return out;
}

expected<kept_settings::texts_of_hosts> kept_settings::now() const {
    texts_of_hosts out;
    std::vector<std::string> argv{"grep", "-H", ""};
    argv.insert(argv.end(), files_.begin(), files_.end());
    for (const machine_spec *host : both_hosts()) {
        auto said = remote_output(*host, argv, stop_);
        if (!said) return fail(std::move(said).error());
        auto texts = texts_by_path(*said);
        if (!texts) return fail(std::move(texts).error());
        out[host->name] = *std::move(texts);
    }
    return out;
}

expected<kept_settings> kept_settings::read(std::vector<std::string> files, std::stop_token stop) {
    kept_settings out(std::move(files), std::move(stop));
    auto now = out.now();
    if (!now) return fail(std::move(now).error());
    out.before_ = *std::move(now);
    return out;
}

expected<void> kept_settings::put_back(scenario_result &out) const {
    for (const machine_spec *host : both_hosts()) {
        auto done = remote_shell(*host, writing_of(files_, before_.at(host->name)), stop_);
        if (!done) return fail(std::move(done).error());
    }
    auto after = now();
    if (!after) return fail(std::move(after).error());
    std::string said;
    for (const auto &[host, texts] : *after) {
        for (const auto &[file, text] : texts) {
            said += fmt::format("{}{}: {} {}", said.empty() ? "" : "; ", host, file,
                                tuning::trimmed(text));
        }
    }
    out.prove("both hosts' settings are as before", *after == before_, said);
    return {};
}

} // namespace kvmig::lab
