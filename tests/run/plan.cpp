// SPDX-License-Identifier: MIT
// Plans are made by looking: on fakes, in which every change is counted, and on libvirt's own test
// driver, whose hosts are compared as a whole.
#include <fakes/controllers.hpp>
#include <fakes/far_host.hpp>
#include <fakes/hypervisor.hpp>
#include <kvmig/run/choose_mode.hpp>
#include <kvmig/run/describe_cold.hpp>
#include <kvmig/run/migrate_cold_copied.hpp>
#include <kvmig/run/plan_live.hpp>
#include <kvmig/run/plan_migration.hpp>
#include <support/catch.hpp>
#include <support/node.hpp>
#include <support/temporary_directory.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace kvmig;
using namespace std::chrono_literals;
using migration::flag;

namespace {

/// Everything that a host of the test driver tells of itself.
std::string everything_of(const libvirt::connection &on) {
    std::string out;
    const auto domains = libvirt::domain::list(on);
    const auto pools = libvirt::storage_pool::list_active(on);
    REQUIRE(domains);
    REQUIRE(pools);
    for (const libvirt::domain &each : *domains) {
        const auto status = each.status().value();
        out += each.xml().value() + std::string(to_string(status.state)) + status.reason_text;
    }
    for (const libvirt::storage_pool &each : *pools) {
        out += each.xml().value();
    }
    return out;
}

/// A host of the test driver with a pool, whose guest has a disk in it.
class planned_node {
public:
    planned_node(const std::string &name, const std::string &uuid, bool with_disk) {
        libvirt::quiet_errors();
        const auto file = folder_.path() / "node.xml";
        const std::string disk =
            with_disk ? "<devices><disk type='file' device='disk'><driver name='qemu' type='raw'/>"
                        "<source file='/images/vda.raw'/><target dev='vda' bus='virtio'/></disk>"
                        "</devices>"
                      : "";
        std::ofstream(file) << "<node><domain type='test'><name>" << name << "</name><uuid>" << uuid
                            << "</uuid><memory>65536</memory><os><type>hvm</type></os>" << disk
                            << "</domain><pool type='dir'><name>images</name><target>"
                               "<path>/images</path></target></pool></node>";
        auto opened = libvirt::connection::open("test://" + file.string());
        REQUIRE(opened);
        on_.emplace(*std::move(opened));
    }
    [[nodiscard]] const libvirt::connection &on() const { return *on_; }
    void make_volume(const std::string &name, std::uint64_t mib) const {
        auto pool = libvirt::storage_pool::lookup(on(), "images");
        REQUIRE(pool);
        model::storage_volume volume;
        volume.name = name;
        volume.capacity = bytes::mib(mib);
        REQUIRE(pool->create_volume(xml::build_storage_volume(volume)));
    }

private:
    test::temporary_directory folder_;
    std::optional<libvirt::connection> on_;
};

struct planned_pair {
    planned_node from{"vm1", "c7a5fdbd-edaf-9455-926a-d65c16db1809", true};
    planned_node to{"vm2", "c7a5fdbd-edaf-9455-926a-d65c16db180a", false};
    libvirt::domain guest = libvirt::domain::lookup(from.on(), "vm1").value();
};

} // namespace

TEST_CASE("a live plan is made without any call that changes something") {
    fakes::hypervisor source("kvm01");
    fakes::hypervisor destination("kvm02");
    const uuid id = uuid::random();
    source.put(id, {model::domain_state::running, 1, "booted", true, true});
    run::steering_wish wish;
    wish.promise = 50ms;
    const auto plan = run::plan_between(source, id, "vm1", destination, {}, wish);
    REQUIRE(plan);
    CHECK(plan->hosts.destination.hostname == "kvm02");
    CHECK(plan->before.side() == run::guest_side::source);
    CHECK(plan->origin().kind == migration::kind::live);
    for (fakes::hypervisor *each : {&source, &destination}) {
        CHECK(each->steered().empty());
        CHECK(each->migrations == 0);
        CHECK(each->aborts == 0);
        CHECK(each->downtimes_set == 0);
        CHECK(each->watchers == 0);
    }
}

