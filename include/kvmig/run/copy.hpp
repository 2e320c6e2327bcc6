// SPDX-License-Identifier: MIT
/// Copies an image between this machine and NFS servers, or between two of them: pipelined, holes
/// kept, checked, resumable, and under its own name only when it is whole.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/model/nfs_url.hpp>
#include <kvmig/model/qcow2.hpp>
#include <kvmig/run/copy_end.hpp>
#include <kvmig/run/copy_engine.hpp>
#include <kvmig/run/copy_local.hpp>
#include <kvmig/run/copy_nfs.hpp>
#include <kvmig/run/copy_pieces.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <poll.h>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

/// What to do with the part of an earlier copy.
enum class earlier_part : std::uint8_t {
    refuse, ///< `conflict`
    resume, ///< go on where it is sure to have come, if the source is still the same
    drop,   ///< begin anew
};

/// How an image is copied.
struct copy_options {
    bool replace = false;    ///< a target that is there is replaced, in one step
    bool verify = false;     ///< the target is read back
    bool in_use_too = false; ///< a local image that a running QEMU writes is copied all the same
    earlier_part earlier = earlier_part::refuse;
    /// How long a lost connection may take to come back, without a piece moved meanwhile.
    std::chrono::seconds reconnect_for{120};
    /// How much is written between two points to which a broken copy can go back.
    bytes mark_every = bytes::mib(512);
    std::chrono::milliseconds patience = nfs::default_patience;
    std::size_t window = 0; ///< requests under way at each end; 0: adapted to the round trip
};

/// How far it is.
struct copy_state {
    bytes done;  ///< of what travels: read, and written unless zero
    bytes total; ///< what travels
    bool verifying = false;
};
/// Called after each piece; must not block.
using copy_progress_callback = std::function<void(const copy_state &)>;

/// What came of it.
struct copy_result {
    bytes size;         ///< of the file
    bytes read;         ///< from the source
    bytes written;      ///< to the target; the rest are holes
    bytes resumed;      ///< taken over from an earlier part
    std::string format; ///< "raw" or "qcow2"
    /// XXH3 over the hashes of the pieces read, in order, in hexadecimal; empty when some of them
    /// were copied earlier.
    std::string checksum;
    bool verified = false;
    unsigned reconnects = 0;
    std::vector<std::string> notes; ///< what could not be looked at
};

namespace detail {

inline expected<std::unique_ptr<copy_source>> open_source(const std::string &where,
                                                          const copy_options &options,
                                                          std::vector<std::string> &notes) {
    if (model::is_nfs_url(where)) {
        auto url = model::parse_nfs_url(where);
        if (!url) return fail(std::move(url).error());
        auto out = nfs_source::open(*url, {options.patience, {}});
        if (!out) return fail(std::move(out).error());
        notes.push_back("NFSv3 shows no locks: whether a guest uses " + where +
                        " was not looked at");
        return std::unique_ptr<copy_source>(std::move(*out));
    }
    auto out = local_source::open(where);
    if (!out) return fail(std::move(out).error());
    const auto use = (*out)->file().use();
    if (!use) return fail(use.error());
    if (*use == host::image_use::written && !options.in_use_too) {
        return fail(make_error(error_kind::conflict,
                               "a running QEMU writes this image: a copy of it would be torn")
                        .about(where)
                        .advise("shut the guest down, or copy it with the guest: kvmig migrate "
                                "--mode block"));
    }
    return std::unique_ptr<copy_source>(std::move(*out));
}

inline expected<std::unique_ptr<copy_target>> open_target(const std::string &where,
                                                          const copy_options &options) {
    if (!model::is_nfs_url(where)) return std::make_unique<local_target>(where);
    auto url = model::parse_nfs_url(where);
    if (!url) return fail(std::move(url).error());
    if (url->version == 4) {
        return fail(make_error(error_kind::unsupported, "images are copied by NFSv3: libnfs 4 "
                                                        "cannot encode large writes of NFSv4")
                        .about(where)
                        .advise("leave ?version=4 away"));
    }
    auto out = nfs_target::open(*url, {options.patience, {}});
    if (!out) return fail(std::move(out).error());
    return std::unique_ptr<copy_target>(std::move(*out));
}

/// What of the source travels.
struct travelling {
    std::string format = "raw";
    std::vector<model::byte_range> ranges;
};

inline expected<travelling> ranges_of(copy_source &from, bytes size,
                                      std::vector<std::string> &notes) {
    travelling out;
    auto data = from.data();
    if (!data) return fail(std::move(data).error());
    const auto head = from.read(0, std::min<std::uint64_t>(size.count(), 4096));
    if (!head) return fail(head.error());
    constexpr std::array magic{std::byte{'Q'}, std::byte{'F'}, std::byte{'I'}, std::byte{0xfb}};
    if (head->size() >= magic.size() && std::equal(magic.begin(), magic.end(), head->begin())) {
        out.format = "qcow2";
        const auto map = model::qcow2::map_of(
            [&from](std::uint64_t offset, std::uint64_t length) {
                return from.read(offset, length);
            },
            size.count());
        if (!map) {
            notes.push_back("its qcow2 tables cannot be read, so that all of the file travels: " +
                            map.error().what);
        } else if (!*data) {
            out.ranges = map->used;
            return out;
        }
    }
    if (*data) {
        out.ranges = std::move(**data);
    } else if (size.count() > 0) {
        out.ranges = {{0, size.count()}};
    }
    return out;
}

inline bool can_come_back(const error &err) {
    return err.kind == error_kind::unreachable || err.kind == error_kind::timed_out;
}

} // namespace detail

