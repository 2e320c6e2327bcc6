// SPDX-License-Identifier: MIT
// Prechecks: all rules over kept facts, and reading the facts.
#include <kvmig/precheck/report.hpp>
#include <lab/facts/facts_json.hpp>

#include <benchmark/benchmark.h>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace {

using namespace kvmig;

std::string kept_text(const std::string &name) {
    std::ifstream in(KVMIG_TEST_DATA "/facts/" + name + ".json", std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (!in || text.empty()) throw std::runtime_error("cannot read the facts " + name);
    return text;
}

precheck::facts kept(const std::string &name) {
    auto read = lab::parse_facts(kept_text(name), name);
    if (!read) throw std::runtime_error(describe(read.error()));
    return *std::move(read);
}

void all_rules(benchmark::State &state, const char *name) {
    const precheck::facts facts = kept(name);
    for (auto _ : state) benchmark::DoNotOptimize(precheck::check(facts));
}
BENCHMARK_CAPTURE(all_rules, healthy, "healthy-everything")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(all_rules, sick, "sick-everything")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(all_rules, nfs, "nfs-exports-mounts")->Unit(benchmark::kMicrosecond);

void read_facts(benchmark::State &state) {
    const std::string text = kept_text("sick-everything");
    for (auto _ : state) benchmark::DoNotOptimize(lab::parse_facts(text, "facts"));
    state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * state.iterations());
}
BENCHMARK(read_facts)->Unit(benchmark::kMicrosecond);

} // namespace

BENCHMARK_MAIN();
