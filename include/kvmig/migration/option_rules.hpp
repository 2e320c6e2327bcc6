// SPDX-License-Identifier: MIT
/// The rules between migration options, and `validate`, which tells all that are broken at once.
///
/// Sources: the comments of `virDomainMigrateFlags` and `VIR_MIGRATE_PARAM_*` in
/// libvirt-domain.h; `virDomainMigrate3`, `virDomainMigrateToURI3`; `qemuMigrationSrcBeginPhase`,
/// `qemuMigrationAnyCanResume`, `qemuMigrationSrcPerformPeer2Peer`,
/// `qemuMigrationParamsFromFlags` and `qemuMigrationParamsSetCompression` of libvirt 9.0 and 11.3.
#pragma once

#include <kvmig/migration/options.hpp>
#include <kvmig/model/connection_uri.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::migration {

/// Two flags that cannot stand together.
struct exclusion {
    flag one;             ///< its order to `other` says nothing
    flag other;           ///< see `one`
    std::string_view why; ///< a clause, for the remedy
};

/// All of them, after libvirt's and QEMU's own checks.
inline constexpr std::array exclusions = {
    exclusion{flag::live, flag::offline,
              "offline moves the definition of a guest that does not run"},
    exclusion{flag::tunnelled, flag::parallel, "the tunnel is a single connection"},
    exclusion{flag::tunnelled, flag::offline, "there is no memory to send through the tunnel"},
    exclusion{flag::tunnelled, flag::postcopy, "the tunnel has no way back to ask for pages"},
    exclusion{flag::tunnelled, flag::non_shared_disk, "disks do not go through the tunnel"},
    exclusion{flag::tunnelled, flag::non_shared_inc, "disks do not go through the tunnel"},
    exclusion{flag::non_shared_disk, flag::non_shared_inc,
              "either the whole chain is copied or its top only"},
    exclusion{flag::offline, flag::non_shared_disk, "offline migration moves no storage"},
    exclusion{flag::offline, flag::non_shared_inc, "offline migration moves no storage"},
    exclusion{flag::postcopy, flag::paused, "post-copy ends with the guest running"},
};

/// A flag that needs another, or one of several.
struct requirement {
    flag one;             ///< which needs the others
    flag_set any_of;      ///< one of these is enough
    std::string_view why; ///< a clause, for the remedy
};

/// All of them, after libvirt's and QEMU's own checks.
inline constexpr std::array requirements = {
    requirement{flag::tunnelled, {flag::peer2peer}, "the tunnel runs from daemon to daemon"},
    requirement{flag::zerocopy, {flag::parallel}, "only multifd sends without copying"},
    requirement{flag::offline, {flag::persist_dest}, "a guest that does not run must be defined"},
    requirement{flag::postcopy, {flag::live}, "the guest runs while its memory follows"},
    requirement{flag::postcopy_resume, {flag::postcopy}, "it resumes a post-copy migration"},
    requirement{flag::postcopy_resume,
                {flag::change_protection},
                "the broken migration still protects the guest"},
    requirement{flag::non_shared_synchronous_writes,
                {flag::non_shared_disk, flag::non_shared_inc},
                "it concerns disks that are copied"},
};

