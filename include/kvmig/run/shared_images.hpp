// SPDX-License-Identifier: MIT
/// Images that both hosts reach under the same path: nothing moves, and that they are the same is
/// proven.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/model/domain.hpp>
#include <kvmig/model/storage.hpp>
#include <kvmig/ports/cold_host.hpp>
#include <kvmig/ports/image_mover.hpp>

#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

/// The image mover of a guest whose disks are on storage that both hosts share.
template <ports::cold_host H> class shared_images {
public:
    static constexpr bool shared = true; ///< Nothing moves: see `ports::image_mover`.

    /// For hosts that outlive it. `guest`: as its definition tells.
    shared_images(H &source, H &destination, const model::domain &guest)
        : source_(source), destination_(destination), name_(guest.name) {
        for (const model::disk &each : guest.disks) {
            if (each.source.kind != model::source_kind::none) disks_.push_back(each);
        }
    }

    /// Fails with `not_found` or `conflict` when the destination has not each disk's whole chain,
    /// at the same path and of the same size and format; with `unsupported` for a disk that is not
    /// a file, of which pools tell nothing.
    [[nodiscard]] expected<void> prepare() { return check(); }
    /// Fails when an image is not the same file on both hosts.
    [[nodiscard]] expected<void> check() {
        auto same = compare(false);
        return same ? expected<void>() : fail(std::move(same).error());
    }
    /// Nothing is copied.
    [[nodiscard]] expected<void> copy(const ports::copy_callback &, const std::stop_token &) {
        return {};
    }
    /// The same file is changed at the same nanosecond, on whichever host one asks; so is a copy
    /// only where somebody set its time.
    [[nodiscard]] expected<std::string> prove() { return compare(true); }
    [[nodiscard]] expected<void> keep() { return {}; }   ///< Nothing was made.
    [[nodiscard]] expected<void> remove() { return {}; } ///< Nothing was made.

private:
    [[nodiscard]] error problem(error_kind kind, const std::string &path, const std::string &what) {
        return make_error(kind, "the image '" + path + "' of the domain '" + name_ + "' " + what)
            .about(path);
    }

    [[nodiscard]] expected<std::string> compare(bool changes) {
        std::string out;
        for (const model::disk &disk : disks_) {
            if (disk.source.kind != model::source_kind::file) {
                return fail(problem(error_kind::unsupported, disk.source.path,
                                    "(" + disk.target +
                                        ") is not a file, so that no pool tells "
                                        "whether the destination has the same"));
            }
            std::set<std::string> seen;
            for (std::string path = disk.source.path; !path.empty();) {
                if (!seen.insert(path).second) {
                    return fail(problem(error_kind::conflict, path, "has itself below it"));
                }
                auto image = compare_one(path, changes);
                if (!image) return fail(std::move(image).error());
                if (changes) {
                    out += (out.empty() ? "" : "; ") + path + ": " +
                           std::to_string(image->capacity.count()) + " bytes, changed at " +
                           image->modified;
                }
                path = image->backing ? image->backing->path : std::string();
            }
        }
        return out.empty() ? "it has no images" : out;
    }

    [[nodiscard]] expected<model::storage_volume> compare_one(const std::string &path,
                                                              bool changes) {
        auto here = source_.image(path);
        if (!here) return fail(std::move(here).error());
        if (!*here) {
            return fail(problem(error_kind::not_found, path, "is in no storage pool of the source")
                            .advise("define and start a pool for its folder on both hosts"));
        }
        auto there = destination_.image(path);
        if (!there) return fail(std::move(there).error());
        if (!*there) {
            return fail(
                problem(error_kind::not_found, path, "is in no storage pool of the destination")
                    .advise("define and start the pool of the shared storage there, with "
                            "the same target path"));
        }
        const model::storage_volume &a = **here;
        const model::storage_volume &b = **there;
        if (a.capacity != b.capacity || a.format != b.format) {
            return fail(other_content(
                path, "it is " + a.format + " of " + std::to_string(a.capacity.count()) +
                          " bytes at "
                          "the source, and " +
                          b.format + " of " + std::to_string(b.capacity.count()) + " there"));
        }
        if (changes && (a.modified.empty() || a.modified != b.modified)) {
            return fail(other_content(path, "it was last changed at " + a.modified +
                                                " at the source, and at " + b.modified + " there"));
        }
        return *std::move(*here);
    }

    [[nodiscard]] error other_content(const std::string &path, const std::string &seen) {
        return problem(error_kind::conflict, path, "is another one at the destination: " + seen)
            .advise("mount the same storage at the same path on both hosts");
    }

    H &source_;
    H &destination_;
    std::string name_;
    std::vector<model::disk> disks_;
};

} // namespace kvmig::run