TEST_CASE("a plan is refused as the migration would be") {
    fakes::hypervisor source("kvm01");
    fakes::hypervisor destination("kvm02");
    const uuid id = uuid::random();
    source.put(id, {model::domain_state::shutoff, 1, "shutdown", false, true});
    const auto off = run::plan_between(source, id, "vm1", destination, {});
    REQUIRE_FALSE(off);
    CHECK_THAT(off.error().what, Catch::Contains("does not run"));
    source.put(id, {model::domain_state::running, 1, "booted", true, true});
    destination.status_problem = [] { return make_error(error_kind::unreachable, "gone"); };
    CHECK_FALSE(run::plan_between(source, id, "vm1", destination, {}));
}

TEST_CASE("a cold plan is made without any call that changes something, and tells its steps") {
    fakes::world w({});
    w.begin_controller(0);
    fakes::world_host source(w, 0);
    fakes::world_host destination(w, 1);
    const auto plan = run::plan_cold(source, w.id, "vm1", destination);
    REQUIRE(plan);
    CHECK(plan->origin().shared_storage);
    CHECK(plan->origin().stop == migration::stop_method::shutdown);
    const auto told = run::describe_plan(*plan, destination);
    REQUIRE(told);
    CHECK(told->mode == migration::kind::cold);
    REQUIRE(told->disks.size() == 1);
    CHECK(told->disks[0].disk == "vda");
    CHECK_FALSE(told->disks[0].travels);
    CHECK(told->disks[0].exists == true);
    REQUIRE(told->xml_difference);
    CHECK(told->xml_difference->empty());
    CHECK_FALSE(told->steps.empty());
    CHECK(source.status(w.id).value()->active);
    CHECK_FALSE(destination.status(w.id).value());
    CHECK(w.records.unfinished()->empty());
}

TEST_CASE("a plan that copies images says where to, by the rules for paths, and makes nothing") {
    const fakes::far_host far;
    fakes::world::script s;
    s.image = far.make("vm1.raw", 262144);
    fakes::world w(s);
    w.begin_controller(0);
    fakes::world_host source(w, 0);
    fakes::world_host destination(w, 1);
    run::copy_wish wish;
    wish.rules = {far.rule()};
    wish.address = model::uri_authority{.user = {}, .host = "far", .port = {}};
    const auto reach = far.reach();
    auto planned = run::plan_cold_copied(source, w.id, "vm1", destination, wish, {}, {}, reach);
    REQUIRE(planned);
    const auto told = run::describe_plan(planned->plan, destination);
    REQUIRE(told);
    REQUIRE(told->disks.size() == 1);
    const auto &disk = told->disks[0];
    CHECK(disk.disk == "vda");
    CHECK(disk.travels);
    CHECK(disk.target == (far.there() / "vm1.raw").string());
    CHECK(disk.size == bytes{262144});
    CHECK(disk.exists == false);
    CHECK_THAT(*told->xml_difference,
               Catch::Contains("-") && Catch::Contains(s.image) && Catch::Contains(disk.target));
    run::copied_images images(planned->here, planned->there, *planned->plan.images, reach.ssh,
                              reach.patience);
    CHECK(images.check());
    CHECK(std::filesystem::is_empty(far.there()));
    // A taken name is found without making anything either.
    std::ofstream(disk.target) << "another guest's";
    const auto taken = images.check();
    REQUIRE_FALSE(taken);
    CHECK_THAT(taken.error().what, Catch::Contains("is there already"));
}

