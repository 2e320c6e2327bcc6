// SPDX-License-Identifier: MIT
#include <kvmig/nfs/lock.hpp>
#include <support/nfs_lock_holder.hpp>
#include <support/nfs_server.hpp>

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <string>

using namespace kvmig;
using test::lock_holder;

TEST_CASE("the locks of NFSv4 tell who reads and who writes an image, and none is left") {
    KVMIG_NEEDS_NFS_SERVER();
    const test::nfs_server server;
    struct row {
        std::uint64_t byte;
        model::image_use use;
    };
    // 102 is write-unchanged, 200 on are what others must not do: neither is a use.
    const row rows[] = {{100, model::image_use::read},
                        {101, model::image_use::written},
                        {102, model::image_use::free},
                        {201, model::image_use::free}};
    for (const row &one : rows) {
        INFO("byte " << one.byte);
        const std::string name = "image" + std::to_string(one.byte);
        std::ofstream(server.data() / name) << std::string(4096, 'x');
        const std::string path = "/data/" + name;
        const auto on = lock_holder::connected("nfs://192.0.2.1" + path + "?version=4");
        const auto before = nfs::image_use_at(on, path);
        if (!before) FAIL(describe(before.error()));
        CHECK(*before == model::image_use::free);
        const lock_holder holder(path, one.byte);
        for (int again = 0; again < 2; ++again) {
            const auto use = nfs::image_use_at(on, path);
            if (!use) FAIL(describe(use.error()));
            CHECK(*use == one.use);
        }
    }
    // Tested, not taken: a lock that excludes all others is to be had on the server itself.
    const auto image = server.data() / "image200";
    std::ofstream(image) << "x";
    const auto on = lock_holder::connected("nfs://192.0.2.1/data/image200?version=4");
    REQUIRE(nfs::image_use_at(on, "/data/image200"));
    const int fd = ::open(image.c_str(), O_RDWR | O_CLOEXEC);
    struct flock all {};
    all.l_type = F_WRLCK;
    all.l_whence = SEEK_SET;
    CHECK(::fcntl(fd, F_OFD_SETLK, &all) == 0);
    ::close(fd);

    const auto missing = nfs::image_use_at(on, "/data/none");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().what.find("NFS4ERR_NOENT") != std::string::npos);
}
