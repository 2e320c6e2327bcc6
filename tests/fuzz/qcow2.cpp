// SPDX-License-Identifier: MIT
// Any bytes as a qcow2 image. The last of them chooses how large the file is said to be: behind the
// bytes it reads as zeros. Built by clang++ with -fsanitize=fuzzer,address,undefined.
#include <kvmig/model/qcow2.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

namespace qcow2 = kvmig::model::qcow2;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    if (size == 0) return 0;
    // A copy of exactly this length: a read behind it is seen.
    const auto *const bytes = reinterpret_cast<const std::byte *>(data);
    const std::vector<std::byte> image{bytes, bytes + size};
    const auto choice = std::to_integer<unsigned>(image.back());
    const std::uint64_t file_size =
        std::max<std::uint64_t>(image.size(), choice < 64 ? 0 : std::uint64_t{1} << (choice % 63U));
    const auto head = qcow2::parse_header(image);
    if (head) {
        const auto cluster = static_cast<std::size_t>(head->cluster_size());
        std::vector<std::byte> first{
            image.begin(),
            image.begin() + static_cast<std::ptrdiff_t>(std::min(cluster, image.size()))};
        first.resize(cluster);
        const auto made = qcow2::with_backing(first, "another", "raw");
        if (made) {
            const auto again = qcow2::parse_header(*made);
            if (!again || again->backing_file != "another" || again->backing_format != "raw" ||
                again->virtual_size != head->virtual_size)
                std::abort();
        }
    }
    // A cap on the work for one input; a caller ends a reading in this way too.
    std::uint64_t budget = std::uint64_t{32} << 20U;
    const auto found = qcow2::map_of(
        [&](std::uint64_t offset, std::uint64_t length) -> kvmig::expected<std::vector<std::byte>> {
            if (offset + length > file_size || length > std::uint64_t{2} << 20U) std::abort();
            if (length > budget) return kvmig::fail(kvmig::error_kind::cancelled, "enough");
            budget -= length;
            std::vector<std::byte> out(static_cast<std::size_t>(length));
            if (offset < image.size()) {
                const auto from = image.begin() + static_cast<std::ptrdiff_t>(offset);
                std::copy_n(from, std::min<std::uint64_t>(length, image.size() - offset),
                            out.begin());
            }
            return out;
        },
        file_size);
    if (!found) {
        if (found.error().what.empty()) std::abort();
        return 0;
    }
    if (!head && image.size() == file_size) std::abort();
    std::uint64_t end = 0;
    std::uint64_t sum = 0;
    for (const auto &[offset, length] : found->used) {
        if (length == 0 || (end != 0 && offset <= end) || offset + length > file_size) std::abort();
        end = offset + length;
        sum += length;
    }
    if (found->used.empty() || found->used.front().offset != 0 || found->allocated > sum)
        std::abort();
    return 0;
}
