// SPDX-License-Identifier: MIT
/// The copy of one file: from mark to mark, over lost connections, and published when it is whole.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/run/copy_end.hpp>
#include <kvmig/run/copy_engine.hpp>
#include <kvmig/run/copy_open.hpp>
#include <kvmig/run/copy_options.hpp>
#include <kvmig/run/copy_pieces.hpp>
#include <kvmig/run/copy_rebased.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <poll.h>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

namespace detail {

/// `conflict` when the target's name is taken, or used.
inline expected<void> may_take(copy_target &to, const copy_options &options) {
    if (!options.replace) {
        const auto taken = to.exists();
        if (!taken) return fail(taken.error());
        if (*taken) {
            return fail(make_error(error_kind::conflict, "the target is there already")
                            .about(to.name())
                            .advise("name another target, or replace it by --replace"));
        }
    }
    return to.unused();
}

inline nfs::window new_window(const copy_options &options) {
    return options.window == 0 ? nfs::window{} : nfs::window{options.window};
}

inline bool can_come_back(const error &err) {
    return err.kind == error_kind::unreachable || err.kind == error_kind::timed_out;
}

} // namespace detail

/// One file, from where to where it comes. Local files are paths, others `nfs://` addresses.
struct copy_job {
    std::string from; ///< it must exist
    std::string to;   ///< its final name, which it gets when it is whole
    bool raw = false; ///< whatever it begins with
    /// What the header of the copy, of a qcow2 image, tells in place of what it told.
    std::optional<model::qcow2::backing_reference> onto;
};

/// Copies images, one at a call.
class image_copy {
public:
    /// All of them so; `stop` leaves what `earlier_part::resume` can go on from.
    image_copy(copy_options options, copy_progress_callback progress, std::stop_token stop)
        : options_(std::move(options)), progress_(std::move(progress)), stop_(std::move(stop)) {}

    /// On an error the final name is as it was; what `earlier_part::resume` can go on from is left
    /// beside it, and `remedy` says so.
    /// `opened`: the source, where it is open already.
    expected<copy_result> operator()(const copy_job &job,
                                     std::unique_ptr<copy_source> opened = {}) {
        source_ = std::move(opened);
        if (!source_) {
            auto source = detail::open_source(job.from, options_, result_.notes, stop_);
            if (!source) return fail(std::move(source).error());
            source_ = *std::move(source);
        }
        auto target = detail::open_target(job.to, options_, stop_);
        if (!target) return fail(std::move(target).error());
        target_ = std::move(*target);

        const auto begun = prepare(job);
        if (!begun) return fail(begun.error());
        auto copied = copy_all();
        if (copied && options_.verify) copied = verify();
        if (copied) copied = unchanged();
        if (copied) copied = target_->publish(options_.replace);
        if (!copied) return fail(leave(std::move(copied).error()));
        result_.size = identity_.size;
        if (result_.resumed == bytes{0}) result_.checksum = checksum();
        return std::move(result_);
    }

private:
    expected<void> prepare(const copy_job &job) {
        const auto identity = source_->identity();
        if (!identity) return fail(identity.error());
        identity_ = *identity;
        if (job.onto) {
            auto rebased = rebased_source::make(std::move(source_), identity->size, *job.onto);
            if (!rebased) return fail(std::move(rebased).error());
            identity_.header = (**rebased).header();
            source_ = *std::move(rebased);
        }
        if (auto free = detail::may_take(*target_, options_); !free) return free;
        if (auto taken = take_over(); !taken) return taken;
        auto travelling = detail::ranges_of(*source_, identity_.size, job.raw, result_.notes);
        if (!travelling) return fail(std::move(travelling).error());
        result_.format = travelling->format;
        ranges_ = std::move(travelling->ranges);
        if (!resumes_) {
            if (auto room = enough_room(); !room) return room;
        }
        if (auto made = target_->begin(resumes_, source_->mode()); !made) return made;
        if (auto sized = target_->set_size(identity_.size); !sized) return give_back(sized.error());
        if (!resumes_) {
            if (auto marked = target_->write_mark({identity_, 0}); !marked) {
                return give_back(marked.error());
            }
        }
        return {};
    }

