// SPDX-License-Identifier: MIT
/// Evidence from a failed operation of this library.
#pragma once

#include <kvmig/core/error.hpp>
#include <kvmig/model/evidence.hpp>

#include <string>

namespace kvmig::diagnosis {

/// Adds `err` and everything below it to `all`: libvirt's errors with their numbers, the rest as
/// messages. An error's host counts for what lies below it too, until another is named.
inline void add_error(evidence &all, const error &err, const std::string &host = {}) {
    const std::string &here = err.host.empty() ? host : err.host;
    evidence_side side = evidence_side::unknown;
    if (!here.empty() && here == all.source) side = evidence_side::source;
    if (!here.empty() && here == all.destination) side = evidence_side::destination;
    if (err.libvirt) {
        all.errors.push_back(
            {.message = err.what, .code = *err.libvirt, .host = here, .side = side});
    } else {
        all.texts.push_back({.text = err.what,
                             .kind = text_kind::message,
                             .name = "error",
                             .host = here,
                             .side = side});
    }
    for (const error &cause : err.causes) add_error(all, cause, here);
}

} // namespace kvmig::diagnosis
