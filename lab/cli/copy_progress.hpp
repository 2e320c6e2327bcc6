// SPDX-License-Identifier: MIT
/// What `kvmig nfs cp` tells while it copies.
#pragma once

#include <kvmig/run/copy.hpp>

#include <string>

namespace kvmig::lab::cli {

class copy_progress {
public:
    /// `live`: one line that changes often; else a line now and then.
    explicit copy_progress(bool live) noexcept : live_(live) {}

    /// The line for `now`, `seconds` after the beginning; empty when the last one is still young.
    /// Rate and time left are those of the copying, or of the reading back, of one file.
    [[nodiscard]] std::string at(const run::copy_state &now, double seconds);

private:
    bool live_;
    bool told_ = false;
    bool verifying_ = false;
    bool begun_ = false;
    unsigned file_ = 1;
    double last_ = 0;
    double since_ = 0;
    bytes first_;
};

} // namespace kvmig::lab::cli
