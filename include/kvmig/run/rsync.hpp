// SPDX-License-Identifier: MIT
/// How rsync(1) is called for one image, and what it answers.
#pragma once

#include <kvmig/core/units.hpp>
#include <kvmig/host/command.hpp>
#include <kvmig/run/copy_plan.hpp>
#include <kvmig/run/image_facts.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kvmig::run {

/// rsync's words, on the source host, for `image` from `from` into `into` at `login`, which `ssh`
/// (a program and its options) reaches.
///
/// - What an earlier call left in `into` is compared and kept (`--inplace`), so that a copy that
///   broke off goes on. A file keeps its holes (rsync punches them also in place, since 3.1.3); a
///   device is written whole, for its zeroes must be written over what was there.
/// - The receiving end holds a lock on `into`: one that a broken link has left behind writes no
/// more
///   once another has got it, and ends after a minute of silence.
[[nodiscard]] inline std::vector<std::string>
rsync_words(const planned_image &image, const std::string &from, const std::string &into,
            const std::vector<std::string> &ssh, const std::string &login) {
    std::vector<std::string> out{"rsync",        "--inplace",           "--ignore-times",
                                 "--copy-links", "--timeout=60",        "--secluded-args",
                                 "--outbuf=N",   "--no-human-readable", "--info=progress2"};
    if (image.kind == image_kind::file) {
        out.insert(out.end(), {"--perms", "--times", "--sparse"});
    } else {
        out.insert(out.end(), {"--copy-devices", "--write-devices"});
    }
    // Holes travel as zeroes.
    if (image.sparse()) out.emplace_back("--compress");
    std::string shell;
    for (const std::string &each : ssh) shell += (shell.empty() ? "" : " ") + each;
    out.push_back("--rsh=" + shell);
    // Read by a shell at the other end.
    out.push_back("--rsync-path=flock --wait 120 " + host::quoted(into) + " rsync");
    out.insert(out.end(), {"--", from, login + ":" + into});
    return out;
}

/// Reads `--info=progress2`, which comes in pieces: bytes of the image that are dealt with.
class rsync_progress {
public:
    /// The newest figure in what came so far, if this piece brought one.
    [[nodiscard]] std::optional<bytes> hear(std::string_view piece) {
        std::optional<bytes> out;
        for (const char c : piece) {
            if (c != '\r' && c != '\n') {
                line_ += c;
                continue;
            }
            const auto fields = detail::split(line_);
            if (fields.size() >= 2 && fields[1].ends_with('%')) {
                if (const auto done = detail::whole<std::uint64_t>(fields[0])) out = bytes{*done};
            }
            line_.clear();
        }
        return out;
    }

private:
    std::string line_;
};

/// Whether a run that ended so may succeed when it is tried again: the link broke, or the other end
/// went away. A full disk is told by words alone.
[[nodiscard]] inline bool link_broke(int status, std::string_view said) {
    constexpr std::array broken{10, 12, 20, 30, 35, 255};
    for (const std::string_view final :
         {"No space left on device", "Disk quota exceeded", "Read-only file system",
          "Permission denied", "command not found", "Input/output error"}) {
        if (said.find(final) != std::string_view::npos) return false;
    }
    return std::find(broken.begin(), broken.end(), status) != broken.end();
}

} // namespace kvmig::run