    /// What was begun and holds nothing goes.
    expected<void> give_back(error err) {
        if (resumes_) return fail(std::move(err));
        if (auto gone = target_->discard(); !gone) err.causes.push_back(gone.error());
        return fail(std::move(err));
    }

    expected<void> take_over() {
        if (options_.earlier == earlier_part::drop) return target_->discard();
        auto left = target_->left_over();
        if (!left) return fail(std::move(left).error());
        if (!*left) return {};
        if (options_.earlier == earlier_part::refuse) {
            return fail(make_error(error_kind::conflict,
                                   "an earlier copy to this target was broken off, or runs")
                            .about(target_->name())
                            .advise("--resume goes on with it, --fresh begins anew"));
        }
        if ((*left)->of != identity_) {
            return fail(
                make_error(error_kind::conflict,
                           "the source, or what the copy is to stand on, is another than that of "
                           "the copy that was broken off")
                    .about(source_->name())
                    .advise("--fresh begins anew"));
        }
        resumes_ = true;
        marked_ = (*left)->done;
        return {};
    }

    expected<void> enough_room() {
        const auto room = target_->free_room();
        if (!room) return fail(room.error());
        std::uint64_t total = 0;
        for (const model::byte_range &one : ranges_) total += one.length;
        // What the source's blocks take is the most that is not zero.
        const bytes needed = std::min(bytes{total}, source_->used());
        if (*room >= needed) return {};
        return fail(make_error(error_kind::environment,
                               "the target has no room: " + std::to_string(needed.count() >> 20U) +
                                   " MiB are needed, " + std::to_string(room->count() >> 20U) +
                                   " MiB are free")
                        .about(target_->name())
                        .advise("make room, or name another target"));
    }

    /// From mark to mark; after a lost connection from the last mark.
    expected<void> copy_all() {
        copy_pieces all(ranges_, marked_);
        result_.resumed = bytes{all.skipped()};
        total_ = all.total();
        done_ = all.skipped();
        auto pieces = std::move(all);
        for (;;) {
            copy_engine engine(detail::new_window(options_), detail::new_window(options_));
            auto moved = between_marks(engine, pieces);
            result_.read = result_.read + engine.read();
            result_.written = result_.written + engine.written();
            if (moved) return moved;
            keep_what_came(engine.watermark());
            if (!detail::can_come_back(moved.error())) return moved;
            if (auto back = come_back(moved.error()); !back) return back;
            pieces = copy_pieces(ranges_, marked_);
            done_ = pieces.skipped();
        }
    }

    expected<void> between_marks(copy_engine &engine, copy_pieces &pieces) {
        for (;;) {
            const std::uint64_t marked_at = engine.written().count();
            bool enough = false;
            auto moved = engine.run(
                *source_, *target_, pieces, &hashes_,
                [&] {
                    last_moved_ = std::chrono::steady_clock::now();
                    report(engine.finished().count(), false);
                    enough = engine.written().count() - marked_at >= options_.mark_every.count();
                    return !enough;
                },
                stop_);
            if (!moved) return moved;
            if (auto synced = target_->sync(); !synced) return synced;
            marked_ = engine.watermark();
            if (!enough) return {};
            if (auto marked = target_->write_mark({identity_, marked_}); !marked) return marked;
        }
    }

    /// Sets the mark where the copy broke, if the target can still make that last; else the earlier
    /// mark holds.
    void keep_what_came(std::uint64_t reached) {
        if (reached <= marked_ || !target_->sync()) return;
        if (target_->write_mark({identity_, reached})) marked_ = reached;
    }

