// SPDX-License-Identifier: MIT
#include <lab/guest/disk_store.hpp>

#include <lab/guest/system_error.hpp>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <span>
#include <sys/types.h>
#include <unistd.h>
#include <utility>

namespace kvmig::lab::guest {

namespace {

constexpr std::size_t told = 8;

unexpected disk_error(const std::string &doing, const std::string &path) {
    const error_kind kind = errno == ENOENT ? error_kind::not_found : error_kind::io;
    return fail(system_error(kind, "cannot " + doing).about(path));
}

/// Repeats a positioned read or write until all of `left` bytes are done.
template <class Call> bool whole(Call call, char *memory, std::size_t left, off_t position) {
    while (left > 0) {
        const ssize_t done = call(memory, left, position);
        if (done < 0 && errno == EINTR) continue;
        if (done == 0) errno = EIO; // the disk ends earlier than it did
        if (done <= 0) return false;
        memory += done;
        left -= static_cast<std::size_t>(done);
        position += done;
    }
    return true;
}

} // namespace

expected<disk_store> disk_store::open(const std::string &path, bytes offset, bytes size,
                                      const uuid &boot_id) {
    disk_store store;
    store.path_ = path;
    store.offset_ = offset;
    store.boot_id_ = boot_id;
    store.file_ = host::descriptor{::open(path.c_str(), O_RDWR | O_CLOEXEC | O_DIRECT)};
    store.direct_ = static_cast<bool>(store.file_);
    // File systems without O_DIRECT say EINVAL.
    if (!store.file_ && errno == EINVAL) {
        store.file_ = host::descriptor{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
    }
    if (!store.file_) return disk_error("open the disk", path);
    const off_t end = ::lseek(store.file_.get(), 0, SEEK_END);
    if (end < 0) return disk_error("find the size of the disk", path);
    const bytes there = bytes{static_cast<std::uint64_t>(end)} - offset;
    const std::uint64_t blocks = std::min(there, size).count() / page_bytes;
    if (blocks == 0 || offset.count() % page_bytes != 0) {
        return fail(make_error(error_kind::invalid_argument,
                               "no block of the pattern fits between byte " +
                                   std::to_string(offset.count()) + " and the disk's end at " +
                                   std::to_string(end))
                        .about(path)
                        .advise("give a smaller kvmig.disk_offset or a larger disk"));
    }
    store.table_.resize(blocks);
    store.buffer_.reset(
        static_cast<std::uint64_t *>(std::aligned_alloc(page_bytes, batch * page_bytes)));
    if (!store.buffer_) return disk_error("get memory for the disk", path);
    return store;
}

expected<void> disk_store::read_blocks(std::uint64_t first, std::uint64_t count) {
    const auto read = [this](char *memory, std::size_t size, off_t position) {
        return ::pread(file_.get(), memory, size, position);
    };
    if (!direct_) {
        // Only what was written back can be dropped; then the disk is asked, not the cache.
        if (::fdatasync(file_.get()) != 0) return disk_error("flush the disk", path_);
        ::posix_fadvise(file_.get(), position(first), static_cast<off_t>(count * page_bytes),
                        POSIX_FADV_DONTNEED);
    }
    if (!whole(read, reinterpret_cast<char *>(buffer_.get()), count * page_bytes,
               position(first))) {
        return disk_error("read block " + std::to_string(first) + " of the disk", path_);
    }
    return {};
}

expected<void> disk_store::write_blocks(std::uint64_t first, std::uint64_t count) {
    const auto write = [this](char *memory, std::size_t size, off_t position) {
        return ::pwrite(file_.get(), memory, size, position);
    };
    if (!whole(write, reinterpret_cast<char *>(buffer_.get()), count * page_bytes,
               position(first))) {
        return disk_error("write block " + std::to_string(first) + " of the disk", path_);
    }
    return {};
}

expected<void> disk_store::write(std::uint64_t first, std::uint64_t count) {
    for (std::uint64_t slot = 0; slot < count; ++slot) {
        const std::uint64_t generation = ++table_[first + slot].tried;
        encode_block({first + slot, generation, boot_id_}, block_words{words(slot), page_words});
    }
    if (auto written = write_blocks(first, count); !written) return written;
    for (std::uint64_t slot = 0; slot < count; ++slot) {
        table_[first + slot].sure = table_[first + slot].tried;
    }
    writes_ += count;
    return {};
}

void disk_store::judge(std::uint64_t index, const block_reading &found,
                       disk_verdict &verdict) const {
    const state &known = table_[index];
    const bool ours = found.state == block_state::intact && found.stamp.boot_id == boot_id_;
    const bool misplaced = found.state == block_state::intact && found.stamp.index != index;
    const bool current = ours && found.stamp.generation >= std::max<std::uint64_t>(known.sure, 1) &&
                         found.stamp.generation <= known.tried;
    const bool untouched = known.sure == 0;

    ++verdict.checked;
    if (found.state == block_state::intact) {
        const auto boot = words_of(found.stamp.boot_id);
        verdict.digest = mix(verdict.digest ^ mix(found.stamp.index) ^
                             pattern_base(boot[0] ^ boot[1], index, found.stamp.generation));
    }
    if (!misplaced && current) {
        ++verdict.current;
    } else if (!misplaced && untouched && found.state == block_state::intact && !ours) {
        ++verdict.earlier;
    } else if (untouched && found.state == block_state::blank) {
        ++verdict.blank;
    } else if (untouched && found.state == block_state::foreign) {
        ++verdict.foreign;
    } else {
        ++verdict.bad;
        if (verdict.first_bad.size() < told) verdict.first_bad.push_back(index);
    }
}

expected<void> disk_store::check(std::uint64_t first, std::uint64_t count, disk_verdict &verdict) {
    if (auto read = read_blocks(first, count); !read) return read;
    for (std::uint64_t slot = 0; slot < count; ++slot) {
        judge(first + slot, decode_block(const_block_words{words(slot), page_words}), verdict);
    }
    return {};
}

expected<void> disk_store::sync() {
    if (::fdatasync(file_.get()) != 0) return disk_error("flush the disk", path_);
    return {};
}

expected<void> disk_store::damage(std::uint64_t index) {
    if (auto read = read_blocks(index, 1); !read) return read;
    words(0)[page_words / 2] ^= 1U;
    if (auto written = write_blocks(index, 1); !written) return written;
    return sync();
}

} // namespace kvmig::lab::guest
