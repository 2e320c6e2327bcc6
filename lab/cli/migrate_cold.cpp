// SPDX-License-Identifier: MIT
#include <lab/cli/migrate_cold.hpp>

#include <kvmig/migration/options_text.hpp>
#include <kvmig/migration/state.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fmt/format.h>

namespace kvmig::lab::cli {

using migration::flag;

namespace {

/// Fails with `invalid_argument`, naming what has a meaning for live migrations only.
expected<run::cold_options> cold_options_of(const migration::options &asked) {
    run::cold_options out;
    out.undefine_source = asked.flags.has(flag::undefine_source);
    migration::options rest = asked;
    // The destination always defines it.
    for (const flag each : {flag::undefine_source, flag::persist_dest}) {
        rest.flags.set(each, false);
    }
    if (rest == migration::options{.flags = {}}) return out;
    std::string typed = to_text(rest);
    std::replace(typed.begin(), typed.end(), '\n', ' ');
    return fail(make_error(error_kind::invalid_argument,
                           "mode cold: of the options of libvirt's migrations only --persistent "
                           "and --undefinesource have a meaning, and there is: " +
                               typed)
                    .advise("leave them out, or migrate with --mode live"));
}

/// What is asked of the copy of images.
expected<run::copy_wish> copy_wish_of(const migrate_request &asked) {
    run::copy_wish out;
    for (const std::string &each : asked.path_rules) {
        auto rule = model::path_rule::parse(each);
        if (!rule) {
            rule.error().what = "--map-path: " + rule.error().what;
            return fail(std::move(rule).error());
        }
        out.rules.push_back(*std::move(rule));
    }
    if (asked.copy_address.empty()) return out;
    auto to = model::uri_authority::parse(asked.copy_address);
    if (to && (to->host.empty() || asked.copy_address.starts_with('-'))) {
        to = fail(error_kind::invalid_argument, "it names no host");
    }
    if (!to) {
        return fail(make_error(error_kind::invalid_argument,
                               "--copy-address: '" + asked.copy_address + "': " + to.error().what)
                        .advise("write it as [USER@]HOST[:PORT]"));
    }
    out.address = *std::move(to);
    return out;
}

} // namespace

expected<cold_request> cold_request_of(const migrate_request &asked) {
    const auto options = options_of(asked);
    if (!options) return fail(options.error());
    auto how = cold_options_of(*options);
    if (!how) return fail(std::move(how).error());
    how->keep_state = asked.keep_state;
    auto copy = copy_wish_of(asked);
    if (!copy) return fail(std::move(copy).error());
    return cold_request{.how = *how, .copy = *std::move(copy)};
}

std::string progress_text(const std::string &domain, const run::cold_progress &now) {
    std::string out = fmt::format("{}: {}", domain, to_string(now.at));
    if (now.images && now.images->total.count() > 0) {
        out += fmt::format(", {:.1f} of {:.1f} MiB", now.images->done.as_mib(),
                           now.images->total.as_mib());
    }
    return out;
}

void print_answer(const run::cold_result &result) {
    fmt::print("{}: migrated cold from {} to {} in {:.1f} s\n", result.domain,
               result.source.hostname, result.destination.hostname,
               std::chrono::duration<double>(result.wall_time).count());
    if (result.downtime) {
        fmt::print("  shut off   {:.1f} s\n",
                   std::chrono::duration<double>(*result.downtime).count());
    }
    fmt::print("  images     {}\n", result.proof);
    fmt::print("  {}\n", result.guest.text());
    for (const error &gap : result.gaps) fmt::print(stderr, "kvmig: {}\n", describe(gap));
}

} // namespace kvmig::lab::cli
