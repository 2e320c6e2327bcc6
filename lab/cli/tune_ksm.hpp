// SPDX-License-Identifier: MIT
/// kvmig tune ksm: once, or again and again.
#pragma once

#include <lab/cli/tune_request.hpp>

#include <functional>

namespace kvmig::lab::cli {

[[nodiscard]] expected<tune_answer> plan_for_ksm(const tune_request &asked,
                                                 const host::kernel_files &files);

/// `--watch`: tells each round (see `run::watch_ksm`) until `wait` is false, then puts back.
exit_status watch_for_ksm(const tune_request &asked, const context &ctx,
                          const std::function<bool()> &wait);

/// The same, waiting for `--every` to pass or for the program to be asked to end.
exit_status watch_for_ksm(const tune_request &asked, const context &ctx);

} // namespace kvmig::lab::cli
