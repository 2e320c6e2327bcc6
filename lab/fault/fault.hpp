// SPDX-License-Identifier: MIT
/// A documented failure of a migration: what breaks, what is expected of check and diagnosis, and
/// which of the printed remedies mend it.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/scenario/guest_domain.hpp>
#include <lab/topology/paths.hpp>
#include <lab/topology/topology.hpp>

#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::lab {

/// What is done to a machine from outside.
enum class power : std::uint8_t {
    left, ///< nothing: the step is for its shell
    cut,
    on, ///< and booted, unless it runs
};

/// Text for the shell of a machine of the lab, or a hand at its power switch.
struct fault_step {
    std::string_view machine;
    std::string_view shell;
    power turned = power::left;
};

/// As it is shown to people.
[[nodiscard]] std::string describe(const fault_step &step);

/// Which attempts are made while it is broken.
enum class attempt : std::uint8_t {
    both,    ///< virsh on the source, as documented; and the library, led by the source's daemon
    virsh,   ///< virsh alone: the library's own connections are not concerned, or are lost
    library, ///< the library alone: it breaks in the middle of a migration
};

struct fault {
    std::string_view id; ///< as in the list of documented cases, e.g. `fail-fqdn`
    std::string_view title;

    /// The guest that is to move; its image is in `pool` of kvm01.
    guest_domain (*guest)() = usual_guest;
    std::string_view pool = pool_name;
    bool certificates = false; ///< QEMU's files for TLS are handed out (tls_files.hpp)
    /// Before the guest starts: what a healthy migration of it needs too.
    std::vector<fault_step> prepare = {};
    std::vector<fault_step> breaks = {};
    /// Mends it by the lab's own means; harmless where it has been mended already.
    std::vector<fault_step> undo = {};

    attempt tried = attempt::both;
    /// Of `virsh migrate`, beyond `--live`. With `--postcopy` it breaks when the guest has gone
    /// ahead.
    std::vector<std::string> options = {};
    /// libvirt's words do not tell, but logs: QEMU's of both hosts, what virsh said; the journal of
    /// the destination's daemon, what the library did.
    bool look_into_logs = false;
    std::string_view uri = {};        ///< given to virsh instead of the destination's
    std::string_view diagnosed;       ///< the cause that must be named first
    std::string_view foreseen = {};   ///< what the check must find; empty: it cannot, as
    std::string_view unforeseen = {}; ///< … is said here
    /// The printed steps that are followed, each by a part of it, in this order; and what a person
    /// puts in the place of words in capitals.
    std::vector<std::string_view> remedy = {};
    std::vector<std::pair<std::string_view, std::string_view>> fill = {};
    /// Variables of the shell that carries the printed steps out: what a person would type.
    std::string_view typed = {};
    bool remedy_moves = false; ///< the last printed step is a migration itself
    /// What the remedy leaves to a person's hands, done after the printed steps; before them where
    /// they move.
    std::vector<fault_step> by_hand = {};
};

/// All faults, in the order of the list of cases.
[[nodiscard]] std::span<const fault> all_faults();
/// The fault of this id; `not_found` names those there are.
[[nodiscard]] expected<const fault *> find_fault(std::string_view id);

/// Runs each step on its machine of `lab`; ends at the first that fails, which the error names.
[[nodiscard]] expected<void> carry_out(const std::vector<fault_step> &steps, const lab_paths &lab,
                                       const std::stop_token &stop);

/// The tables, each in the file of its topic.
[[nodiscard]] std::vector<fault> name_faults();
[[nodiscard]] std::vector<fault> transport_faults();
[[nodiscard]] std::vector<fault> certificate_faults();
[[nodiscard]] std::vector<fault> storage_faults();
[[nodiscard]] std::vector<fault> host_faults();

} // namespace kvmig::lab
