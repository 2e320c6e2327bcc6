// SPDX-License-Identifier: MIT
#include <kvmig/model/nfs_mount.hpp>
#include <support/catch.hpp>

#include <string>

using namespace kvmig::model;
using Catch::Contains;

namespace {

constexpr const char *mountinfo_text =
    "22 28 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:12 - proc proc rw\n"
    "28 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n"
    "310 28 0:52 / /var/lib/libvirt/images rw,relatime shared:170 - nfs4 nfs:/srv/images rw,"
    "vers=4.2,rsize=524288,wsize=262144,namlen=255,hard,proto=tcp,timeo=600,retrans=2,sec=sys,"
    "clientaddr=192.0.2.11,local_lock=none,addr=192.0.2.13\n"
    "312 28 0:53 / /srv/my\\040isos ro,relatime - nfs 192.0.2.13:/srv/my\\040isos rw,vers=3,"
    "rsize=1048576,wsize=1048576,namlen=255,acregmin=0,acregmax=1,acdirmin=2,acdirmax=3,soft,"
    "nolock,"
    "noac,nocto,proto=udp,timeo=11,retrans=3,sec=krb5p,mountaddr=192.0.2.13,mountvers=3,"
    "mountport=20048,mountproto=udp,local_lock=all,addr=192.0.2.13\n"
    "313 28 0:54 / /v6 rw,relatime shared:1 master:2 propagate_from:3 - nfs4 [2001:db8::1]:/ ro,"
    "vers=4.1,softerr,proto=tcp6,local_lock=flock,addr=2001:db8::1\n";

} // namespace

TEST_CASE("NFS mounts are read from mountinfo, and nothing else") {
    const auto read = parse_nfs_mounts(mountinfo_text);
    REQUIRE(read);
    REQUIRE(read->size() == 3);
    const auto &images = (*read)[0];
    CHECK(images.server == "nfs");
    CHECK(images.path == "/srv/images");
    CHECK(images.source() == "nfs:/srv/images");
    CHECK(images.mountpoint == "/var/lib/libvirt/images");
    CHECK(images.version == "4.2");
    CHECK(images.major() == 4);
    CHECK(images.patience == nfs_patience::hard);
    CHECK_FALSE(images.readonly);
    CHECK_FALSE(images.nolock);
    CHECK(images.local == local_locks::none);
    CHECK(images.proto == "tcp");
    CHECK(images.sec == "sys");
    CHECK(images.addr == "192.0.2.13");
    CHECK(images.rsize == 524288);
    CHECK(images.wsize == 262144);
    CHECK(images.timeo == 600);
    CHECK(images.retrans == 2);
    CHECK_FALSE(images.noac);
    CHECK_FALSE(images.nocto);
    CHECK_FALSE(images.acregmax);

    const auto &isos = (*read)[1];
    CHECK(isos.path == "/srv/my isos");
    CHECK(isos.mountpoint == "/srv/my isos");
    CHECK(isos.major() == 3);
    CHECK(isos.readonly); // by the mount, though the file system is writable
    CHECK(isos.patience == nfs_patience::soft);
    CHECK(isos.nolock);
    CHECK(isos.local == local_locks::all);
    CHECK(isos.noac);
    CHECK(isos.nocto);
    CHECK(isos.proto == "udp");
    CHECK(isos.acregmin == 0U);
    CHECK(isos.acregmax == 1U);
    CHECK(isos.acdirmin == 2U);
    CHECK(isos.acdirmax == 3U);

    const auto &six = (*read)[2];
    CHECK(six.server == "2001:db8::1");
    CHECK(six.path == "/");
    CHECK(six.source() == "[2001:db8::1]:/");
    CHECK(six.readonly); // by the file system
    CHECK(six.patience == nfs_patience::softerr);
    CHECK(six.local == local_locks::flock);
    CHECK(parse_nfs_mounts("")->empty());
}

TEST_CASE("a mount that another covers is not there") {
    const std::string below = "1 0 0:1 / /mnt rw - nfs nfs:/a rw,vers=3\n";
    const std::string above = "2 1 0:2 / /mnt rw - nfs nfs:/b rw,vers=3\n";
    const std::string local = "3 2 0:3 / /mnt rw - tmpfs tmpfs rw\n";
    REQUIRE(parse_nfs_mounts(below + above)->size() == 1);
    CHECK(parse_nfs_mounts(below + above)->at(0).path == "/b");
    CHECK(parse_nfs_mounts(below + above + local)->empty());
    // A slash at the end names the same export.
    CHECK(parse_nfs_mounts("1 0 0:1 / /mnt rw - nfs nfs:/a/ rw\n")->at(0).path == "/a");
    // As an automounter does it.
    CHECK(parse_nfs_mounts("1 0 0:1 / /mnt rw - autofs systemd-1 rw\n" + above)->size() == 1);
}

TEST_CASE("the mount nearest to a file holds it") {
    const auto mounts = parse_nfs_mounts("1 0 0:1 / /srv rw - nfs nfs:/a rw\n"
                                         "2 1 0:2 / /srv/images rw - nfs nfs:/b rw\n"
                                         "3 1 0:2 / /srv/images/x/y rw - nfs nfs:/c rw\n");
    REQUIRE(mounts);
    CHECK(mount_of(*mounts, "/srv/images/vm.qcow2")->path == "/b");
    CHECK(mount_of(*mounts, "/srv/images")->path == "/b");
    CHECK(mount_of(*mounts, "/srv/images2/vm.qcow2")->path == "/a");
    CHECK(mount_of(*mounts, "/var/vm.qcow2") == nullptr);
    CHECK(parse_nfs_mounts("1 0 0:1 / / rw - nfs nfs:/a rw\n")->at(0).holds("/x"));
}

TEST_CASE("a line that is none of mountinfo's is refused, with its place") {
    struct wrong {
        const char *text;
        const char *where;
        const char *what;
    };
    const auto each = GENERATE(
        wrong{"28 1 8:1 / / rw - ext4 x rw\nnfs:/a on /mnt type nfs (rw)\n",
              "line 2, column 29:", "no hyphen"},
        wrong{"28 1 8:1 / / rw shared:1 - ext4 /dev/sda1\n",
              "line 1, column 42:", "type, source and options"},
        wrong{"1 0 0:1 / /mnt rw - nfs nfs rw\n", "line 1, column 25:", "'nfs' does not name"});
    INFO(each.text);
    const auto read = parse_nfs_mounts(each.text);
    REQUIRE_FALSE(read);
    CHECK(read.error().kind == kvmig::error_kind::protocol);
    CHECK_THAT(read.error().what, Contains(each.where));
    CHECK_THAT(read.error().what, Contains(each.what));
    CHECK_THAT(read.error().remedy, Contains("MOUNTPOINT"));
}

TEST_CASE("octal escapes are resolved once, and only whole ones") {
    CHECK(unescape_octal("a\\040b") == "a b");
    CHECK(unescape_octal("\\134040") == "\\040");
    CHECK(unescape_octal("\\04") == "\\04");
    CHECK(unescape_octal("\\048") == "\\048");
    CHECK(unescape_octal("\\400") == "\\400");
    CHECK(unescape_octal("\\303\\266") == "\xC3\xB6");
    CHECK(unescape_octal("\\") == "\\");
    CHECK(escape_octal("/srv/vm images#\"\\") == "/srv/vm\\040images\\043\\042\\134");
    const std::string any = "\t\n\x7F\xC3\xB6 \\040";
    CHECK(unescape_octal(escape_octal(any)) == any);
}
