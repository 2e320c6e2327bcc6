// SPDX-License-Identifier: MIT
/// Guests on kvm01's own disk, which go on writing there while it is copied.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <lab/scenario/stage.hpp>

#include <string>

namespace kvmig::lab {

/// On the image at `path`, where its pattern begins at `offset`.
[[nodiscard]] expected<performer> start_on_local_disk(stage &on, const std::string &path,
                                                      bytes offset);

/// What the base image of `start_on_overlay` holds.
inline constexpr bytes base_size = bytes::mib(48);

/// On a qcow2 image above a base that both hosts have at the same path. The image that comes to be
/// on kvm02 is removed with the rest.
[[nodiscard]] expected<performer> start_on_overlay(stage &on);

} // namespace kvmig::lab
