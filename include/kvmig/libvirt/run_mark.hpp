// SPDX-License-Identifier: MIT
/// A mark by which one run of a domain is told from every other.
///
/// libvirt's number of a run begins anew when the host does, and neither the host's boot nor the
/// process's start is told over a connection. So the run bears a random UUID, as metadata of what
/// runs (`virDomainSetMetadata`, `VIR_DOMAIN_AFFECT_LIVE`), which goes over every transport. It
/// stands in the same live definition as the settings that it vouches for, and so goes where they
/// go: through a restart of the daemon, a saved state and a migration; it ends when they end.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/libvirt/domain.hpp>
#include <kvmig/xml/document.hpp>

#include <optional>
#include <string>
#include <utility>

namespace kvmig::libvirt {

/// The namespace of the mark in the metadata.
inline constexpr const char *run_namespace = "urn:kvmig:run:1";

/// The mark that the run bears; nothing when it bears none, and when the domain does not run.
[[nodiscard]] inline expected<std::optional<uuid>> read_run_mark(const domain &of) {
    const int active = virDomainIsActive(of.raw());
    if (active < 0) return fail(of.problem("cannot read the state"));
    if (active == 0) return std::nullopt;
    char *text = virDomainGetMetadata(of.raw(), VIR_DOMAIN_METADATA_ELEMENT, run_namespace,
                                      VIR_DOMAIN_AFFECT_LIVE);
    if (text == nullptr) {
        error err = of.problem("cannot read the mark of the run");
        if (err.kind == error_kind::not_found) return std::nullopt;
        return fail(std::move(err));
    }
    const std::string told = take_text(text);
    const auto doc = xml::document::parse(told, "run");
    if (!doc) return fail(doc.error());
    const auto id = doc->required_attribute(doc->root(), "id");
    if (!id) return fail(id.error());
    auto mark = uuid::parse(*id);
    if (!mark) return fail(std::move(mark).error());
    return *mark;
}

/// Marks the run; it is not taken away again, since others may have begun to go by it too.
[[nodiscard]] inline expected<void> mark_run(const domain &of, const uuid &mark) {
    const std::string text = "<run id='" + mark.text() + "'/>";
    if (virDomainSetMetadata(of.raw(), VIR_DOMAIN_METADATA_ELEMENT, text.c_str(), "kvmig",
                             run_namespace, VIR_DOMAIN_AFFECT_LIVE) < 0) {
        return fail(of.problem("cannot mark the run"));
    }
    return {};
}

} // namespace kvmig::libvirt
