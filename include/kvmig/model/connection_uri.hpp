// SPDX-License-Identifier: MIT
/// libvirt's connection URIs, taken apart with errors that say what is wrong with them.
#pragma once

#include <kvmig/core/expected.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kvmig::model {

/// The authority of a URI: `[user@][host][:port]`.
struct uri_authority {
    std::string user;                  ///< who logs in; empty: none was written
    std::string host;                  ///< without the brackets of an IPv6 address
    std::optional<std::uint16_t> port; ///< absent: the transport's own

    friend bool operator==(const uri_authority &, const uri_authority &) = default;

    /// Takes apart what stands between `//` and the next `/`, `?` or the end. The error's text
    /// says what is wrong without naming the whole URI, which the caller knows.
    [[nodiscard]] static expected<uri_authority> parse(std::string_view text) {
        uri_authority out;
        if (const auto at = text.rfind('@'); at != std::string_view::npos) {
            out.user = text.substr(0, at);
            text.remove_prefix(at + 1);
        }
        std::string_view port;
        bool colon = false;
        if (text.starts_with('[')) {
            const auto close = text.find(']');
            if (close == std::string_view::npos) {
                return fail(make_error(error_kind::invalid_argument,
                                       "the bracket before the IPv6 address is never closed"));
            }
            out.host = text.substr(1, close - 1);
            const std::string_view rest = text.substr(close + 1);
            if (!rest.empty() && rest.front() != ':') {
                return fail(error_kind::invalid_argument,
                            "'" + std::string(rest) +
                                "' stands after the IPv6 address, where "
                                "only a colon and a port may stand");
            }
            colon = !rest.empty();
            if (colon) port = rest.substr(1);
        } else if (const auto at = text.find(':'); at != std::string_view::npos) {
            if (text.find(':', at + 1) != std::string_view::npos) {
                return fail(
                    make_error(error_kind::invalid_argument,
                               "there is more than one colon in '" + std::string(text) + "'")
                        .advise("put an IPv6 address in brackets, as in [2001:db8::1]"));
            }
            out.host = text.substr(0, at);
            colon = true;
            port = text.substr(at + 1);
        } else {
            out.host = text;
        }
        if (colon && port.empty()) {
            return fail(make_error(error_kind::invalid_argument,
                                   "a colon follows the host '" + out.host + "', and no port")
                            .advise("take the colon away, or write a port after it"));
        }
        if (colon) {
            std::uint16_t number = 0;
            const auto [end, problem] =
                std::from_chars(port.data(), port.data() + port.size(), number);
            if (problem != std::errc{} || end != port.data() + port.size() || number == 0) {
                return fail(make_error(error_kind::invalid_argument,
                                       "'" + std::string(port) + "' is no port")
                                .advise("a port is a number from 1 to 65535; a path begins "
                                        "with a slash, without a colon before it"));
            }
            out.port = number;
        }
        return out;
    }
};

/// `driver[+transport]://[user@][host][:port]/path[?query]`, as libvirt's remote driver reads it
/// (docs/uri.rst, `remoteSplitURIScheme`). Or an alias from libvirt.conf, kept whole in `alias`.
struct connection_uri {
    std::string alias;       ///< a name that libvirt.conf resolves; empty: the rest holds the URI
    std::string driver;      ///< `qemu`, `test`, …
    std::string transport;   ///< as written, in lower case; empty when none was
    uri_authority authority; ///< its host is empty for a daemon on this machine
    std::string path;        ///< with its slash
    std::string query;       ///< what stands behind `?`, as written; empty: nothing

    /// What may stand behind the driver's `+`.
    static constexpr std::array<std::string_view, 7> transports = {"tls", "unix",    "ssh",   "ext",
                                                                   "tcp", "libssh2", "libssh"};

    friend bool operator==(const connection_uri &, const connection_uri &) = default;

    /// Whether it leads to another machine, or to a daemon here over the network.
    [[nodiscard]] bool remote() const noexcept { return !authority.host.empty(); }

