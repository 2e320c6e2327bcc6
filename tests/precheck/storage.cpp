// SPDX-License-Identifier: MIT
#include <precheck/healthy.hpp>

using namespace kvmig;
using namespace kvmig::test;
using precheck::storage_copy;

namespace {

const std::string image{image_path};
const std::string base{base_path};
const std::string medium{medium_path};

/// What a host's pools say of a path, changed.
template <class Change>
void replace(precheck::host_facts &host, const std::string &name, Change change) {
    precheck::storage_place place = *host.storage.of(name);
    change(place);
    host.storage.set(name, place);
}

void forget(precheck::host_facts &host, const std::string &name) {
    host.storage.set(name, not_known<precheck::storage_place>());
}

} // namespace

TEST_CASE("a disk on a local file system blocks, whatever the destination has there") {
    auto f = healthy();
    replace(f.source, image, [](auto &place) {
        place.type = "fs";
        place.format = "ext4";
    });
    CHECK(told(f, "KVM-STO-001") == blocks);
    forget(f.destination, image);
    CHECK(told(f, "KVM-STO-001") == blocks);
    f.domain.disks[0].readonly = true;
    CHECK_FALSE(told(f, "KVM-STO-001"));
    f.domain.disks[0].readonly = false;
    f.copy = storage_copy::all;
    CHECK_FALSE(told(f, "KVM-STO-001"));
    f.domain.disks[0].shareable = true; // libvirt does not copy it
    CHECK(told(f, "KVM-STO-001") == blocks);
}

TEST_CASE("another export of the same server is another store") {
    auto f = healthy();
    replace(f.destination, image, [](auto &place) { place.directory = "/srv/other"; });
    CHECK(told(f, "KVM-STO-001") == blocks);
}

TEST_CASE("what pools cannot prove to be shared is not known") {
    auto f = healthy();
    SECTION("another name may be the same server") {
        replace(f.destination, image, [](auto &place) { place.server = "nfs.example"; });
    }
    SECTION("each host's own server may be meant") {
        const auto *const name = GENERATE("localhost", "localhost.localdomain", "127.0.0.1", "::1");
        replace(f.source, image, [&](auto &place) { place.server = name; });
        replace(f.destination, image, [&](auto &place) { place.server = name; });
    }
    SECTION("a folder may be a mount") {
        replace(f.destination, image, [](auto &place) { place.type = "dir"; });
    }
    SECTION("a stopped pool mounts nothing") {
        replace(f.source, image, [](auto &place) { place.active = false; });
    }
    SECTION("no pool is there") {
        replace(f.destination, image, [](auto &place) { place = {}; });
    }
    SECTION("nothing is known of the source") { forget(f.source, image); }
    SECTION("nothing is known of the destination") { forget(f.destination, image); }
    CHECK(told(f, "KVM-STO-001") == unknown);
}

TEST_CASE("what tokens proved of a folder counts more than the names of pools") {
    using model::shared_verdict;
    auto f = healthy();
    const auto prove = [&](shared_verdict verdict) {
        f.shared.set(image, model::shared_answer{verdict, {"a token was not seen"}, ""});
    };
    const auto seen = [&] {
        const auto report = test::check(f);
        for (const auto &each : report.findings) {
            if (each.id == "KVM-STO-001") return each.seen;
        }
        return std::string();
    };
    // By their pools they are the same export.
    for (const auto verdict : {shared_verdict::not_shared, shared_verdict::same_path_other_content,
                               shared_verdict::same_server_other_export, shared_verdict::stale,
                               shared_verdict::read_only}) {
        prove(verdict);
        CHECK(told(f, "KVM-STO-001") == blocks);
        CHECK_THAT(seen(), Catch::Contains(image) && Catch::EndsWith(": a token was not seen"));
    }
    prove(shared_verdict::unknown);
    CHECK_FALSE(told(f, "KVM-STO-001"));

    replace(f.destination, image, [](auto &place) { place.type = "dir"; });
    CHECK(told(f, "KVM-STO-001") == unknown);
    CHECK_THAT(seen(), Catch::EndsWith("; a token was not seen"));
    prove(shared_verdict::shared);
    CHECK_FALSE(told(f, "KVM-STO-001"));
    forget(f.source, image); // what pools would tell is not needed
    CHECK_FALSE(told(f, "KVM-STO-001"));
}

TEST_CASE("a stale handle blocks on either host, and on the source the guest holds it") {
    auto f = healthy();
    CHECK_FALSE(told(f, "KVM-STO-006"));
    f.destination.stale.set("images", false);
    CHECK_FALSE(told(f, "KVM-STO-006"));
    f.destination.stale.set("images", true);
    CHECK(told(f, "KVM-STO-006") == blocks);
    CHECK(findings_of(f, "KVM-STO-006").front().remedy.size() == 2);
    f.destination.stale.set("images", not_known<bool>());
    CHECK(told(f, "KVM-STO-006") == unknown);
    f = healthy();
    f.source.stale.set("images", true);
    CHECK(told(f, "KVM-STO-006") == blocks);
    CHECK_THAT(findings_of(f, "KVM-STO-006").front().remedy.front(), Catch::Contains("shutdown"));
}

