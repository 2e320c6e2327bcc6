// SPDX-License-Identifier: MIT
/// Writes the pattern to the disk at a rate, and checks it.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/guest/agent/worker.hpp>
#include <lab/guest/disk_store.hpp>
#include <lab/guest/messages.hpp>
#include <lab/guest/pacer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace kvmig::lab::guest {

class disk_worker {
public:
    /// `rate` blocks a second are written from the start, round and round.
    disk_worker(disk_store store, bytes offset, std::uint64_t rate);

    /// Answers at once, even while the disk does not.
    [[nodiscard]] disk_status status() const;
    /// A new rate also takes up the writer again after an error stopped it.
    [[nodiscard]] expected<void> set_rate(std::uint64_t per_second);
    /// Writes each block once and syncs; the verdict is of the same blocks, read back.
    [[nodiscard]] expected<disk_verdict> write(const block_range &range);
    [[nodiscard]] expected<disk_verdict> verify(const block_range &range);
    [[nodiscard]] expected<void> sync();
    /// Ends the writer for good and syncs, before the machine goes off.
    [[nodiscard]] expected<void> finish(worker::clock::time_point deadline);
    [[nodiscard]] expected<void> damage(std::uint64_t index);

private:
    struct stretch {
        std::uint64_t next = 0;
        std::uint64_t end = 0;
    };

    [[nodiscard]] std::optional<worker::clock::time_point> work();
    [[nodiscard]] expected<stretch> within(const block_range &range) const;
    void publish();

    disk_store store_;
    bytes offset_;
    std::uint64_t cursor_ = 0;
    pacer pace_;
    std::optional<std::string> fault_;
    mutable std::mutex mutex_;
    disk_status status_; ///< what others may see, under `mutex_`
    worker worker_;      ///< last: it uses everything above
};

} // namespace kvmig::lab::guest