namespace detail {

/// Gathers objections; each rule is a line of `validate`.
class objections {
public:
    void add(std::string what, std::string remedy) {
        found_.push_back({std::move(what), std::move(remedy)});
    }
    /// `name` is given, and needs `feature` (described by `remedy`) which is not there.
    void unless(bool feature, bool given, std::string_view name, std::string_view remedy) {
        if (given && !feature) {
            add(std::string(name) + " is given without what it tunes", std::string(remedy));
        }
    }
    void excludes(bool both, std::string_view one, std::string_view other,
                  std::string_view remedy) {
        if (both) {
            add(std::string(one) + " and " + std::string(other) + " exclude each other",
                std::string(remedy));
        }
    }
    void range(const std::optional<int> &value, std::string_view name, int least, int most) {
        if (value && (*value < least || *value > most)) {
            add(std::string(name) + " is " + std::to_string(*value),
                "give " + std::to_string(least) + " to " + std::to_string(most));
        }
    }
    void whole_mib(const std::optional<byte_rate> &value, std::string_view name) {
        if (value && (value->per_second() == 0 || value->per_second() % (1U << 20U) != 0)) {
            add(std::string(name) + " is " + std::to_string(value->per_second()) +
                    " bytes/s, and libvirt counts it in whole MiB/s",
                "give whole MiB/s, at least 1; leave it out for libvirt's default");
        }
    }
    void named_once(const std::vector<std::string> &values, std::string_view name) {
        for (std::size_t i = 0; i < values.size(); ++i) {
            if (values[i].empty()) {
                add(std::string(name) + " holds an empty name", "name a disk, e.g. vda");
            } else if (std::find(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(i),
                                 values[i]) != values.begin() + static_cast<std::ptrdiff_t>(i)) {
                add(std::string(name) + " names '" + values[i] + "' twice", "name it once");
            }
        }
    }
    [[nodiscard]] std::vector<objection> take() { return std::move(found_); }

private:
    std::vector<objection> found_;
};

/// Checks `migrate_uri` and `disks_uri`: `scheme://host[:port]`, `unix:///path`, and for
/// `migrate_uri` also the older `tcp:host:port`. Returns the scheme, empty when it is wrong.
inline std::string check_data_uri(objections &found, std::string_view name, std::string_view text,
                                  bool migrate_uri) {
    const auto wrong = [&](const std::string &what, std::string remedy) {
        found.add(std::string(name) + " '" + std::string(text) + "': " + what, std::move(remedy));
        return std::string{};
    };
    const std::string_view known = migrate_uri ? "tcp, rdma or unix" : "tcp or unix";
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) {
        return wrong("it has no scheme", "write it as tcp://HOST[:PORT]");
    }
    const std::string_view scheme = text.substr(0, colon);
    if (scheme != "tcp" && scheme != "unix" && !(migrate_uri && scheme == "rdma")) {
        return wrong("there is no scheme '" + std::string(scheme) + "' here",
                     "the scheme is " + std::string(known));
    }
    std::string_view rest = text.substr(colon + 1);
    const bool slashes = rest.starts_with("//");
    if (slashes) rest.remove_prefix(2);
    if (scheme == "unix") {
        if (!slashes || !rest.starts_with('/') || rest.size() < 2) {
            return wrong("it holds no path", "write it as unix:///absolute/path");
        }
        return std::string(scheme);
    }
    if (!slashes && !(migrate_uri && scheme == "tcp")) {
        return wrong("'//' is missing after the scheme",
                     "write it as " + std::string(scheme) + "://HOST[:PORT]");
    }
    const auto slash = rest.find('/');
    auto authority = model::uri_authority::parse(rest.substr(0, slash));
    if (!authority) return wrong(authority.error().what, authority.error().remedy);
    if (authority->host.empty()) {
        return wrong("it names no host", "write it as " + std::string(scheme) + "://HOST[:PORT]");
    }
    return std::string(scheme);
}

inline void check_host_devices(objections &found, const options &o) {
    const host_device_wish &wish = o.host_devices;
    if (wish.set_aside && o.flags.has(flag::offline)) {
        found.add("host_devices.set_aside and offline exclude each other",
                  "drop one: a guest that does not run holds no device");
    }
    found.unless(wish.set_aside, !wish.at_destination.empty(), "host_devices.at_destination",
                 "set host_devices.set_aside");
    const auto told_before = [&](std::size_t i, auto member) {
        const auto end = wish.at_destination.begin() + static_cast<std::ptrdiff_t>(i);
        return std::any_of(wish.at_destination.begin(), end, [&](const auto &earlier) {
            return earlier.*member == wish.at_destination[i].*member;
        });
    };
    using pair = std::pair<model::pci_address, model::pci_address>;
    for (std::size_t i = 0; i < wish.at_destination.size(); ++i) {
        const auto &[source, destination] = wish.at_destination[i];
        if (told_before(i, &pair::first)) {
            found.add("host_devices.at_destination names the source's " + source.text() + " twice",
                      "name one device of the destination for it");
        }
        if (told_before(i, &pair::second)) {
            found.add("host_devices.at_destination names the destination's " + destination.text() +
                          " twice",
                      "a device takes the place of one");
        }
    }
}

