// SPDX-License-Identifier: MIT
/// A run as Markdown, for the summary page of a CI job.
#pragma once

#include <lab/scenario/runner.hpp>

#include <string>

namespace kvmig::lab {

/// The counts, a table of the scenarios, what failed with its reason and the proofs that did not
/// pass, and the figures folded away. Texts from hosts cannot break out of their place.
[[nodiscard]] std::string markdown_of(const run_result &run);

} // namespace kvmig::lab
