// SPDX-License-Identifier: MIT
/// How things were before a migration began, and what was asked for: recorded first, so that a
/// successor knows what "as before" means.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/migration/kind.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace kvmig::migration {

/// What the guest was doing.
enum class activity : std::uint8_t { running, paused, off };

/// How a cold migration stops the guest.
enum class stop_method : std::uint8_t {
    none,     ///< it is not stopped: a live migration, or it is off
    shutdown, ///< switched off
    save,     ///< its state is written to a file
    snapshot, ///< its state is kept in an internal snapshot
};

/// The words of the journal, in the order of `activity`.
inline constexpr std::array<std::string_view, 3> activity_names = {"running", "paused", "off"};
/// The words of the journal, in the order of `stop_method`.
inline constexpr std::array<std::string_view, 4> stop_method_names = {"none", "shutdown", "save",
                                                                      "snapshot"};

/// The word of the journal.
[[nodiscard]] constexpr std::string_view to_string(activity a) noexcept {
    return activity_names[static_cast<std::size_t>(a)];
}
/// The word of the journal.
[[nodiscard]] constexpr std::string_view to_string(stop_method m) noexcept {
    return stop_method_names[static_cast<std::size_t>(m)];
}

/// The facts a decision rests on when the controller has died.
struct origin {
    migration::kind kind = kind::live; ///< as asked for, or as `choose_mode` chose
    /// The guest at the source, as it is to be again after a failure.
    activity source_was = activity::running;
    stop_method stop = stop_method::none; ///< of a cold migration; `none` otherwise
    /// Both hosts use the same images: nothing was made for them at the destination.
    bool shared_storage = true;
    bool source_persistent = true;    ///< it was defined there, and not transient
    bool destination_defined = false; ///< it had a definition of this UUID already
    bool persist_destination = true;  ///< `VIR_MIGRATE_PERSIST_DEST`, or a cold migration
    bool undefine_source = false;     ///< asked for
    bool start_at_destination = true; ///< false: it is to be left paused (live) or shut off (cold)

    friend constexpr bool operator==(const origin &, const origin &) noexcept = default;
};

/// As one line of `name=value` words, for the journal.
[[nodiscard]] inline std::string to_text(const origin &o) {
    const auto flag = [](std::string_view name, bool value) {
        return " " + std::string(name) + (value ? "=yes" : "=no");
    };
    return "kind=" + std::string(to_string(o.kind)) +
           " source_was=" + std::string(to_string(o.source_was)) +
           " stop=" + std::string(to_string(o.stop)) + flag("shared_storage", o.shared_storage) +
           flag("source_persistent", o.source_persistent) +
           flag("destination_defined", o.destination_defined) +
           flag("persist_destination", o.persist_destination) +
           flag("undefine_source", o.undefine_source) +
           flag("start_at_destination", o.start_at_destination);
}

namespace detail {

template <class Enum, std::size_t N>
[[nodiscard]] constexpr bool read_word(std::string_view value,
                                       const std::array<std::string_view, N> &names, Enum &out) {
    for (std::size_t i = 0; i < N; ++i) {
        if (names[i] != value) continue;
        out = static_cast<Enum>(i);
        return true;
    }
    return false;
}

/// Sets the field `name` of `o`; false when there is no such field or `value` does not fit it.
[[nodiscard]] constexpr bool read_field(std::string_view name, std::string_view value, origin &o) {
    if (name == "kind") {
        const auto found = kind_named(value);
        if (found) o.kind = *found;
        return found.has_value();
    }
    if (name == "source_was") return read_word(value, activity_names, o.source_was);
    if (name == "stop") return read_word(value, stop_method_names, o.stop);
    if (value != "yes" && value != "no") return false;
    const bool on = value == "yes";
    if (name == "shared_storage") return (o.shared_storage = on, true);
    if (name == "source_persistent") return (o.source_persistent = on, true);
    if (name == "destination_defined") return (o.destination_defined = on, true);
    if (name == "persist_destination") return (o.persist_destination = on, true);
    if (name == "undefine_source") return (o.undefine_source = on, true);
    if (name == "start_at_destination") return (o.start_at_destination = on, true);
    return false;
}

} // namespace detail

/// Reads what `to_text` wrote. Every field must be there, once; fails with `protocol`, naming the
/// word that does not fit or the number of words.
[[nodiscard]] inline expected<origin> origin_from_text(std::string_view text) {
    constexpr int fields = 9;
    origin out;
    int read = 0;
    std::string seen = " ";
    while (!text.empty()) {
        const std::size_t space = text.find(' ');
        const std::string_view word = text.substr(0, space);
        text = space == std::string_view::npos ? std::string_view{} : text.substr(space + 1);
        const std::size_t equals = word.find('=');
        const std::string name(word.substr(0, equals));
        if (equals == std::string_view::npos ||
            !detail::read_field(name, word.substr(equals + 1), out) ||
            seen.find(" " + name + " ") != std::string::npos) {
            return fail(error_kind::protocol, "the record of how things were before the migration "
                                              "has the word '" +
                                                  std::string(word) + "', which does not fit");
        }
        seen += name + " ";
        ++read;
    }
    if (read != fields) {
        return fail(error_kind::protocol,
                    "the record of how things were before the migration has " +
                        std::to_string(read) + " words instead of " + std::to_string(fields));
    }
    return out;
}

} // namespace kvmig::migration
