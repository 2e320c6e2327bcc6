// SPDX-License-Identifier: MIT
#include <lab/guest/agent/disk_worker.hpp>

#include <algorithm>
#include <utility>

namespace kvmig::lab::guest {

disk_worker::disk_worker(disk_store store, bytes offset, std::uint64_t rate)
    : store_(std::move(store)), offset_(offset), worker_([this, rate, begun = false]() mutable {
          if (!begun) pace_.set_rate(rate, worker::clock::now());
          begun = true;
          return work();
      }) {}

std::optional<worker::clock::time_point> disk_worker::work() {
    const auto now = worker::clock::now();
    std::optional<worker::clock::time_point> next;
    if (pace_.rate() > 0 && !fault_) {
        bool wrote = false;
        for (std::uint64_t left = pace_.due(now); left > 0 && !fault_;) {
            if (cursor_ >= store_.size()) cursor_ = 0;
            const std::uint64_t count =
                std::min({left, disk_store::batch, store_.size() - cursor_});
            if (auto written = store_.write(cursor_, count); !written) {
                fault_ = written.error().what;
            }
            wrote = true;
            cursor_ += count;
            left -= count;
        }
        if (wrote && !store_.direct() && !fault_) {
            if (auto synced = store_.sync(); !synced) fault_ = synced.error().what;
        }
        next = pace_.next();
    }
    publish();
    return next;
}

void disk_worker::publish() {
    const std::lock_guard lock{mutex_};
    status_ = {store_.path(),   offset_,        store_.size(), store_.direct(),
               store_.writes(), pace_.missed(), pace_.rate(),  fault_};
}

disk_status disk_worker::status() const {
    const std::lock_guard lock{mutex_};
    return status_;
}

expected<disk_worker::stretch> disk_worker::within(const block_range &range) const {
    const std::uint64_t size = store_.size();
    const std::uint64_t count = range.count.value_or(size - std::min(range.first, size));
    if (count == 0 || range.first >= size || count > size - range.first) {
        return fail(
            make_error(error_kind::invalid_argument,
                       "the blocks asked for do not lie within the disk's " + std::to_string(size) +
                           " blocks of pattern")
                .about(store_.path())
                .advise("give 'first' and 'count' with an end of at most " + std::to_string(size)));
    }
    return stretch{range.first, range.first + count};
}

expected<void> disk_worker::set_rate(std::uint64_t per_second) {
    return worker_.ask<void>([this, per_second]() -> std::optional<expected<void>> {
        pace_.set_rate(per_second, worker::clock::now());
        fault_.reset();
        publish();
        return expected<void>{};
    });
}

expected<disk_verdict> disk_worker::write(const block_range &range) {
    const auto blocks = within(range);
    if (!blocks) return fail(blocks.error());
    const auto written =
        worker_.ask<void>([this, at = *blocks]() mutable -> std::optional<expected<void>> {
            const std::uint64_t count = std::min(disk_store::batch, at.end - at.next);
            if (auto done = store_.write(at.next, count); !done) return done;
            publish();
            at.next += count;
            if (at.next < at.end) return std::nullopt;
            return store_.sync();
        });
    if (!written) return fail(written.error());
    return verify(range);
}

expected<disk_verdict> disk_worker::verify(const block_range &range) {
    const auto blocks = within(range);
    if (!blocks) return fail(blocks.error());
    return worker_.ask<disk_verdict>(
        [this, at = *blocks,
         verdict = disk_verdict{}]() mutable -> std::optional<expected<disk_verdict>> {
            const std::uint64_t count = std::min(disk_store::batch, at.end - at.next);
            if (auto done = store_.check(at.next, count, verdict); !done) {
                return fail(done.error());
            }
            at.next += count;
            if (at.next < at.end) return std::nullopt;
            return verdict;
        });
}

expected<void> disk_worker::sync() {
    return worker_.ask<void>([this]() -> std::optional<expected<void>> { return store_.sync(); });
}

expected<void> disk_worker::finish(worker::clock::time_point deadline) {
    return worker_.ask<void>(
        [this]() -> std::optional<expected<void>> {
            pace_.set_rate(0, worker::clock::now());
            return store_.sync();
        },
        deadline);
}

expected<void> disk_worker::damage(std::uint64_t index) {
    const auto block = within({index, 1});
    if (!block) return fail(block.error());
    return worker_.ask<void>(
        [this, index]() -> std::optional<expected<void>> { return store_.damage(index); });
}

} // namespace kvmig::lab::guest
