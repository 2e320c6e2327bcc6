// SPDX-License-Identifier: MIT
// What stops a copy at the server: locks, quota, permission, files that go away.
#include <kvmig/run/copy.hpp>
#include <run/copy_files.hpp>
#include <support/nfs_lock_holder.hpp>
#include <support/nfs_server.hpp>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/mount.h>
#include <unistd.h>
#include <utility>

using namespace kvmig;
using namespace kvmig::test::copying;
using kvmig::test::nfs_server;
using kvmig::test::temporary_directory;

TEST_CASE("an image that a QEMU writes over NFSv4 is neither copied nor replaced") {
    KVMIG_NEEDS_NFS_SERVER();
    const temporary_directory store;
    // One path by both versions, as with the kernel's server.
    const nfs_server server({{store.path(), store.path().string()}});
    const temporary_directory folder;
    const auto image = store.path() / "image";
    make_file(image, mib);
    put_noise(image, 0, mib);
    const std::string url = "nfs://192.0.2.1" + image.string();
    const auto copy = (folder.path() / "copy").string();

    const auto free = must(run::copy_image(url, copy));
    REQUIRE(free.notes.size() == 1);
    CHECK(free.notes[0].find("no QEMU on a host that mounts it by NFSv4 uses " + url) == 0);

    const test::lock_holder writes(image.string(), 101);
    run::copy_options options;
    options.replace = true;
    const auto torn = run::copy_image(url, copy, options);
    REQUIRE_FALSE(torn);
    CHECK(torn.error().kind == error_kind::conflict);
    CHECK(torn.error().what.find("running QEMU writes") != std::string::npos);
    CHECK(torn.error().object == url);
    const auto replaced = run::copy_image(copy, url, options);
    REQUIRE_FALSE(replaced);
    CHECK(replaced.error().what.find("has the target open") != std::string::npos);
    CHECK(test::names_in(store.path()) == names{"image"});
    options.in_use_too = true;
    must(run::copy_image(url, copy, options));
    CHECK(same(image, copy));

    // One that is only read may be copied, and not replaced.
    make_file(store.path() / "base", mib);
    const test::lock_holder reads((store.path() / "base").string(), 100);
    const std::string base = "nfs://192.0.2.1" + (store.path() / "base").string();
    options.in_use_too = false;
    must(run::copy_image(base, copy, options));
    CHECK_FALSE(run::copy_image(copy, base, options));
}

TEST_CASE("a quota that is used up is told by its name, and raised it lets the copy go on") {
    KVMIG_NEEDS_NFS_SERVER();
    kvmig::test::enter_nfs_namespace();
    const temporary_directory disk;
    const auto mounted = disk.path() / "mounted";
    std::filesystem::create_directory(mounted);
    const std::string cd = "cd '" + disk.path().string() + "' && ";
    // The server exports file systems only: the subvolume with the limit is mounted by itself.
    const std::string script = cd +
                               "set -e; truncate -s 256M image; mkfs.btrfs -q image >/dev/null; "
                               "mount -t btrfs -o loop image mounted; "
                               "btrfs quota enable mounted; "
                               "btrfs subvolume create mounted/q >/dev/null; "
                               "chmod 777 mounted/q; btrfs qgroup limit 8M mounted/q; "
                               "umount mounted; mount -t btrfs -o loop,subvol=q image mounted";
    if (test::run({"sh", "-c", script}) != 0) {
        WARN("SKIPPED: no btrfs can be mounted here: apt-get install btrfs-progs, and a kernel "
             "with btrfs and loop devices");
        return;
    }
    {
        const nfs_server server({{mounted, "/q"}});
        const temporary_directory folder;
        const auto image = folder.path() / "image";
        make_file(image, 24 * mib);
        put_noise(image, 0, 24 * mib);
        const std::string url = "nfs://192.0.2.1" + (mounted / "copy").string();
        const auto full = run::copy_image(image.string(), url);
        REQUIRE_FALSE(full);
        INFO(describe(full.error()));
        CHECK(full.error().what.find("NFS3ERR_DQUOT") != std::string::npos);
        CHECK(full.error().object.find(mounted.string()) == 0);
        CHECK(full.error().system == EDQUOT);
        CHECK(full.error().remedy.find("raise the quota") != std::string::npos);
        CHECK_FALSE(std::filesystem::exists(mounted / "copy"));

        REQUIRE(test::run({"btrfs", "qgroup", "limit", "none", mounted.string()}) == 0);
        run::copy_options options;
        options.earlier = run::earlier_part::resume;
        must(run::copy_image(image.string(), url, options));
        CHECK(same(image, mounted / "copy"));
        CHECK(test::names_in(mounted) == names{"copy"});
    }
    CHECK(::umount2(mounted.c_str(), 0) == 0);
}