TEST_CASE("an NVMe device of the host blocks, an image on a server does not") {
    auto f = healthy();
    f.domain.disks = {f.domain.disks[1]};
    CHECK_FALSE(told(f, "KVM-STO-001"));
    f.domain.disks[0].source.kind = model::source_kind::nvme;
    CHECK(told(f, "KVM-STO-001") == blocks);
}

TEST_CASE("an image that is not in the destination's pool blocks") {
    auto f = healthy();
    replace(f.destination, image, [](auto &place) { place.image.reset(); });
    CHECK(told(f, "KVM-STO-002") == blocks);
    f.copy = storage_copy::incremental;
    CHECK_FALSE(told(f, "KVM-STO-002"));
    f.domain.disks[0].readonly = true; // nor this one
    CHECK(told(f, "KVM-STO-002") == blocks);
}

TEST_CASE("an image outside every pool, or in a stopped one, may be there or not") {
    auto f = healthy();
    replace(f.destination, image, [](auto &place) { place = {}; });
    CHECK(told(f, "KVM-STO-002") == unknown);
    f = healthy();
    replace(f.destination, image, [](auto &place) {
        place.active = false;
        place.image.reset();
    });
    CHECK(told(f, "KVM-STO-002") == unknown);
    CHECK(told(f, "KVM-STO-021") == warns);
    forget(f.destination, image);
    CHECK(told(f, "KVM-STO-002") == unknown);
}

TEST_CASE(
    "in a folder that is proven to be shared the image is there, unless a pool says otherwise") {
    using model::shared_verdict;
    auto f = healthy();
    f.shared.set(image, model::shared_answer{shared_verdict::shared, {"both tokens"}, ""});
    replace(f.destination, image, [](auto &place) { place.image.reset(); });
    CHECK(told(f, "KVM-STO-002") == blocks);
    replace(f.destination, image, [](auto &place) { place = {}; });
    CHECK_FALSE(told(f, "KVM-STO-002"));
    forget(f.destination, image);
    CHECK_FALSE(told(f, "KVM-STO-002"));
    f.shared.set(image, model::shared_answer{shared_verdict::unknown, {"no token"}, ""});
    CHECK(told(f, "KVM-STO-002") == unknown);
}

TEST_CASE("a backing file that is missing blocks, unless whole disks are copied") {
    auto f = healthy();
    replace(f.destination, base, [](auto &place) { place.image.reset(); });
    CHECK(told(f, "KVM-STO-004") == blocks);
    f.copy = storage_copy::incremental;
    CHECK(told(f, "KVM-STO-004") == blocks);
    f.copy = storage_copy::all;
    CHECK_FALSE(told(f, "KVM-STO-004"));
    f.copy = storage_copy::none;
    forget(f.destination, base);
    CHECK(told(f, "KVM-STO-004") == unknown);
}

TEST_CASE("a pool that a disk names must be there and active") {
    auto f = healthy();
    f.destination.pools.set("images", precheck::presence::absent);
    CHECK(told(f, "KVM-STO-021") == blocks);
    f.destination.pools.set("images", precheck::presence::inactive);
    CHECK(told(f, "KVM-STO-021") == blocks);
    f.destination.pools.set("images", not_known<precheck::presence>());
    CHECK(told(f, "KVM-STO-021") == unknown);
}

TEST_CASE("a medium that is missing blocks, unless it may be left out") {
    auto f = healthy();
    replace(f.destination, medium, [](auto &place) { place.image.reset(); });
    CHECK(told(f, "KVM-STO-028") == blocks);
    CHECK_THAT(findings_of(f, "KVM-STO-028").front().remedy.front(),
               Catch::Contains("change-media vm1 sda --eject"));
    f.domain.disks[3].startup_policy = "mandatory";
    CHECK(told(f, "KVM-STO-028") == blocks);
    f.domain.disks[3].startup_policy = "requisite";
    CHECK(told(f, "KVM-STO-028") == warns);
    f.domain.disks[3].startup_policy = "optional";
    CHECK(told(f, "KVM-STO-028") == warns);
    forget(f.destination, medium);
    CHECK(told(f, "KVM-STO-028") == unknown);
    f.domain.disks[3].source = {};
    CHECK_FALSE(told(f, "KVM-STO-028"));
}

TEST_CASE("the host's own drive warns") {
    auto f = healthy();
    f.domain.disks[3].source.kind = model::source_kind::block;
    f.domain.disks[3].source.path = "/dev/sr0";
    CHECK(told(f, "KVM-STO-028") == warns);
}

