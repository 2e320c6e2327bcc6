// SPDX-License-Identifier: MIT
// Any bytes as a domain's XML and as a file of facts, and what they tell through all rules. Built
// by clang++ with -fsanitize=fuzzer,address,undefined.
#include <kvmig/precheck/report.hpp>
#include <kvmig/xml/capabilities.hpp>
#include <kvmig/xml/domain.hpp>
#include <kvmig/xml/domain_capabilities.hpp>
#include <lab/facts/facts_json.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using namespace kvmig;

void hold(bool what) {
    if (!what) std::abort();
}

/// What every report is like.
void judge(const precheck::facts &all) {
    const precheck::report report = precheck::check(all);
    precheck::verdict worst = precheck::verdict::clear;
    for (const precheck::finding &found : report.findings) {
        hold(precheck::find_rule(found.id) != nullptr && !found.seen.empty());
        for (const std::string &command : found.remedy)
            hold(command.find('\n') == std::string::npos);
        worst = std::max(worst, precheck::verdict_of(found.how));
    }
    hold(worst == report.verdict);
}

/// Facts are the same after they were a file. What is no UTF-8 may come from a domain's XML, and is
/// replaced once.
void keep(const precheck::facts &all) {
    const std::string text = lab::facts_text(all);
    const auto again = lab::parse_facts(text, "facts");
    hold(again.has_value());
    hold(lab::facts_text(*again) == text);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string text(data, data + size);
    precheck::facts told;
    told.source.name = "source";
    told.destination.name = "destination";
    if (auto host = xml::parse_capabilities(text)) {
        told.source.capabilities = *host;
        told.destination.capabilities = *host;
    }
    if (auto offers = xml::parse_domain_capabilities(text)) {
        told.destination.domain_capabilities = *offers;
    }
    const auto domain = xml::parse_domain(text);
    if (domain) {
        told.domain = *domain;
        judge(told);
        keep(told);
    } else {
        hold(!domain.error().what.empty());
    }
    const auto facts = lab::parse_facts(text, "facts");
    if (facts) {
        judge(*facts);
        hold(lab::parse_facts(lab::facts_text(*facts), "facts") == *facts);
    } else {
        hold(facts.error().what.starts_with("facts "));
    }
    return 0;
}
