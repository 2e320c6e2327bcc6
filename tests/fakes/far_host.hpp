// SPDX-License-Identifier: MIT
/// Two folders of this machine as two hosts, with a stand-in for ssh that runs here what it is to
/// run there: for copies by the real rsync.
#pragma once

#include <kvmig/host/command.hpp>
#include <kvmig/host/remote_command.hpp>
#include <kvmig/run/migrate_cold_copied.hpp>
#include <support/catch.hpp>
#include <support/temporary_directory.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/stat.h>
#include <utility>

namespace kvmig::fakes {

class far_host {
public:
    far_host() {
        for (const auto &each : {here(), there()}) std::filesystem::create_directories(each);
        write_script("exec sh -c \"$*\"");
    }

    [[nodiscard]] std::filesystem::path here() const { return at_.path() / "here"; }
    [[nodiscard]] std::filesystem::path there() const { return at_.path() / "there"; }
    [[nodiscard]] model::path_rule rule() const { return {here().string(), there().string()}; }

    /// What the stand-in for ssh does with the words in "$@", which are for a shell there.
    void write_script(const std::string &act) const {
        std::ofstream out(script());
        // Options and the login before the words.
        out << "#!/bin/sh\nwhile [ \"$1\" != far ]; do shift; done; shift\n"
               "[ \"$1\" = -- ] && shift\n"
            << act << '\n';
        out.close();
        std::filesystem::permissions(script(), std::filesystem::perms::owner_all);
    }
    /// The first link carries so many bytes, and breaks; the next ones hold.
    void break_after(std::uint64_t bytes) const {
        const std::string mark = (at_.path() / "broken").string();
        write_script("case \"$*\" in *--server*) if mkdir '" + mark +
                     "' 2>/dev/null; then dd bs=64k iflag=count_bytes status=none count=" +
                     std::to_string(bytes) +
                     " | sh -c \"$*\"; exit 1; fi;; esac; "
                     "exec sh -c \"$*\"");
    }
    [[nodiscard]] bool broke() const { return std::filesystem::exists(at_.path() / "broken"); }

    [[nodiscard]] std::vector<std::string> ssh() const { return {script().string()}; }
    [[nodiscard]] run::copy_reach reach() const {
        run::copy_reach out;
        out.shell = [](const std::string &) -> expected<ports::host_shell> {
            return host::shell_at({});
        };
        out.ssh = ssh();
        out.patience = {std::chrono::seconds{20}, std::chrono::milliseconds{1}};
        return out;
    }
    [[nodiscard]] static run::on_host host(const std::string &name) {
        return {name, host::shell_at({})};
    }

    /// A file of `size` with 64 KiB of content at its start and end, and a hole between.
    [[nodiscard]] std::string make(const std::string &name, std::uint64_t size) const {
        const std::string path = (here() / name).string();
        std::ofstream out(path, std::ios::binary);
        std::string content(65536, '\0');
        std::uint32_t state = 12345;
        for (char &each : content) {
            state = state * 1664525U + 1013904223U;
            each = static_cast<char>(state >> 24U);
        }
        out << content;
        out.seekp(static_cast<std::streamoff>(size - content.size()));
        out << content;
        return path;
    }
    [[nodiscard]] static std::string read(const std::filesystem::path &path) {
        std::ifstream in(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    [[nodiscard]] static std::uint64_t allocated(const std::filesystem::path &path) {
        struct stat seen {};
        REQUIRE(::stat(path.c_str(), &seen) == 0);
        return static_cast<std::uint64_t>(seen.st_blocks) * 512;
    }
    [[nodiscard]] std::size_t files_there() const {
        const std::filesystem::directory_iterator all(there());
        return static_cast<std::size_t>(std::distance(begin(all), end(all)));
    }

private:
    [[nodiscard]] std::filesystem::path script() const { return at_.path() / "ssh"; }

    test::temporary_directory at_;
};

} // namespace kvmig::fakes
