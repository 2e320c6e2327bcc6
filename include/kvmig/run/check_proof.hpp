// SPDX-License-Identifier: MIT
/// The proof by tokens that a domain's images are on shared storage, for `precheck::check`.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/storage.hpp>
#include <kvmig/model/nfs_url.hpp>
#include <kvmig/model/shared_proof.hpp>
#include <kvmig/ports/clock.hpp>
#include <kvmig/precheck/facts.hpp>
#include <kvmig/precheck/rules/storage.hpp>
#include <kvmig/run/prove_shared.hpp>
#include <kvmig/run/shared_place_libvirt.hpp>
#include <kvmig/xml/storage.hpp>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

namespace detail {

/// The folder of an image on a host: that of its path, or its pool's target.
[[nodiscard]] inline expected<std::string> folder_of(const libvirt::connection &on,
                                                     const model::disk_source &image) {
    if (image.kind == model::source_kind::file) return model::split_path(image.path).folder;
    const auto pool = libvirt::storage_pool::lookup(on, image.pool);
    if (!pool) return fail(pool.error());
    auto text = pool->xml();
    if (!text) return fail(std::move(text).error());
    auto told = xml::parse_storage_pool(*text);
    if (!told) return fail(std::move(told).error());
    return std::move(told->target_path);
}

/// Whether pools alone leave open where the disk's image is, and a token can tell.
[[nodiscard]] inline bool is_to_prove(const precheck::facts &known, const model::disk &disk) {
    namespace rules = precheck::rules;
    const bool in_folder = disk.source.kind == model::source_kind::file ||
                           disk.source.kind == model::source_kind::volume;
    if (!in_folder || !rules::is_disk(disk) || disk.readonly || rules::is_copied(known, disk)) {
        return false;
    }
    const std::string image = precheck::storage_name(disk.source);
    const auto here = known.source.storage.of(image);
    const auto there = known.destination.storage.of(image);
    if (here.known() && rules::is_local(*here)) return false;
    return !here.known() || !there.known() || !rules::same_export(*here, *there);
}

} // namespace detail

/// Writes a token into each folder with images of the domain that equal `netfs` pools have not
/// proven to be shared, on both hosts, looks for it on the other, removes it, and keeps the answer
/// in `into.shared`. What could not be removed is returned.
[[nodiscard]] inline std::vector<std::string> prove_storage(precheck::facts &into,
                                                            const libvirt::connection &source,
                                                            const libvirt::connection &destination,
                                                            const prove_options &how = {}) {
    std::vector<std::string> left;
    std::map<std::pair<std::string, std::string>, model::shared_answer> known;
    using told = precheck::fact<model::shared_answer>;
    for (const model::disk &disk : into.domain.disks) {
        if (!detail::is_to_prove(into, disk)) continue;
        const std::string image = precheck::storage_name(disk.source);
        const auto here = detail::folder_of(source, disk.source);
        const auto there = detail::folder_of(destination, disk.source);
        if (!here || !there) {
            into.shared.set(image, told::unknown((here ? there : here).error().what));
            continue;
        }
        const auto folders = std::pair(*here, *there);
        auto found = known.find(folders);
        if (found == known.end()) {
            const ports::utc_time now = ports::system_clock{}.utc();
            libvirt_place a(source, *here, now);
            libvirt_place b(destination, *there, now);
            shared_proof proof = prove_shared(a, b, how);
            left.insert(left.end(), proof.left.begin(), proof.left.end());
            found = known.emplace(folders, std::move(proof.answer)).first;
        }
        into.shared.set(image, found->second);
    }
    return left;
}

} // namespace kvmig::run
