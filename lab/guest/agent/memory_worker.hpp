// SPDX-License-Identifier: MIT
/// Fills memory with the pattern, dirties it at a rate, and checks it.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/guest/agent/worker.hpp>
#include <lab/guest/memory_pages.hpp>
#include <lab/guest/messages.hpp>
#include <lab/guest/pacer.hpp>
#include <lab/guest/settings.hpp>

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

namespace kvmig::lab::guest {

class memory_worker {
public:
    /// Gets the memory and begins to fill it. Fails with `environment` when the machine has not
    /// that much.
    [[nodiscard]] static expected<std::unique_ptr<memory_worker>>
    start(const guest_settings &settings, std::uint64_t seed);

    [[nodiscard]] memory_status status() const;
    /// Waits until all of it is filled.
    [[nodiscard]] expected<void> filled();
    /// Fails with `invalid_argument` when the working set is larger than the memory, or is empty.
    [[nodiscard]] expected<void> change(const workload_change &change);
    /// Checks every page, while the workload goes on.
    [[nodiscard]] expected<memory_verdict> verify();
    [[nodiscard]] expected<void> damage(std::uint64_t page);

private:
    /// Memory of the kernel's, a whole number of pages.
    class mapping {
    public:
        explicit mapping(std::span<std::uint64_t> words) noexcept : words_(words) {}
        ~mapping();
        mapping(const mapping &) = delete;
        mapping &operator=(const mapping &) = delete;
        [[nodiscard]] std::span<std::uint64_t> words() const noexcept { return words_; }

    private:
        std::span<std::uint64_t> words_;
    };

    memory_worker(const guest_settings &settings, std::uint64_t seed,
                  std::span<std::uint64_t> memory);
    [[nodiscard]] std::optional<worker::clock::time_point> work();
    void publish();

    mapping memory_;
    memory_pages pages_;
    std::uint64_t working_set_;
    write_mode mode_;
    std::uint64_t cursor_ = 0;
    pacer pace_;
    mutable std::mutex mutex_;
    memory_status status_; ///< what others may see, under `mutex_`
    worker worker_;        ///< last: it uses everything above
};

} // namespace kvmig::lab::guest
