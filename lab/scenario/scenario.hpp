// SPDX-License-Identifier: MIT
/// A scenario: one documented case, run for real, with proofs of what came of it.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/image/root_image.hpp>
#include <lab/topology/paths.hpp>
#include <lab/topology/site.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace kvmig::lab {

/// One thing that had to be so, and what was seen.
struct proof {
    std::string name;
    bool passed = false;
    std::string seen;
};

struct figure {
    std::string name;
    double value = 0;
    std::string unit; ///< `ms`, `s`, `bytes`, `count`, …
    /// Why it says little of other machines, as of emulated hosts; empty: nothing is known.
    std::string distorted = {};
};

enum class outcome : std::uint8_t { passed, failed, skipped };
[[nodiscard]] std::string_view to_string(outcome what) noexcept;

/// What a scenario leaves behind for the report.
struct scenario_result {
    std::string id;
    outcome result = outcome::failed;
    std::string reason; ///< why it failed or was skipped; empty when it passed
    std::vector<proof> proofs;
    std::vector<figure> figures;
    nlohmann::json samples = nlohmann::json::object();
    double seconds = 0; ///< wall time, without the reset before it
    /// When it began: times named `begun` in the samples count from it.
    std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();
    /// Why the attempts before this one failed, the first first; empty at the first.
    std::vector<std::string> failed_before;

    void prove(std::string name, bool passed, std::string seen);
    void measure(std::string name, double value, std::string unit, std::string distorted = {});
};

/// What a scenario has to work with. The site is up and clean when it begins.
struct scenario_context {
    const site &where;
    scenario_result &out;
    const progress &tell;
    std::stop_token stop;
    std::filesystem::path folder;   ///< for files of this scenario that the report names
    const lab_paths *lab = nullptr; ///< whose machines they are; null where they are not a lab's
};

/// Of a scenario that needs nothing but two hosts and a store, and leaves them as they were.
inline constexpr std::string_view any_hosts;

struct scenario {
    std::string_view id;     ///< as in the list of documented cases, e.g. `live-shared`
    std::string_view family; ///< `cold`, `live`, `block`, `incremental`, …
    std::string_view title;
    bool headline = false; ///< among those that lab/run shows
    /// Does the case and proves it. An error is a failure of the scenario; so is a proof that did
    /// not pass.
    std::function<expected<void>(scenario_context &)> run;
    /// Why only the lab's own machines will do: what it does to them. Whoever adds a scenario says
    /// so by `any_hosts` where any will.
    std::string_view only_in_lab = "it was made for the lab's own machines";
};

/// Every scenario, in the order in which they are listed and run.
[[nodiscard]] std::span<const scenario> all_scenarios();

/// Scenarios that measure what tuning does on the lab's hosts, each `bench-…`: run when asked for,
/// and not among `all_scenarios`.
[[nodiscard]] std::span<const scenario> all_benchmarks();

/// Those of `all` whose id matches one of `globs` (fnmatch(3)), all when there are none. A glob
/// that matches nothing is an `invalid_argument` that names it and the ids there are.
[[nodiscard]] expected<std::vector<const scenario *>>
select_scenarios(std::span<const std::string> globs,
                 std::span<const scenario> all = all_scenarios());

} // namespace kvmig::lab
