// SPDX-License-Identifier: MIT
/// Translated messages led back to their originals by the catalogues installed here.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace kvmig::lab::cli {

/// A text in its original words, and whose catalogue led it back.
struct led_back {
    std::string text;
    std::string language; ///< `zh_CN`
};

/// `text` with every line that a message catalogue below `locales` (`LANGUAGE/LC_MESSAGES/
/// libvirt.mo`, with `libc.mo` beside it for the words of an `errno`) knows put back into English.
/// Nothing when no catalogue knows a line, or none is installed (Debian: libvirt-l10n). A catalogue
/// that cannot be read is passed over: it cannot be the one.
[[nodiscard]] std::optional<led_back>
lead_back(std::string_view text, const std::filesystem::path &locales = "/usr/share/locale");

} // namespace kvmig::lab::cli
