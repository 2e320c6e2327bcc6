// SPDX-License-Identifier: MIT
// What holds of the rules over any facts.
#pragma once

#include <kvmig/precheck/facts.hpp>
#include <kvmig/precheck/finding.hpp>
#include <kvmig/precheck/report.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace kvmig::test {

[[nodiscard]] inline std::set<std::string> ids_of(const precheck::report &report,
                                                  precheck::severity how) {
    std::set<std::string> out;
    for (const auto &each : report.findings) {
        if (each.how == how) out.insert(each.id);
    }
    return out;
}

[[nodiscard]] inline std::size_t count_facts(precheck::facts f) {
    std::size_t count = 0;
    precheck::for_each_fact(f, [&](const char *, const auto &) { ++count; });
    return count;
}

/// The facts without those for which `drop(number)` holds.
template <class Drop> [[nodiscard]] precheck::facts without(precheck::facts f, Drop drop) {
    std::size_t number = 0;
    precheck::for_each_fact(f, [&]<class T>(const char *, precheck::fact<T> &told) {
        if (drop(number++)) told = precheck::fact<T>::unknown("the daemon is silent");
    });
    return f;
}

/// Everything about findings but their order.
[[nodiscard]] inline auto sorted(const precheck::report &report) {
    std::vector<std::tuple<std::string, precheck::severity, std::string, std::string>> out;
    for (const auto &each : report.findings) {
        out.emplace_back(each.id, each.how, each.host, each.seen);
    }
    std::sort(out.begin(), out.end());
    return out;
}

/// Each single fact lost and found again: found, it takes back nothing that blocked without it;
/// lost, each rule that blocked by it blocks still, says unknown, or leaves that to another rule.
inline void check_each_fact(const precheck::facts &whole) {
    using precheck::severity;
    const auto before = precheck::check(whole);
    const auto blocking = ids_of(before, severity::blocks);
    const std::size_t count = count_facts(whole);
    for (std::size_t lost = 0; lost < count; ++lost) {
        const auto after = precheck::check(without(whole, [&](auto i) { return i == lost; }));
        const auto still = ids_of(after, severity::blocks);
        INFO("fact " << lost << " of " << count);
        for (const std::string &id : still) {
            INFO(id);
            CHECK(blocking.count(id) == 1);
        }
        const auto unsure = ids_of(after, severity::unknown);
        const bool said = std::any_of(after.findings.begin(), after.findings.end(), [](auto &each) {
            return each.how == severity::unknown &&
                   each.seen.find("the daemon is silent") != std::string::npos;
        });
        for (const std::string &id : blocking) {
            INFO(id);
            CHECK((still.count(id) == 1 || unsure.count(id) == 1 || said));
        }
        if (before.verdict == precheck::verdict::blocked) {
            CHECK(after.verdict >= precheck::verdict::unknown);
        }
    }
}

/// The rules in any order find the same.
inline void check_order_of_rules(const precheck::facts &all) {
    const auto before = sorted(precheck::check(all));
    std::vector<precheck::rule> rules(precheck::rules_table.begin(), precheck::rules_table.end());
    std::reverse(rules.begin(), rules.end());
    CHECK(sorted(precheck::check_by(rules, all)) == before);
    std::mt19937 random(1); // NOLINT(cert-msc51-cpp): the same each time
    for (int round = 0; round < 10; ++round) {
        std::shuffle(rules.begin(), rules.end(), random);
        CHECK(sorted(precheck::check_by(rules, all)) == before);
    }
}

/// Lists that stand for sets, in any order. What is seen may quote them, as they were told.
inline void check_order_of_facts(const precheck::facts &all) {
    const auto judged = [](const precheck::facts &of) {
        std::vector<std::tuple<std::string, precheck::severity, std::string>> out;
        for (auto &each : precheck::check(of).findings) {
            out.emplace_back(each.id, each.how, each.host);
        }
        std::sort(out.begin(), out.end());
        return out;
    };
    const auto before = judged(all);
    std::mt19937 random(2); // NOLINT(cert-msc51-cpp): the same each time
    for (int round = 0; round < 20; ++round) {
        precheck::facts f = all;
        const auto shuffle = [&](auto &...lists) {
            (std::shuffle(lists.begin(), lists.end(), random), ...);
        };
        model::domain &d = f.domain;
        shuffle(d.features, d.disks, d.interfaces, d.graphics, d.host_devices, d.filesystems,
                d.cpu_features, d.memory_devices, d.shared_memories, d.tpms, d.videos, d.channels,
                d.security_models, d.secrets);
        for (precheck::host_facts *host : {static_cast<precheck::host_facts *>(&f.source),
                                           static_cast<precheck::host_facts *>(&f.destination)}) {
            if (!host->capabilities.known()) continue;
            auto told = *host->capabilities;
            shuffle(told.migration_transports, told.security_models, told.page_sizes, told.guests);
            for (auto &guest : told.guests) shuffle(guest.types, guest.machines);
            host->capabilities = told;
        }
        CHECK(judged(f) == before);
    }
}

} // namespace kvmig::test
