// SPDX-License-Identifier: MIT
/// A PCI device that a guest holds of its host: where it is, and a migration without it.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/scenario/stage.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace kvmig::lab {

/// One that the guest has on kvm01, and the one that it is to have on kvm02.
struct handed_device {
    std::string id;   ///< `vendor:device`, as the guest sees it
    std::string from; ///< PCI address on kvm01
    std::string to;   ///< on kvm02
};

/// The hosts' second network card.
[[nodiscard]] handed_device network_card();

/// Functions of the hosts' NVMe controllers, another one on each.
[[nodiscard]] handed_device virtual_function();
/// Has both hosts' controllers show them.
[[nodiscard]] expected<void> make_virtual_functions(const scenario_context &context);

/// Tries to move the guest to kvm02 without its device, for which it has `device.to` there, or
/// `device.from` again when it has not moved.
[[nodiscard]] expected<run::migration_result>
attempt_without(stage &on, performer &guest, const std::string &prefix, const handed_device &device,
                migration::options how, const trial &with);

/// Waits until the guest sees so many devices of this kind.
[[nodiscard]] expected<void> await_device(stage &on, performer &guest, const handed_device &device,
                                          std::size_t count);

/// Proves that the guest sees its device, and that libvirt and the host where it is have handed it
/// the one of this address.
[[nodiscard]] expected<void> prove_there(stage &on, performer &guest, const std::string &prefix,
                                         const handed_device &device, const std::string &address);

/// Proves that what the guest sends leaves its host by the second network card.
[[nodiscard]] expected<void> prove_spoken_by_card(stage &on, const performer &guest,
                                                  const std::string &prefix);

/// Whether a guest was seen without its device while it was moved.
class absence {
public:
    absence(performer &guest, const handed_device &device) : guest_(guest), device_(device) {}
    absence(const absence &) = delete;
    absence &operator=(const absence &) = delete;
    ~absence() = default;

    /// Asks the guest with each sample, until it is seen.
    [[nodiscard]] run::progress_callback look();
    /// What was seen; fails when the guest could not be asked.
    [[nodiscard]] expected<void> prove(scenario_result &out, const std::string &prefix) const;

private:
    performer &guest_;
    const handed_device &device_;
    std::size_t looks_ = 0;
    bool seen_ = false;
    expected<void> asked_;
};

} // namespace kvmig::lab