/// One copy, from where to where it comes. Local files are paths, others `nfs://` addresses.
class image_copy {
public:
    /// `progress` may be empty; `stop` ends it so that it can be resumed.
    image_copy(const copy_options &options, copy_progress_callback progress, std::stop_token stop)
        : options_(options), progress_(std::move(progress)), stop_(std::move(stop)) {}

    /// On an error the final name is as it was; what `earlier_part::resume` can go on from is left
    /// beside it, and `remedy` says so.
    expected<copy_result> operator()(const std::string &from, const std::string &to) {
        auto source = detail::open_source(from, options_, result_.notes);
        if (!source) return fail(std::move(source).error());
        source_ = std::move(*source);
        auto target = detail::open_target(to, options_);
        if (!target) return fail(std::move(target).error());
        target_ = std::move(*target);

        const auto begun = prepare();
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
    expected<void> prepare() {
        const auto identity = source_->identity();
        if (!identity) return fail(identity.error());
        identity_ = *identity;
        if (!options_.replace) {
            const auto taken = target_->exists();
            if (!taken) return fail(taken.error());
            if (*taken) {
                return fail(make_error(error_kind::conflict, "the target is there already")
                                .about(target_->name())
                                .advise("name another target, or replace it by --replace"));
            }
        }
        if (auto idle = target_->unused(); !idle) return idle;
        if (auto taken = take_over(); !taken) return taken;
        auto travelling = detail::ranges_of(*source_, identity_.size, result_.notes);
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
                           "the source is another than that of the copy that was broken off")
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

    [[nodiscard]] nfs::window new_window() const {
        return options_.window == 0 ? nfs::window{} : nfs::window{options_.window};
    }

    /// From mark to mark; after a lost connection from the last mark.
    expected<void> copy_all() {
        copy_pieces all(ranges_, marked_);
        result_.resumed = bytes{all.skipped()};
        total_ = all.total();
        done_ = all.skipped();
        auto pieces = std::move(all);
        for (;;) {
            copy_engine engine(new_window(), new_window());
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
        for (;;) {
            if (stop_.stop_requested())
                return fail(error_kind::cancelled, "the copy was cancelled");
            auto back = source_->reconnect(stop_);
            if (back) back = target_->reconnect(stop_);
            if (back) {
                ++result_.reconnects;
                return unchanged();
            }
            if (!detail::can_come_back(back.error())) return back;
            if (std::chrono::steady_clock::now() >= until) {
                return fail(error(lost).because(std::move(back).error()));
            }
            // A server that refuses at once is asked again each second.
            ::poll(nullptr, 0, 1000);
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
            copy_engine again(new_window(), new_window());
            hashes_.clear();
            if (auto read = again.hash(*source_, below, hashes_, stop_); !read) {
                return read;
            }
        }
        copy_pieces pieces(ranges_);
        copy_engine engine(new_window(), new_window());
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
};

/// Copies the image `from` to `to`.
[[nodiscard]] inline expected<copy_result>
copy_image(const std::string &from, const std::string &to, copy_options options = {},
           copy_progress_callback progress = {}, std::stop_token stop = {}) {
    return image_copy(options, std::move(progress), std::move(stop))(from, to);
}

} // namespace kvmig::run
