// SPDX-License-Identifier: MIT
/// A lock between processes that ends with its holder, and says who that is.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/host/descriptor.hpp>

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

namespace kvmig::lab {

/// Holds `flock(2)` on a file until it is destroyed, or the process ends however it ends.
class file_lock {
public:
    /// Takes the lock, waiting as long as another holds it. `waiting` is called once, with what
    /// the holder wrote about itself, before the wait begins. `purpose` is what others will read.
    [[nodiscard]] static expected<file_lock>
    acquire(const std::filesystem::path &path, std::string_view purpose,
            const std::function<void(const std::string &holder)> &waiting, std::stop_token stop);

    /// What the present holder wrote about itself; empty when the lock is free.
    [[nodiscard]] static std::string holder(const std::filesystem::path &path);

private:
    explicit file_lock(host::descriptor file) : file_(std::move(file)) {}
    host::descriptor file_;
};

} // namespace kvmig::lab