    /// Fails with `invalid_argument`, naming the URI, the place in it, and what would be right.
    /// Whether the driver exists is left to libvirt: new ones come.
    [[nodiscard]] static expected<connection_uri> parse(std::string_view text) {
        connection_uri out;
        if (text.empty())
            return fail(refusal(text, "it is empty", "give a URI such as " + std::string(example)));
        if (std::all_of(text.begin(), text.end(), [](unsigned char c) {
                return std::isalnum(c) != 0 || c == '-' || c == '_';
            })) {
            out.alias = text;
            return out;
        }
        if (const auto bad = std::find_if(
                text.begin(), text.end(),
                [](unsigned char c) { return std::isspace(c) != 0 || std::iscntrl(c) != 0; });
            bad != text.end()) {
            return fail(refusal(text,
                                "it holds white space or a control character at place " +
                                    std::to_string(bad - text.begin() + 1),
                                "write a space in a path as %20"));
        }
        const auto mark = text.find("://");
        if (mark == std::string_view::npos || mark == 0) {
            return fail(refusal(text, "it does not begin with a driver and '://'",
                                "write it as " + std::string(example)));
        }
        const std::string_view scheme = text.substr(0, mark);
        const auto plus = scheme.find('+');
        out.driver = scheme.substr(0, plus);
        if (!std::all_of(scheme.begin(), scheme.end(),
                         [](unsigned char c) {
                             return std::isalnum(c) != 0 || c == '+' || c == '-' || c == '.';
                         }) ||
            out.driver.empty()) {
            return fail(refusal(text, "'" + std::string(scheme) + "' names no driver",
                                "write it as " + std::string(example)));
        }
        if (plus != std::string_view::npos) {
            out.transport = scheme.substr(plus + 1);
            std::transform(out.transport.begin(), out.transport.end(), out.transport.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
            if (std::find(transports.begin(), transports.end(), out.transport) ==
                transports.end()) {
                return fail(refusal(text, "there is no transport '" + out.transport + "'",
                                    "transports are ssh, tls, tcp, unix, libssh, libssh2, ext"));
            }
        }
        std::string_view rest = text.substr(mark + 3);
        if (const auto question = rest.find('?'); question != std::string_view::npos) {
            out.query = rest.substr(question + 1);
            rest = rest.substr(0, question);
        }
        const auto slash = rest.find('/');
        auto authority = uri_authority::parse(rest.substr(0, slash));
        if (!authority) {
            return fail(refusal(text, authority.error().what, authority.error().remedy));
        }
        out.authority = *std::move(authority);
        if (slash != std::string_view::npos) out.path = rest.substr(slash);
        return out.checked(text);
    }

private:
    static constexpr std::string_view example = "qemu+ssh://HOST/system";

    [[nodiscard]] static error refusal(std::string_view text, const std::string &what,
                                       std::string remedy) {
        return make_error(error_kind::invalid_argument,
                          "cannot parse the URI '" + std::string(text) + "': " + what)
            .advise(std::move(remedy));
    }

    [[nodiscard]] expected<connection_uri> checked(std::string_view text) {
        const bool networked = !transport.empty() && transport != "unix" && transport != "ext";
        if (authority.host.empty() &&
            (networked || !authority.user.empty() || authority.port.has_value())) {
            return fail(refusal(text, "it names no host",
                                "write the host after '://'; this machine is localhost"));
        }
        if (transport == "unix" && remote()) {
            return fail(refusal(text, "the transport unix reaches no other host",
                                "use ssh, tls or tcp to reach '" + authority.host + "'"));
        }
        if (transport == "ext" && query.find("command=") == std::string::npos) {
            return fail(refusal(text, "the transport ext needs a command",
                                "add ?command=/path/to/program"));
        }
        if (driver == "qemu" && path != "/system" && path != "/session" && path != "/embed") {
            return fail(refusal(
                text, path.empty() ? "it has no path" : "'" + path + "' is no path of QEMU's",
                "end it in /system for the host's daemon, or /session for the user's own"));
        }
        return *this;
    }
};

} // namespace kvmig::model
