// SPDX-License-Identifier: MIT
/// Where a benchmark plays whose guests have one image, one after another.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <lab/scenario/emulated.hpp>
#include <lab/scenario/stage.hpp>

#include <functional>
#include <string>
#include <utility>

namespace kvmig::lab {

/// Sets the stage with an image in the store, has `happens` play, and strikes it. `distortion`:
/// what an emulated host distorts; `happens` gets the image's path, and what `distorted_on` says.
[[nodiscard]] inline expected<void>
play_on_image(scenario_context &context, std::string distortion,
              const std::function<expected<void>(stage &, std::string image, std::string distorted)>
                  &happens) {
    auto on = stage::set(context);
    if (!on) return fail(std::move(on).error());
    auto distorted = distorted_on(*find_machine("kvm01"), std::move(distortion), context.stop);
    if (!distorted) return fail(std::move(distorted).error());
    auto image = on->add_image(context.where.pool, "vm1.qcow2", bytes::mib(64));
    if (!image) return fail(std::move(image).error());
    auto done = happens(*on, *std::move(image), *std::move(distorted));
    return done ? on->strike() : done;
}

} // namespace kvmig::lab
