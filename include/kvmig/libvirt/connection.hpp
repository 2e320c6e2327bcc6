// SPDX-License-Identifier: MIT
/// A connection to a libvirt daemon.
#pragma once

#include <kvmig/libvirt/error.hpp>
#include <kvmig/libvirt/event_loop.hpp>
#include <kvmig/libvirt/handle.hpp>
#include <kvmig/model/connection_uri.hpp>
#include <kvmig/model/version.hpp>

#include <optional>
#include <string>
#include <utility>

namespace kvmig::libvirt {

/// How a connection is opened and watched.
struct open_options {
    /// Asks for credentials on the terminal where the daemon wants some.
    bool ask_credentials = false;
    /// Seconds between the signs of life asked of an idle daemon, and how many may stay out
    /// before the connection counts as broken. Needs a running `event_loop`; without one, or
    /// over a daemon that does not know them, nothing is sent.
    int keepalive_interval = 5;
    /// See `keepalive_interval`: how many signs of life may stay out.
    unsigned keepalive_count = 5;
};

/// An open connection; closed when destroyed. It may be used from several threads.
///
/// Whoever wants events or signs of life starts an `event_loop` before opening, and keeps it
/// running as long as the connection is open.
class connection {
public:
    /// Opens `uri`. Fails with `invalid_argument` for a URI that cannot be parsed, before libvirt
    /// is asked; with `unreachable`, `refused`, … as libvirt's error tells.
    [[nodiscard]] static expected<connection> open(const std::string &uri,
                                                   const open_options &how = {}) {
        const auto parsed = model::connection_uri::parse(uri);
        if (!parsed) return fail(parsed.error());
        connect_handle handle(how.ask_credentials
                                  ? virConnectOpenAuth(uri.c_str(), virConnectAuthPtrDefault, 0)
                                  : virConnectOpen(uri.c_str()));
        if (!handle) {
            return fail(last_error("cannot connect to '" + uri + "'")
                            .about(uri)
                            .advise("see whether `virsh -c " + uri + " version` works from here"));
        }
        connection out(std::move(handle));
        if (auto named = out.read_names(); !named) return fail(std::move(named).error());
        // Only asked for where it can work, so that libvirt has nothing to complain about: with
        // the loop that answers, and not of the driver that lives in this process.
        if (event_loop::running() && parsed->driver != "test") {
            out.watched_ =
                virConnectSetKeepAlive(out.raw(), how.keepalive_interval, how.keepalive_count) == 0;
        }
        return out;
    }

    /// libvirt's own, which stays this object's.
    [[nodiscard]] virConnectPtr raw() const noexcept { return handle_.get(); }

    /// Another owner of the same connection.
    [[nodiscard]] connection share() const {
        virConnectRef(raw());
        connection out{connect_handle(raw())};
        out.hostname_ = hostname_;
        out.uri_ = uri_;
        out.watched_ = watched_;
        return out;
    }

    /// The host's own name for itself, and the canonical URI, as told when it was opened.
    [[nodiscard]] const std::string &hostname() const noexcept { return hostname_; }
    [[nodiscard]] const std::string &uri() const noexcept { return uri_; } ///< As it was opened.

    /// Whether signs of life are asked for, so that a dead daemon ends a blocked call.
    [[nodiscard]] bool watched() const noexcept { return watched_; }

    /// Whether the connection still stands, as far as is known without asking the daemon.
    [[nodiscard]] bool is_alive() const noexcept { return virConnectIsAlive(raw()) == 1; }

    /// The driver's name: `QEMU`, `TEST`, …
    [[nodiscard]] expected<std::string> type() const {
        const char *text = virConnectGetType(raw());
        if (text == nullptr) return fail(last_error("cannot read the driver's name", hostname_));
        return std::string(text);
    }

    /// The daemon's libvirt.
    [[nodiscard]] expected<model::version> libvirt_version() const {
        unsigned long number = 0;
        if (virConnectGetLibVersion(raw(), &number) < 0) {
            return fail(last_error("cannot read libvirt's version", hostname_));
        }
        return model::version::from_number(number);
    }

    /// The hypervisor's; nothing where the daemon does not know it.
    [[nodiscard]] expected<std::optional<model::version>> hypervisor_version() const {
        unsigned long number = 0;
        if (virConnectGetVersion(raw(), &number) < 0) {
            return fail(last_error("cannot read the hypervisor's version", hostname_));
        }
        if (number == 0) return std::nullopt;
        return model::version::from_number(number);
    }

    /// The capabilities XML, for `xml::parse_capabilities`.
    [[nodiscard]] expected<std::string> capabilities() const {
        char *text = virConnectGetCapabilities(raw());
        if (text == nullptr) return fail(last_error("cannot read the capabilities", hostname_));
        return take_text(text);
    }

private:
    explicit connection(connect_handle handle) noexcept : handle_(std::move(handle)) {}

    [[nodiscard]] expected<void> read_names() {
        char *host = virConnectGetHostname(raw());
        if (host == nullptr) return fail(last_error("cannot read the host's name"));
        hostname_ = take_text(host);
        char *canonical = virConnectGetURI(raw());
        if (canonical == nullptr) {
            return fail(last_error("cannot read the connection's URI", hostname_));
        }
        uri_ = take_text(canonical);
        return {};
    }

    connect_handle handle_;
    std::string hostname_;
    std::string uri_;
    bool watched_ = false;
};

} // namespace kvmig::libvirt
