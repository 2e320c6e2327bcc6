// SPDX-License-Identifier: MIT
// A guest with one of everything that can move, and two hosts between which it can: no rule has
// anything to say. Tests break one thing at a time.
#pragma once

#include <kvmig/precheck/facts.hpp>
#include <kvmig/precheck/finding.hpp>
#include <kvmig/precheck/report.hpp>
#include <support/catch.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::test {

inline constexpr std::string_view image_path = "/srv/images/vm1.qcow2";
inline constexpr std::string_view base_path = "/srv/images/base.qcow2";
inline constexpr std::string_view medium_path = "/srv/images/install.iso";

[[nodiscard]] uuid id_of(std::uint8_t last);

[[nodiscard]] model::domain healthy_domain();

/// Facts by which the guest can move.
[[nodiscard]] precheck::facts healthy();

/// The same with as much as possible gone wrong at once.
[[nodiscard]] precheck::facts sick();

/// `precheck::check`, compiled once for all tests.
[[nodiscard]] precheck::report check(const precheck::facts &all,
                                     const std::vector<std::string> &ignored = {});

/// The findings of one id.
[[nodiscard]] std::vector<precheck::finding> findings_of(const precheck::facts &all,
                                                         std::string_view id);

/// The severity of the only finding of that id; nothing when the rule is silent.
[[nodiscard]] std::optional<precheck::severity> told(const precheck::facts &all,
                                                     std::string_view id);

/// What is only said of a fact that could not be had.
template <class T> precheck::fact<T> not_known() {
    return precheck::fact<T>::unknown("the daemon is silent");
}

/// Makes a fact unknown.
template <class T> void forget(precheck::fact<T> &told) { told = not_known<T>(); }

/// Changes the host's capabilities.
template <class Change> void recast(precheck::host_facts &host, Change change) {
    model::capabilities told = *host.capabilities;
    change(told);
    host.capabilities = told;
}

inline constexpr auto blocks = precheck::severity::blocks;
inline constexpr auto unknown = precheck::severity::unknown;
inline constexpr auto warns = precheck::severity::warns;
inline constexpr auto info = precheck::severity::info;

} // namespace kvmig::test
