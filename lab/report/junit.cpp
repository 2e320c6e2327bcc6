// SPDX-License-Identifier: MIT
#include <lab/report/junit.hpp>
#include <lab/report/repetition.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <pugixml.hpp>
#include <sstream>
#include <string_view>

namespace kvmig::lab {

namespace {

/// XML 1.0 has no place for most control characters, not even escaped.
std::string fit_for_xml(std::string text) {
    std::replace_if(
        text.begin(), text.end(),
        [](char c) {
            const auto code = static_cast<unsigned char>(c);
            return code < 0x20 && c != '\t' && c != '\n' && c != '\r';
        },
        '?');
    return text;
}

void set(pugi::xml_node node, const char *name, const std::string &value) {
    node.append_attribute(name) = fit_for_xml(value).c_str();
}

std::string seconds(double value) { return fmt::format("{:.3f}", value); }

std::string proofs_of(const scenario_result &of, bool failed_alone) {
    std::string out;
    for (const proof &each : of.proofs) {
        if (failed_alone && each.passed) continue;
        out += fmt::format("{} {}: {}\n", each.passed ? "ok" : "FAIL", each.name, each.seen);
    }
    return out;
}

void add_case(pugi::xml_node suite, const std::string &name, const scenario_result &one) {
    auto test = suite.append_child("testcase");
    set(test, "classname", "kvmig.lab");
    set(test, "name", name);
    set(test, "time", seconds(one.seconds));
    if (one.result != outcome::passed) {
        auto why = test.append_child(one.result == outcome::failed ? "failure" : "skipped");
        set(why, "message", one.reason);
        if (one.result == outcome::failed) {
            why.text().set(fit_for_xml(proofs_of(one, true)).c_str());
        }
    }
    std::string said = proofs_of(one, false);
    for (const figure &each : one.figures) {
        said += fmt::format("{}: {} {}\n", each.name, each.value, each.unit);
    }
    for (const std::string &each : one.failed_before) {
        said += fmt::format("failed at an earlier attempt: {}\n", each);
    }
    test.append_child("system-out").text().set(fit_for_xml(said).c_str());
}

} // namespace

std::string junit_of(const run_result &run) {
    pugi::xml_document document;
    auto declaration = document.append_child(pugi::node_declaration);
    set(declaration, "version", "1.0");
    set(declaration, "encoding", "UTF-8");
    auto suite = document.append_child("testsuites").append_child("testsuite");
    double total = 0;
    for (const scenario_result &each : run.scenarios) total += each.seconds;
    set(suite, "name", "kvmig lab");
    set(suite, "tests", std::to_string(run.scenarios.size()));
    set(suite, "failures", std::to_string(run.count(outcome::failed)));
    set(suite, "errors", "0");
    set(suite, "skipped", std::to_string(run.count(outcome::skipped)));
    set(suite, "time", seconds(total));
    // JUnit's timestamp has no zone.
    std::string time = run.environment.value("time", "");
    if (!time.empty() && time.back() == 'Z') time.pop_back();
    if (!time.empty()) set(suite, "timestamp", time);
    auto properties = suite.append_child("properties");
    for (const auto &[name, value] : run.environment.items()) {
        auto property = properties.append_child("property");
        set(property, "name", name);
        set(property, "value", value.is_string() ? value.get<std::string>() : value.dump());
    }
    const auto names = names_of(run);
    for (std::size_t i = 0; i < names.size(); ++i) add_case(suite, names[i], run.scenarios[i]);
    std::ostringstream out;
    document.save(out, "  ", pugi::format_indent, pugi::encoding_utf8);
    return out.str();
}

} // namespace kvmig::lab