TEST_CASE("transient disks and formats that do not move block") {
    auto f = healthy();
    f.domain.disks[1].transient = true;
    CHECK(told(f, "KVM-STO-019") == blocks);
    CHECK_FALSE(told(f, "KVM-STO-018"));
    f.domain.disks[0].source.format = "vmdk";
    CHECK(told(f, "KVM-STO-018") == blocks);
    f.domain.disks[0].source.format = "qcow2";
    f.domain.disks[0].backing[0].format = "vhdx";
    CHECK(told(f, "KVM-STO-018") == blocks);
}

TEST_CASE("a cache blocks only with a QEMU that does not drop it") {
    auto f = healthy();
    f.domain.disks = {f.domain.disks[0]};
    f.domain.disks[0].cache = "writeback";
    f.source.hypervisor = model::version{3, 0, 0};
    CHECK_FALSE(told(f, "KVM-STO-020"));
    f.source.hypervisor = model::version{2, 12, 1};
    CHECK(told(f, "KVM-STO-020") == blocks);
    f.domain.disks[0].cache.clear(); // the default is cached too
    CHECK(told(f, "KVM-STO-020") == blocks);
    f.source.driver = std::string("TEST"); // its version is not QEMU's
    CHECK_FALSE(told(f, "KVM-STO-020"));
    f.source.driver = std::string("QEMU");
    for (const char *safe : {"none", "directsync"}) {
        f.domain.disks[0].cache = safe;
        CHECK_FALSE(told(f, "KVM-STO-020"));
    }
    f.domain.disks[0].cache = "writethrough";
    test::forget(f.source.hypervisor);
    CHECK(told(f, "KVM-STO-020") == unknown);
    f.domain.disks[0].shareable = true;
    CHECK_FALSE(told(f, "KVM-STO-020"));
}

TEST_CASE("a target that is too small blocks when disks are copied") {
    auto f = healthy();
    f.domain.disks = {f.domain.disks[0]};
    replace(f.destination, image,
            [](auto &place) { place.image->capacity = bytes::gib(10) - bytes{1}; });
    CHECK_FALSE(told(f, "KVM-STO-013")); // nothing is copied
    f.copy = storage_copy::all;
    CHECK(told(f, "KVM-STO-013") == blocks);
    replace(f.source, image, [](auto &place) { place.image.reset(); });
    CHECK(told(f, "KVM-STO-013") == unknown);
    forget(f.source, image);
    CHECK(told(f, "KVM-STO-013") == unknown);
    forget(f.destination, image);
    CHECK(told(f, "KVM-STO-013") == unknown);
}

TEST_CASE("disks that are copied into one pool are added up") {
    auto f = healthy();
    f.domain.disks = {f.domain.disks[0], f.domain.disks[2]};
    f.copy = storage_copy::all;
    for (const std::string &name : {image, std::string("images/data")}) {
        replace(f.destination, name, [](auto &place) { place.image.reset(); });
    }
    CHECK_FALSE(told(f, "KVM-STO-010")); // 10 GiB each, 20 GiB free
    for (const std::string &name : {image, std::string("images/data")}) {
        replace(f.destination, name, [](auto &place) { place.available = bytes::gib(19); });
    }
    CHECK(told(f, "KVM-STO-010") == warns);
    f.domain.disks = {f.domain.disks[0]};
    CHECK_FALSE(told(f, "KVM-STO-010"));
}

TEST_CASE("space that is not known is told") {
    auto f = healthy();
    f.domain.disks = {f.domain.disks[0]};
    f.copy = storage_copy::all;
    replace(f.destination, image, [](auto &place) { place = {}; });
    CHECK(told(f, "KVM-STO-010") == unknown);
    f = healthy();
    f.domain.disks = {f.domain.disks[0]};
    f.copy = storage_copy::all;
    replace(f.destination, image, [](auto &place) { place.image.reset(); });
    forget(f.source, image);
    CHECK(told(f, "KVM-STO-010") == unknown);
}

TEST_CASE("a disk by QEMU's own NFS driver is warned of: it takes no lock on the image") {
    auto f = healthy();
    CHECK_FALSE(told(f, "KVM-STO-122"));
    model::disk_source &source = f.domain.disks[0].source;
    source.kind = model::source_kind::network;
    source.protocol = "nfs";
    source.hosts = {{"nfs.lab", "", ""}};
    source.path = "/srv/images/vm1.qcow2";
    CHECK(told(f, "KVM-STO-122") == warns);
    CHECK_FALSE(told(f, "KVM-STO-001")); // shared all the same
    f.domain.disks[0].readonly = true;
    CHECK_FALSE(told(f, "KVM-STO-122"));
    f.domain.disks[0].readonly = false;
    source.protocol = "nbd";
    CHECK_FALSE(told(f, "KVM-STO-122"));
}
