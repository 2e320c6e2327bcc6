// SPDX-License-Identifier: MIT
/// Storage pools and volumes on a host.
#pragma once

#include <kvmig/core/units.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/libvirt/connection.hpp>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::libvirt {

/// What `virStorageVolGetInfo` tells.
struct volume_info {
    bytes capacity;   ///< what the guest sees
    bytes allocation; ///< what it takes up in the pool
};

/// A reference to a volume; the volume stays when this is destroyed.
class storage_volume {
public:
    /// Takes the handle over.
    storage_volume(storage_volume_handle handle, connection on)
        : connection_(std::move(on)), handle_(std::move(handle)),
          name_(virStorageVolGetName(handle_.get())) {}

    /// By absolute path; `not_found` when no active pool has it.
    [[nodiscard]] static expected<storage_volume> lookup_by_path(const connection &on,
                                                                 const std::string &path) {
        virStorageVolPtr pointer = virStorageVolLookupByPath(on.raw(), path.c_str());
        if (pointer == nullptr) {
            return fail(
                last_error("cannot find a volume at '" + path + "'", on.hostname()).about(path));
        }
        return storage_volume(storage_volume_handle(pointer), on.share());
    }

    /// libvirt's own, which stays this object's.
    [[nodiscard]] virStorageVolPtr raw() const noexcept { return handle_.get(); }
    /// Its name within the pool.
    [[nodiscard]] const std::string &name() const noexcept { return name_; }

    /// Its absolute path on the host.
    [[nodiscard]] expected<std::string> path() const {
        char *text = virStorageVolGetPath(raw());
        if (text == nullptr) return fail(problem("cannot read the path of"));
        return take_text(text);
    }
    /// For `xml::parse_storage_volume`.
    [[nodiscard]] expected<std::string> xml() const {
        char *text = virStorageVolGetXMLDesc(raw(), 0);
        if (text == nullptr) return fail(problem("cannot read the XML of"));
        return take_text(text);
    }
    /// Kind, capacity and allocation (virStorageVolGetInfo).
    [[nodiscard]] expected<volume_info> info() const {
        virStorageVolInfo found{};
        if (virStorageVolGetInfo(raw(), &found) < 0) return fail(problem("cannot read about"));
        return volume_info{bytes{found.capacity}, bytes{found.allocation}};
    }
    /// Deletes the volume and its content; `virStorageVolDeleteFlags`.
    [[nodiscard]] expected<void> remove(unsigned flags = 0) const {
        if (virStorageVolDelete(raw(), flags) < 0) return fail(problem("cannot delete"));
        return {};
    }

private:
    [[nodiscard]] error problem(const std::string &doing) const {
        return last_error(doing + " the volume '" + name() + "'", connection_.hostname())
            .about(name());
    }

    connection connection_;
    storage_volume_handle handle_;
    std::string name_; // asking libvirt for it would wipe out the last error
};

/// Whether a call failed because its pool is gone, and not what was looked for in it.
[[nodiscard]] inline bool is_pool_gone(const error &of) noexcept {
    return of.libvirt && of.libvirt->code == VIR_ERR_NO_STORAGE_POOL;
}

/// A reference to a pool; the pool stays when this is destroyed.
class storage_pool {
public:
    /// Takes the handle over.
    storage_pool(storage_pool_handle handle, connection on)
        : connection_(std::move(on)), handle_(std::move(handle)),
          name_(virStoragePoolGetName(handle_.get())) {}

    /// By name; `not_found` when the host has none of it.
    [[nodiscard]] static expected<storage_pool> lookup(const connection &on,
                                                       const std::string &name) {
        return found(on, virStoragePoolLookupByName(on.raw(), name.c_str()),
                     "cannot find the storage pool '" + name + "'", name);
    }
    /// By UUID; `not_found` when the host has none of it.
    [[nodiscard]] static expected<storage_pool> lookup(const connection &on, const uuid &id) {
        return found(on, virStoragePoolLookupByUUID(on.raw(), id.raw().data()),
                     "cannot find the storage pool " + id.text(), id.text());
    }
    /// By the folder it stands for; `not_found` when no pool does.
    [[nodiscard]] static expected<storage_pool> lookup_by_target(const connection &on,
                                                                 const std::string &path) {
        return found(on, virStoragePoolLookupByTargetPath(on.raw(), path.c_str()),
                     "cannot find a storage pool at '" + path + "'", path);
    }
    /// Makes a pool known, without starting it. `xml::build_storage_pool` writes such XML.
    [[nodiscard]] static expected<storage_pool> define(const connection &on,
                                                       const std::string &xml) {
        return found(on, virStoragePoolDefineXML(on.raw(), xml.c_str(), 0),
                     "cannot define the storage pool", {});
    }
    /// Starts a pool that is forgotten once it is stopped; nothing is built or mounted over.
    [[nodiscard]] static expected<storage_pool> create_transient(const connection &on,
                                                                 const std::string &xml) {
        return found(on, virStoragePoolCreateXML(on.raw(), xml.c_str(), 0),
                     "cannot start a storage pool", {});
    }
    /// Every active pool.
    [[nodiscard]] static expected<std::vector<storage_pool>> list_active(const connection &on) {
        virStoragePoolPtr *all = nullptr;
        const int count =
            virConnectListAllStoragePools(on.raw(), &all, VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE);
        if (count < 0) return fail(last_error("cannot list the storage pools", on.hostname()));
        std::vector<storage_pool> out;
        for (int i = 0; i < count; ++i) out.emplace_back(storage_pool_handle(all[i]), on.share());
        std::free(all); // the array only; `out` has the references
        return out;
    }

