// SPDX-License-Identifier: MIT
#include <lab/report/compare.hpp>
#include <lab/report/environments.hpp>
#include <lab/report/median.hpp>
#include <lab/report/ratio.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <numeric>
#include <random>
#include <utility>

namespace kvmig::lab {

namespace {

constexpr double significance = 0.05;
/// So many ways are tried at most; of more, so many at random.
constexpr double most_ways = 20'000;
constexpr std::uint64_t seed_of_tests = 1;
constexpr double rounding = 1e-12;

std::vector<double> ratios_of(const figure_change &pairs) {
    std::vector<double> out;
    for (std::size_t i = 0; i < pairs.before.size(); ++i) {
        out.push_back(pairs.after[i] / pairs.before[i]);
    }
    return out;
}

/// Standard deviation of the logarithms about their median, as the median deviation tells it: one
/// sample that went astray does not count.
double scatter(const std::vector<double> &values) {
    std::vector<double> away;
    const double centre = std::log(median(values));
    for (const double each : values) away.push_back(std::abs(std::log(each) - centre));
    constexpr double of_a_normal_distribution = 1.4826;
    return of_a_normal_distribution * median(std::move(away));
}

/// Of all ways to part the logarithms in two such sides, the share in which their means are as far
/// apart.
class permutation_test {
public:
    permutation_test(const std::vector<double> &before, const std::vector<double> &after)
        : logs_(logs_of(before, after)), first_(before.size()),
          total_(std::accumulate(logs_.begin(), logs_.end(), 0.0)),
          seen_(distance(std::accumulate(
              logs_.begin(), logs_.begin() + static_cast<std::ptrdiff_t>(first_), 0.0))) {}

    /// No `p` is less: a clean separation is one way, and with equal sides its mirror another.
    [[nodiscard]] double least() const { return (first_ * 2 == logs_.size() ? 2 : 1) / ways(); }
    [[nodiscard]] double p() {
        if (ways() <= most_ways) {
            walk(0, 0, 0);
        } else {
            std::mt19937_64 random(seed_of_tests);
            std::vector<double> mixed = logs_;
            for (std::size_t i = 0; i < static_cast<std::size_t>(most_ways); ++i) {
                std::shuffle(mixed.begin(), mixed.end(), random);
                count(std::accumulate(mixed.begin(),
                                      mixed.begin() + static_cast<std::ptrdiff_t>(first_), 0.0));
            }
        }
        return static_cast<double>(as_far_) / static_cast<double>(tried_);
    }

private:
    [[nodiscard]] static std::vector<double> logs_of(const std::vector<double> &before,
                                                     const std::vector<double> &after) {
        std::vector<double> out;
        for (const auto *side : {&before, &after}) {
            for (const double each : *side) out.push_back(std::log(each));
        }
        return out;
    }
    /// n choose k.
    [[nodiscard]] double ways() const {
        double out = 1;
        for (std::size_t i = 1; i <= first_; ++i) {
            out *= static_cast<double>(logs_.size() - first_ + i) / static_cast<double>(i);
        }
        return std::round(out);
    }
    /// Of the sides' means, by the sum of the first side.
    [[nodiscard]] double distance(double sum) const {
        return std::abs(sum / static_cast<double>(first_) -
                        (total_ - sum) / static_cast<double>(logs_.size() - first_));
    }
    void count(double sum) {
        ++tried_;
        if (distance(sum) >= seen_ - rounding) ++as_far_;
    }
    void walk(std::size_t from, std::size_t chosen, double sum) {
        if (chosen == first_) return count(sum);
        for (std::size_t i = from; logs_.size() - i >= first_ - chosen; ++i) {
            walk(i + 1, chosen + 1, sum + logs_[i]);
        }
    }

    std::vector<double> logs_;
    std::size_t first_; ///< how many are of the first side
    double total_;
    double seen_;
    std::size_t tried_ = 0;
    std::size_t as_far_ = 0;
};

/// Of all ways to swap the sides within the pairs, the share in which the mean of the logarithms of
/// the ratios is as far from 0.
class sign_test {
public:
    explicit sign_test(std::vector<double> ratios)
        : logs_(logs_of(std::move(ratios))),
          seen_(std::abs(std::accumulate(logs_.begin(), logs_.end(), 0.0))) {}

    /// No `p` is less: all in one direction is one way, all in the other its mirror.
    [[nodiscard]] double least() const { return 2 / ways(); }
    [[nodiscard]] double p() const {
        const bool all = ways() <= most_ways;
        const auto tries = static_cast<std::uint64_t>(all ? ways() : most_ways);
        std::mt19937_64 random(seed_of_tests);
        std::size_t as_far = 0;
        for (std::uint64_t i = 0; i < tries; ++i) {
            std::uint64_t swapped = all ? i : random();
            double sum = 0;
            for (std::size_t at = 0; at < logs_.size(); ++at, swapped >>= 1U) {
                // A word of 64 pairs; those beyond are drawn anew.
                if (at != 0 && at % 64 == 0) swapped = random();
                sum += (swapped & 1U) != 0 ? -logs_[at] : logs_[at];
            }
            if (std::abs(sum) >= seen_ - rounding) ++as_far;
        }
        return static_cast<double>(as_far) / static_cast<double>(tries);
    }

private:
    [[nodiscard]] static std::vector<double> logs_of(std::vector<double> ratios) {
        for (double &each : ratios) each = std::log(each);
        return ratios;
    }
    [[nodiscard]] double ways() const { return std::exp2(static_cast<double>(logs_.size())); }

