// SPDX-License-Identifier: MIT
/// Whether a host has something of a name: interfaces, network filters, secrets.
#pragma once

#include <kvmig/core/uuid.hpp>
#include <kvmig/libvirt/connection.hpp>

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace kvmig::libvirt {

/// Fails with `not_found` where the host has none of that name. Tells whether it is up.
[[nodiscard]] inline expected<bool> interface_is_active(const connection &on,
                                                        const std::string &name) {
    const virInterfacePtr found = virInterfaceLookupByName(on.raw(), name.c_str());
    if (found == nullptr) {
        return fail(
            last_error("cannot find the interface '" + name + "'", on.hostname()).about(name));
    }
    const int active = virInterfaceIsActive(found);
    error problem;
    if (active < 0) {
        problem = last_error("cannot read the state of the interface '" + name + "'", on.hostname())
                      .about(name);
    }
    virInterfaceFree(found);
    if (active < 0) return fail(std::move(problem));
    return active == 1;
}

/// Fails with `not_found` where the host has no network filter of that name.
[[nodiscard]] inline expected<void> require_filter(const connection &on, const std::string &name) {
    const virNWFilterPtr found = virNWFilterLookupByName(on.raw(), name.c_str());
    if (found == nullptr) {
        return fail(
            last_error("cannot find the network filter '" + name + "'", on.hostname()).about(name));
    }
    virNWFilterFree(found);
    return {};
}

/// A secret by its UUID, or by kind and usage as in `ceph:client.admin secret`. Fails with
/// `not_found` where the host has none, with `unsupported` for a kind this version does not know.
[[nodiscard]] inline expected<void> require_secret(const connection &on, const std::string &name) {
    static constexpr std::array<std::pair<std::string_view, int>, 5> kinds = {
        {{"volume", VIR_SECRET_USAGE_TYPE_VOLUME},
         {"ceph", VIR_SECRET_USAGE_TYPE_CEPH},
         {"iscsi", VIR_SECRET_USAGE_TYPE_ISCSI},
         {"tls", VIR_SECRET_USAGE_TYPE_TLS},
         {"vtpm", VIR_SECRET_USAGE_TYPE_VTPM}}};
    virSecretPtr found = nullptr;
    if (const auto id = uuid::parse(name)) {
        found = virSecretLookupByUUID(on.raw(), id->raw().data());
    } else {
        const auto colon = name.find(':');
        int kind = -1;
        for (const auto &[word, number] : kinds) {
            if (std::string_view(name).substr(0, colon) == word) kind = number;
        }
        if (kind < 0 || colon == std::string::npos) {
            return fail(make_error(error_kind::unsupported,
                                   "the kind of the secret '" + name + "' is not known")
                            .on(on.hostname())
                            .about(name));
        }
        found = virSecretLookupByUsage(on.raw(), kind, name.c_str() + colon + 1);
    }
    if (found == nullptr) {
        return fail(last_error("cannot find the secret '" + name + "'", on.hostname()).about(name));
    }
    virSecretFree(found);
    return {};
}

} // namespace kvmig::libvirt
