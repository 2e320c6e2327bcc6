// SPDX-License-Identifier: MIT
// After the benchmarks, how many times as long one took as another.
#pragma once

#include <algorithm>
#include <benchmark/benchmark.h>
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::bench {

/// Shows each run as usual, and at the end the ratios of the least times of pairs of benchmarks.
class ratio_reporter : public benchmark::ConsoleReporter {
public:
    explicit ratio_reporter(std::vector<std::pair<std::string, std::string>> pairs)
        : pairs_(std::move(pairs)) {}

    void ReportRuns(const std::vector<Run> &runs) override {
        for (const Run &run : runs) {
            if (run.run_type != Run::RT_Iteration || run.error_occurred) continue;
            std::string name = run.run_name.function_name;
            const double time = run.GetAdjustedCPUTime();
            const auto [place, first] = least_.try_emplace(std::move(name), time);
            if (!first) place->second = std::min(place->second, time);
        }
        ConsoleReporter::ReportRuns(runs);
    }

    void Finalize() override {
        for (const auto &[one, other] : pairs_) {
            const auto a = least_.find(one);
            const auto b = least_.find(other);
            if (a == least_.end() || b == least_.end()) continue;
            std::printf("%s / %s: %.3f\n", one.c_str(), other.c_str(), a->second / b->second);
        }
    }

private:
    std::vector<std::pair<std::string, std::string>> pairs_;
    std::map<std::string, double> least_;
};

/// The `main` of a program that compares these pairs.
inline int run(int argc, char **argv, std::vector<std::pair<std::string, std::string>> pairs) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    ratio_reporter reporter(std::move(pairs));
    benchmark::RunSpecifiedBenchmarks(&reporter);
    benchmark::Shutdown();
    return 0;
}

} // namespace kvmig::bench
