// SPDX-License-Identifier: MIT
/// A range of a raw disk full of blocks that can be checked, with a table of what was written.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/host/descriptor.hpp>
#include <lab/guest/disk_block.hpp>
#include <lab/guest/messages.hpp>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace kvmig::lab::guest {

/// Blocks of 4096 bytes on a block device or in a file. Not for several threads at once.
///
/// Writes go around the page cache (O_DIRECT) where the disk can; elsewhere `sync` brings them
/// down, and reads drop the cache first.
class disk_store {
public:
    /// Blocks read or written at a time.
    static constexpr std::uint64_t batch = 64;

    /// The range begins at `offset`, a multiple of 4096, and has `size` bytes, or what there is up
    /// to the end of the disk. Fails with `not_found`, `invalid_argument` (no block fits) or `io`.
    [[nodiscard]] static expected<disk_store> open(const std::string &path, bytes offset,
                                                   bytes size, const uuid &boot_id);

    [[nodiscard]] const std::string &path() const noexcept { return path_; }
    [[nodiscard]] std::uint64_t size() const noexcept { return table_.size(); }
    [[nodiscard]] bool direct() const noexcept { return direct_; }
    [[nodiscard]] std::uint64_t writes() const noexcept { return writes_; }

    /// Gives `count` blocks from `first` on their next generation; both within the range, and
    /// `count` at most `batch`. When a write fails, the old content is as good as the new.
    [[nodiscard]] expected<void> write(std::uint64_t first, std::uint64_t count);

    /// Reads `count` blocks (at most `batch`) and adds what it found to `verdict`.
    [[nodiscard]] expected<void> check(std::uint64_t first, std::uint64_t count,
                                       disk_verdict &verdict);

    /// Flushes the disk's caches (fdatasync).
    [[nodiscard]] expected<void> sync();

    /// Flips one bit of a block without telling the table: shows that a check can fail.
    [[nodiscard]] expected<void> damage(std::uint64_t index);

private:
    struct state {
        std::uint64_t sure = 0;  ///< generation of the last write that succeeded; 0: none yet
        std::uint64_t tried = 0; ///< of the last write; above `sure`, it failed and may be there
    };
    struct free_memory {
        void operator()(std::uint64_t *memory) const noexcept { std::free(memory); }
    };

    disk_store() = default;
    [[nodiscard]] off_t position(std::uint64_t index) const noexcept {
        return static_cast<off_t>(offset_.count() + index * page_bytes);
    }
    [[nodiscard]] std::uint64_t *words(std::uint64_t slot) const noexcept {
        return buffer_.get() + slot * page_words;
    }
    [[nodiscard]] expected<void> read_blocks(std::uint64_t first, std::uint64_t count);
    [[nodiscard]] expected<void> write_blocks(std::uint64_t first, std::uint64_t count);
    void judge(std::uint64_t index, const block_reading &found, disk_verdict &verdict) const;

    std::string path_;
    host::descriptor file_;
    std::unique_ptr<std::uint64_t, free_memory> buffer_; ///< aligned for O_DIRECT
    std::vector<state> table_;
    uuid boot_id_;
    bytes offset_;
    std::uint64_t writes_ = 0;
    bool direct_ = false;
};

} // namespace kvmig::lab::guest
