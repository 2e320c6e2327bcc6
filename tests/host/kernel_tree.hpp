// SPDX-License-Identifier: MIT
// A tree of files in the place of a host's /sys and /proc.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/host/kernel_files.hpp>
#include <support/catch.hpp>
#include <support/temporary_directory.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace kvmig::testing {

inline const std::string ksm = "/sys/kernel/mm/ksm/";

class kernel_tree {
public:
    explicit kernel_tree(const std::map<std::string, std::string> &texts = {}) {
        for (const auto &[path, text] : texts) put(path, text);
    }

    [[nodiscard]] const std::filesystem::path &root() const { return folder_.path(); }
    [[nodiscard]] host::kernel_files files() const { return host::kernel_files(root()); }
    [[nodiscard]] std::filesystem::path at(std::string_view path) const {
        return root() / std::filesystem::path(path).relative_path();
    }

    void put(std::string_view path, std::string_view text) const {
        std::filesystem::create_directories(at(path).parent_path());
        std::ofstream(at(path), std::ios::binary) << text;
    }
    [[nodiscard]] std::string text(std::string_view path) const {
        std::ifstream in(at(path), std::ios::binary);
        REQUIRE(in);
        return {std::istreambuf_iterator<char>(in), {}};
    }

    /// Every file below /sys and /proc with its bytes.
    [[nodiscard]] std::map<std::string, std::string> all() const {
        std::map<std::string, std::string> out;
        for (const char *top : {"sys", "proc"}) {
            if (!std::filesystem::exists(root() / top)) continue;
            for (const auto &entry : std::filesystem::recursive_directory_iterator(root() / top)) {
                if (!entry.is_regular_file()) continue;
                const std::string path = '/' + entry.path().lexically_relative(root()).string();
                out[path] = text(path);
            }
        }
        return out;
    }

private:
    test::temporary_directory folder_;
};

/// Such a tree that answers writes as the kernel does where it does more than keep them.
class answering_files {
public:
    explicit answering_files(const kernel_tree &tree) : files_(tree.files()) {}

    /// So many huge pages can be had.
    std::optional<std::uint64_t> huge_pages;

    [[nodiscard]] expected<std::optional<std::string>> read(std::string_view path) const {
        return files_.read(path);
    }
    [[nodiscard]] expected<void> writable(std::string_view path) const {
        return files_.writable(path);
    }
    [[nodiscard]] expected<void> write(std::string_view path, std::string_view text) const {
        if (path == ksm + "advisor_mode") {
            const bool on = text == "scan-time\n";
            auto done = files_.write(path, on ? "none [scan-time]\n" : "[none] scan-time\n");
            if (!done) return done;
            return files_.write(ksm + "pages_to_scan", on ? "500\n" : "100\n");
        }
        if (path == ksm + "pages_to_scan") {
            const auto mode = files_.read(ksm + "advisor_mode");
            if (mode && *mode && (*mode)->find("[scan-time]") != std::string::npos) {
                return fail(
                    make_error(error_kind::io, "Invalid argument").about(std::string(path)));
            }
        }
        if (huge_pages && path.ends_with("nr_hugepages") &&
            std::stoull(std::string(text)) > *huge_pages) {
            return files_.write(path, std::to_string(*huge_pages) + '\n');
        }
        return files_.write(path, text);
    }

private:
    host::kernel_files files_;
};

} // namespace kvmig::testing
