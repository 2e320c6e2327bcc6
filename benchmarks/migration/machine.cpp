// SPDX-License-Identifier: MIT
// The table that drives a migration, beside a switch written by hand.
#include <kvmig/core/expected.hpp>
#include <kvmig/migration/lookup.hpp>
#include <kvmig/migration/machine.hpp>
#include <migration/by_hand.hpp>
#include <support/ratio.hpp>

#include <benchmark/benchmark.h>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace kvmig;
using namespace kvmig::migration;

struct question {
    kind k;
    state s;
    event e;
};

/// 4096 questions in an order that no branch predictor knows by heart; `legal`: with an edge.
std::vector<question> questions(bool legal) {
    std::mt19937 random(1); // NOLINT(cert-msc51-cpp): the same each time
    std::vector<question> out;
    while (out.size() < 4096) {
        const question q{kinds[random() % kinds.size()], states[random() % state_count].which,
                         events[random() % event_count].which};
        if (!legal || find_edge(q.k, q.s, q.e) != nullptr) out.push_back(q);
    }
    return out;
}

/// The first question that the two answer differently, or nothing.
const char *disagreement() {
    static std::string text;
    for (const kind k : kinds) {
        for (const state_facts &s : states) {
            for (const event_facts &e : events) {
                const edge *found = find_edge(k, s.which, e.which);
                const bench::answer hand = bench::by_hand(k, s.which, e.which);
                const bool same = found == nullptr ? !hand.accepted
                                                   : hand.accepted && hand.to == found->to &&
                                                         hand.then == found->then;
                if (same) continue;
                text = std::string(to_string(k)) + ", " + std::string(s.name) + ", " +
                       std::string(e.name);
                return text.c_str();
            }
        }
    }
    return nullptr;
}

void table_lookup(benchmark::State &run) {
    const auto asked = questions(false);
    for (auto _ : run) {
        for (const question &q : asked) {
            const edge *found = find_edge(q.k, q.s, q.e);
            bench::answer out;
            if (found != nullptr) out = {true, found->to, found->then};
            benchmark::DoNotOptimize(out);
        }
    }
    run.SetItemsProcessed(run.iterations() * static_cast<std::int64_t>(asked.size()));
}

void switch_lookup(benchmark::State &run) {
    const auto asked = questions(false);
    for (auto _ : run) {
        for (const question &q : asked) {
            bench::answer out = bench::by_hand(q.k, q.s, q.e);
            benchmark::DoNotOptimize(out);
        }
    }
    run.SetItemsProcessed(run.iterations() * static_cast<std::int64_t>(asked.size()));
}

void table_step(benchmark::State &run) {
    const auto asked = questions(true);
    for (auto _ : run) {
        for (const question &q : asked) {
            machine m(q.k, q.s);
            auto out = m.step(q.e);
            benchmark::DoNotOptimize(out);
            benchmark::DoNotOptimize(m);
        }
    }
    run.SetItemsProcessed(run.iterations() * static_cast<std::int64_t>(asked.size()));
}

/// What `machine::step` does, around the switch.
expected<transition> step_by_hand(kind k, state &s, event e) {
    const bench::answer found = bench::by_hand(k, s, e);
    if (!found.accepted) return fail(no_such_edge(k, s, e));
    const transition out{s, e, found.to, found.then};
    s = found.to;
    return out;
}

void switch_step(benchmark::State &run) {
    const auto asked = questions(true);
    for (auto _ : run) {
        for (const question &q : asked) {
            state s = q.s;
            auto out = step_by_hand(q.k, s, q.e);
            benchmark::DoNotOptimize(out);
            benchmark::DoNotOptimize(s);
        }
    }
    run.SetItemsProcessed(run.iterations() * static_cast<std::int64_t>(asked.size()));
}

BENCHMARK(table_lookup)->Repetitions(5);
BENCHMARK(switch_lookup)->Repetitions(5);
BENCHMARK(table_step)->Repetitions(5);
BENCHMARK(switch_step)->Repetitions(5);

} // namespace

int main(int argc, char **argv) {
    if (const char *where = disagreement()) {
        std::fprintf(stderr, "the switch and the table disagree: %s\n", where);
        return 1;
    }
    return kvmig::bench::run(argc, argv,
                             {{"table_lookup", "switch_lookup"}, {"table_step", "switch_step"}});
}
