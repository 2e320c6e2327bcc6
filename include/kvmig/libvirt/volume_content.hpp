// SPDX-License-Identifier: MIT
/// The content of small volumes, through the daemon: no file of the host is opened from here.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/storage.hpp>
#include <kvmig/libvirt/stream.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::libvirt {

namespace detail {

[[nodiscard]] inline error volume_problem(error problem, const std::string &doing,
                                          const std::string &name) {
    problem.what = doing + " the volume '" + name + "': " + problem.what;
    return std::move(problem).about(name);
}

} // namespace detail

/// Writes `content` to the start of the volume; closed on the host when it returns.
[[nodiscard]] inline expected<void> upload(const connection &on, const storage_volume &to,
                                           std::span<const std::byte> content) {
    constexpr const char *doing = "cannot write to";
    auto through = stream::open(on);
    if (!through) return fail(detail::volume_problem(through.error(), doing, to.name()));
    if (virStorageVolUpload(to.raw(), through->raw(), 0, content.size(), 0) < 0) {
        return fail(
            last_error(std::string(doing) + " the volume '" + to.name() + "'", on.hostname())
                .about(to.name()));
    }
    through->begun();
    auto done = through->send(content);
    if (done) done = through->finish();
    if (!done) return fail(detail::volume_problem(done.error(), doing, to.name()));
    return {};
}

/// Reads the whole volume, or a little more than `most` bytes of one that is larger.
[[nodiscard]] inline expected<std::vector<std::byte>>
download(const connection &on, const storage_volume &from, std::size_t most) {
    constexpr const char *doing = "cannot read";
    auto through = stream::open(on);
    if (!through) return fail(detail::volume_problem(through.error(), doing, from.name()));
    if (virStorageVolDownload(from.raw(), through->raw(), 0, 0, 0) < 0) {
        return fail(
            last_error(std::string(doing) + " the volume '" + from.name() + "'", on.hostname())
                .about(from.name()));
    }
    through->begun();
    auto content = through->receive(most);
    if (!content) return fail(detail::volume_problem(content.error(), doing, from.name()));
    if (content->size() > most) return content; // the rest is not waited for: aborted
    if (auto done = through->finish(); !done) {
        return fail(detail::volume_problem(done.error(), doing, from.name()));
    }
    return content;
}

} // namespace kvmig::libvirt
