// SPDX-License-Identifier: MIT
#include <lab/scenario/child.hpp>
#include <lab/scenario/controller.hpp>

#include <kvmig/host/command.hpp>
#include <kvmig/host/journal_sqlite.hpp>

#include <chrono>
#include <fmt/format.h>
#include <iterator>
#include <optional>

namespace kvmig::lab {

namespace {

constexpr std::chrono::minutes longest_run{10};
/// Between two looks into the journal: it tells nobody when it is written to.
constexpr std::chrono::milliseconds between_looks{20};

std::vector<std::string> migration_of(const std::string &domain, const std::string &from,
                                      const std::string &to, std::vector<std::string> options) {
    std::vector<std::string> out{"migrate", domain, "--from", from, "--to", to, "--interval", "50"};
    out.insert(out.end(), std::make_move_iterator(options.begin()),
               std::make_move_iterator(options.end()));
    return out;
}

host::command kvmig(const std::filesystem::path &state_home, std::vector<std::string> arguments) {
    host::command out = kvmig_command(std::move(arguments));
    out.environment = {{"XDG_STATE_HOME", state_home.string()}};
    return out;
}

} // namespace

host::command kvmig_command(std::vector<std::string> arguments) {
    host::command out;
    out.argv = {"/proc/self/exe"};
    out.argv.insert(out.argv.end(), std::make_move_iterator(arguments.begin()),
                    std::make_move_iterator(arguments.end()));
    return out;
}

expected<std::optional<migration::state>> controller::position() const {
    const auto place = state_home_ / "kvmig" / "journal.sqlite";
    std::error_code none;
    if (!std::filesystem::exists(place, none)) return std::nullopt;
    auto journal = host::sqlite_journal::open_at(place);
    if (!journal) return fail(std::move(journal).error());
    auto open = journal->unfinished();
    if (!open) return fail(std::move(open).error());
    if (open->empty()) return std::nullopt;
    auto told = journal->read(open->front());
    if (!told) return fail(std::move(told).error());
    return std::optional(told->at());
}

expected<host::command_result> controller::migrate(const std::string &domain,
                                                   const std::string &from, const std::string &to,
                                                   std::vector<std::string> options) const {
    return host::run(kvmig(state_home_, migration_of(domain, from, to, std::move(options))),
                     context_->stop);
}

expected<migration::state> controller::migrate_and_die(const std::string &domain,
                                                       const std::string &from,
                                                       const std::string &to,
                                                       std::vector<std::string> options,
                                                       migration::state where) const {
    std::error_code code;
    std::filesystem::create_directories(state_home_, code);
    if (code) {
        return fail(make_error(error_kind::io, fmt::format("cannot make the folder '{}': {}",
                                                           state_home_.string(), code.message())));
    }
    host::command cmd = kvmig(state_home_, migration_of(domain, from, to, std::move(options)));
    cmd.grace = std::chrono::milliseconds{0};
    child program(cmd);
    const auto deadline = std::chrono::steady_clock::now() + longest_run;
    std::optional<migration::state> last;
    while (!program.ended_within(between_looks, context_->stop)) {
        auto now = position();
        if (!now) return fail(std::move(now).error());
        last = *now ? *now : last;
        if (last == where) break;
        if (context_->stop.stop_requested()) return fail(error_kind::cancelled, "interrupted");
        if (std::chrono::steady_clock::now() > deadline) {
            return fail(error_kind::timed_out,
                        fmt::format("the migration did not come to {}; it stands in {}",
                                    to_string(where), last ? to_string(*last) : "no journal"));
        }
    }
    program.end();
    const auto &outcome = program.outcome();
    if (outcome && *outcome) {
        return fail(error_kind::failed,
                    fmt::format("the migration ended with status {} before it came to {}: {}",
                                (**outcome).status, to_string(where), (**outcome).err));
    }
    auto left = position();
    if (!left) return fail(std::move(left).error());
    if (!*left) return fail(error_kind::failed, "the killed controller left no open record");
    return **left;
}

expected<nlohmann::json> controller::recover() const {
    auto done = host::run(kvmig(state_home_, {"recover", "--all", "--json"}), context_->stop);
    if (!done) return fail(std::move(done).error());
    const auto answer = nlohmann::json::parse(done->out, nullptr, false);
    if (answer.is_discarded() || answer.value("schema", "") != "kvmig.recover/1" ||
        answer["migrations"].size() != 1) {
        return fail(make_error(error_kind::protocol,
                               fmt::format("kvmig recover ended with status {} and answered: {}",
                                           done->status, done->out))
                        .because(make_error(error_kind::failed, done->err)));
    }
    return answer["migrations"][0];
}

} // namespace kvmig::lab
