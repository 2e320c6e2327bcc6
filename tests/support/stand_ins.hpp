// SPDX-License-Identifier: MIT
// Programs that stand in for those of the system.
#pragma once

#include <support/temporary_directory.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace kvmig::test {

/// Files of a test, and programs that come before those of the system while it lives.
class stand_ins {
public:
    stand_ins() { ::setenv("PATH", (folder_.path().string() + ":" + path_).c_str(), 1); }
    ~stand_ins() { ::setenv("PATH", path_.c_str(), 1); }
    stand_ins(const stand_ins &) = delete;
    stand_ins &operator=(const stand_ins &) = delete;

    std::string write(const std::string &name, const std::string &text) {
        const auto file = folder_.path() / name;
        std::ofstream(file, std::ios::binary) << text;
        return file.string();
    }
    void program(const std::string &name, const std::string &script) {
        std::filesystem::permissions(write(name, "#!/bin/sh\n" + script),
                                     std::filesystem::perms::owner_all);
    }
    [[nodiscard]] std::string path(const std::string &name) const {
        return (folder_.path() / name).string();
    }
    [[nodiscard]] std::string text(const std::string &name) const {
        std::ifstream in(path(name));
        return {std::istreambuf_iterator<char>(in), {}};
    }

private:
    temporary_directory folder_;
    std::string path_ = std::getenv("PATH");
};

} // namespace kvmig::test
