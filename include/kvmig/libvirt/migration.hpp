// SPDX-License-Identifier: MIT
/// A migration as libvirt takes it: flags, typed parameters, and the call itself.
#pragma once

#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/domain.hpp>
#include <kvmig/libvirt/typed_parameters.hpp>
#include <kvmig/migration/options.hpp>

#include <string>
#include <utility>

namespace kvmig::libvirt {

// The values are libvirt's own: the last flag in the right place holds the others in theirs.
static_assert(static_cast<unsigned>(migration::flag::live) == VIR_MIGRATE_LIVE);
static_assert(static_cast<unsigned>(migration::flag::unsafe) == VIR_MIGRATE_UNSAFE);
static_assert(static_cast<unsigned>(migration::flag::offline) == VIR_MIGRATE_OFFLINE);
static_assert(static_cast<unsigned>(migration::flag::postcopy) == VIR_MIGRATE_POSTCOPY);
static_assert(static_cast<unsigned>(migration::flag::parallel) == VIR_MIGRATE_PARALLEL);
static_assert(static_cast<unsigned>(migration::flag::zerocopy) == VIR_MIGRATE_ZEROCOPY);

namespace detail {

/// Adds parameters until one fails, and then keeps that error.
class parameter_builder {
public:
    template <class T> parameter_builder &add(const char *name, const T &value) {
        if (!outcome_) return *this;
        outcome_ = params_.add(name, value);
        return *this;
    }
    template <class T> parameter_builder &add(const char *name, const std::optional<T> &value) {
        return value ? add(name, *value) : *this;
    }
    parameter_builder &add(const char *name, const std::vector<std::string> &values) {
        for (const std::string &each : values) add(name, each);
        return *this;
    }
    parameter_builder &mib(const char *name, const std::optional<byte_rate> &value) {
        if (!value) return *this;
        return add(name, static_cast<unsigned long long>(value->per_second() >> 20U));
    }
    /// A parameter that the libvirt linked here has no name for.
    parameter_builder &missing(bool given, const char *name, const char *since) {
        if (given && outcome_) {
            outcome_ =
                fail(make_error(error_kind::unsupported,
                                std::string(name) + " came with libvirt " + since +
                                    ", and this program was built with libvirt " +
                                    model::version::from_number(LIBVIR_VERSION_NUMBER).text())
                         .about(name)
                         .advise("leave it out, or build with a newer libvirt"));
        }
        return *this;
    }
    [[nodiscard]] expected<typed_parameters> take() {
        if (!outcome_) return fail(std::move(outcome_).error());
        return std::move(params_);
    }

private:
    typed_parameters params_;
    expected<void> outcome_;
};

} // namespace detail

/// The parameters in `o`, under the names and types of `VIR_MIGRATE_PARAM_*`. Fails with
/// `unsupported` for one that the libvirt linked here does not know.
[[nodiscard]] inline expected<typed_parameters> to_parameters(const migration::options &o) {
    detail::parameter_builder out;
    out.add(VIR_MIGRATE_PARAM_URI, o.migrate_uri)
        .add(VIR_MIGRATE_PARAM_DEST_NAME, o.destination_name)
        .add(VIR_MIGRATE_PARAM_DEST_XML, o.destination_xml)
        .add(VIR_MIGRATE_PARAM_PERSIST_XML, o.persistent_xml)
        .mib(VIR_MIGRATE_PARAM_BANDWIDTH, o.bandwidth)
        .mib(VIR_MIGRATE_PARAM_BANDWIDTH_POSTCOPY, o.postcopy_bandwidth)
        .add(VIR_MIGRATE_PARAM_GRAPHICS_URI, o.graphics_uri)
        .add(VIR_MIGRATE_PARAM_LISTEN_ADDRESS, o.listen_address)
        .add(VIR_MIGRATE_PARAM_MIGRATE_DISKS, o.migrate_disks)
        .add(VIR_MIGRATE_PARAM_DISKS_PORT, o.disks_port)
        .add(VIR_MIGRATE_PARAM_DISKS_URI, o.disks_uri)
        .add(VIR_MIGRATE_PARAM_COMPRESSION, o.compression)
        .add(VIR_MIGRATE_PARAM_COMPRESSION_MT_LEVEL, o.compression_mt_level)
        .add(VIR_MIGRATE_PARAM_COMPRESSION_MT_THREADS, o.compression_mt_threads)
        .add(VIR_MIGRATE_PARAM_COMPRESSION_MT_DTHREADS, o.compression_mt_dthreads)
        .add(VIR_MIGRATE_PARAM_AUTO_CONVERGE_INITIAL, o.auto_converge_initial)
        .add(VIR_MIGRATE_PARAM_AUTO_CONVERGE_INCREMENT, o.auto_converge_increment)
        .add(VIR_MIGRATE_PARAM_PARALLEL_CONNECTIONS, o.parallel_connections)
        .add(VIR_MIGRATE_PARAM_TLS_DESTINATION, o.tls_destination);
    if (o.compression_xbzrle_cache) {
        out.add(VIR_MIGRATE_PARAM_COMPRESSION_XBZRLE_CACHE,
                static_cast<unsigned long long>(o.compression_xbzrle_cache->count()));
    }
#if LIBVIR_VERSION_NUMBER >= 9004000
    out.add(VIR_MIGRATE_PARAM_COMPRESSION_ZLIB_LEVEL, o.compression_zlib_level)
        .add(VIR_MIGRATE_PARAM_COMPRESSION_ZSTD_LEVEL, o.compression_zstd_level);
#else
    out.missing(o.compression_zlib_level.has_value(), "compression.zlib.level", "9.4")
        .missing(o.compression_zstd_level.has_value(), "compression.zstd.level", "9.4");
#endif
#if LIBVIR_VERSION_NUMBER >= 10009000
    out.add(VIR_MIGRATE_PARAM_MIGRATE_DISKS_DETECT_ZEROES, o.migrate_disks_detect_zeroes);
#else
    out.missing(!o.migrate_disks_detect_zeroes.empty(), "migrate_disks_detect_zeroes", "10.9");
#endif
#if LIBVIR_VERSION_NUMBER >= 11001000
    out.mib(VIR_MIGRATE_PARAM_BANDWIDTH_AVAIL_SWITCHOVER, o.bandwidth_avail_switchover);
#else
    out.missing(o.bandwidth_avail_switchover.has_value(), "bandwidth.avail.switchover", "11.1");
#endif
    return out.take();
}

/// Migrates `source` to the host of `destination`, and blocks until it has ended. Managed
/// (`virDomainMigrate3`): this program leads both daemons. With `peer2peer` or `direct`
/// (`virDomainMigrateToURI3`): the source's daemon, or the hypervisor, does. The options are
/// taken as they are; `migration::validate` tells beforehand whether they fit together.
[[nodiscard]] inline expected<void> perform(const domain &source, const connection &destination,
                                            const migration::options &o) {
    auto params = to_parameters(o);
    if (!params) return fail(std::move(params).error());
    const auto count = static_cast<unsigned>(params->size());
    const std::string doing =
        "cannot migrate the domain '" + source.name() + "' to " + destination.hostname();
    if (o.direct || o.flags.has(migration::flag::peer2peer)) {
        const std::string &uri = o.destination_uri.empty() ? destination.uri() : o.destination_uri;
        const char *to = o.direct ? nullptr : uri.c_str();
        if (virDomainMigrateToURI3(source.raw(), to, params->data(), count, o.flags.bits()) < 0) {
            return fail(last_error(doing, source.on().hostname()).about(source.name()));
        }
        return {};
    }
    const domain_handle arrived(
        virDomainMigrate3(source.raw(), destination.raw(), params->data(), count, o.flags.bits()));
    if (!arrived) return fail(last_error(doing, source.on().hostname()).about(source.name()));
    return {};
}

} // namespace kvmig::libvirt
