// SPDX-License-Identifier: MIT
/// A forecast as JSON and as text for people.
#pragma once

#include <kvmig/run/forecast.hpp>

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace kvmig::lab::cli {

/// The member `forecast` of `kvmig.check/1`: `{"ends": "yes|no|unknown", "bytes": {"memory",
/// "disks"}, "bytes_per_second": {"rate", "dirty"}, "seconds": {"total", "downtime"}, "because",
/// "assumed": […], "unknown": […]}`; null is what is not known.
[[nodiscard]] nlohmann::json forecast_json(const run::forecast_answer &of);

/// Lines for a terminal; ends with a newline.
[[nodiscard]] std::string forecast_text(const run::forecast_answer &of);

} // namespace kvmig::lab::cli
