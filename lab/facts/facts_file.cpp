// SPDX-License-Identifier: MIT
#include <lab/facts/facts_file.hpp>
#include <lab/facts/facts_json.hpp>
#include <lab/topology/files.hpp>

#include <utility>

namespace kvmig::lab {

expected<precheck::facts> read_facts(const std::string &file) {
    auto text = read_file(file);
    if (!text) {
        error problem = std::move(text).error();
        problem.kind = error_kind::invalid_argument;
        return fail(std::move(problem));
    }
    return parse_facts(*text, file);
}

expected<void> write_facts(const precheck::facts &all, const std::filesystem::path &file) {
    return write_file(file, facts_text(all), 0600);
}

} // namespace kvmig::lab
