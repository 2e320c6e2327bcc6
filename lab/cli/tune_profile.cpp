// SPDX-License-Identifier: MIT
#include <lab/cli/tune_profile.hpp>

#include <lab/topology/files.hpp>

#include <kvmig/tuning/profile.hpp>
#include <kvmig/tuning/profile_file.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <string_view>

namespace kvmig::lab::cli {

namespace {

std::vector<std::string> profile_names() {
    std::vector<std::string> out;
    for (const tuning::builtin_profile &one : tuning::profiles) out.emplace_back(one.name);
    return out;
}

bool is_profile_name(const std::string &text) {
    const auto names = profile_names();
    return std::find(names.begin(), names.end(), text) != names.end();
}

expected<tuning::profile> profile_of(const std::string &asked) {
    if (is_profile_name(asked)) return tuning::find_profile(asked);
    const auto text = read_file(asked);
    if (!text) return fail(text.error());
    return tuning::parse_profile(*text, asked);
}

std::string wanted_text(const tuning::profile_row &row) {
    switch (row.setting.how) {
    case tuning::wanted::at_least: return "at least " + row.want;
    case tuning::wanted::latency_of_state: return "at most " + row.want;
    case tuning::wanted::exactly: break;
    }
    return row.want;
}

} // namespace

expected<tune_answer> plan_for_profile(const tune_request &asked, const host::kernel_files &files) {
    const auto found = profile_of(asked.profile);
    if (!found) return fail(found.error());
    const host::profile_files read = host::read_profile(files, *found);
    tune_answer out;
    out.plan = tuning::plan_profile(*found, read.texts);
    for (const std::string &why : read.unreadable) out.plan.note(why);
    out.more["profile"] = found->name;
    if (!asked.diff) return out;
    nlohmann::json &all = out.more["files"] = nlohmann::json::array();
    for (const tuning::profile_row &row : tuning::compare_profile(*found, read.texts).rows) {
        all.push_back({{"target", row.path},
                       {"setting", row.setting.name},
                       {"is", row.is},
                       {"wanted", wanted_text(row)},
                       {"fits", row.satisfied}});
        out.text += fmt::format("{} {}  {}{}\n", row.satisfied ? ' ' : '!', row.path, row.is,
                                row.satisfied ? "" : ", wanted " + wanted_text(row));
    }
    return out;
}

CLI::Validator profile_or_file() {
    return CLI::Validator(
        [](const std::string &text) {
            // A path is told of when it is read.
            if (is_profile_name(text) || text.find('/') != std::string::npos ||
                CLI::ExistingFile(text).empty()) {
                return std::string{};
            }
            return fmt::format("there is no profile {} and no file of that name; the profiles are "
                               "{}",
                               text, fmt::join(profile_names(), ", "));
        },
        fmt::format("{{{}}}", fmt::join(profile_names(), ",")));
}

} // namespace kvmig::lab::cli
