// SPDX-License-Identifier: MIT
/// The files that QEMU needs on each host for migrations with TLS.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/scenario/scenario.hpp>

#include <string_view>

namespace kvmig::lab {

/// Where QEMU looks for certificates when libvirt is not told otherwise (qemu.conf).
inline constexpr std::string_view certificate_folder = "/etc/pki/qemu";
/// Folders in it, of certificates for a server that others must refuse.
inline constexpr std::string_view expired_folder = "/etc/pki/qemu/expired";
inline constexpr std::string_view misnamed_folder = "/etc/pki/qemu/misnamed";

/// An authority of this run, and what each host needs to be server and client of the others; in
/// folders beside it the same for a server, expired, and of another name.
[[nodiscard]] expected<void> hand_out_certificates(const scenario_context &context);

} // namespace kvmig::lab
