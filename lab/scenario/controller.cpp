// SPDX-License-Identifier: MIT
#include <lab/scenario/child.hpp>
#include <lab/scenario/controller.hpp>

#include <kvmig/host/command.hpp>

#include <csignal>
#include <fmt/format.h>
#include <iterator>

namespace kvmig::lab {

namespace {

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

expected<host::command_result> controller::migrate(const std::string &domain,
                                                   const std::string &from, const std::string &to,
                                                   std::vector<std::string> options) const {
    return host::run(kvmig(state_home_, migration_of(domain, from, to, std::move(options))),
                     context_->stop);
}

expected<void> controller::migrate_and_die(const std::string &domain, const std::string &from,
                                           const std::string &to, std::vector<std::string> options,
                                           migration::state where, killed when) const {
    std::error_code code;
    std::filesystem::create_directories(state_home_, code);
    if (code) {
        return fail(make_error(error_kind::io, fmt::format("cannot make the folder '{}': {}",
                                                           state_home_.string(), code.message())));
    }
    host::command cmd = kvmig(state_home_, migration_of(domain, from, to, std::move(options)));
    cmd.environment.emplace_back(when == killed::in ? "KVMIG_KILLED_IN" : "KVMIG_KILLED_AFTER",
                                 to_string(where));
    const auto ended = host::run(cmd, context_->stop);
    if (!ended) return fail(ended.error());
    if (ended->status != 128 + SIGKILL) {
        return fail(error_kind::failed,
                    fmt::format("the migration ended with status {} before it came to {}: {}",
                                ended->status, to_string(where), ended->err));
    }
    return {};
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
