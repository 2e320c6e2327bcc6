// SPDX-License-Identifier: MIT
/// A journal that also keeps when each step was written, for migrations that give no result.
#pragma once

#include <kvmig/run/memory_journal.hpp>
#include <kvmig/run/migration_result.hpp>

#include <chrono>
#include <vector>

namespace kvmig::lab {

/// Used by one thread at a time.
class timed_journal : public run::memory_journal {
public:
    [[nodiscard]] expected<void> append(const lease &held, const ports::journal_entry &entry) {
        steps_.push_back({entry.what, std::chrono::steady_clock::now()});
        return run::memory_journal::append(held, entry);
    }
    /// In the order in which they were written.
    [[nodiscard]] const std::vector<run::timed_step> &steps() const noexcept { return steps_; }

private:
    std::vector<run::timed_step> steps_;
};

static_assert(ports::journal<timed_journal>);

} // namespace kvmig::lab
