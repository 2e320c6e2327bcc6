// SPDX-License-Identifier: MIT
#include <lab/cli/bench.hpp>
#include <lab/cli/console.hpp>
#include <lab/machine/process.hpp>
#include <lab/topology/files.hpp>

#include <kvmig/core/units.hpp>
#include <kvmig/host/command.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <fmt/format.h>
#include <fstream>
#include <mutex>
#include <sys/stat.h>
#include <thread>

namespace kvmig::lab::cli {

namespace {

constexpr const char *lab_name = "bench-startup";

constexpr std::array goals{startup_goal{"from nothing to the first migrated guest", 360},
                           startup_goal{"up from the snapshot", 10},
                           startup_goal{"reset", 6},
                           startup_goal{"live-shared there and back", 60},
                           startup_goal{"disk of cache and lab", 4096},
                           startup_goal{"peak memory", 8192}};

/// This program again, as a user calls it, with a cache of its own.
struct caller {
    std::filesystem::path program;
    std::filesystem::path cache;
    std::stop_token stop;

    /// The seconds it took.
    expected<double> operator()(std::vector<std::string> arguments) const {
        host::command cmd;
        cmd.argv = {program.string(), "lab"};
        cmd.argv.insert(cmd.argv.end(), arguments.begin(), arguments.end());
        cmd.argv.insert(cmd.argv.end(), {"--lab", lab_name});
        cmd.environment = {{"XDG_CACHE_HOME", cache.string()}};
        cmd.grace = std::chrono::minutes{5};
        const auto begun = std::chrono::steady_clock::now();
        if (auto said = host::output_of(cmd, stop); !said) return fail(std::move(said).error());
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    }
};

/// Disk space that a tree takes, holes left out.
bytes disk_use(const std::filesystem::path &tree) {
    std::uint64_t blocks = 0;
    std::error_code code;
    for (const auto &entry : std::filesystem::recursive_directory_iterator{tree, code}) {
        struct stat info {};
        if (::lstat(entry.path().c_str(), &info) == 0) {
            blocks += static_cast<std::uint64_t>(info.st_blocks);
        }
    }
    return bytes{blocks * 512};
}

/// Resident memory of the lab's processes; what two of them share counts twice.
bytes memory_use(const lab_paths &paths) {
    std::uint64_t kib = 0;
    for (const lab_process &process : processes_of(paths)) {
        std::ifstream file{fmt::format("/proc/{}/status", process.pid)};
        for (std::string line; std::getline(file, line);) {
            constexpr std::string_view key = "VmRSS:";
            if (line.starts_with(key)) kib += std::stoull(line.substr(key.size()));
        }
    }
    return bytes::kib(kib);
}

/// Looks at the lab's memory twice a second for as long as it lives. The machines that boot and
/// those that are restored are other processes: what they leave behind tells too little.
class memory_watch {
public:
    explicit memory_watch(const lab_paths &paths)
        : looks_([this, paths](const std::stop_token &stop) {
              std::unique_lock lock{mutex_};
              while (!stop.stop_requested()) {
                  most_ = std::max(most_, memory_use(paths));
                  wake_.wait_for(lock, stop, std::chrono::milliseconds{500}, [] { return false; });
              }
          }) {}

    /// Ends the watch: the most that it saw.
    bytes most() {
        looks_.request_stop();
        if (looks_.joinable()) looks_.join();
        return most_;
    }

private:
    std::mutex mutex_;
    std::condition_variable_any wake_;
    bytes most_;
    std::jthread looks_; ///< last: it uses the others
};

expected<void> measure(scenario_result &result, const caller &call, const lab_paths &paths,
                       const std::string &release, const std::string &accel, console &line) {
    std::vector<std::string> how;
    if (!release.empty()) how.insert(how.end(), {"--release", release});
    if (!accel.empty()) how.insert(how.end(), {"--accel", accel});
    const auto timed = [&](std::string_view name,
                           std::vector<std::string> arguments) -> expected<void> {
        line.show(name);
        auto took = call(std::move(arguments));
        if (!took) return fail(std::move(took).error());
        result.measure(std::string{name}, *took, "s");
        return {};
    };
    const auto with_how = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.end(), how.begin(), how.end());
        return arguments;
    };
    memory_watch memory{paths};
    auto done = timed("from nothing to the first migrated guest", with_how({"run", "live-shared"}));
    if (!done) return done;
    result.measure("peak memory", memory.most().as_mib(), "MiB");
    result.measure("disk of cache and lab", (disk_use(call.cache) + disk_use(paths.root)).as_mib(),
                   "MiB");
    if (done = timed("reset", {"reset"}); !done) return done;
    if (auto down = call({"down"}); !down) return fail(std::move(down).error());
    if (done = timed("up from the snapshot", with_how({"up"})); !done) return done;
    const auto file = paths.root / "live-shared.json";
    if (auto run = call(with_how({"run", "live-shared", "--json", file.string()})); !run) {
        return fail(std::move(run).error());
    }
    auto text = read_file(file);
    if (!text) return fail(std::move(text).error());
    const auto json = nlohmann::json::parse(*text, nullptr, false);
    if (json.is_discarded()) return fail(error_kind::protocol, file.string() + " is no JSON");
    result.samples["environment"] = json.at("environment");
    result.measure("live-shared there and back",
                   json.at("scenarios").at(0).at("seconds").get<double>(), "s");
    return {};
}

} // namespace

expected<scenario_result> bench_startup(const std::string &release, const std::string &accel,
                                        context &ctx) {
    auto paths = paths_of(lab_name);
    if (!paths) return fail(std::move(paths).error());
    auto state = state_directory();
    if (!state) return fail(std::move(state).error());
    caller call{ctx.arguments.front(), *state / "bench-cache", ctx.interrupted.get_token()};
    scenario_result result;
    result.id = "bench-startup";
    console line;
    const auto clean = [&]() -> expected<void> {
        caller unstoppable{call.program, call.cache, {}};
        if (auto down = unstoppable({"down", "--purge"}); !down)
            return fail(std::move(down).error());
        return remove_tree(call.cache);
    };
    auto done = clean();
    const auto begun = std::chrono::steady_clock::now();
    if (done) done = measure(result, call, *paths, release, accel, line);
    result.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    if (auto cleaned = clean(); done && !cleaned) done = std::move(cleaned);
    if (!done) return fail(std::move(done).error());
    result.result = outcome::passed;
    return result;
}

std::string startup_table(const scenario_result &result) {
    std::string text = fmt::format("{:<44} {:>12} {:>12}\n", "", "measured", "goal");
    for (const figure &one : result.figures) {
        const auto goal = std::find_if(goals.begin(), goals.end(), [&](const startup_goal &each) {
            return each.figure == one.name;
        });
        text += fmt::format("{:<44} {:>8.1f} {:<3} {:>8} {:<3}\n", one.name, one.value, one.unit,
                            goal == goals.end() ? "" : fmt::format("{:.0f}", goal->most), one.unit);
    }
    return text;
}

} // namespace kvmig::lab::cli
