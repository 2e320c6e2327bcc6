// SPDX-License-Identifier: MIT
/// Cold migrations on a stage, and what proves them.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/libvirt.hpp>
#include <kvmig/run/migrate_cold.hpp>
#include <kvmig/run/migrate_cold_copied.hpp>
#include <lab/scenario/stage.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace kvmig::lab {

/// The hosts of a cold migration, and which guest it moves.
struct cold_ends {
    libvirt::hypervisor &from;
    libvirt::hypervisor &to;
    const libvirt::domain &guest;
    const run::cold_callback &progress;
    std::stop_token stop;
};
using cold_way = std::function<expected<run::cold_result>(const cold_ends &)>;

/// Images that both hosts share.
[[nodiscard]] cold_way by_shared_images(const run::cold_options &how);
/// Images that are copied from host to host.
[[nodiscard]] cold_way by_copied_images(const run::cold_options &how);

/// Whether the guest boots anew, or goes on where it stood.
enum class memory : std::uint8_t { lost, kept };

/// Moves the guest and proves it from both hosts and from within, every name prefixed with
/// `prefix`; `images` says what is proven of its images.
[[nodiscard]] expected<run::cold_result>
move_cold(stage &on, performer &guest, const std::string &prefix, const libvirt::connection &to,
          bool undefine_source, std::string_view images, const cold_way &way,
          memory keeps = memory::lost);

/// Tries to move the guest by copied images, which must be refused with `words` in the error, and
/// proves that the guest goes on unhurt.
[[nodiscard]] expected<void> refuse_cold(stage &on, performer &guest, const std::string &prefix,
                                         const libvirt::connection &to, std::string_view words);

} // namespace kvmig::lab
