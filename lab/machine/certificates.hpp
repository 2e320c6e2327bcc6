// SPDX-License-Identifier: MIT
/// Certificates (X.509) for the lab's machines, by an authority that is made anew whenever it is
/// needed and whose key never leaves this process.
#pragma once

#include <kvmig/core/expected.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace kvmig::lab {

/// A certificate and the private key to it, both as PEM.
struct credentials {
    std::string certificate;
    std::string key;
};

/// When a certificate is good: for a month since yesterday (machines' clocks differ), or until
/// yesterday.
enum class validity : std::uint8_t { now, past };

/// A certificate and the key to it, as OpenSSL holds them.
struct certified_identity;

class certificate_authority {
public:
    /// An authority of this common name. Keys are of the curve P-256, which is cheap for emulated
    /// machines.
    [[nodiscard]] static expected<certificate_authority> create(const std::string &name);

    certificate_authority(certificate_authority &&) noexcept;
    certificate_authority &operator=(certificate_authority &&) noexcept;
    ~certificate_authority();
    certificate_authority(const certificate_authority &) = delete;
    certificate_authority &operator=(const certificate_authority &) = delete;

    /// As PEM.
    [[nodiscard]] const std::string &certificate() const noexcept { return text_; }

    /// For a machine called `host` (its FQDN) with these IP addresses, as server and as client.
    [[nodiscard]] expected<credentials> issue(const std::string &host,
                                              const std::vector<std::string> &addresses,
                                              validity good = validity::now) const;

private:
    certificate_authority(std::unique_ptr<certified_identity> self, std::string text);
    std::unique_ptr<certified_identity> self_;
    std::string text_;
};

} // namespace kvmig::lab
