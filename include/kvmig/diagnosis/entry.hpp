// SPDX-License-Identifier: MIT
/// The shape of the catalogue: one cause, what speaks for it, and what mends it.
#pragma once

#include <kvmig/diagnosis/topic.hpp>
#include <kvmig/model/evidence.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace kvmig::diagnosis {

/// How much a message says about its cause.
enum class weight : std::uint8_t {
    states,  ///< the words name the cause: nothing else makes a program say this
    usual,   ///< several causes are possible, this one is by far the most common
    symptom, ///< follows from a cause told elsewhere; yields to any cause
};

/// The releases whose sources or documents hold a wording; a set of bits.
enum class wording : std::uint8_t {
    libvirt_9_0 = 1,  ///< Debian bookworm
    libvirt_11_3 = 2, ///< Debian trixie
    qemu_7_2 = 4,     ///< Debian bookworm
    qemu_10_0 = 8,    ///< Debian trixie
    older = 16,       ///< libvirt or QEMU before those
    other = 32,       ///< SSH, the kernel, orchestrators
    libvirt_both = 3, ///< unchanged between the two releases of libvirt
    qemu_both = 12,   ///< unchanged between the two releases of QEMU
};

[[nodiscard]] constexpr wording operator|(wording a, wording b) noexcept {
    return static_cast<wording>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}

/// Where a pattern may count.
enum class place : std::uint8_t {
    anywhere,
    /// Words that other programs use too: in a long text of unknown origin the line must speak of
    /// libvirt, QEMU or a migration.
    virt_line,
    /// Daemons log this in the course of healthy work: it counts only where it is an answer.
    not_in_daemon_log,
};

/// One wording of a message.
struct pattern {
    /// Literal text with holes `{name}` or `{name:type}` (see text_template.hpp). Quotation marks,
    /// letter case and runs of blanks do not matter.
    std::string_view text = {};
    wording seen = wording::other; ///< in which releases
    /// File and lines in the older | the newer release, or the document it was taken from.
    std::string_view where = {};
    place counts = place::anywhere; ///< whether the line it stands in must prove what it speaks of
};

/// A libvirt error whose numbers alone lead to the entry.
struct code_rule {
    int code = 0;   ///< `virErrorNumber`
    int domain = 0; ///< `virErrorDomain`; 0: any
    int int1 = 0;   ///< an `errno` for `VIR_ERR_SYSTEM_ERROR`; 0: any
};

/// Where a step of a remedy is carried out.
enum class machine : std::uint8_t { source, destination, both, here, server, guest };

/// As remedies name it to people.
[[nodiscard]] constexpr std::string_view to_string(machine where) noexcept {
    switch (where) {
    case machine::source: return "source";
    case machine::destination: return "destination";
    case machine::both: return "both hosts";
    case machine::here: return "here";
    case machine::server: return "storage server";
    case machine::guest: return "guest";
    }
    return "here";
}

/// One command of a remedy. `run` may hold `{name}`: filled in with what was matched, quoted for a
/// shell; a name that is not known stays in capitals.
struct step {
    machine on = machine::here; ///< where the command is run
    std::string_view run = {};  ///< for a POSIX shell; empty: no further step
    std::string_view note = {}; ///< when or why; empty when the command speaks for itself
};

/// One cause. The arrays are filled from the front; what is not used stays empty (a list of its own
/// length in a constant is more than g++ 12 accepts).
struct entry {
    std::string_view id = {}; ///< `KVM-NET-003`; never given to another cause, even after removal
    std::string_view title = {};  ///< a few words, without a full stop
    std::string_view cause = {};  ///< what is wrong, and how it comes to the message
    weight says = weight::states; ///< how much a message of it says
    pattern patterns[32] = {};    ///< in force: `wordings()`
    code_rule codes[4] = {};      ///< in force: those whose code is not 0
    sign signs[3] = {};           ///< states that speak for it; in force: those that are not `none`
    step remedy[6] = {};          ///< in force: `steps()`
    std::string_view look = {};   ///< where to look next
    /// A widespread wrong explanation of this message, put right; empty when there is none.
    std::string_view corrects = {};
    std::string_view example = {}; ///< a message as it appears, which leads to this entry

    /// The wordings in force.
    [[nodiscard]] constexpr std::span<const pattern> wordings() const noexcept {
        std::size_t count = 0;
        while (count < std::size(patterns) && !patterns[count].text.empty()) ++count;
        return std::span(patterns).first(count);
    }
    /// The steps in force, in the order in which they are taken.
    [[nodiscard]] constexpr std::span<const step> steps() const noexcept {
        std::size_t count = 0;
        while (count < std::size(remedy) && !remedy[count].run.empty()) ++count;
        return std::span(remedy).first(count);
    }
};

/// As `kvmig explain` says it.
[[nodiscard]] constexpr std::string_view to_string(weight says) noexcept {
    switch (says) {
    case weight::states: return "states the cause";
    case weight::usual: return "usual cause";
    case weight::symptom: return "symptom";
    }
    return "";
}

/// The catalogue's entries by topic, and the words with which they are written.
namespace entries {
using enum wording;
using enum place;
using enum weight;
using enum machine;
} // namespace entries

} // namespace kvmig::diagnosis
