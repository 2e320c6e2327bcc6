// SPDX-License-Identifier: MIT
/// Opens the two ends of an image copy, and finds what of the source travels.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/model/nfs_url.hpp>
#include <kvmig/model/qcow2.hpp>
#include <kvmig/run/copy_end.hpp>
#include <kvmig/run/copy_local.hpp>
#include <kvmig/run/copy_lock.hpp>
#include <kvmig/run/copy_nfs.hpp>
#include <kvmig/run/copy_options.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

namespace detail {

inline expected<void> not_written(const std::string &where, model::image_use use,
                                  const copy_options &options) {
    if (use != model::image_use::written || options.in_use_too) return {};
    return fail(make_error(error_kind::conflict,
                           "a running QEMU writes this image: a copy of it would be torn")
                    .about(where)
                    .advise("shut the guest down, or copy it with the guest: kvmig migrate --mode "
                            "block"));
}

/// A copy that is to stop still connects, to put right what it leaves, and waits no longer.
inline nfs::connect_options link_options(const copy_options &options, const std::stop_token &stop) {
    return {.patience = options.patience, .stop = {}, .waits_until = stop};
}

inline expected<std::unique_ptr<copy_source>> open_source(const std::string &where,
                                                          const copy_options &options,
                                                          std::vector<std::string> &notes,
                                                          const std::stop_token &stop = {}) {
    if (model::is_nfs_url(where)) {
        auto url = model::parse_nfs_url(where);
        if (!url) return fail(std::move(url).error());
        auto out = nfs_source::open(*url, link_options(options, stop));
        if (!out) return fail(std::move(out).error());
        const auto identity = (*out)->identity();
        if (!identity) return fail(identity.error());
        auto seen = look_for_locks(*url, *identity, link_options(options, stop));
        if (auto idle = not_written(where, seen.use, options); !idle) return fail(idle.error());
        notes.push_back(std::move(seen.note));
        return std::unique_ptr<copy_source>(std::move(*out));
    }
    auto out = local_source::open(where);
    if (!out) return fail(std::move(out).error());
    const auto use = (*out)->file().use();
    if (!use) return fail(use.error());
    if (auto idle = not_written(where, *use, options); !idle) return fail(idle.error());
    return std::unique_ptr<copy_source>(std::move(*out));
}

inline expected<std::unique_ptr<copy_target>> open_target(const std::string &where,
                                                          const copy_options &options,
                                                          const std::stop_token &stop = {}) {
    if (!model::is_nfs_url(where)) return std::make_unique<local_target>(where);
    auto url = model::parse_nfs_url(where);
    if (!url) return fail(std::move(url).error());
    if (url->version == 4) {
        return fail(make_error(error_kind::unsupported, "images are copied by NFSv3: libnfs 4 "
                                                        "cannot encode large writes of NFSv4")
                        .about(where)
                        .advise("leave ?version=4 away"));
    }
    auto out = nfs_target::open(*url, link_options(options, stop));
    if (!out) return fail(std::move(out).error());
    return std::unique_ptr<copy_target>(std::move(*out));
}

/// What of the source travels.
struct travelling {
    std::string format = "raw";
    std::vector<model::byte_range> ranges;
};

/// Whether an image begins as one of qcow2 does.
inline bool has_qcow2_magic(std::span<const std::byte> beginning) {
    constexpr std::array magic{std::byte{'Q'}, std::byte{'F'}, std::byte{'I'}, std::byte{0xfb}};
    return beginning.size() >= magic.size() &&
           std::equal(magic.begin(), magic.end(), beginning.begin());
}

inline expected<model::qcow2::map> qcow2_map_of(copy_source &from, bytes size) {
    return model::qcow2::map_of(
        [&from](std::uint64_t offset, std::uint64_t length) { return from.read(offset, length); },
        size.count());
}

/// What of an image must be equal in another, for the guest to find the same: not where the file
/// has holes, which another need not have.
inline std::vector<model::byte_range> content_of(copy_source &from, bytes size, bool raw) {
    if (!raw) {
        if (auto map = qcow2_map_of(from, size)) return std::move(map->used);
    }
    return {{0, size.count()}};
}

/// `raw`: whatever it begins with.
inline expected<travelling> ranges_of(copy_source &from, bytes size, bool raw,
                                      std::vector<std::string> &notes) {
    travelling out;
    auto data = from.data();
    if (!data) return fail(std::move(data).error());
    const auto head = from.read(0, std::min<std::uint64_t>(size.count(), 4096));
    if (!head) return fail(head.error());
    if (!raw && has_qcow2_magic(*head)) {
        out.format = "qcow2";
        const auto map = qcow2_map_of(from, size);
        if (!map) {
            notes.push_back("its qcow2 tables cannot be read, so that all of the file travels: " +
                            map.error().what);
        } else if (!*data) {
            out.ranges = map->used;
            return out;
        }
    }
    if (*data) {
        out.ranges = std::move(**data);
    } else if (size.count() > 0) {
        out.ranges = {{0, size.count()}};
    }
    return out;
}

} // namespace detail

} // namespace kvmig::run
