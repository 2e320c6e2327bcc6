// SPDX-License-Identifier: MIT
/// cold-shared: the guest is shut down, defined on the other host and started there.
#include <lab/scenario/cold_moves.hpp>
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>

#include <string_view>

namespace kvmig::lab {

namespace {

expected<void> run_cold_shared(scenario_context &context) {
    return play(context, usual_guest(), context.where.pool, bytes::gib(10),
                [](stage &on, performer &guest) {
                    constexpr std::string_view same = "the images were proven to be the same";
                    run::cold_options undefining;
                    undefining.undefine_source = true;
                    auto there = move_cold(on, guest, "there: ", on.on().kvm02(), true, same,
                                           by_shared_images(undefining));
                    if (!there) return expected<void>(fail(std::move(there).error()));
                    auto back = move_cold(on, guest, "back: ", on.on().kvm01(), false, same,
                                          by_shared_images({}));
                    return back ? expected<void>() : fail(std::move(back).error());
                });
}

} // namespace

scenario cold_shared() {
    return {"cold-shared",
            "cold",
            "shut down, over shared storage in a netfs pool, there and back",
            true,
            run_cold_shared,
            any_hosts};
}

} // namespace kvmig::lab
