// SPDX-License-Identifier: MIT
#include <kvmig/model/qcow2_chain.hpp>
#include <support/catch.hpp>

#include <string>

using namespace kvmig;
namespace qcow2 = kvmig::model::qcow2;

TEST_CASE("a name in a header is taken for a path or a protocol as QEMU takes it") {
    struct row {
        const char *name;
        bool protocol;
    };
    const row rows[] = {{"base.qcow2", false},
                        {"/images/a:b", false},
                        {"./a:b", false},
                        {"sub/a:b", false},
                        {"a:b", true},
                        {"json:{\"a\": 1}", true},
                        {"nbd://host/x", true},
                        {"file:base", true},
                        {":", true},
                        {"nfs://server/a", true},
                        {"", false}};
    for (const row &one : rows) {
        INFO(one.name);
        CHECK(qcow2::has_protocol(one.name) == one.protocol);
        CHECK_FALSE(qcow2::has_protocol(qcow2::name_in_folder(one.name)));
    }
    CHECK(qcow2::name_in_folder("a:b") == "./a:b");
    CHECK(qcow2::name_in_folder("base") == "base");
}

TEST_CASE("the place of a backing file follows from the place of the image") {
    struct row {
        const char *name;
        const char *image;
        const char *place; ///< or a part of the error
        bool found;
    };
    const row rows[] = {
        {"base", "/images/top", "/images/base", true},
        {"base", "top", "base", true},
        {"../b/base", "/images/top", "/images/../b/base", true},
        {"/b/base", "/images/top", "/b/base", true},
        {"nfs://s/e/base", "/images/top", "nfs://s/e/base", true},
        {"base", "nfs://s/e/top", "nfs://s/e/base", true},
        {"base", "nfs://s/top", "nfs://s/base", true},
        {"../b/ba?se", "nfs://s/e/top?uid=7", "nfs://s/b/ba%3Fse?uid=7", true},
        {"./base", "nfs://s/e/top", "nfs://s/e/base", true},
        {"/b/base", "nfs://s/e/top", "the hosts that mount the export", false},
        {"json:{}", "/images/top", "no plain file", false},
        {"nbd:unix:x", "nfs://s/e/top", "no plain file", false},
    };
    for (const row &one : rows) {
        INFO(one.name << " in " << one.image);
        const auto place = qcow2::place_of(one.name, one.image);
        REQUIRE(place.has_value() == one.found);
        if (one.found) {
            CHECK(*place == one.place);
            continue;
        }
        CHECK(place.error().kind == error_kind::unsupported);
        CHECK(place.error().what.find(one.place) != std::string::npos);
        CHECK(place.error().object == one.image);
        CHECK(place.error().remedy.find("qemu-img rebase -u") != std::string::npos);
    }
}

TEST_CASE("what an image stands on is told by its header; an external data file is refused") {
    qcow2::header head;
    auto alone = qcow2::backing_of(head, "top");
    REQUIRE(alone);
    CHECK_FALSE(*alone);
    head.backing_file = "base";
    head.backing_format = "raw";
    auto stands = qcow2::backing_of(head, "top");
    REQUIRE(stands);
    CHECK(*stands == qcow2::backing_reference{"base", "raw"});
    head.incompatible = qcow2::feature::external_data;
    head.data_file = "top.data";
    const auto outside = qcow2::backing_of(head, "top");
    REQUIRE_FALSE(outside);
    CHECK(outside.error().kind == error_kind::unsupported);
    CHECK(outside.error().what.find("'top.data'") != std::string::npos);
}
