// SPDX-License-Identifier: MIT
/// Where a guest is, after both hosts were asked.
#pragma once

#include <kvmig/core/error.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/model/domain.hpp>
#include <kvmig/ports/hypervisor.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace kvmig::run {

/// The side on which the guest is active, that is, has a process.
enum class guest_side : std::uint8_t {
    source,
    destination,
    both,    ///< as in a broken post-copy migration: memory on both sides
    neither, ///< shut off, or gone
    unknown, ///< a host could not be asked
};

/// Its name.
[[nodiscard]] constexpr std::string_view to_string(guest_side side) noexcept {
    switch (side) {
    case guest_side::source: return "source";
    case guest_side::destination: return "destination";
    case guest_side::both: return "both";
    case guest_side::neither: return "neither";
    case guest_side::unknown: return "unknown";
    }
    return "unknown";
}

/// What one host said of the guest.
struct host_answer {
    std::string hostname; ///< what the host calls itself
    /// Nothing when the host does not know the domain, or could not be asked.
    std::optional<model::domain_status> status;
    std::optional<error> unread; ///< why it could not be asked

    /// Whether a process of the guest is there.
    [[nodiscard]] bool active() const noexcept { return status && status->active; }

    /// `kvm02 says running (migrated)`, `kvm01 does not know it`, `kvm01 cannot be asked`.
    [[nodiscard]] std::string text() const {
        if (unread) return hostname + " cannot be asked";
        if (!status) return hostname + " does not know it";
        return hostname + " says " + std::string(to_string(status->state)) + " (" +
               status->reason_text + ")";
    }
};

/// What both hosts said.
struct whereabouts {
    host_answer source;      ///< asked for its side of the migration
    host_answer destination; ///< asked for its side of the migration

    /// Who has it; unknown when one of them could not be asked.
    [[nodiscard]] guest_side side() const noexcept {
        if (source.unread || destination.unread) return guest_side::unknown;
        if (source.active() && destination.active()) return guest_side::both;
        if (source.active()) return guest_side::source;
        return destination.active() ? guest_side::destination : guest_side::neither;
    }

    /// One clause for people: `the guest is at the destination: kvm01 says …, kvm02 says …`.
    [[nodiscard]] std::string text() const {
        std::string_view where;
        switch (side()) {
        case guest_side::source: where = "the guest is at the source"; break;
        case guest_side::destination: where = "the guest is at the destination"; break;
        case guest_side::both: where = "the guest is active on both sides"; break;
        case guest_side::neither: where = "the guest is active on neither side"; break;
        case guest_side::unknown: where = "where the guest is could not be settled"; break;
        }
        return std::string(where) + ": " + source.text() + ", " + destination.text();
    }
};

/// Asks one host.
template <ports::hypervisor H>
[[nodiscard]] host_answer ask(H &host, const uuid &id, std::string hostname) {
    host_answer out{std::move(hostname), std::nullopt, std::nullopt};
    if (auto told = host.status(id)) {
        out.status = *std::move(told);
    } else {
        out.unread = std::move(told).error();
    }
    return out;
}

} // namespace kvmig::run
