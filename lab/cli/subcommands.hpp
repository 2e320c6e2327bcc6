// SPDX-License-Identifier: MIT
/// Every subcommand of `kvmig`, each defined in the file of its name.
#pragma once

#include <lab/cli/cli.hpp>

namespace kvmig::lab::cli {

void add_check(CLI::App &app, context &ctx);
void add_diagnose(CLI::App &app, context &ctx);
void add_explain(CLI::App &app, context &ctx);
void add_lab(CLI::App &app, context &ctx);
void add_migrate(CLI::App &app, context &ctx);
void add_nfs(CLI::App &app, context &ctx);
void add_recover(CLI::App &app, context &ctx);
void add_tune(CLI::App &app, context &ctx);

inline void add_subcommands(CLI::App &app, context &ctx) {
    add_lab(app, ctx);
    add_check(app, ctx);
    add_migrate(app, ctx);
    add_recover(app, ctx);
    add_nfs(app, ctx);
    add_diagnose(app, ctx);
    add_explain(app, ctx);
    add_tune(app, ctx);
}

} // namespace kvmig::lab::cli
