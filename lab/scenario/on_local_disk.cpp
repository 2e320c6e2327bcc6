// SPDX-License-Identifier: MIT
#include <lab/scenario/on_local_disk.hpp>

#include <kvmig/libvirt/volume_content.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

namespace kvmig::lab {

namespace {

/// The base, filled with what cannot be guessed or squeezed, at the same path on both hosts.
expected<std::string> make_base(stage &on, bytes size) {
    std::vector<std::byte> content(size.count());
    std::mt19937_64 numbers(std::random_device{}());
    for (std::size_t i = 0; i < content.size(); i += sizeof(std::uint64_t)) {
        const std::uint64_t number = numbers();
        std::memcpy(content.data() + i, &number, sizeof number);
    }
    model::storage_volume base;
    base.name = "base.raw";
    base.capacity = size;
    std::string there;
    for (const libvirt::connection *host : {&on.on().kvm01(), &on.on().kvm02()}) {
        auto path = on.add_volume(*host, on.on().where().local_pool, base);
        if (!path) return path;
        auto volume = libvirt::storage_volume::lookup_by_path(*host, *path);
        if (!volume) return fail(std::move(volume).error());
        if (auto filled = libvirt::upload(*host, *volume, content); !filled) {
            return fail(std::move(filled).error());
        }
        there = *path;
    }
    return there;
}

} // namespace

expected<performer> start_on_local_disk(stage &on, const std::string &path, bytes offset) {
    guest_domain actor = usual_guest();
    actor.disk = path;
    actor.settings.disk_offset = offset;
    actor.settings.disk_size = bytes::mib(16);
    actor.settings.disk_rate = 20;
    return on.start(actor);
}

expected<performer> start_on_overlay(stage &on) {
    on.context().tell("making the base image on both hosts");
    auto base = make_base(on, base_size);
    if (!base) return fail(std::move(base).error());
    model::storage_volume overlay;
    overlay.name = "vm1.qcow2";
    overlay.format = "qcow2";
    overlay.capacity = bytes::mib(80);
    overlay.allocation = bytes{0};
    overlay.backing = model::backing_store{*base, "raw"};
    auto path = on.add_volume(on.on().kvm01(), on.on().where().local_pool, overlay);
    if (!path) return fail(std::move(path).error());
    on.own_volume(on.on().kvm02(), *path);
    return start_on_local_disk(on, *path, base_size);
}

} // namespace kvmig::lab
