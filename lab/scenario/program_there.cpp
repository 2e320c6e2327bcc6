// SPDX-License-Identifier: MIT
#include <lab/machine/remote.hpp>
#include <lab/scenario/program_there.hpp>
#include <lab/topology/files.hpp>

#include <kvmig/tuning/value.hpp>

#include <algorithm>
#include <fmt/format.h>

namespace kvmig::lab {

namespace {

constexpr const char *place_there = "/var/tmp/kvmig-bench";

/// Calls `with(library, place)` for each `library => place …` of ldd(1).
template <class With> void each_library(std::string_view ldd_says, With with) {
    while (!ldd_says.empty()) {
        const std::string_view line = ldd_says.substr(0, ldd_says.find('\n'));
        ldd_says.remove_prefix(std::min(line.size() + 1, ldd_says.size()));
        const auto arrow = line.find(" => ");
        if (arrow == std::string_view::npos) continue;
        const std::string_view place = tuning::trimmed(line.substr(arrow + 4));
        with(tuning::trimmed(line.substr(0, arrow)), place.substr(0, place.find(" (")));
    }
}

} // namespace

std::vector<std::string> lacking_libraries(std::string_view ldd_says) {
    std::vector<std::string> out;
    each_library(ldd_says, [&](std::string_view library, std::string_view place) {
        if (place == "not found") out.emplace_back(library);
    });
    return out;
}

std::optional<std::filesystem::path> place_of_library(std::string_view ldd_says,
                                                      std::string_view library) {
    std::optional<std::filesystem::path> out;
    each_library(ldd_says, [&](std::string_view name, std::string_view place) {
        if (name == library && place != "not found") out = place;
    });
    return out;
}

expected<void> program_there::send(const std::filesystem::path &from,
                                   const std::string &name) const {
    auto content = read_file(from);
    if (!content) return fail(std::move(content).error());
    const std::string at = fmt::format("{}/{}", place_there, name);
    host::command cmd = remote_command(*to_, {"dd", "bs=64K", "status=none", "of=" + at});
    cmd.input = *std::move(content);
    if (auto sent = host::output_of(cmd, stop_); !sent) {
        return fail(std::move(sent).error().on(std::string{to_->name}));
    }
    return {};
}

expected<program_there> program_there::bring(const machine_spec &to, std::stop_token stop) {
    program_there out(to, std::move(stop));
    if (auto removed = out.remove(); !removed) return fail(std::move(removed).error());
    if (auto made = remote_output(to, {"mkdir", place_there}, out.stop_); !made) {
        return fail(std::move(made).error());
    }
    std::error_code code;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", code);
    if (code) {
        return fail(make_error(error_kind::environment,
                               "cannot tell where this program is: " + code.message())
                        .advise("mount proc on /proc"));
    }
    if (auto sent = out.send(program, "kvmig"); !sent) return fail(std::move(sent).error());
    host::command ldd;
    ldd.argv = {"ldd", program.string()};
    const auto here = host::output_of(ldd, out.stop_);
    if (!here) return fail(here.error());
    // A library that was brought may lack others, which are told only once it is there.
    while (true) {
        const auto there = remote_shell(
            to, fmt::format("cd {0}; chmod +x kvmig; LD_LIBRARY_PATH={0} ldd ./kvmig", place_there),
            out.stop_);
        if (!there) return fail(there.error());
        const auto lacking = lacking_libraries(*there);
        if (lacking.empty()) return out;
        for (const std::string &library : lacking) {
            const auto place = place_of_library(*here, library);
            if (!place) {
                return fail(make_error(error_kind::environment,
                                       fmt::format("this program needs {}, which neither {} nor "
                                                   "this machine has",
                                                   library, to.name))
                                .about(library));
            }
            if (auto sent = out.send(*place, library); !sent) {
                return fail(std::move(sent).error());
            }
        }
    }
}

expected<host::command_result> program_there::run(const std::vector<std::string> &arguments) const {
    std::vector<std::string> argv{"env", fmt::format("LD_LIBRARY_PATH={}", place_there),
                                  fmt::format("{}/kvmig", place_there)};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return host::run(remote_command(*to_, argv), stop_);
}

expected<void> program_there::remove() const {
    if (auto done = remote_output(*to_, {"rm", "-rf", place_there}, stop_); !done) {
        return fail(std::move(done).error());
    }
    return {};
}

} // namespace kvmig::lab
