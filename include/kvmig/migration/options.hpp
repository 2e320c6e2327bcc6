// SPDX-License-Identifier: MIT
/// What a migration is asked to do: flags and parameters under libvirt's words, and the rules
/// between them, checked before anything starts.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <kvmig/migration/host_device_wish.hpp>
#include <kvmig/model/version.hpp>

#include <array>
#include <bit>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kvmig::migration {

/// libvirt's migration flags (`virDomainMigrateFlags`), with its values.
enum class flag : std::uint32_t {
    live = 1U << 0,
    peer2peer = 1U << 1,
    tunnelled = 1U << 2,
    persist_dest = 1U << 3,
    undefine_source = 1U << 4,
    paused = 1U << 5,
    non_shared_disk = 1U << 6,
    non_shared_inc = 1U << 7,
    change_protection = 1U << 8,
    unsafe = 1U << 9,
    offline = 1U << 10,
    compressed = 1U << 11,
    abort_on_error = 1U << 12,
    auto_converge = 1U << 13,
    rdma_pin_all = 1U << 14,
    postcopy = 1U << 15,
    tls = 1U << 16,
    parallel = 1U << 17,
    non_shared_synchronous_writes = 1U << 18,
    postcopy_resume = 1U << 19,
    zerocopy = 1U << 20,
};

/// Their names, by the place of the bit.
inline constexpr std::array<std::string_view, 21> flag_names = {
    "live",
    "peer2peer",
    "tunnelled",
    "persist_dest",
    "undefine_source",
    "paused",
    "non_shared_disk",
    "non_shared_inc",
    "change_protection",
    "unsafe",
    "offline",
    "compressed",
    "abort_on_error",
    "auto_converge",
    "rdma_pin_all",
    "postcopy",
    "tls",
    "parallel",
    "non_shared_synchronous_writes",
    "postcopy_resume",
    "zerocopy",
};

/// As VIR_MIGRATE_* calls it, in lower case.
[[nodiscard]] constexpr std::string_view to_string(flag f) noexcept {
    const auto place = static_cast<std::size_t>(std::countr_zero(static_cast<std::uint32_t>(f)));
    return place < flag_names.size() ? flag_names[place] : "unknown";
}

/// A set of flags.
class flag_set {
public:
    constexpr flag_set() noexcept = default;
    /// Of those named.
    constexpr flag_set(std::initializer_list<flag> flags) noexcept {
        for (const flag f : flags) set(f);
    }

    /// Whether `f` is set.
    [[nodiscard]] constexpr bool has(flag f) const noexcept {
        return (bits_ & static_cast<std::uint32_t>(f)) != 0;
    }
    /// Whether they share a flag.
    [[nodiscard]] constexpr bool has_any(flag_set other) const noexcept {
        return (bits_ & other.bits_) != 0;
    }
    /// Sets it, or takes it away.
    constexpr flag_set &set(flag f, bool on = true) noexcept {
        const auto bit = static_cast<std::uint32_t>(f);
        bits_ = on ? bits_ | bit : bits_ & ~bit;
        return *this;
    }
    /// As libvirt takes them.
    [[nodiscard]] constexpr std::uint32_t bits() const noexcept { return bits_; }

    /// The names, joined: `live, persist_dest`.
    [[nodiscard]] std::string text() const {
        std::string out;
        for (std::size_t i = 0; i < flag_names.size(); ++i) {
            if ((bits_ >> i & 1U) == 0) continue;
            if (!out.empty()) out += ", ";
            out += flag_names[i];
        }
        return out;
    }

    friend constexpr bool operator==(const flag_set &, const flag_set &) noexcept = default;

private:
    std::uint32_t bits_ = 0;
};

/// Flags and parameters of one migration. A parameter left absent leaves the choice to libvirt.
/// Made for designated initializers: `options{.flags = {flag::live, flag::tls}}`.
struct options {
    flag_set flags = {flag::live}; ///< of `virDomainMigrateFlags`

    /// Neither this program nor the source's daemon steers, but the hypervisor itself (virsh's
    /// `--direct`); needs `migrate_uri`. QEMU's driver has no such mode.
    bool direct = false;
    /// With `peer2peer`: the destination's connection URI as the *source's daemon* is to open
    /// it. Empty: the URI of the connection given as the destination.
    std::string destination_uri{};

    std::optional<std::string> migrate_uri{};      ///< `tcp://`, `rdma://` or `unix:///path`
    std::optional<std::string> destination_name{}; ///< absent: it keeps its name
    /// XML of the running guest, adapted; what the guest sees must be the same.
    std::optional<std::string> destination_xml{};
    std::optional<std::string> persistent_xml{}; ///< the definition that stays, with `persist_dest`
    std::optional<byte_rate> bandwidth{};        ///< whole MiB/s
    std::optional<byte_rate> postcopy_bandwidth{}; ///< whole MiB/s, with `postcopy`
    /// `spice://HOST:PORT`: where SPICE sends its clients.
    std::optional<std::string> graphics_uri{};
    /// Of the destination's QEMU: an IP address or a host name.
    std::optional<std::string> listen_address{};

    std::vector<std::string> migrate_disks{}; ///< target names, e.g. `vda`
    std::optional<int> disks_port{};          ///< of NBD, 1 to 65535; not with `disks_uri`
    std::optional<std::string> disks_uri{};   ///< `tcp://` or `unix:///path`

    std::vector<std::string> compression{};          ///< `xbzrle`, `mt`, `zlib`, `zstd`
    std::optional<int> compression_mt_level{};       ///< 0 to 9, with `mt` as the next two
    std::optional<int> compression_mt_threads{};     ///< 1 to 255, at the source
    std::optional<int> compression_mt_dthreads{};    ///< 1 to 255, at the destination
    std::optional<bytes> compression_xbzrle_cache{}; ///< with `xbzrle`; QEMU's default is 64 MiB

    std::optional<int> auto_converge_initial{};   ///< per cent
    std::optional<int> auto_converge_increment{}; ///< per cent
    std::optional<int> parallel_connections{}; ///< 1 to 255, with `parallel`; QEMU's default is 2
    /// The name in the destination's certificate, with `tls`.
    std::optional<std::string> tls_destination{};

    std::optional<int> compression_zlib_level{};            ///< libvirt 9.4
    std::optional<int> compression_zstd_level{};            ///< libvirt 9.4
    std::vector<std::string> migrate_disks_detect_zeroes{}; ///< libvirt 10.9
    std::optional<byte_rate> bandwidth_avail_switchover{};  ///< libvirt 11.1, whole MiB/s

    /// Not libvirt's: what is done about PCI devices of the host, which libvirt refuses to move.
    host_device_wish host_devices{};

    friend bool operator==(const options &, const options &) = default;
};

/// One reason why these options cannot work.
struct objection {
    std::string what;   ///< what contradicts what
    std::string remedy; ///< what would be right

    friend bool operator==(const objection &, const objection &) = default;
};

} // namespace kvmig::migration
