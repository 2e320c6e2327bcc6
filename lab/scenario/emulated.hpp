// SPDX-License-Identifier: MIT
/// Which figures of an emulated host are not to be believed.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/machine/remote.hpp>

#include <stop_token>
#include <string>

namespace kvmig::lab {

/// `why` where the machine's CPU is emulated, as what is to be said beside a figure; empty where it
/// is hardware's.
[[nodiscard]] inline expected<std::string>
distorted_on(const machine_spec &machine, std::string why, const std::stop_token &stop) {
    // `kvm` where hardware runs it, `qemu` where QEMU emulates it, `none` on bare metal.
    auto said = remote_output(machine, {"sh", "-c", "systemd-detect-virt --vm || true"}, stop);
    if (!said) return fail(std::move(said).error());
    return said->starts_with("qemu") ? "emulated host: " + std::move(why) : std::string{};
}

} // namespace kvmig::lab
