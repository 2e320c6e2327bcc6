// SPDX-License-Identifier: MIT
#include <lab/cli/copy_progress.hpp>

#include <fmt/format.h>

namespace kvmig::lab::cli {

std::string copy_progress::at(const run::copy_state &now, double seconds) {
    if (!begun_ || verifying_ != now.verifying || file_ != now.file) {
        begun_ = true;
        file_ = now.file;
        verifying_ = now.verifying;
        since_ = seconds;
        first_ = now.done;
        told_ = false;
    }
    constexpr double live_pause = 0.2;
    constexpr double plain_pause = 2;
    if (told_ && seconds - last_ < (live_ ? live_pause : plain_pause)) return {};
    // The first line tells nothing yet that a short copy would want.
    if (!live_ && !told_ && seconds - since_ < plain_pause) return {};
    told_ = true;
    last_ = seconds;
    std::string out =
        fmt::format("{}{}: {:.1f} of {:.1f} MiB", now.verifying ? "reading back" : "copying",
                    now.files > 1 ? fmt::format(" file {} of {}", now.file, now.files) : "",
                    now.done.as_mib(), now.total.as_mib());
    const double took = seconds - since_;
    const double moved = (now.done - first_).as_mib();
    if (took > 0 && moved > 0) {
        const double rate = moved / took;
        out += fmt::format(", {:.1f} MiB/s, {:.0f} s left", rate,
                           (now.total - now.done).as_mib() / rate);
    }
    return out;
}

} // namespace kvmig::lab::cli