TEST_CASE("who may not write or read is told so, with path and status, and nothing is made") {
    KVMIG_NEEDS_NFS_SERVER();
    const temporary_directory store;
    const nfs_server server({{store.path(), "/readonly", "RO"}});
    const temporary_directory folder;
    const auto image = folder.path() / "image";
    make_file(image, mib);
    const auto readonly =
        run::copy_image(image.string(), "nfs://192.0.2.1" + (store.path() / "copy").string());
    REQUIRE_FALSE(readonly);
    CHECK(readonly.error().kind == error_kind::refused);
    CHECK(readonly.error().what.find("NFS3ERR_ROFS") != std::string::npos);
    CHECK(readonly.error().remedy.find("exportfs -v") != std::string::npos);
    CHECK(test::names_in(store.path()).empty());

    std::filesystem::create_directory(server.data() / "roots");
    std::filesystem::permissions(server.data() / "roots", std::filesystem::perms(0755));
    make_file(server.data() / "roots" / "secret", mib);
    std::filesystem::permissions(server.data() / "roots" / "secret", std::filesystem::perms(0600));
    const auto folder_closed =
        run::copy_image(image.string(), server.url("roots/copy") + "?uid=1234&gid=1234");
    REQUIRE_FALSE(folder_closed);
    CHECK(folder_closed.error().kind == error_kind::refused);
    CHECK(folder_closed.error().what.find("NFS3ERR_ACCES") != std::string::npos);
    CHECK(folder_closed.error().object == server.path("roots/.copy.kvmig-part"));
    const auto copy = (folder.path() / "copy").string();
    const auto file_closed =
        run::copy_image(server.url("roots/secret") + "?uid=1234&gid=1234", copy);
    REQUIRE_FALSE(file_closed);
    CHECK(file_closed.error().kind == error_kind::refused);
    CHECK(test::names_in(folder.path()) == names{"image"});
}

TEST_CASE("a file that goes away at the server while it is copied ends the copy by its name") {
    KVMIG_NEEDS_NFS_SERVER();
    const nfs_server server;
    const temporary_directory folder;
    const auto image = folder.path() / "image";
    make_file(image, 48 * mib);
    put_noise(image, 0, 48 * mib);
    // Another client: what changes behind its back this server notices late.
    const auto elsewhere =
        must(nfs::context::connect(must(model::parse_nfs_url(server.url("image")))));

    SECTION("the source") {
        std::filesystem::copy_file(image, server.data() / "image");
        const auto gone = run::copy_image(server.url("image"), (folder.path() / "copy").string(),
                                          {}, [&](const run::copy_state &now) {
                                              if (now.done.count() > 8 * mib)
                                                  (void)elsewhere.remove(server.path("image"));
                                          });
        REQUIRE_FALSE(gone);
        INFO(describe(gone.error()));
        const bool told = gone.error().what.find("NFS3ERR_STALE") != std::string::npos ||
                          gone.error().what.find("NFS3ERR_NOENT") != std::string::npos;
        CHECK(told);
        CHECK(gone.error().object == server.path("image"));
        CHECK_FALSE(std::filesystem::exists(folder.path() / "copy"));
    }
    SECTION("the source, replaced by another of its name") {
        std::filesystem::copy_file(image, server.data() / "image");
        std::filesystem::copy_file(image, server.data() / "other");
        const auto other = run::copy_image(server.url("image"), (folder.path() / "copy").string(),
                                           {}, [&](const run::copy_state &now) {
                                               if (now.done.count() > 8 * mib) {
                                                   (void)elsewhere.rename(server.path("other"),
                                                                          server.path("image"));
                                               }
                                           });
        REQUIRE_FALSE(other);
        INFO(describe(other.error()));
        CHECK_FALSE(std::filesystem::exists(folder.path() / "copy"));
    }
    SECTION("the target's part") {
        const auto gone = run::copy_image(
            image.string(), server.url("copy"), {}, [&](const run::copy_state &now) {
                if (now.done.count() > 8 * mib) {
                    (void)elsewhere.remove(server.path(".copy.kvmig-part"));
                }
            });
        REQUIRE_FALSE(gone);
        INFO(describe(gone.error()));
        const bool told = gone.error().what.find("NFS3ERR_STALE") != std::string::npos ||
                          gone.error().what.find("NFS3ERR_NOENT") != std::string::npos;
        CHECK(told);
        CHECK(gone.error().object.find(server.data().string()) == 0);
        CHECK_FALSE(std::filesystem::exists(server.data() / "copy"));
    }
}