TEST_CASE(
    "a plan with disks says what is made at the destination, and leaves both hosts as they are") {
    const planned_pair hosts;
    hosts.from.make_volume("vda.raw", 8);
    migration::options options;
    const auto both = [&] { return everything_of(hosts.from.on()) + everything_of(hosts.to.on()); };
    SECTION("a live one: the disk stays") {
        const std::string before = both();
        const auto plan = run::plan_migration(hosts.guest, hosts.to.on(), options);
        REQUIRE(plan);
        const auto told = run::describe_plan(*plan, hosts.guest, hosts.to.on());
        REQUIRE(told);
        REQUIRE(told->disks.size() == 1);
        CHECK_FALSE(told->disks[0].travels);
        CHECK_FALSE(told->disks[0].exists);
        CHECK(both() == before);
    }
    SECTION("with a changed XML: it is compared") {
        options.destination_xml = "<domain type='test'><name>vm1</name></domain>";
        const auto plan = run::plan_migration(hosts.guest, hosts.to.on(), options);
        REQUIRE(plan);
        const auto told = run::describe_plan(*plan, hosts.guest, hosts.to.on());
        REQUIRE(told);
        if (!told->xml_difference) {
            CHECK_THAT(told->unknown.front(), Catch::Contains("XML"));
        } else {
            CHECK_THAT(*told->xml_difference, Catch::Contains("vda.raw"));
        }
    }
}

TEST_CASE("the mode is chosen by what the hosts tell") {
    const planned_pair hosts;
    SECTION("a guest that is off moves cold") {
        REQUIRE(hosts.guest.destroy());
        const auto chosen = run::choose_mode(hosts.guest, hosts.to.on());
        REQUIRE(chosen);
        CHECK(chosen->mode == migration::kind::cold);
    }
    SECTION("a disk of which the hosts do not tell whether it is shared decides nothing") {
        hosts.from.make_volume("vda.raw", 8);
        hosts.to.make_volume("vda.raw", 8);
        const auto chosen = run::choose_mode(hosts.guest, hosts.to.on());
        REQUIRE_FALSE(chosen);
        CHECK(chosen.error().kind == error_kind::conflict);
        CHECK_THAT(chosen.error().what,
                   Catch::Contains("vda") && Catch::Contains("/images/vda.raw"));
        CHECK_THAT(chosen.error().remedy, Catch::Contains("--prove-storage"));
    }
}

TEST_CASE("whether a disk is shared is told by the pools of both hosts") {
    using migration::sharing;
    model::disk disk;
    disk.target = "vda";
    disk.source.kind = model::source_kind::file;
    disk.source.path = "/images/vda.raw";
    precheck::storage_place place;
    place.pool = "images";
    place.active = true;
    place.image = precheck::image{bytes::mib(8), "raw"};
    const auto seen = [&](const precheck::storage_place &here,
                          const precheck::storage_place &there) {
        precheck::facts f;
        f.domain.disks = {disk};
        f.source.storage.set(disk.source.path, here);
        f.destination.storage.set(disk.source.path, there);
        return run::detail::see_sharing(f, disk);
    };
    auto netfs = place;
    netfs.type = "netfs";
    netfs.server = "nfs";
    netfs.directory = "/srv/images";
    auto other_export = netfs;
    other_export.directory = "/srv/other";
    auto dir = place;
    dir.type = "dir";
    auto empty = dir;
    empty.image.reset();
    auto stopped = empty;
    stopped.active = false;
    auto local = place;
    local.type = "fs";
    local.format = "ext4";
    CHECK(seen(netfs, netfs).is == sharing::shared);
    CHECK(seen(netfs, other_export).is == sharing::not_shared);
    CHECK(seen(local, dir).is == sharing::not_shared);
    CHECK(seen(dir, dir).is == sharing::unknown);
    const auto missing = seen(dir, empty);
    CHECK(missing.is == sharing::not_shared);
    CHECK_THAT(missing.why, Catch::Contains("'images' has no such image"));
    // A pool that is stopped, or none, tells nothing.
    CHECK(seen(dir, stopped).is == sharing::unknown);
    CHECK(seen(dir, {}).is == sharing::unknown);
    CHECK(seen(dir, dir).copyable);
    disk.shareable = true;
    CHECK_FALSE(seen(dir, empty).copyable);
}
