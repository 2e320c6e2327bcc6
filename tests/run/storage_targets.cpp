// SPDX-License-Identifier: MIT
#include <kvmig/run/storage_targets.hpp>

#include <support/catch.hpp>
#include <support/node.hpp>

#include <string>
#include <vector>

using namespace kvmig;
using namespace kvmig::run;

namespace {

model::disk file_disk(const std::string &target, const std::string &path) {
    model::disk out;
    out.target = target;
    out.source.kind = model::source_kind::file;
    out.source.format = "qcow2";
    out.source.path = path;
    return out;
}

model::domain guest_with_every_disk() {
    model::domain guest;
    guest.name = "vm1";
    guest.disks = {file_disk("vda", "/a/vda.qcow2"), file_disk("vdb", "/a/vdb.qcow2"),
                   file_disk("sda", "/a/cd.iso"), file_disk("vdc", "/a/shared.raw")};
    guest.disks[2].readonly = true;
    guest.disks[3].shareable = true;
    model::disk empty;
    empty.target = "sdb";
    guest.disks.push_back(empty);
    return guest;
}

std::vector<std::string> targets_of(const std::vector<model::disk> &disks) {
    std::vector<std::string> out;
    for (const model::disk &each : disks) out.push_back(each.target);
    return out;
}

} // namespace

TEST_CASE("disks that are written and not shared are copied") {
    const auto disks = detail::disks_to_copy(guest_with_every_disk(), {});
    REQUIRE(disks);
    CHECK(targets_of(*disks) == std::vector<std::string>{"vda", "vdb"});
}

TEST_CASE("disks that are named are copied, and no others") {
    const auto disks =
        detail::disks_to_copy(guest_with_every_disk(), {.migrate_disks = {"vdc", "vda"}});
    REQUIRE(disks);
    CHECK(targets_of(*disks) == std::vector<std::string>{"vda", "vdc"});
}

TEST_CASE("a disk that the guest does not have is refused, with those it has") {
    const auto disks = detail::disks_to_copy(guest_with_every_disk(), {.migrate_disks = {"vdx"}});
    REQUIRE_FALSE(disks);
    CHECK(disks.error().kind == error_kind::invalid_argument);
    CHECK_THAT(disks.error().what, Catch::Contains("'vdx'"));
    CHECK_THAT(disks.error().remedy, Catch::Contains("vda, vdb, sda, vdc, sdb"));
}

TEST_CASE("a target must be as large as the disk, and of its format") {
    const libvirt::connection on = test::node();
    const model::disk disk = file_disk("vda", "/a/vda.qcow2");
    model::storage_volume there;
    there.format = "qcow2";
    there.capacity = bytes{1000};
    CHECK(detail::compare_target(disk, bytes{999}, there, on));
    CHECK(detail::compare_target(disk, bytes{1000}, there, on));
    const auto small = detail::compare_target(disk, bytes{1001}, there, on);
    REQUIRE_FALSE(small);
    CHECK(small.error().kind == error_kind::conflict);
    CHECK_THAT(small.error().what, Catch::Contains("holds 1000 bytes") &&
                                       Catch::Contains("the disk has 1001") &&
                                       Catch::Contains("'/a/vda.qcow2'"));
    there.format = "raw";
    const auto other = detail::compare_target(disk, bytes{1000}, there, on);
    REQUIRE_FALSE(other);
    CHECK_THAT(other.error().what, Catch::Contains("format raw") && Catch::Contains("qcow2"));
}

TEST_CASE("without a pool for the target's folder, the command that makes one is told") {
    const libvirt::connection on = test::node();
    const auto pool = detail::pool_for(on, file_disk("vda", "/a/vda.qcow2"), "/a/vda.qcow2");
    REQUIRE_FALSE(pool);
    CHECK(pool.error().kind == error_kind::not_found);
    CHECK_THAT(pool.error().what, Catch::Contains("'/a'"));
    CHECK_THAT(pool.error().remedy, Catch::Contains("pool-create-as NAME dir --target /a"));
}

TEST_CASE("a volume is found by its path, and one that is not there is no error") {
    const libvirt::connection on = test::node();
    const auto none = libvirt::volume_at(on, "/default-pool/none");
    REQUIRE(none);
    CHECK_FALSE(*none);
    auto pool = libvirt::storage_pool::lookup(on, "default-pool");
    REQUIRE(pool);
    model::storage_volume volume;
    volume.name = "target.raw";
    volume.capacity = bytes::mib(1);
    REQUIRE(pool->create_volume(xml::build_storage_volume(volume)));
    const auto found = libvirt::volume_at(on, "/default-pool/target.raw");
    REQUIRE(found);
    REQUIRE(*found);
    CHECK((**found).capacity == bytes::mib(1));
}

TEST_CASE("without a flag that copies disks there is nothing to make") {
    const libvirt::connection on = test::node();
    const auto guest = libvirt::domain::lookup(on, "test");
    REQUIRE(guest);
    const auto targets = plan_storage_targets(*guest, on, {});
    REQUIRE(targets);
    CHECK(targets->empty());
}

TEST_CASE("an incremental copy needs an image below, which is at the destination") {
    const libvirt::connection on = test::node();
    const auto guest = libvirt::domain::lookup(on, "test");
    REQUIRE(guest);
    model::disk disk = file_disk("vda", "/default-pool/top.qcow2");
    const auto none = detail::require_backing(*guest, on, disk);
    REQUIRE_FALSE(none);
    CHECK(none.error().kind == error_kind::invalid_argument);
    CHECK_THAT(none.error().remedy, Catch::Contains("non_shared_disk"));

    const model::disk_source below = file_disk("", "/default-pool/base.raw").source;
    const auto missing = detail::require_image(*guest, on, disk, below);
    REQUIRE_FALSE(missing);
    CHECK(missing.error().kind == error_kind::not_found);
    CHECK_THAT(missing.error().what, Catch::Contains("'/default-pool/base.raw' is missing"));

    auto pool = libvirt::storage_pool::lookup(on, "default-pool");
    REQUIRE(pool);
    model::storage_volume volume;
    volume.name = "base.raw";
    volume.capacity = bytes::mib(1);
    REQUIRE(pool->create_volume(xml::build_storage_volume(volume)));
    CHECK(detail::require_image(*guest, on, disk, below));
}
