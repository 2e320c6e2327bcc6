// SPDX-License-Identifier: MIT
// Compiled only: with the shapes of libnfs 6, what nfs/ says to it is right.
#include <kvmig/nfs.hpp>

#ifndef LIBNFS_API_V2
#error "the declarations of libnfs 6 were not found"
#endif

namespace kvmig {

expected<std::size_t> read_by_libnfs_6(nfs::file &file, std::span<std::byte> into) {
    return file.read(0, into);
}
expected<void> start_by_libnfs_6(nfs::file &file, std::span<std::byte> data) {
    auto started = file.start_read(0, data, [](expected<std::size_t>) {});
    return started ? file.start_write(0, data, [](expected<std::size_t>) {}) : started;
}

} // namespace kvmig