    /// libvirt's own, which stays this object's.
    [[nodiscard]] virStoragePoolPtr raw() const noexcept { return handle_.get(); }
    /// As libvirt names it.
    [[nodiscard]] const std::string &name() const noexcept { return name_; }

    /// `flags` as virStoragePoolGetXMLDesc takes them.
    [[nodiscard]] expected<std::string> xml(unsigned flags = 0) const {
        char *text = virStoragePoolGetXMLDesc(raw(), flags);
        if (text == nullptr) return fail(problem("cannot read the XML of"));
        return take_text(text);
    }
    /// Whether it runs.
    [[nodiscard]] expected<bool> is_active() const {
        const int answer = virStoragePoolIsActive(raw());
        if (answer < 0) return fail(problem("cannot read the state of"));
        return answer == 1;
    }
    /// Makes what the pool stands on, e.g. the directory; `virStoragePoolBuildFlags`.
    [[nodiscard]] expected<void> build(unsigned flags = 0) const {
        return check(virStoragePoolBuild(raw(), flags), "cannot build");
    }
    /// Starts it: a `netfs` pool is mounted. `virStoragePoolCreateFlags`:
    /// `VIR_STORAGE_POOL_CREATE_WITH_BUILD` builds it before.
    [[nodiscard]] expected<void> start(unsigned flags = 0) const {
        return check(virStoragePoolCreate(raw(), flags), "cannot start");
    }
    /// Looks for volumes anew.
    [[nodiscard]] expected<void> refresh() const {
        return check(virStoragePoolRefresh(raw(), 0), "cannot refresh");
    }
    /// Whether it is started with the daemon.
    [[nodiscard]] expected<void> set_autostart(bool on) const {
        return check(virStoragePoolSetAutostart(raw(), on ? 1 : 0), "cannot set autostart of");
    }
    /// Stops it: a `netfs` pool is unmounted. Its volumes stay.
    [[nodiscard]] expected<void> destroy() const {
        return check(virStoragePoolDestroy(raw()), "cannot stop");
    }
    /// Removes the definition of one that does not run; what it holds stays.
    [[nodiscard]] expected<void> undefine() const {
        return check(virStoragePoolUndefine(raw()), "cannot undefine");
    }

    /// By its name in the pool; `not_found` when there is none.
    [[nodiscard]] expected<storage_volume> volume(const std::string &volume_name) const {
        virStorageVolPtr pointer = virStorageVolLookupByName(raw(), volume_name.c_str());
        if (pointer == nullptr) {
            return fail(last_error("cannot find the volume '" + volume_name + "' in the pool '" +
                                       name() + "'",
                                   connection_.hostname())
                            .about(volume_name));
        }
        return storage_volume(storage_volume_handle(pointer), connection_.share());
    }
    /// Every volume, as known since the last refresh.
    [[nodiscard]] expected<std::vector<storage_volume>> volumes() const {
        virStorageVolPtr *all = nullptr;
        const int count = virStoragePoolListAllVolumes(raw(), &all, 0);
        if (count < 0) return fail(problem("cannot list the volumes of"));
        std::vector<storage_volume> out;
        for (int i = 0; i < count; ++i) {
            out.emplace_back(storage_volume_handle(all[i]), connection_.share());
        }
        std::free(all); // the array only; `out` has the references
        return out;
    }
    /// Makes a volume from XML (`xml::build_storage_volume`); `virStorageVolCreateFlags`.
    [[nodiscard]] expected<storage_volume> create_volume(const std::string &xml,
                                                         unsigned flags = 0) const {
        virStorageVolPtr pointer = virStorageVolCreateXML(raw(), xml.c_str(), flags);
        if (pointer == nullptr) return fail(problem("cannot create a volume in"));
        return storage_volume(storage_volume_handle(pointer), connection_.share());
    }

private:
    [[nodiscard]] static expected<storage_pool>
    found(const connection &on, virStoragePoolPtr pointer, std::string doing, std::string object) {
        if (pointer == nullptr) {
            return fail(last_error(std::move(doing), on.hostname()).about(std::move(object)));
        }
        return storage_pool(storage_pool_handle(pointer), on.share());
    }
    [[nodiscard]] error problem(const std::string &doing) const {
        return last_error(doing + " the storage pool '" + name() + "'", connection_.hostname())
            .about(name());
    }
    [[nodiscard]] expected<void> check(int answer, const std::string &doing) const {
        if (answer < 0) return fail(problem(doing));
        return {};
    }

    connection connection_;
    storage_pool_handle handle_;
    std::string name_;
};

} // namespace kvmig::libvirt
