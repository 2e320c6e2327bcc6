// SPDX-License-Identifier: MIT
// What one look at a migration costs: a sample into a full window, a forecast and a decision.
#include <kvmig/convergence/policy.hpp>
#include <kvmig/convergence/steering.hpp>
#include <kvmig/core/units.hpp>

#include <benchmark/benchmark.h>
#include <chrono>
#include <cstdint>

namespace {

using namespace kvmig;
using namespace kvmig::convergence;

/// The n-th sample, two a second, of a guest that does not get on.
sample look(std::uint64_t n) {
    sample s;
    s.at = milliseconds(500 * static_cast<std::int64_t>(n));
    s.memory_total = bytes::gib(4);
    s.memory_remaining = bytes::mib(100 - 10 * (n % 10));
    s.memory_processed = bytes::mib(10 * n);
    s.rate = byte_rate::mib(20);
    s.dirty = byte_rate::mib(150);
    s.iteration = 1 + n / 10;
    return s;
}

void one_look(benchmark::State &run) {
    steering s(policies::stall_window);
    std::uint64_t n = 1;
    while (n < 200) benchmark::DoNotOptimize(s.next(look(n++)));
    for (auto _ : run) benchmark::DoNotOptimize(s.next(look(n++)));
}

BENCHMARK(one_look);

} // namespace

BENCHMARK_MAIN();
