// SPDX-License-Identifier: MIT
/// A folder in which tokens are written and looked for, by whatever way it is reached.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/model/probe_token.hpp>
#include <kvmig/model/shared_proof.hpp>
#include <kvmig/ports/clock.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kvmig::run {

/// What `prove_shared` needs of a place. Errors carry the `errno` where there was one, by which a
/// stale handle or a place that cannot be written to is told from other failures.
template <class P>
concept shared_place = requires(P &place, const std::string &text) {
    /// Its name, host and path, which nobody is asked for.
    { place.called() } -> std::same_as<model::shared_place_facts>;
    /// What its host says of it, and of the image of this name in it; `not_found` when there is no
    /// such folder. The text is empty where no image is asked about.
    { place.describe(text) } -> std::same_as<expected<model::shared_place_facts>>;
    /// Writes a file that must not be there, and closes it; all may read it. (name, content)
    { place.write(text, text) } -> std::same_as<expected<void>>;
    /// Looks into the folder anew; nothing when no such file is there.
    { place.read(text) } -> std::same_as<expected<std::optional<std::string>>>;
    /// Looks into the folder anew, for the names of tokens.
    { place.tokens() } -> std::same_as<expected<std::vector<std::string>>>;
    { place.remove(text) } -> std::same_as<expected<void>>;
    /// Takes back what was set up to reach it.
    { place.close() } -> std::same_as<expected<void>>;
};

namespace detail {

/// Hexadecimal digits that nobody has seen before.
[[nodiscard]] inline std::string random_digits() {
    std::string out = uuid::random().text();
    std::erase(out, '-');
    return out;
}

[[nodiscard]] inline model::token_id new_token(ports::utc_time now) {
    return {std::chrono::floor<std::chrono::seconds>(now), random_digits()};
}

/// A time as libvirt writes it into a volume's XML.
[[nodiscard]] inline std::string image_time(std::int64_t seconds, std::int64_t nanoseconds) {
    std::string out = std::to_string(seconds);
    if (nanoseconds == 0) return out;
    const std::string fraction = std::to_string(nanoseconds);
    return out + '.' + std::string(9 - std::min<std::size_t>(9, fraction.size()), '0') + fraction;
}

/// `/a/b/` is `/a/b`.
[[nodiscard]] inline std::string without_last_slash(std::string folder) {
    while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
    return folder;
}

} // namespace detail

} // namespace kvmig::run