inline void check_compression(objections &found, const options &o) {
    static constexpr std::array<std::string_view, 4> known = {"xbzrle", "mt", "zlib", "zstd"};
    const auto uses = [&](std::string_view method) {
        return std::find(o.compression.begin(), o.compression.end(), method) != o.compression.end();
    };
    found.unless(o.flags.has(flag::compressed), !o.compression.empty(), "compression",
                 "add the flag compressed");
    for (auto at = o.compression.begin(); at != o.compression.end(); ++at) {
        if (std::find(known.begin(), known.end(), *at) == known.end()) {
            found.add("compression names '" + *at + "', which is no method",
                      "methods are xbzrle, mt, zlib and zstd");
        } else if (std::find(o.compression.begin(), at, *at) != at) {
            found.add("compression names '" + *at + "' twice", "name it once");
        }
    }
    found.excludes(uses("zlib") && uses("zstd"), "compression zlib", "compression zstd",
                   "parallel migration takes one method");
    for (const std::string_view method : {"zlib", "zstd"}) {
        found.unless(o.flags.has(flag::parallel), uses(method),
                     "compression " + std::string(method), "add the flag parallel");
    }
    found.unless(uses("mt"), o.compression_mt_level.has_value(), "compression.mt.level",
                 "add mt to compression");
    found.unless(uses("mt"), o.compression_mt_threads.has_value(), "compression.mt.threads",
                 "add mt to compression");
    found.unless(uses("mt"), o.compression_mt_dthreads.has_value(), "compression.mt.dthreads",
                 "add mt to compression");
    found.unless(uses("xbzrle"), o.compression_xbzrle_cache.has_value(), "compression.xbzrle.cache",
                 "add xbzrle to compression");
    found.unless(uses("zlib"), o.compression_zlib_level.has_value(), "compression.zlib.level",
                 "add zlib to compression");
    found.unless(uses("zstd"), o.compression_zstd_level.has_value(), "compression.zstd.level",
                 "add zstd to compression");
    found.range(o.compression_mt_level, "compression.mt.level", 0, 9);
    found.range(o.compression_mt_threads, "compression.mt.threads", 1, 255);
    found.range(o.compression_mt_dthreads, "compression.mt.dthreads", 1, 255);
    found.range(o.compression_zlib_level, "compression.zlib.level", 0, 9);
    found.range(o.compression_zstd_level, "compression.zstd.level", 0, 20);
}

inline void check_paths(objections &found, const options &o) {
    const flag_set f = o.flags;
    const bool copies = f.has_any({flag::non_shared_disk, flag::non_shared_inc});
    constexpr std::string_view copy = "add the flag non_shared_disk or non_shared_inc";

    std::string scheme;
    if (o.migrate_uri) {
        scheme = check_data_uri(found, "migrate_uri", *o.migrate_uri, true);
    }
    std::string disks_scheme;
    if (o.disks_uri) disks_scheme = check_data_uri(found, "disks_uri", *o.disks_uri, false);

    if (f.has(flag::tunnelled)) {
        constexpr std::string_view drop = "drop one: the tunnel uses the daemons' connection";
        found.excludes(o.migrate_uri.has_value(), "tunnelled", "migrate_uri", drop);
        found.excludes(o.listen_address.has_value(), "tunnelled", "listen_address", drop);
        found.excludes(o.disks_port.has_value(), "tunnelled", "disks_port", drop);
        found.excludes(o.disks_uri.has_value(), "tunnelled", "disks_uri", drop);
        found.excludes(!o.migrate_disks.empty(), "tunnelled", "migrate_disks", drop);
        found.excludes(!o.migrate_disks_detect_zeroes.empty(), "tunnelled",
                       "migrate_disks_detect_zeroes", drop);
    }
    found.unless(copies, !o.migrate_disks.empty(), "migrate_disks", copy);
    found.unless(copies, !o.migrate_disks_detect_zeroes.empty(), "migrate_disks_detect_zeroes",
                 copy);
    found.unless(copies, o.disks_port.has_value(), "disks_port", copy);
    found.unless(copies, o.disks_uri.has_value(), "disks_uri", copy);
    found.excludes(o.disks_port && o.disks_uri, "disks_port", "disks_uri",
                   "write the port into disks_uri");
    found.range(o.disks_port, "disks_port", 1, 65535);
    found.named_once(o.migrate_disks, "migrate_disks");
    found.named_once(o.migrate_disks_detect_zeroes, "migrate_disks_detect_zeroes");
    found.excludes(f.has(flag::tls) && disks_scheme == "unix", "tls", "disks_uri over unix",
                   "NBD speaks TLS over TCP only: use tcp://");
    if (f.has(flag::tls) && scheme == "unix" && !o.tls_destination) {
        found.add("tls over a unix socket needs the name in the destination's certificate",
                  "give tls.destination");
    }
    found.unless(scheme == "rdma", f.has(flag::rdma_pin_all), "rdma_pin_all",
                 "give migrate_uri as rdma://HOST");

    found.excludes(o.direct && f.has(flag::peer2peer), "direct", "peer2peer", "keep one");
    if (o.direct && !o.migrate_uri) {
        found.add("direct is given without migrate_uri",
                  "name where the hypervisor is to connect, in migrate_uri");
    }
    if (!o.destination_uri.empty()) {
        found.unless(f.has(flag::peer2peer), true, "destination_uri", "add the flag peer2peer");
        if (const auto uri = model::connection_uri::parse(o.destination_uri); !uri) {
            found.add("destination_uri: " + uri.error().what, uri.error().remedy);
        }
    }
}

} // namespace detail

