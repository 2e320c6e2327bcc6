// SPDX-License-Identifier: MIT
// plan_ksm: what would be written to /sys/kernel/mm/ksm on a host that runs short of memory. Here
// the facts are given; kvmig/host/tuning_facts.hpp reads them from a host.
#include <kvmig/tuning.hpp>

#include <iostream>

int main() {
    using namespace kvmig;
    tuning::ksm_facts facts;
    facts.run = 0;
    facts.pages_to_scan = pages(100);
    facts.sleep_millisecs = std::chrono::milliseconds(20);

    auto daemon = tuning::ksmtuned::start(bytes::gib(64));
    if (!daemon) return std::cerr << describe(daemon.error()) << '\n', 1;
    const auto step = daemon->step(bytes::gib(2), bytes::gib(70)); // free, committed
    const auto plan = tuning::plan_ksm(facts, tuning::decision_of(step));
    if (!plan) return std::cerr << describe(plan.error()) << '\n', 1;
    for (const auto &change : plan->changes) {
        std::cout << change.what.name << ": " << change.from << " -> " << change.to << '\n';
    }
}
