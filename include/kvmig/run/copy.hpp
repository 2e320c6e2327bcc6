// SPDX-License-Identifier: MIT
/// Copies an image between this machine and NFS servers, or between two of them: pipelined, holes
/// kept, checked, resumable, and under its own name only when it is whole; with the images that it
/// stands on, where that is asked for.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/model/qcow2.hpp>
#include <kvmig/run/copy_chain.hpp>
#include <kvmig/run/copy_one.hpp>
#include <kvmig/run/copy_options.hpp>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

namespace detail {

/// Copies a chain, the deepest image first, so that the one asked for has its name last.
class chain_copy {
public:
    chain_copy(copy_options options, copy_progress_callback progress, std::stop_token stop)
        : options_(std::move(options)), progress_(std::move(progress)), stop_(std::move(stop)) {}

    expected<copy_result> operator()(const std::string &from, const std::string &to) {
        auto plan = plan_chain(from, to, options_);
        if (!plan) return fail(std::move(plan).error());
        files_ = static_cast<unsigned>(plan->jobs.size());
        if (files_ > 1) {
            // Told before the images below it are copied for nothing.
            auto target = open_target(to, options_, stop_);
            if (!target) return fail(std::move(target).error());
            if (auto free = may_take(**target, options_); !free) return fail(free.error());
        }
        std::vector<copied_backing> below;
        std::vector<std::string> notes = std::move(plan->notes);
        for (auto job = plan->jobs.rbegin(); job != std::prev(plan->jobs.rend()); ++job) {
            ++file_;
            auto done = copy_below(*job, notes);
            if (!done) return fail(tell_of(below, std::move(done).error()));
            below.insert(below.begin(), *std::move(done));
        }
        ++file_;
        auto top =
            image_copy(options_, counted(), stop_)(plan->jobs.front(), std::move(plan->opened));
        if (!top) return fail(tell_of(below, std::move(top).error()));
        top->backing = std::move(below);
        notes.insert(notes.end(), top->notes.begin(), top->notes.end());
        top->notes = std::move(notes);
        return top;
    }

private:
    [[nodiscard]] copy_progress_callback counted() const {
        if (!progress_) return {};
        return [this](copy_state now) {
            now.file = file_;
            now.files = files_;
            progress_(now);
        };
    }

    expected<copied_backing> copy_below(const copy_job &job, std::vector<std::string> &notes) {
        copy_options options = options_;
        options.replace = false; // other images may stand on what is there
        auto target = open_target(job.to, options, stop_);
        if (!target) return fail(std::move(target).error());
        const auto taken = (*target)->exists();
        if (!taken) return fail(taken.error());
        if (*taken) return compare(job);
        auto done = image_copy(options, counted(), stop_)(job);
        if (!done) return fail(std::move(done).error());
        notes.insert(notes.end(), done->notes.begin(), done->notes.end());
        return copied_backing{job.from, job.to, done->size, done->written, false};
    }

    /// What has the name already is taken if it is what the copy would be: that of an earlier run,
    /// or of another image on the same base.
    expected<copied_backing> compare(const copy_job &job) {
        std::vector<std::string> ignored;
        auto opened = open_source(job.from, options_, ignored, stop_);
        if (!opened) return fail(std::move(opened).error());
        std::unique_ptr<copy_source> source = *std::move(opened);
        const auto identity = source->identity();
        if (!identity) return fail(identity.error());
        if (job.onto) {
            auto rebased = rebased_source::make(std::move(source), identity->size, *job.onto);
            if (!rebased) return fail(std::move(rebased).error());
            source = *std::move(rebased);
        }
        auto there = open_source(job.to, options_, ignored, stop_);
        if (!there) return fail(std::move(there).error());
        const auto other = (*there)->identity();
        if (!other) return fail(other.error());
        const auto differs = [&](const std::string &how) {
            return make_error(error_kind::conflict,
                              "the target of the backing file is there already, " + how)
                .about(job.to)
                .advise("copy into another folder; or see which of the two is right: --rebase "
                        "makes the copy stand on a file of another name");
        };
        if (identity->size != other->size) return fail(differs("of another size"));
        const auto ranges = content_of(*source, identity->size, job.raw);
        copy_hashes hashes;
        copy_pieces to_hash(ranges);
        copy_engine reading(new_window(options_), new_window(options_));
        if (auto read = reading.hash(*source, to_hash, hashes, stop_); !read) {
            return fail(read.error());
        }
        copy_pieces to_compare(ranges);
        copy_engine comparing(new_window(options_), new_window(options_));
        const auto tell = counted();
        const bytes total{to_compare.total()};
        auto same = comparing.compare(
            **there, to_compare, hashes,
            [&] {
                if (tell) tell({comparing.finished(), total, true});
                return true;
            },
            stop_);
        if (!same && same.error().kind == error_kind::failed) {
            return fail(differs("with another content").because(std::move(same).error()));
        }
        if (!same) return fail(std::move(same).error());
        return copied_backing{job.from, job.to, identity->size, bytes{0}, true};
    }

    /// What has its name already stays: it is whole, and the next copy finds it equal.
    static error tell_of(const std::vector<copied_backing> &below, error err) {
        std::string names;
        for (const copied_backing &one : below) {
            if (!one.was_there) names += (names.empty() ? "" : ", ") + one.to;
        }
        if (!names.empty()) {
            err.remedy += (err.remedy.empty() ? "" : "; ") + names +
                          " came before, is whole and stays: the next copy takes it as it is";
        }
        return err;
    }

    copy_options options_;
    copy_progress_callback progress_;
    std::stop_token stop_;
    unsigned file_ = 0;
    unsigned files_ = 1;
};

} // namespace detail

/// Copies the image `from` to `to`. Of an image that stands on others `options.backing` tells what
/// becomes of them; the chain's are in `copy_result::backing`.
[[nodiscard]] inline expected<copy_result>
copy_image(const std::string &from, const std::string &to, copy_options options = {},
           copy_progress_callback progress = {}, std::stop_token stop = {}) {
    return detail::chain_copy(std::move(options), std::move(progress), std::move(stop))(from, to);
}

} // namespace kvmig::run
