// SPDX-License-Identifier: MIT
/// Moves pieces from a source to a target with many requests under way at both, in one thread.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/nfs/window.hpp>
#include <kvmig/run/copy_end.hpp>
#include <kvmig/run/copy_pieces.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <poll.h>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>
#include <xxhash.h> // not inlined: what includes this may be compiled without optimisation

namespace kvmig::run {

/// XXH3 of 128 bits.
struct copy_hash {
    std::uint64_t low = 0;  ///< the lower 64 bits
    std::uint64_t high = 0; ///< the upper 64 bits

    friend bool operator==(const copy_hash &, const copy_hash &) = default;
};

/// XXH3, of 128 bits.
[[nodiscard]] inline copy_hash hash_of(std::span<const std::byte> data) {
    const XXH128_hash_t hash = XXH3_128bits(data.data(), data.size());
    return {hash.low64, hash.high64};
}

/// The hash of each piece, by its offset.
using copy_hashes = std::map<std::uint64_t, copy_hash>;

/// Reads and writes pieces, several at once, and hashes what it read.
class copy_engine {
public:
    using clock = std::chrono::steady_clock; ///< By which the windows measure.
    /// Called after each piece; false stops taking further ones, and `run` ends when those under
    /// way are done.
    using piece_done = std::function<bool()>;

    /// How many requests may be under way at the source, and at the target.
    copy_engine(nfs::window reads, nfs::window writes)
        : read_window_(reads), write_window_(writes) {}

    /// Copies what `pieces` has left, and leaves zeroes out: the target has holes there.
    /// On an error some pieces after `watermark()` may have been written.
    expected<void> run(copy_source &from, copy_target &to, copy_pieces &pieces, copy_hashes *hashes,
                       const piece_done &after_piece, const std::stop_token &stop) {
        return transfer(
            {&from, &to}, pieces, after_piece, stop,
            [&](const std::shared_ptr<slot> &one) { return start_read(from, one); },
            [&](const std::shared_ptr<slot> &one) -> expected<bool> {
                if (hashes) hashes->insert_or_assign(one->piece.offset, hash_of(one->filled()));
                one->parts = nonzero_parts(one->piece.offset, one->filled());
                return !one->parts.empty();
            },
            [&](const std::shared_ptr<slot> &one) { return start_write(to, one); });
    }

    /// Reads the pieces for their hashes alone.
    expected<void> hash(copy_source &from, copy_pieces &pieces, copy_hashes &hashes,
                        const std::stop_token &stop) {
        return transfer(
            {&from}, pieces, [] { return true; }, stop,
            [&](const std::shared_ptr<slot> &one) { return start_read(from, one); },
            [&](const std::shared_ptr<slot> &one) -> expected<bool> {
                hashes.insert_or_assign(one->piece.offset, hash_of(one->filled()));
                return false;
            },
            [](const std::shared_ptr<slot> &) -> expected<void> { return {}; });
    }

    /// Reads the pieces back and compares; the first that differs is an error.
    template <class End>
    expected<void> compare(End &end, copy_pieces &pieces, const copy_hashes &hashes,
                           const piece_done &after_piece, const std::stop_token &stop) {
        return transfer(
            {&end}, pieces, after_piece, stop,
            [&](const std::shared_ptr<slot> &one) { return start_read(end, one); },
            [&](const std::shared_ptr<slot> &one) -> expected<bool> {
                const auto wanted = hashes.find(one->piece.offset);
                if (wanted != hashes.end() && wanted->second == hash_of(one->filled())) {
                    return false;
                }
                return fail(
                    make_error(error_kind::failed, "the copy differs from what was read, at byte " +
                                                       std::to_string(one->piece.offset))
                        .about(end.name()));
            },
            [](const std::shared_ptr<slot> &) -> expected<void> { return {}; });
    }

    /// Every byte of the pieces below it has been read, and written where it is not zero.
    [[nodiscard]] std::uint64_t watermark() const noexcept {
        return unfinished_.empty() ? finished_to_ : *unfinished_.begin();
    }
    /// The bytes of the pieces that are done.
    [[nodiscard]] bytes finished() const noexcept { return finished_; }
    [[nodiscard]] bytes read() const noexcept { return read_; }       ///< From the source so far.
    [[nodiscard]] bytes written() const noexcept { return written_; } ///< To the target so far.

private:
    struct slot {
        std::vector<std::byte> buffer = std::vector<std::byte>(copy_piece);
        model::byte_range piece;
        std::uint64_t done = 0; ///< bytes of the piece, or of its first part
        std::vector<model::byte_range> parts;
        clock::time_point since;

        [[nodiscard]] std::span<std::byte> filled() {
            return std::span(buffer).first(static_cast<std::size_t>(piece.length));
        }
        [[nodiscard]] std::span<const std::byte> of(const model::byte_range &part) const {
            return std::span(buffer).subspan(static_cast<std::size_t>(part.offset - piece.offset),
                                             static_cast<std::size_t>(part.length));
        }
    };

    /// Held by the completions too: libnfs may call them as late as when its session ends.
    struct queues {
        std::deque<std::pair<std::shared_ptr<slot>, expected<std::size_t>>> read;
        std::deque<std::pair<std::shared_ptr<slot>, expected<std::size_t>>> written;
    };

    template <class End> expected<void> start_read(End &from, const std::shared_ptr<slot> &one) {
        one->since = clock::now();
        return from.start_read(one->piece.offset + one->done,
                               one->filled().subspan(static_cast<std::size_t>(one->done)),
                               [one, ends = ends_](expected<std::size_t> end) {
                                   ends->read.emplace_back(one, std::move(end));
                               });
    }
    expected<void> start_write(copy_target &to, const std::shared_ptr<slot> &one) {
        one->since = clock::now();
        return to.start_write(
            one->parts.front().offset + one->done,
            one->of(one->parts.front()).subspan(static_cast<std::size_t>(one->done)),
            [one, ends = ends_](expected<std::size_t> end) {
                ends->written.emplace_back(one, std::move(end));
            });
    }

