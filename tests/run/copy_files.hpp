// SPDX-License-Identifier: MIT
/// Files that tests of copies make, and what they look at afterwards.
#pragma once

#include <kvmig/core/expected.hpp>
#include <support/nfs_server.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <string>
#include <sys/stat.h>
#include <utility>

namespace kvmig::test::copying {

inline constexpr std::uint64_t mib = 1U << 20U;

template <class T> T must(expected<T> value) {
    if (!value) FAIL(describe(value.error()));
    return std::move(*value);
}

/// Random bytes at `offset`, the same for the same `seed`.
inline void put_noise(const std::filesystem::path &path, std::uint64_t offset, std::size_t length,
                      std::uint64_t seed = 1) {
    std::mt19937_64 random(seed);
    std::string text(length, '\0');
    for (char &c : text) c = static_cast<char>(random());
    std::fstream out(path, std::ios::in | std::ios::out | std::ios::binary);
    out.seekp(static_cast<std::streamoff>(offset));
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    REQUIRE(out.flush());
}

inline void make_file(const std::filesystem::path &path, std::uint64_t size) {
    std::ofstream{path};
    std::filesystem::resize_file(path, size);
}

inline std::uint64_t blocks_of(const std::filesystem::path &path) {
    struct stat about {};
    REQUIRE(::stat(path.c_str(), &about) == 0);
    return static_cast<std::uint64_t>(about.st_blocks) * 512;
}

inline bool same(const std::filesystem::path &a, const std::filesystem::path &b) {
    return test::run({"cmp", "-s", a.string(), b.string()}) == 0;
}

using names = std::set<std::string>;

} // namespace kvmig::test::copying