/// Everything in `o` that cannot work, whatever the hosts: all of it, in a stable order. Empty
/// when nothing is wrong.
[[nodiscard]] inline std::vector<objection> validate(const options &o) {
    detail::objections found;
    for (const exclusion &rule : exclusions) {
        if (o.flags.has(rule.one) && o.flags.has(rule.other)) {
            found.add(std::string(to_string(rule.one)) + " and " +
                          std::string(to_string(rule.other)) + " exclude each other",
                      "drop one: " + std::string(rule.why));
        }
    }
    for (const requirement &rule : requirements) {
        if (o.flags.has(rule.one) && !o.flags.has_any(rule.any_of)) {
            found.add(std::string(to_string(rule.one)) + " needs " + rule.any_of.text(),
                      "add it: " + std::string(rule.why));
        }
    }
    found.unless(o.flags.has(flag::postcopy), o.postcopy_bandwidth.has_value(),
                 "bandwidth.postcopy", "add the flag postcopy");
    found.unless(o.flags.has(flag::auto_converge), o.auto_converge_initial.has_value(),
                 "auto_converge.initial", "add the flag auto_converge");
    found.unless(o.flags.has(flag::auto_converge), o.auto_converge_increment.has_value(),
                 "auto_converge.increment", "add the flag auto_converge");
    found.unless(o.flags.has(flag::parallel), o.parallel_connections.has_value(),
                 "parallel.connections", "add the flag parallel");
    found.unless(o.flags.has(flag::tls), o.tls_destination.has_value(), "tls.destination",
                 "add the flag tls");
    found.unless(o.flags.has(flag::persist_dest), o.persistent_xml.has_value(), "persistent_xml",
                 "add the flag persist_dest");
    found.range(o.auto_converge_initial, "auto_converge.initial", 1, 99);
    found.range(o.auto_converge_increment, "auto_converge.increment", 1, 99);
    found.range(o.parallel_connections, "parallel.connections", 1, 255);
    found.whole_mib(o.bandwidth, "bandwidth");
    found.whole_mib(o.postcopy_bandwidth, "bandwidth.postcopy");
    found.whole_mib(o.bandwidth_avail_switchover, "bandwidth.avail.switchover");
    detail::check_compression(found, o);
    detail::check_paths(found, o);
    detail::check_host_devices(found, o);
    return found.take();
}

/// What in `o` a daemon of version `libvirt` is too old or too new for; `where` names its host.
[[nodiscard]] inline std::vector<objection> validate_for(const options &o, model::version libvirt,
                                                         std::string_view where) {
    detail::objections found;
    const auto since = [&](bool given, std::string_view name, model::version first) {
        if (given && libvirt < first) {
            found.add(std::string(name) + " came with libvirt " + first.text() + ", and " +
                          std::string(where) + " has " + libvirt.text(),
                      "leave it out, or update libvirt there");
        }
    };
    const auto uses = [&](std::string_view method) {
        return std::find(o.compression.begin(), o.compression.end(), method) != o.compression.end();
    };
    since(uses("zlib"), "compression zlib", {9, 4, 0});
    since(uses("zstd"), "compression zstd", {9, 4, 0});
    since(o.compression_zlib_level.has_value(), "compression.zlib.level", {9, 4, 0});
    since(o.compression_zstd_level.has_value(), "compression.zstd.level", {9, 4, 0});
    since(!o.migrate_disks_detect_zeroes.empty(), "migrate_disks_detect_zeroes", {10, 9, 0});
    since(o.bandwidth_avail_switchover.has_value(), "bandwidth.avail.switchover", {11, 1, 0});
    since(o.disks_uri.has_value(), "disks_uri", {6, 8, 0});
    since(o.flags.has(flag::non_shared_synchronous_writes), "non_shared_synchronous_writes",
          {8, 0, 0});
    since(o.flags.has(flag::postcopy_resume), "postcopy_resume", {8, 5, 0});
    since(o.flags.has(flag::zerocopy), "zerocopy", {8, 5, 0});
    if (libvirt >= model::version{11, 0, 0} && o.flags.has(flag::parallel)) {
        for (const std::string_view method : {"xbzrle", "mt"}) {
            if (!uses(method)) continue;
            found.add("compression " + std::string(method) +
                          " and parallel exclude each other "
                          "from libvirt 11.0, and " +
                          std::string(where) + " has " + libvirt.text(),
                      "drop one, or compress with zlib or zstd");
        }
    }
    return found.take();
}

/// The objections as one error, each of them a cause; for a list that is not empty.
[[nodiscard]] inline error refusal(std::vector<objection> found) {
    error out = make_error(error_kind::invalid_argument,
                           found.size() == 1 ? "the migration options cannot work"
                                             : "the migration options cannot work: " +
                                                   std::to_string(found.size()) + " reasons");
    for (objection &each : found) {
        out.causes.push_back(make_error(error_kind::invalid_argument, std::move(each.what))
                                 .advise(std::move(each.remedy)));
    }
    return out;
}

} // namespace kvmig::migration
