// SPDX-License-Identifier: MIT
/// The two ends of an image copy: what it reads from and what it writes to, local or on NFS.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <kvmig/model/byte_range.hpp>
#include <kvmig/run/copy_mark.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <poll.h>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace kvmig::run {

/// The bytes that a request read or wrote; fewer than asked for is no error.
using copy_completion = std::function<void(expected<std::size_t>)>;

/// What is served while requests are under way.
class copy_end {
public:
    copy_end() = default;
    copy_end(const copy_end &) = delete;
    copy_end &operator=(const copy_end &) = delete;
    virtual ~copy_end() = default;

    /// For messages: a path or an address.
    [[nodiscard]] virtual const std::string &name() const noexcept = 0;
    /// What is to be polled for; nothing while nothing is under way.
    [[nodiscard]] virtual std::optional<pollfd> wanted() const = 0;
    /// Serves what poll(2) reported, and calls back what is done.
    virtual expected<void> service(short revents) = 0;
    /// Connects anew after the connection was lost.
    virtual expected<void> reconnect(const std::stop_token &stop) = 0;
};

/// Where an image comes from.
class copy_source : public copy_end {
public:
    /// By which it is known again when a copy is resumed.
    [[nodiscard]] virtual expected<image_identity> identity() = 0;
    [[nodiscard]] virtual std::uint32_t mode() const noexcept = 0; ///< Its permission bits.
    /// What its blocks take, which is less than its size when it has holes.
    [[nodiscard]] virtual bytes used() const noexcept = 0;
    /// Where there may be data, as the file system tells; nothing when it cannot.
    [[nodiscard]] virtual expected<std::optional<std::vector<model::byte_range>>> data() = 0;
    /// Reads now, whole; fewer bytes only at the end of the file.
    [[nodiscard]] virtual expected<std::vector<std::byte>> read(std::uint64_t offset,
                                                                std::uint64_t length) = 0;
    /// `into` lives until `done` was called.
    virtual expected<void> start_read(std::uint64_t offset, std::span<std::byte> into,
                                      copy_completion done) = 0;
};

/// A target is written under the name `.NAME.kvmig-part`, with its mark beside it in
/// `.NAME.kvmig-mark`, and gets its own name when it is whole.
class copy_target : public copy_end {
public:
    /// Whether something has the final name.
    [[nodiscard]] virtual expected<bool> exists() = 0;
    /// `conflict` when a QEMU is seen to have open what stands under the final name: it would go on
    /// with the file that was replaced.
    [[nodiscard]] virtual expected<void> unused() = 0;
    /// The mark of a copy that was broken off; nothing when there is none. `conflict` when a part
    /// is there whose mark cannot be read.
    [[nodiscard]] expected<std::optional<copy_mark>> left_over() {
        const auto part = has_part();
        if (!part) return fail(part.error());
        if (!*part) return std::nullopt;
        const auto text = mark_text();
        if (!text) return fail(text.error());
        auto mark = parse_mark(*text);
        if (mark) return mark;
        return fail(make_error(error_kind::conflict,
                               "a part of a copy is there, but its mark '" +
                                   mark_name(std::filesystem::path(name()).filename().string()) +
                                   "', which tells how far it came, cannot be read")
                        .about(name())
                        .advise("copy with --fresh, which begins anew"));
    }
    /// Makes the part, `conflict` when there is one; or opens the one that is there.
    virtual expected<void> begin(bool resume, std::uint32_t mode) = 0;
    /// Makes the part so long; what is not written is a hole.
    virtual expected<void> set_size(bytes size) = 0;
    [[nodiscard]] virtual expected<bytes> free_room() = 0; ///< What its file system has left.
    /// `from` lives until `done` was called.
    virtual expected<void> start_write(std::uint64_t offset, std::span<const std::byte> from,
                                       copy_completion done) = 0;
    /// Reads back.
    virtual expected<void> start_read(std::uint64_t offset, std::span<std::byte> into,
                                      copy_completion done) = 0;
    /// Everything written is on the disk.
    virtual expected<void> sync() = 0;
    /// Keeps how far the copy is, on the disk when this returns.
    virtual expected<void> write_mark(const copy_mark &mark) = 0;
    /// Gives the part its own name in one step; `conflict` when it is taken and `replace` is not
    /// asked for. Then the mark goes.
    virtual expected<void> publish(bool replace) = 0;
    /// Removes part and mark; what is not there is no error.
    virtual expected<void> discard() = 0;

protected:
    [[nodiscard]] virtual expected<bool> has_part() = 0; ///< Whether a part is there.
    /// The beginning of the mark; empty when there is none.
    [[nodiscard]] virtual expected<std::string> mark_text() = 0;
};

} // namespace kvmig::run
