// SPDX-License-Identifier: MIT
// What programs tell of images, and the plan of a copy: as text, without a host.
#include <kvmig/run/copy_plan.hpp>
#include <kvmig/run/image_facts.hpp>
#include <kvmig/run/rsync.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace kvmig;
using run::image_kind;

namespace {

run::copy_plan sample() {
    return {.token = "1a2b3c4d",
            .login = "root@kvm02.example",
            .port = 22,
            .images = {{image_kind::file, "qcow2", "/a b/vm1.qcow2", "/srv/vm1.qcow2",
                        bytes::mib(64), bytes::mib(16)},
                       {image_kind::block, "raw", "/dev/vg/one", "/dev/vg/one", bytes::mib(8),
                        bytes::mib(8)}}};
}

bool has(const std::vector<std::string> &in, const std::string &word) {
    return std::find(in.begin(), in.end(), word) != in.end();
}

} // namespace

TEST_CASE("a plan of copies is read back as it was written") {
    const auto plan = sample();
    const auto read = run::copy_plan_from_text(to_text(plan));
    REQUIRE(read);
    CHECK(*read == plan);
    CHECK(plan.size() == bytes::mib(72));
    CHECK(plan.part_of(plan.images[0]) == "/srv/.vm1.qcow2.kvmig-1a2b3c4d");
    CHECK(plan.images[0].sparse());
    CHECK_FALSE(plan.images[1].sparse());
}

TEST_CASE("a plan that was cut short or changed is refused, and the line named") {
    const std::string text = to_text(sample());
    for (std::size_t length = 0; length < text.size(); ++length) {
        INFO(length);
        const auto read = run::copy_plan_from_text(std::string_view(text).substr(0, length));
        // Whole images may be missing from the end; nothing less is taken.
        CHECK((!read || to_text(*read) == text.substr(0, length)));
    }
    const auto bad = run::copy_plan_from_text("copies 1\nlogin a\nport 70000\n");
    REQUIRE_FALSE(bad);
    CHECK(bad.error().kind == error_kind::protocol);
    CHECK_THAT(bad.error().what, Catch::Contains("'70000'"));
}

TEST_CASE("stat tells files from devices, and what has holes") {
    CHECK(run::parse_stat("81a4 1048576 8 512\n") ==
          run::image_facts{image_kind::file, bytes::mib(1), bytes{4096}});
    CHECK(run::parse_stat("61b0 0 0 512\n")->kind == image_kind::block);
    const auto folder = run::parse_stat("41ed 4096 8 512\n");
    REQUIRE_FALSE(folder);
    CHECK(folder.error().kind == error_kind::unsupported);
    for (const char *bad : {"", "81a4 1 8", "81a4 x 8 512", "zz 1 8 512"}) {
        INFO(bad);
        const auto read = run::parse_stat(bad);
        REQUIRE_FALSE(read);
        CHECK(read.error().kind == error_kind::protocol);
    }
}

TEST_CASE("sizes, room and sums are read from what programs say") {
    CHECK(run::parse_device_size("67108864\n") == bytes::mib(64));
    CHECK_FALSE(run::parse_device_size("blockdev: no\n"));
    CHECK(run::parse_room("      Avail Mounted on\n16106127360 /srv/my images\n") ==
          run::free_room{bytes::gib(15), "/srv/my images"});
    CHECK_FALSE(run::parse_room("Avail Mounted on\n"));
    const std::string sum(64, 'a');
    CHECK(run::parse_checksum(sum + " *-\n") == sum);
    CHECK(run::parse_checksum("\\" + sum + " */a\\nb\n") == sum);
    CHECK_FALSE(run::parse_checksum(sum.substr(1) + " *x\n"));
    CHECK_FALSE(run::parse_checksum(""));
}

TEST_CASE("what stands upon a device is told in words") {
    CHECK(run::parse_holders("vg-one \n").empty());
    CHECK(run::parse_holders("vg-one\n").empty());
    CHECK(run::parse_holders("vda1 /srv\n") == "it is mounted at /srv");
    CHECK(run::parse_holders("loop0\nvg-one\nvg-two /mnt\n") ==
          "it is part of vg-one, vg-two is mounted at /mnt");
}

TEST_CASE("who writes to an image is told by its identity") {
    const auto file = run::parse_identity("81a4 fe00:123 0:0 /srv/my vm1.raw\n");
    const auto device = run::parse_identity("61b0 6:77 fe:0 /dev/vg/one\n");
    REQUIRE(file);
    REQUIRE(device);
    const std::string said = "81a4 fe00:123 0:0 /proc/17/fd/3\n"
                             "61b0 9:99 fe:0 /proc/18/fd/4\n" // a node of its own
                             "81a4 fe00:123 0:0 /proc/17/fd/9\n"
                             "c1ff 9:123 0:0 /proc/19/fd/1\n\nnonsense\n";
    CHECK(run::parse_writers(said, *file) == std::vector<std::string>{"17"});
    CHECK(run::parse_writers(said, *device) == std::vector<std::string>{"18"});
    CHECK(run::parse_writers(said, "f 1:1").empty());
    CHECK_FALSE(run::parse_identity("stat: no"));
}

TEST_CASE("a file is copied with its holes, a device whole, both in place") {
    const auto plan = sample();
    const auto file =
        run::rsync_words(plan.images[0], "/a b/vm1.qcow2", "/srv/.it's", {"ssh", "-p", "2"}, "h");
    CHECK(has(file, "--inplace"));
    CHECK(has(file, "--sparse"));
    CHECK(has(file, "--compress"));
    CHECK_FALSE(has(file, "--write-devices"));
    CHECK(has(file, "--rsh=ssh -p 2"));
    CHECK(has(file, "--rsync-path=flock --wait 120 '/srv/.it'\\''s' rsync"));
    CHECK(file.back() == "h:/srv/.it's");
    const auto device = run::rsync_words(plan.images[1], "/dev/vg/one", "/dev/dm-0", {"ssh"}, "h");
    CHECK(has(device, "--write-devices"));
    CHECK_FALSE(has(device, "--sparse"));
    CHECK_FALSE(has(device, "--compress"));
}

TEST_CASE("rsync's progress is heard in pieces") {
    run::rsync_progress progress;
    CHECK_FALSE(progress.hear("\r         32,768"));
    CHECK_FALSE(progress.hear("  0%    0.00kB/s    0:00:00\r"));
    CHECK_FALSE(progress.hear("       1048"));
    CHECK(progress.hear("576  10%    1.00MB/s    0:00:09  \r   20971") == bytes::mib(1));
    CHECK(progress.hear("52  20% 1 0\r 3145728  30% 1 0\r") == bytes::mib(3));
    CHECK_FALSE(progress.hear("sent 5 bytes\n"));
}

TEST_CASE("a broken link is told from what no retry mends") {
    CHECK(run::link_broke(12, "connection unexpectedly closed"));
    CHECK(run::link_broke(255, "Connection reset by peer"));
    CHECK(run::link_broke(30, "timeout in data send/receive"));
    CHECK_FALSE(run::link_broke(11, "write failed: No space left on device (28)"));
    CHECK_FALSE(run::link_broke(12, "write failed: No space left on device (28)"));
    CHECK_FALSE(run::link_broke(255, "Permission denied (publickey)"));
    CHECK_FALSE(run::link_broke(23, "some files were not transferred"));
}
