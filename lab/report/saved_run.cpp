// SPDX-License-Identifier: MIT
#include <lab/report/saved_run.hpp>
#include <lab/topology/files.hpp>
#include <lab/topology/paths.hpp>

#include <filesystem>
#include <fmt/format.h>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace kvmig::lab {

namespace {

using json = nlohmann::json;

outcome outcome_of(const std::string &word) {
    for (const outcome each : {outcome::passed, outcome::failed, outcome::skipped}) {
        if (to_string(each) == word) return each;
    }
    throw std::invalid_argument(fmt::format("'{}' is no outcome", word));
}

/// The elements of a list, each read by `read`; `where` names the one that is read.
template <class Read>
void read_each(const json &from, const char *list, std::string &where, Read read) {
    const std::string outside = where;
    std::size_t index = 0;
    const json &all = from.at(list);
    if (!all.is_array()) throw std::invalid_argument(fmt::format("'{}' is no list", list));
    for (const json &each : all) {
        where = fmt::format("{}/{}/{}", outside, list, index++);
        read(each);
    }
    where = outside;
}

json environment_of(const json &from, std::string &where) {
    where = "/environment";
    if (!from.is_null() && !from.is_object()) throw std::invalid_argument("no object");
    if (from.contains("time") && !from.at("time").is_string()) {
        throw std::invalid_argument("the time is no text");
    }
    if (from.contains("machines")) {
        read_each(from, "machines", where, [](const json &each) {
            if (!each.is_object()) throw std::invalid_argument("no object");
        });
        if (from.at("machines").empty()) throw std::invalid_argument("no machine");
    }
    where.clear();
    return from;
}

scenario_result scenario_of(const json &from, std::string &where) {
    scenario_result out;
    out.id = from.at("id").get<std::string>();
    out.result = outcome_of(from.at("outcome").get<std::string>());
    out.reason = from.at("reason").get<std::string>();
    out.seconds = from.at("seconds").get<double>();
    out.samples = from.at("samples");
    read_each(from, "failed_before", where,
              [&](const json &each) { out.failed_before.push_back(each.get<std::string>()); });
    read_each(from, "proofs", where, [&](const json &each) {
        out.proofs.push_back({each.at("name").get<std::string>(), each.at("passed").get<bool>(),
                              each.at("seen").get<std::string>()});
    });
    read_each(from, "figures", where, [&](const json &each) {
        // JSON has no word for what is no number.
        const json &value = each.at("value");
        out.figures.push_back(
            {each.at("name").get<std::string>(),
             value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>(),
             each.at("unit").get<std::string>(), each.value("distorted", "")});
    });
    return out;
}

} // namespace

expected<run_result> parse_run(std::string_view text, const std::string &name) {
    std::string where; // as a JSON pointer
    const auto wrong = [&](const char *what) {
        return fail(
            make_error(error_kind::invalid_argument,
                       fmt::format("{}: {}", where.empty() ? "/" : where, what))
                .about(name)
                .advise("give the run.json of a run, or what `kvmig lab run --json` wrote"));
    };
    try {
        const json all = json::parse(text);
        if (all.at("schema") != "kvmig.run/1") return wrong("the schema is not kvmig.run/1");
        run_result out;
        out.environment = environment_of(all.at("environment"), where);
        if (all.contains("shard")) {
            where = "/shard";
            const json &from = all.at("shard");
            out.part = shard{from.at("index").get<unsigned>(), from.at("count").get<unsigned>()};
            if (out.part->index < 1 || out.part->index > out.part->count) {
                throw std::invalid_argument(fmt::format("there is no {}", to_string(*out.part)));
            }
            where.clear();
        }
        read_each(all, "scenarios", where,
                  [&](const json &each) { out.scenarios.push_back(scenario_of(each, where)); });
        return out;
    } catch (const json::exception &problem) {
        return wrong(problem.what());
    } catch (const std::invalid_argument &problem) {
        return wrong(problem.what());
    }
}

expected<run_result> read_run(const std::string &name) {
    std::filesystem::path file = name;
    if (name.find('/') == std::string::npos && !std::filesystem::exists(file)) {
        auto state = state_directory();
        if (!state) return fail(std::move(state).error());
        file = *state / "results" / name;
    }
    if (std::filesystem::is_directory(file)) file /= "run.json";
    auto text = read_file(file);
    if (!text) return fail(std::move(text).error());
    return parse_run(*text, file.string());
}

} // namespace kvmig::lab