    std::vector<double> logs_;
    double seen_;
};

/// `least`: the least `p` that so many samples can have; `noise`: the scatter of their logarithms.
void judge(figure_change &one, const ratio_of_medians &seen, double least, double noise,
           double floor) {
    one.ratio = seen.value;
    one.low = seen.low;
    one.high = seen.high;
    one.floor = std::max(floor, std::expm1(3 * noise));
    const auto beyond = [](double ratio, double by) {
        return ratio > 1 + by || ratio < 1 / (1 + by);
    };
    if (least > significance) {
        one.verdict = change::too_few;
    } else if (one.p <= significance && beyond(one.ratio, one.floor)) {
        const bool more_is_better = one.unit == "bytes/s";
        one.verdict = (one.ratio > 1) == more_is_better ? change::faster : change::slower;
    } else if (!beyond(one.low, floor) && !beyond(one.high, floor)) {
        one.verdict = change::none;
    } else {
        one.verdict = change::within_noise;
    }
}

void judge_apart(figure_change &one, double floor) {
    permutation_test test(one.before, one.after);
    one.p = test.p();
    judge(one, ratio_between(one.before, one.after), test.least(),
          std::max(scatter(one.before), scatter(one.after)), floor);
}

void judge_pairs(figure_change &one, double floor) {
    const std::vector<double> ratios = ratios_of(one);
    const sign_test test(ratios);
    one.p = test.p();
    judge(one, ratio_in_pairs(one.before, one.after), test.least(), scatter(ratios), floor);
}

void add_samples(std::vector<figure_change> &to, std::span<const run_result> runs,
                 std::vector<double> figure_change::*side, bool anew) {
    for (const run_result &run : runs) {
        for (const scenario_result &scenario : run.scenarios) {
            if (scenario.result != outcome::passed) continue;
            for (const figure &each : scenario.figures) {
                auto at = std::find_if(to.begin(), to.end(), [&](const figure_change &known) {
                    return known.scenario == scenario.id && known.figure == each.name &&
                           known.unit == each.unit;
                });
                if (at == to.end() && !anew) continue;
                if (at == to.end()) {
                    at = to.emplace(to.end());
                    at->scenario = scenario.id;
                    at->figure = each.name;
                    at->unit = each.unit;
                }
                ((*at).*side).push_back(each.value);
            }
        }
    }
}

std::vector<figure_change> samples_of(std::span<const run_result> before,
                                      std::span<const run_result> after) {
    std::vector<figure_change> out;
    add_samples(out, before, &figure_change::before, true);
    add_samples(out, after, &figure_change::after, false);
    return out;
}

/// Of a scenario that one run of a pair has more often, what is too many is left out.
std::vector<figure_change> paired_samples_of(std::span<const run_result> before,
                                             std::span<const run_result> after) {
    std::vector<figure_change> out;
    for (std::size_t i = 0; i < std::min(before.size(), after.size()); ++i) {
        for (figure_change &pair : samples_of(before.subspan(i, 1), after.subspan(i, 1))) {
            const std::size_t both = std::min(pair.before.size(), pair.after.size());
            pair.before.resize(both);
            pair.after.resize(both);
            const auto at = std::find_if(out.begin(), out.end(), [&](const figure_change &known) {
                return known.scenario == pair.scenario && known.figure == pair.figure &&
                       known.unit == pair.unit;
            });
            if (at == out.end()) {
                out.push_back(std::move(pair));
                continue;
            }
            at->before.insert(at->before.end(), pair.before.begin(), pair.before.end());
            at->after.insert(at->after.end(), pair.after.begin(), pair.after.end());
        }
    }
    return out;
}

} // namespace

std::string_view to_string(change what) noexcept {
    switch (what) {
    case change::none: return "no change";
    case change::within_noise: return "within noise";
    case change::slower: return "slower";
    case change::faster: return "faster";
    case change::too_few: return "too few samples";
    }
    return "unknown";
}

std::vector<std::string> unlike(std::span<const run_result> before,
                                std::span<const run_result> after) {
    std::vector<nlohmann::json> environments;
    for (const auto side : {before, after}) {
        for (const run_result &run : side) {
            for (nlohmann::json &each : environments_of(run)) {
                environments.push_back(std::move(each));
            }
        }
    }
    return differences(environments, speed_places);
}

std::vector<figure_change> compare_runs(std::span<const run_result> before,
                                        std::span<const run_result> after, double floor,
                                        sampling made) {
    const bool pairs = made == sampling::in_turn;
    auto out = pairs ? paired_samples_of(before, after) : samples_of(before, after);
    std::erase_if(out, [](const figure_change &one) {
        const auto without_ratio = [](double value) { return !std::isfinite(value) || value <= 0; };
        return one.after.empty() ||
               std::any_of(one.before.begin(), one.before.end(), without_ratio) ||
               std::any_of(one.after.begin(), one.after.end(), without_ratio);
    });
    for (figure_change &each : out) pairs ? judge_pairs(each, floor) : judge_apart(each, floor);
    return out;
}

std::string compare_table(std::span<const figure_change> changes) {
    std::string out;
    std::string_view scenario;
    std::array<std::size_t, 5> counts{};
    for (const figure_change &each : changes) {
        if (scenario != each.scenario) out += fmt::format("{}\n", each.scenario);
        scenario = each.scenario;
        ++counts[static_cast<std::size_t>(each.verdict)];
        out += fmt::format("  {}\n    {:.4g} -> {:.4g} {}, {:.2f} of it ({:.2f}-{:.2f}): {}\n",
                           each.figure, median(each.before), median(each.after), each.unit,
                           each.ratio, each.low, each.high, to_string(each.verdict));
    }
    for (const change each :
         {change::slower, change::faster, change::within_noise, change::none, change::too_few}) {
        out += fmt::format("{}{} {}", each == change::slower ? "" : ", ",
                           counts[static_cast<std::size_t>(each)], to_string(each));
    }
    return out + '\n';
}

} // namespace kvmig::lab