    // One loop, with its cases in the order in which a piece meets them: apart they would share all
    // that is counted here.
    template <class Read, class Judge, class Write>
    // NOLINTNEXTLINE(readability-function-cognitive-complexity)
    expected<void> transfer(std::vector<copy_end *> sides, copy_pieces &pieces,
                            const piece_done &after_piece, const std::stop_token &stop, Read read,
                            Judge judge, Write write) {
        ends_ = std::make_shared<queues>();
        unfinished_.clear();
        std::vector<std::shared_ptr<slot>> spare;
        std::deque<std::shared_ptr<slot>> to_write;
        std::size_t slots = 0;
        std::size_t reading = 0;
        std::size_t writing = 0;
        bool more = true;
        const auto finish = [&](const std::shared_ptr<slot> &one) {
            unfinished_.erase(one->piece.offset);
            finished_ = finished_ + bytes{one->piece.length};
            spare.push_back(one);
            if (!after_piece()) more = false;
        };
        const auto put = [&](const std::shared_ptr<slot> &one) -> expected<void> {
            ++writing;
            return write(one);
        };
        for (;;) {
            if (stop.stop_requested()) {
                return fail(error_kind::cancelled, "the copy was cancelled");
            }
            while (!to_write.empty() && writing < write_window_.size()) {
                const auto one = to_write.front();
                to_write.pop_front();
                if (auto started = put(one); !started) return started;
            }
            while (more && reading < read_window_.size() &&
                   to_write.size() < write_window_.size() &&
                   (!spare.empty() || slots < most_slots)) {
                const auto piece = pieces.next();
                if (!piece) {
                    more = false;
                    break;
                }
                if (spare.empty()) {
                    spare.push_back(std::make_shared<slot>());
                    ++slots;
                }
                const auto one = std::move(spare.back());
                spare.pop_back();
                one->piece = *piece;
                one->done = 0;
                unfinished_.insert(piece->offset);
                finished_to_ = piece->end();
                ++reading;
                if (auto started = read(one); !started) return started;
            }
            if (ends_->read.empty() && ends_->written.empty()) {
                if (reading == 0 && writing == 0 && to_write.empty()) return {};
                if (auto served = serve(sides); !served) return served;
            }
            while (!ends_->read.empty()) {
                auto [one, end] = std::move(ends_->read.front());
                ends_->read.pop_front();
                if (!end) return fail(std::move(end).error());
                if (*end == 0) return fail(shrunk(*sides.front(), *one));
                read_ = read_ + bytes{*end};
                one->done += *end;
                if (one->done < one->piece.length) {
                    if (auto started = read(one); !started) return started;
                    continue;
                }
                read_window_.answered(clock::now() - one->since);
                --reading;
                one->done = 0;
                const auto wanted = judge(one);
                if (!wanted) return fail(wanted.error());
                if (*wanted) {
                    to_write.push_back(one);
                } else {
                    finish(one);
                }
            }
            while (!ends_->written.empty()) {
                auto [one, end] = std::move(ends_->written.front());
                ends_->written.pop_front();
                if (!end) return fail(std::move(end).error());
                if (*end == 0) {
                    return fail(make_error(error_kind::protocol, "a write wrote nothing")
                                    .about(sides.back()->name()));
                }
                written_ = written_ + bytes{*end};
                one->done += *end;
                if (one->done == one->parts.front().length) {
                    write_window_.answered(clock::now() - one->since);
                    one->parts.erase(one->parts.begin());
                    one->done = 0;
                }
                --writing;
                if (one->parts.empty()) {
                    finish(one);
                } else if (auto started = put(one); !started) {
                    return started;
                }
            }
        }
    }

    static expected<void> serve(const std::vector<copy_end *> &sides) {
        std::array<pollfd, 2> fds{};
        std::size_t count = 0;
        for (copy_end *side : sides) {
            const auto wanted = side->wanted();
            if (wanted && wanted->fd >= 0) fds[count++] = *wanted;
        }
        constexpr int look_around_ms = 100; // at the stop token, and each end at its clock
        const int ready = ::poll(fds.data(), count, look_around_ms);
        if (ready < 0 && errno != EINTR) {
            return fail(error_kind::failed,
                        std::string("poll failed: ") +
                            std::strerror(errno)); // NOLINT(concurrency-mt-unsafe)
        }
        std::size_t next = 0;
        for (copy_end *side : sides) {
            const auto wanted = side->wanted();
            short revents = 0;
            if (wanted && wanted->fd >= 0 && next < count && fds[next].fd == wanted->fd) {
                revents = ready > 0 ? fds[next].revents : short{0};
                ++next;
            }
            if (auto served = side->service(revents); !served) return served;
        }
        return {};
    }

    static error shrunk(const copy_end &side, const slot &one) {
        return make_error(error_kind::conflict,
                          "the file became shorter while it was read: it ends "
                          "before byte " +
                              std::to_string(one.piece.end()))
            .about(side.name());
    }

    static constexpr std::size_t most_slots = 24;

    nfs::window read_window_;
    nfs::window write_window_;
    std::shared_ptr<queues> ends_ = std::make_shared<queues>();
    std::set<std::uint64_t> unfinished_;
    std::uint64_t finished_to_ = 0;
    bytes finished_;
    bytes read_;
    bytes written_;
};

} // namespace kvmig::run
