// SPDX-License-Identifier: MIT
#include <lab/guest/agent/memory_worker.hpp>

#include <lab/guest/system_error.hpp>

#include <algorithm>
#include <fstream>
#include <string>
#include <sys/mman.h>

namespace kvmig::lab::guest {

namespace {

constexpr std::uint64_t pages_a_piece = 64;
/// Left to the kernel and to the rest of the agent.
constexpr bytes reserve = bytes::mib(16);

/// `MemAvailable` of /proc/meminfo; nothing where that cannot be read.
std::optional<bytes> available_memory() {
    std::ifstream file{"/proc/meminfo"};
    std::string key, unit;
    std::uint64_t kib = 0;
    while (file >> key >> kib) {
        if (key == "MemAvailable:") return bytes::kib(kib);
        std::getline(file, unit);
    }
    return std::nullopt;
}

} // namespace

memory_worker::mapping::~mapping() {
    if (!words_.empty()) ::munmap(words_.data(), words_.size_bytes());
}

expected<std::unique_ptr<memory_worker>> memory_worker::start(const guest_settings &settings,
                                                              std::uint64_t seed) {
    const std::size_t size = settings.memory.count();
    const auto there = available_memory();
    if (there && size > 0 && settings.memory + reserve > *there) {
        return fail(make_error(error_kind::environment,
                               "the guest has " + std::to_string(there->count() >> 20U) +
                                   " MiB of free memory, too little to fill " +
                                   std::to_string(size >> 20U) + " MiB")
                        .about("kvmig.memory")
                        .advise("give the guest more memory, or a smaller kvmig.memory"));
    }
    std::span<std::uint64_t> words;
    if (size > 0) {
        void *const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED) {
            return fail(system_error(error_kind::environment, "cannot get the memory to fill")
                            .about("kvmig.memory"));
        }
        words = {static_cast<std::uint64_t *>(memory), size / sizeof(std::uint64_t)};
    }
    return std::unique_ptr<memory_worker>{new memory_worker{settings, seed, words}};
}

memory_worker::memory_worker(const guest_settings &settings, std::uint64_t seed,
                             std::span<std::uint64_t> memory)
    : memory_(memory), pages_(memory, seed, settings.period),
      working_set_(settings.working_set.count() / page_bytes), mode_(settings.mode),
      worker_([this, rate = settings.rate.per_second(), begun = false]() mutable {
          if (!begun) pace_.set_rate(rate, worker::clock::now());
          begun = true;
          return work();
      }) {}

std::optional<worker::clock::time_point> memory_worker::work() {
    const auto now = worker::clock::now();
    std::optional<worker::clock::time_point> next;
    if (pages_.filled() < pages_.size()) {
        pages_.fill(pages_a_piece);
        // The workload begins when the memory is there.
        pace_.set_rate(pace_.rate(), worker::clock::now());
        next = now;
    } else if (pace_.rate() > 0 && working_set_ > 0) {
        for (std::uint64_t left = pace_.due(now); left > 0; --left) {
            if (cursor_ >= working_set_) cursor_ = 0;
            pages_.write(cursor_++, mode_);
        }
        next = pace_.next();
    }
    publish();
    return next;
}

void memory_worker::publish() {
    const std::lock_guard lock{mutex_};
    status_ = {pages{pages_.size()},
               pages{pages_.filled()},
               pages_.writes(),
               pace_.missed(),
               page_rate{pace_.rate()},
               pages{working_set_},
               mode_};
}

memory_status memory_worker::status() const {
    const std::lock_guard lock{mutex_};
    return status_;
}

expected<void> memory_worker::filled() {
    return worker_.ask<void>([this]() -> std::optional<expected<void>> {
        if (pages_.filled() < pages_.size()) return std::nullopt;
        return expected<void>{};
    });
}

expected<void> memory_worker::change(const workload_change &change) {
    return worker_.ask<void>([this, change]() -> std::optional<expected<void>> {
        if (change.working_set &&
            (change.working_set->count() > pages_.size() || change.working_set->count() == 0)) {
            return fail(make_error(error_kind::invalid_argument,
                                   "a working set of " +
                                       std::to_string(change.working_set->count()) +
                                       " pages does not fit the guest's " +
                                       std::to_string(pages_.size()) + " pages of pattern")
                            .about("working_set")
                            .advise("give 1 to " + std::to_string(pages_.size()) + " pages"));
        }
        if (change.working_set) working_set_ = change.working_set->count();
        if (change.mode) mode_ = *change.mode;
        if (change.rate) pace_.set_rate(change.rate->per_second(), worker::clock::now());
        publish();
        return expected<void>{};
    });
}

expected<memory_verdict> memory_worker::verify() {
    return worker_.ask<memory_verdict>(
        [this, next = std::uint64_t{0},
         verdict = memory_verdict{}]() mutable -> std::optional<expected<memory_verdict>> {
            if (pages_.filled() < pages_.size()) return std::nullopt;
            pages_.check(next, pages_a_piece, verdict);
            next += pages_a_piece;
            if (next < pages_.size()) return std::nullopt;
            verdict.table_consistent = pages_.table_consistent();
            return verdict;
        });
}

expected<void> memory_worker::damage(std::uint64_t page) {
    return worker_.ask<void>([this, page]() -> std::optional<expected<void>> {
        if (page >= pages_.filled()) {
            return fail(make_error(error_kind::invalid_argument,
                                   "there is no page " + std::to_string(page) + " to damage")
                            .advise("give a page below " + std::to_string(pages_.filled())));
        }
        // Not word 0, which the workload may write anew before anyone looks.
        pages_.damage(page, page_words / 2);
        return expected<void>{};
    });
}

} // namespace kvmig::lab::guest
