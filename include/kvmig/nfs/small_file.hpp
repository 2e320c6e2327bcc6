// SPDX-License-Identifier: MIT
/// Small files, read and made whole: tokens and marks.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/nfs/context.hpp>
#include <kvmig/nfs/file.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace kvmig::nfs {

/// The first `most` bytes of a file; nothing when there is none. Errors as those of `file`.
[[nodiscard]] inline expected<std::optional<std::string>>
read_small(const context &on, const std::string &path, std::size_t most) {
    auto opened = file::open(on, path, open_for::reading);
    if (!opened) {
        if (opened.error().kind == error_kind::not_found) return std::nullopt;
        return fail(std::move(opened).error());
    }
    std::string out(most, '\0');
    const auto got = opened->read(0, std::as_writable_bytes(std::span(out.data(), out.size())));
    if (!got) return fail(got.error());
    out.resize(*got);
    if (auto closed = opened->close(); !closed) return fail(std::move(closed).error());
    return std::optional(std::move(out));
}

/// Writes `text` as all that is in an open file, and closes it; it is on stable storage then.
[[nodiscard]] inline expected<void> write_whole(file opened, std::string_view text) {
    auto done = opened.write(0, std::as_bytes(std::span(text.data(), text.size())));
    if (done) done = opened.set_size(bytes{text.size()});
    if (done) done = opened.sync();
    if (done) done = opened.close();
    return done;
}

} // namespace kvmig::nfs
