// SPDX-License-Identifier: MIT
#include <lab/cli/lab_choice.hpp>

#include <lab/cli/console.hpp>
#include <lab/cli/inside.hpp>
#include <lab/machine/lifecycle.hpp>
#include <lab/topology/files.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace kvmig::lab::cli {

void add_lab_option(CLI::App &sub, lab_choice &choice) {
    sub.add_option("--lab", choice.name,
                   "Which lab, when several stand side by side; also KVMIG_LAB")
        ->capture_default_str();
}

void add_making_options(CLI::App &sub, lab_choice &choice) {
    sub.add_option(
        "--release", choice.release,
        fmt::format("Debian release of the machines: bookworm or trixie; as before, else {}",
                    default_release));
    sub.add_option("--accel", choice.accel,
                   "How the hosts run: auto, kvm or tcg; as before, else auto");
}

expected<file_lock> lock_lab(const lab_paths &paths, std::string_view purpose, context &ctx) {
    if (auto made = make_directory(paths.root); !made) return fail(std::move(made).error());
    return file_lock::acquire(
        paths.lock(), fmt::format("kvmig lab {}", purpose),
        [&](const std::string &holder) {
            fmt::print(stderr, "the lab '{}' is in use: {}; waiting for it\n", paths.name, holder);
        },
        ctx.interrupted.get_token());
}

exit_status make_and_enter(const lab_paths &paths, const lab_choice &choice,
                           std::string_view purpose, context &ctx) {
    if (auto able = preflight(paths, choice.release, choice.accel); !able) {
        return report(able.error());
    }
    auto lock = lock_lab(paths, purpose, ctx);
    if (!lock) return report(lock.error());
    {
        console line;
        auto prepared = prepare(paths, choice.release, choice.accel, line.teller(),
                                ctx.interrupted.get_token());
        if (!prepared) return report(prepared.error());
    }
    return again_inside(paths, ctx);
}

} // namespace kvmig::lab::cli