    /// Connects anew until it succeeds, the time is up, or the source is another.
    expected<void> come_back(const error &lost) {
        const auto until = last_moved_ + options_.reconnect_for;
        // At once, unless that was done and nothing moved since: a server that asks for patience
        // lets itself be connected to.
        bool at_once = std::exchange(came_back_at_, last_moved_) != last_moved_;
        std::optional<error> why;
        for (;; at_once = false) {
            if (stop_.stop_requested())
                return fail(error_kind::cancelled, "the copy was cancelled");
            if (!at_once) {
                if (std::chrono::steady_clock::now() >= until) {
                    return fail(why ? error(lost).because(std::move(*why)) : lost);
                }
                // A server that refuses at once is asked again each second.
                ::poll(nullptr, 0, 1000);
            }
            auto back = source_->reconnect(stop_);
            if (back) back = target_->reconnect(stop_);
            if (back) {
                ++result_.reconnects;
                return unchanged();
            }
            if (!detail::can_come_back(back.error())) return back;
            why = std::move(back).error();
        }
    }

    expected<void> unchanged() {
        const auto now = source_->identity();
        if (!now) return fail(now.error());
        if (*now == identity_) return {};
        useless_ = true;
        return fail(make_error(error_kind::conflict, "the source was changed while it was copied")
                        .about(source_->name())
                        .advise("see that nothing writes it, and copy again with --fresh"));
    }

    expected<void> verify() {
        // What an earlier process copied was hashed by that one: the source tells it again.
        if (result_.resumed > bytes{0}) {
            copy_pieces below(ranges_);
            copy_engine again(detail::new_window(options_), detail::new_window(options_));
            hashes_.clear();
            if (auto read = again.hash(*source_, below, hashes_, stop_); !read) {
                return read;
            }
        }
        copy_pieces pieces(ranges_);
        copy_engine engine(detail::new_window(options_), detail::new_window(options_));
        done_ = 0;
        auto same = engine.compare(
            *target_, pieces, hashes_,
            [&] {
                report(engine.finished().count(), true);
                return true;
            },
            stop_);
        result_.verified = same.has_value();
        return same;
    }

    void report(std::uint64_t moved, bool verifying) {
        if (!progress_) return;
        progress_({bytes{std::min(total_, done_ + moved)}, bytes{total_}, verifying});
    }

    /// What stays after a failure.
    error leave(error err) {
        if (marked_ == 0 || useless_) {
            if (auto gone = target_->discard(); !gone) err.causes.push_back(gone.error());
            return err;
        }
        const std::string how = "copy again with --resume, which goes on from byte " +
                                std::to_string(marked_) + ", or --fresh";
        err.remedy = err.remedy.empty() ? how : err.remedy + "; then " + how;
        return err;
    }

    [[nodiscard]] std::string checksum() const {
        std::vector<copy_hash> all;
        all.reserve(hashes_.size());
        for (const auto &[offset, hash] : hashes_) all.push_back(hash);
        const copy_hash whole = hash_of(std::as_bytes(std::span(all)));
        return fmt::format("{:016x}{:016x}", whole.high, whole.low);
    }

    copy_options options_;
    copy_progress_callback progress_;
    std::stop_token stop_;
    copy_result result_;
    std::unique_ptr<copy_source> source_;
    std::unique_ptr<copy_target> target_;
    image_identity identity_;
    std::vector<model::byte_range> ranges_;
    copy_hashes hashes_;
    bool resumes_ = false;
    bool useless_ = false; ///< what has come is of a source that is another now
    std::uint64_t marked_ = 0;
    std::uint64_t total_ = 0;
    std::uint64_t done_ = 0;
    std::chrono::steady_clock::time_point last_moved_ = std::chrono::steady_clock::now();
    std::optional<std::chrono::steady_clock::time_point> came_back_at_; ///< what had moved then
};

} // namespace kvmig::run
