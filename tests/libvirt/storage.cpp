// SPDX-License-Identifier: MIT
// Against libvirt's own test driver, which keeps pools and volumes in memory.
#include <kvmig/libvirt/storage.hpp>
#include <kvmig/xml/storage.hpp>
#include <support/catch.hpp>
#include <support/node.hpp>

#include <string>

using namespace kvmig;

TEST_CASE("a pool and a volume are made from the XML this library writes, and removed") {
    const auto on = test::node();
    model::storage_pool asked;
    asked.name = "images & more";
    asked.type = "netfs";
    asked.source_host = "nfs.example";
    asked.source_dir = "/srv/images";
    asked.source_format = "nfs";
    asked.target_path = "/mnt/images";
    const auto pool = libvirt::storage_pool::define(on, xml::build_storage_pool(asked));
    REQUIRE(pool);
    CHECK(pool->name() == asked.name);
    CHECK(pool->is_active() == false);
    REQUIRE(pool->build());
    REQUIRE(pool->start());
    CHECK(pool->is_active() == true);
    REQUIRE(pool->refresh());
    REQUIRE(pool->set_autostart(true));

    const auto text = pool->xml();
    REQUIRE(text);
    const auto told = xml::parse_storage_pool(*text);
    REQUIRE(told);
    CHECK(told->source_host == "nfs.example");
    CHECK(told->source_dir == "/srv/images");
    CHECK(told->target_path == "/mnt/images");
    CHECK(libvirt::storage_pool::lookup(on, *told->uuid)->name() == asked.name);
    const auto by_target = libvirt::storage_pool::lookup_by_target(on, "/mnt/images");
    REQUIRE_FALSE(by_target); // the test driver has no such call
    CHECK(by_target.error().kind == error_kind::unsupported);

    model::storage_volume wanted;
    wanted.name = "vm1.qcow2";
    wanted.format = "qcow2";
    wanted.capacity = bytes::gib(1);
    wanted.allocation = bytes{0};
    const auto volume = pool->create_volume(xml::build_storage_volume(wanted));
    REQUIRE(volume);
    CHECK(volume->name() == "vm1.qcow2");
    CHECK(volume->path() == "/mnt/images/vm1.qcow2");
    const auto info = volume->info();
    REQUIRE(info);
    CHECK(info->capacity == bytes::gib(1));
    CHECK(info->allocation == bytes{0});
    const auto read = xml::parse_storage_volume(*volume->xml());
    REQUIRE(read);
    CHECK(read->capacity == bytes::gib(1));
    CHECK(pool->volume("vm1.qcow2")->path() == "/mnt/images/vm1.qcow2");
    CHECK(libvirt::storage_volume::lookup_by_path(on, "/mnt/images/vm1.qcow2")->name() ==
          "vm1.qcow2");

    const auto twice = pool->create_volume(xml::build_storage_volume(wanted));
    REQUIRE_FALSE(twice);
    CHECK(twice.error().libvirt); // its code differs from driver to driver
    CHECK(twice.error().object == asked.name);

    REQUIRE(volume->remove());
    const auto gone = pool->volume("vm1.qcow2");
    REQUIRE_FALSE(gone);
    CHECK(gone.error().kind == error_kind::not_found);
    CHECK(gone.error().object == "vm1.qcow2");
    REQUIRE(pool->destroy());
    REQUIRE(pool->undefine());
    CHECK(libvirt::storage_pool::lookup(on, asked.name).error().kind == error_kind::not_found);
}

TEST_CASE("what is wrong with a pool or a volume is told with its name") {
    const auto on = test::node();
    const auto none = libvirt::storage_pool::lookup(on, "nowhere");
    REQUIRE_FALSE(none);
    CHECK(none.error().kind == error_kind::not_found);
    CHECK(none.error().object == "nowhere");
    CHECK(none.error().host == on.hostname());
    const auto bad = libvirt::storage_pool::define(on, "<pool/>");
    REQUIRE_FALSE(bad);
    CHECK(bad.error().libvirt);
    const auto path = libvirt::storage_volume::lookup_by_path(on, "/nowhere/x");
    REQUIRE_FALSE(path);
    CHECK(path.error().object == "/nowhere/x");
    const auto pool = libvirt::storage_pool::lookup(on, "default-pool");
    REQUIRE(pool);
    const auto started = pool->start();
    REQUIRE_FALSE(started);
    CHECK(started.error().kind == error_kind::conflict);
    CHECK(started.error().object == "default-pool");
}
