// SPDX-License-Identifier: MIT
/// Which images a cold migration copies, from where to where: recorded before any is, so that a
/// successor can go on or remove them.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kvmig::run {

/// What an image is kept in.
enum class image_kind : std::uint8_t {
    file,  ///< made at the destination
    block, ///< a partition or volume, which the destination has already
};

/// One image, of a disk or of its backing chain.
struct planned_image {
    /// A file is made at the destination, a block device must be there.
    image_kind kind = image_kind::file;
    /// `raw` or `qcow2`; `state`: the guest's memory, which is still to be saved.
    std::string format = "raw";
    std::string source;      ///< absolute path
    std::string destination; ///< absolute path, as rules adapt it
    bytes size;              ///< of the file or device, holes included
    bytes allocated;         ///< what a file takes up; of a device its size

    /// Whether it has holes that are to stay holes.
    [[nodiscard]] bool sparse() const noexcept {
        return kind == image_kind::file && allocated < size;
    }

    friend bool operator==(const planned_image &, const planned_image &) = default;
};

/// The images that a cold migration copies, and the way they take.
struct copy_plan {
    std::string token;      ///< lower-case hexadecimal: marks what this migration makes
    std::string login;      ///< `user@host`: where the source's SSH reaches the destination
    std::uint16_t port = 0; ///< of that SSH; 0: its usual one
    std::vector<planned_image> images; ///< in the order in which they are copied

    /// The name under which an image comes: beside the one that it is to have, hidden from pools.
    [[nodiscard]] std::string part_of(const planned_image &image) const {
        const std::size_t slash = image.destination.rfind('/') + 1;
        return image.destination.substr(0, slash) + "." + image.destination.substr(slash) +
               ".kvmig-" + token;
    }
    /// Of all images.
    [[nodiscard]] bytes size() const noexcept {
        bytes out;
        for (const planned_image &each : images) out = out + each.size;
        return out;
    }

    friend bool operator==(const copy_plan &, const copy_plan &) = default;
};

/// As lines for the record. A path with a line end has no place in a plan.
[[nodiscard]] inline std::string to_text(const copy_plan &plan) {
    std::string out = "copies " + plan.token + "\n" + "login " + plan.login + "\n" + "port " +
                      std::to_string(plan.port) + "\n";
    for (const planned_image &each : plan.images) {
        out += std::string(each.kind == image_kind::file ? "file " : "block ") + each.format +
               "\n" + "size " + std::to_string(each.size.count()) + "\n" + "allocated " +
               std::to_string(each.allocated.count()) + "\n" + "from " + each.source + "\n" +
               "to " + each.destination + "\n";
    }
    return out;
}

namespace detail {

/// Takes the lines of a plan, one after another.
class plan_reader {
public:
    explicit plan_reader(std::string_view text) : rest_(text) {}

    [[nodiscard]] bool done() const noexcept { return rest_.empty(); }
    [[nodiscard]] bool next_is(std::string_view word) const noexcept {
        return rest_.starts_with(word) && rest_.substr(word.size()).starts_with(' ');
    }
    /// What stands behind `word`, which the next line must begin with.
    [[nodiscard]] expected<std::string> take(std::string_view word) {
        const std::size_t end = rest_.find('\n');
        const std::string_view line = rest_.substr(0, end);
        if (end == std::string_view::npos || !next_is(word)) {
            return fail(error_kind::protocol,
                        "the record of the images to copy has the line '" + std::string(line) +
                            "' where one that begins with '" + std::string(word) + "' is expected");
        }
        rest_.remove_prefix(end + 1);
        return std::string(line.substr(word.size() + 1));
    }
    template <class Number> [[nodiscard]] expected<Number> number(std::string_view word) {
        auto text = take(word);
        if (!text) return fail(std::move(text).error());
        Number out = 0;
        const auto [end, bad] = std::from_chars(text->data(), text->data() + text->size(), out);
        if (bad == std::errc{} && end == text->data() + text->size()) return out;
        return fail(error_kind::protocol, "the record of the images to copy has '" + *text +
                                              "' where a number is expected");
    }

private:
    std::string_view rest_;
};

inline expected<planned_image> read_image(plan_reader &in) {
    planned_image out;
    out.kind = in.next_is("block") ? image_kind::block : image_kind::file;
    auto format = in.take(out.kind == image_kind::file ? "file" : "block");
    if (!format) return fail(std::move(format).error());
    auto size = in.number<std::uint64_t>("size");
    if (!size) return fail(std::move(size).error());
    auto allocated = in.number<std::uint64_t>("allocated");
    if (!allocated) return fail(std::move(allocated).error());
    auto from = in.take("from");
    if (!from) return fail(std::move(from).error());
    auto to = in.take("to");
    if (!to) return fail(std::move(to).error());
    out.format = *std::move(format);
    out.size = bytes{*size};
    out.allocated = bytes{*allocated};
    out.source = *std::move(from);
    out.destination = *std::move(to);
    return out;
}

} // namespace detail

/// Reads what `to_text` wrote; fails with `protocol`, naming the line that does not fit.
[[nodiscard]] inline expected<copy_plan> copy_plan_from_text(std::string_view text) {
    detail::plan_reader in(text);
    copy_plan out;
    auto token = in.take("copies");
    if (!token) return fail(std::move(token).error());
    auto login = in.take("login");
    if (!login) return fail(std::move(login).error());
    auto port = in.number<std::uint16_t>("port");
    if (!port) return fail(std::move(port).error());
    out.token = *std::move(token);
    out.login = *std::move(login);
    out.port = *port;
    while (!in.done()) {
        auto image = detail::read_image(in);
        if (!image) return fail(std::move(image).error());
        out.images.push_back(*std::move(image));
    }
    return out;
}

} // namespace kvmig::run
