// SPDX-License-Identifier: MIT
/// Looks at a job while it runs: the samples and the progress of a migration.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/model/job.hpp>
#include <kvmig/ports/hypervisor.hpp>
#include <kvmig/run/migration_result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace kvmig::run {

/// Looks at a running migration, and remembers what it saw.
template <ports::hypervisor H> class sampler {
public:
    /// `progress` may be empty.
    sampler(H &source, const uuid &id, std::chrono::steady_clock::time_point start,
            const progress_callback &progress)
        : source_(source), id_(id), start_(start), progress_(progress) {}

    /// What it saw last, or why it saw nothing.
    expected<model::job_statistics> look() {
        auto statistics = source_.job(id_);
        if (!statistics) {
            // Right at the end the job, or the domain, may be gone already: only an error that
            // repeats is worth telling.
            if (++failures_ > 1) problem_ = statistics.error();
            return statistics;
        }
        failures_ = 0;
        problem_.reset();
        if (statistics->type == model::job_type::none) return statistics;
        model::job_progress now;
        now.since_start = std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::steady_clock::now() - start_);
        now.statistics = *statistics;
        if (const auto pass = now.statistics.memory_iteration) {
            if (!first_pass_ || *pass < *first_pass_) first_pass_ = pass;
            now.iteration = *pass - *first_pass_;
        }
        samples_.push_back(now);
        if (progress_) progress_(now);
        return statistics;
    }

    /// The newest sample, of the last look that saw a job; null before.
    [[nodiscard]] const model::job_progress *newest() const noexcept {
        return samples_.empty() ? nullptr : &samples_.back();
    }
    /// Those taken so far; taken from here once.
    [[nodiscard]] std::vector<model::job_progress> take_samples() { return std::move(samples_); }
    /// Set when the last looks all failed.
    [[nodiscard]] const std::optional<error> &problem() const noexcept { return problem_; }

private:
    H &source_;
    const uuid &id_;
    std::chrono::steady_clock::time_point start_;
    const progress_callback &progress_;
    std::vector<model::job_progress> samples_;
    std::optional<std::uint64_t> first_pass_;
    std::size_t failures_ = 0;
    std::optional<error> problem_;
};

} // namespace kvmig::run
