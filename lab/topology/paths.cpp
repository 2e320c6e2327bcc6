// SPDX-License-Identifier: MIT
#include <lab/topology/paths.hpp>

#include <cstdlib>
#include <fmt/format.h>

namespace kvmig::lab {

namespace {

expected<std::filesystem::path> base(const char *variable, const char *fallback) {
    if (const char *value = std::getenv(variable); value != nullptr && *value == '/') {
        return std::filesystem::path{value} / "kvmig";
    }
    if (const char *home = std::getenv("HOME"); home != nullptr && *home == '/') {
        return std::filesystem::path{home} / fallback / "kvmig";
    }
    return fail(make_error(error_kind::environment,
                           fmt::format("neither {} nor HOME names a directory", variable))
                    .advise("set HOME"));
}

std::filesystem::path with_suffix(const std::filesystem::path &directory, std::string_view machine,
                                  std::string_view suffix) {
    return directory / fmt::format("{}{}", machine, suffix);
}

} // namespace

expected<std::filesystem::path> cache_directory() { return base("XDG_CACHE_HOME", ".cache"); }

expected<std::filesystem::path> state_directory() { return base("XDG_STATE_HOME", ".local/state"); }

std::filesystem::path lab_paths::overlay(std::string_view machine) const {
    return with_suffix(running(), machine, ".qcow2");
}
std::filesystem::path lab_paths::console(std::string_view machine) const {
    return with_suffix(running(), machine, ".console");
}
std::filesystem::path lab_paths::qmp(std::string_view machine) const {
    return with_suffix(running(), machine, ".qmp");
}
std::filesystem::path lab_paths::query(std::string_view machine) const {
    return with_suffix(running(), machine, ".query");
}
std::filesystem::path lab_paths::agent(std::string_view machine) const {
    return with_suffix(running(), machine, ".qga");
}
std::filesystem::path lab_paths::seed(std::string_view machine) const {
    return with_suffix(identity(), machine, ".seed");
}

std::string default_lab() {
    const char *name = std::getenv("KVMIG_LAB");
    return name != nullptr && *name != '\0' ? name : "default";
}

expected<lab_paths> paths_of(const std::string &name) {
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789-";
    if (name.empty() || name.size() > 32 || name.find_first_not_of(allowed) != std::string::npos) {
        return fail(make_error(error_kind::invalid_argument,
                               fmt::format("'{}' cannot be the name of a lab", name))
                        .advise("use 1 to 32 of the characters a-z, 0-9 and -"));
    }
    auto state = state_directory();
    if (!state) return fail(std::move(state).error());
    return lab_paths{name, *state / "lab" / name};
}

} // namespace kvmig::lab
