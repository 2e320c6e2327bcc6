// SPDX-License-Identifier: MIT
#include <kvmig/libvirt/domain.hpp>

kvmig::expected<void> stop(const kvmig::libvirt::domain &guest) {
#ifdef RESULT_DROPPED
    guest.suspend(); // error: (nodiscard|warn_unused)
#else
    if (auto done = guest.suspend(); !done) return done;
#endif
#ifdef ERROR_DROPPED
    kvmig::make_error(kvmig::error_kind::failed, "lost"); // error: nodiscard
#endif
#ifdef TEXT_FOR_ERROR
    return "no such domain"; // error: conver
#else
    return kvmig::fail(kvmig::error_kind::not_found, "no such domain");
#endif
}
