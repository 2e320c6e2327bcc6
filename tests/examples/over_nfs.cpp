// SPDX-License-Identifier: MIT
// The examples that take nfs:// addresses, run against a server.
#include <run/copy_files.hpp>
#include <support/nfs_server.hpp>

#include <filesystem>
#include <string>

using kvmig::test::nfs_server;
using kvmig::test::temporary_directory;

using namespace kvmig::test::copying;

namespace {

int example_copy(const std::string &from, const std::string &to) {
    return kvmig::test::run({KVMIG_EXAMPLE_COPY, from, to});
}

} // namespace

TEST_CASE("the example copies an image to an NFS server and back, holes and all") {
    KVMIG_NEEDS_NFS_SERVER();
    const nfs_server server;
    const temporary_directory here;
    const auto image = here.path() / "image";
    const auto back = here.path() / "back";
    make_file(image, 64 * mib);
    put_noise(image, mib, 2 * mib);
    put_noise(image, 40 * mib, mib);

    REQUIRE(example_copy(image.string(), server.url("copy")) == 0);
    CHECK(same(image, server.path("copy")));
    CHECK(blocks_of(server.path("copy")) < 4 * mib);

    REQUIRE(example_copy(server.url("copy"), back.string()) == 0);
    CHECK(same(image, back));
    CHECK(blocks_of(back) < 4 * mib);
}

TEST_CASE("the example fails for an image that the NFS server has not, and makes nothing") {
    KVMIG_NEEDS_NFS_SERVER();
    const nfs_server server;
    const temporary_directory here;
    const auto to = here.path() / "to";
    CHECK(example_copy(server.url("no-such-image"), to.string()) == 1);
    CHECK(std::filesystem::is_empty(here.path()));
}
