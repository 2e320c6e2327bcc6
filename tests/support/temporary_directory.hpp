// SPDX-License-Identifier: MIT
// A directory that a test has for itself.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <set>
#include <stdexcept>
#include <string>

namespace kvmig::test {

/// Made when constructed, removed with everything in it when destroyed.
class temporary_directory {
public:
    temporary_directory() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "kvmig-test-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
        path_ = pattern;
    }
    ~temporary_directory() {
        std::error_code ignored; // a test that failed to clean up is not failed for it
        std::filesystem::remove_all(path_, ignored);
    }
    temporary_directory(const temporary_directory &) = delete;
    temporary_directory &operator=(const temporary_directory &) = delete;

    [[nodiscard]] const std::filesystem::path &path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
};

/// What lies in a folder, without what lies deeper.
inline std::set<std::string> names_in(const std::filesystem::path &folder) {
    std::set<std::string> out;
    for (const auto &each : std::filesystem::directory_iterator(folder)) {
        out.insert(each.path().filename().string());
    }
    return out;
}

} // namespace kvmig::test
