// SPDX-License-Identifier: MIT
// The rules about NFS: each clear and violated, and what they say to do.
#include <kvmig/model/nfs_exports_text.hpp>
#include <kvmig/precheck/nfs.hpp>
#include <precheck/healthy.hpp>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

using namespace kvmig;
using namespace kvmig::test;
using Catch::Contains;
using precheck::nfs_facts;
using precheck::severity;

namespace {

const std::string good_exports =
    "/srv/images kvm01(rw,sync,no_subtree_check,no_root_squash,fsid=1) "
    "kvm02(rw,sync,no_subtree_check,no_root_squash,fsid=1)\n";
const std::string good_mount =
    "310 28 0:52 / /images rw,relatime - nfs4 nfs:/srv/images rw,vers=4.2,rsize=524288,"
    "wsize=524288,hard,proto=tcp,timeo=600,retrans=2,sec=sys,local_lock=none,addr=192.0.2.13\n";

/// `text` with the first `from` made `to`.
std::string changed(std::string text, const std::string &from, const std::string &to) {
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

nfs_facts facts_of(const std::string &exports, const std::string &here, const std::string &there) {
    nfs_facts out;
    const auto table = model::parse_exports(exports, "/etc/exports");
    REQUIRE(table);
    out.servers = {{"nfs", *table}};
    const auto mine = model::parse_nfs_mounts(here);
    REQUIRE(mine);
    out.source = {"kvm01", *mine};
    const auto theirs = model::parse_nfs_mounts(there);
    REQUIRE(theirs);
    out.destination = {"kvm02", *theirs};
    return out;
}

nfs_facts exporting(const std::string &exports) {
    return facts_of(exports, good_mount, good_mount);
}
nfs_facts mounting(const std::string &here, const std::string &there) {
    return facts_of(good_exports, here, there);
}

/// The only finding; fails where there is none or another.
precheck::finding only(const nfs_facts &f) {
    const auto found = precheck::findings_of(f);
    std::string ids;
    for (const auto &each : found) ids += each.id + " " + each.seen + "\n";
    INFO(ids);
    REQUIRE(found.size() == 1);
    return found.front();
}

std::optional<precheck::finding> of(const nfs_facts &f, const std::string &id) {
    for (auto &each : precheck::findings_of(f)) {
        if (each.id == id) return each;
    }
    return std::nullopt;
}

struct hazard {
    const char *text; ///< a line of exports, or options of a mount
    const char *id;
    std::optional<severity> how; ///< nothing: the rule is silent
};

} // namespace

TEST_CASE("nothing is said of a sound store, nor of one nobody asked about") {
    nfs_facts f = mounting(good_mount, good_mount);
    CHECK(precheck::check_nfs(f).findings.empty());
    CHECK(precheck::check_nfs(f).verdict == precheck::verdict::clear);
    f.images = {"/images/vm1.qcow2"};
    f.user = precheck::image_user{64055, 64055};
    CHECK(precheck::findings_of(f).empty());
    CHECK(precheck::findings_of({}).empty());
}

TEST_CASE("hazards of exports") {
    const auto each = GENERATE(
        hazard{"/a kvm01(rw,async)", "KVM-STO-101", warns},
        hazard{"/a kvm01(ro,async)", "KVM-STO-101", std::nullopt},
        hazard{"/a kvm01(rw,sync)", "KVM-STO-101", std::nullopt},

        hazard{"/a 192.0.2.0/24(rw,no_root_squash)", "KVM-STO-102", warns},
        hazard{"/a *(rw,no_root_squash)", "KVM-STO-102", warns},
        hazard{"/a @hosts(rw,no_root_squash)", "KVM-STO-102", warns},
        hazard{"/a *.example.org(rw,no_root_squash)", "KVM-STO-102", warns},
        hazard{"/a 192.0.2.0/24(ro,no_root_squash)", "KVM-STO-102", info},
        hazard{"/a 192.0.2.7/32(rw,no_root_squash)", "KVM-STO-102", std::nullopt},
        hazard{"/a 192.0.2.0/24(rw,no_root_squash,all_squash)", "KVM-STO-102", std::nullopt},
        hazard{"/a 192.0.2.0/24(rw)", "KVM-STO-102", std::nullopt},

        hazard{"/a *(rw)", "KVM-STO-103", warns}, hazard{"/a *(ro)", "KVM-STO-103", info},
        hazard{"/a (rw)", "KVM-STO-103", warns}, hazard{"/a", "KVM-STO-103", info},
        hazard{"/a *(rw,sec=krb5p:sys)", "KVM-STO-103", warns},
        hazard{"/a *(sec=krb5p,rw)", "KVM-STO-103", info},
        hazard{"/a *.example.org(rw)", "KVM-STO-103", std::nullopt},
        hazard{"/a kvm01 (rw)", "KVM-STO-103", std::nullopt}, // 104 says it

        hazard{"/a kvm01 (rw)", "KVM-STO-104", warns}, hazard{"/a(rw)", "KVM-STO-104", warns},
        hazard{"/a(rw) kvm01(rw)", "KVM-STO-104", warns},
        hazard{"/a kvm01(rw)", "KVM-STO-104", std::nullopt},
        hazard{"/a *(ro) kvm01(rw)", "KVM-STO-104", std::nullopt},
        hazard{"/a kvm01(rw)\n/a", "KVM-STO-104", std::nullopt},
        hazard{"/old(b)/a kvm01(rw)", "KVM-STO-104", std::nullopt},

        hazard{"/a kvm01(ro)", "KVM-STO-105", warns}, hazard{"/a kvm01", "KVM-STO-105", warns},
        hazard{"/a *(ro) kvm01(rw)", "KVM-STO-105", info},
        hazard{"/a kvm01(rw)", "KVM-STO-105", std::nullopt},

        hazard{"/a kvm01(rw)", "KVM-STO-106", info},
        hazard{"/a kvm01(rw,all_squash)", "KVM-STO-106", warns},
        hazard{"/a kvm01(ro)", "KVM-STO-106", std::nullopt},
        hazard{"/a kvm01(rw,no_root_squash)", "KVM-STO-106", std::nullopt},

        hazard{"/a kvm01(rw)", "KVM-STO-107", info},
        hazard{"/a kvm01(rw,fsid=0) kvm02(rw)", "KVM-STO-107", info},
        hazard{"/a kvm01(rw,fsid=0)", "KVM-STO-107", std::nullopt},

        hazard{"/a kvm01(fsid=1)\n/b kvm01(fsid=1)", "KVM-STO-108", warns},
        hazard{"/a kvm01(fsid=0)\n/b kvm01(fsid=root)", "KVM-STO-108", warns},
        hazard{"/a kvm01(fsid=1) kvm02(fsid=1)\n/b kvm01(fsid=2)", "KVM-STO-108", std::nullopt},
        hazard{"/a kvm01\n/b kvm01", "KVM-STO-108", std::nullopt},

        hazard{"/a @hosts(rw,insecure)", "KVM-STO-109", warns},
        hazard{"/a kvm01(rw,insecure)", "KVM-STO-109", info},
        hazard{"/a @hosts(ro,insecure)", "KVM-STO-109", info},
        hazard{"/a @hosts(insecure,sec=krb5,rw)", "KVM-STO-109", std::nullopt},
        hazard{"/a @hosts(rw,secure)", "KVM-STO-109", std::nullopt},

        hazard{"/a kvm01(rw,subtree_check)", "KVM-STO-110", warns},
        hazard{"/a kvm01(ro,subtree_check)", "KVM-STO-110", std::nullopt},
        hazard{"/a kvm01(rw,no_subtree_check)", "KVM-STO-110", std::nullopt});
    INFO(each.text << ": " << each.id);
    const auto found = of(exporting(each.text), each.id);
    REQUIRE(found.has_value() == each.how.has_value());
    if (!found) return;
    CHECK(found->how == *each.how);
    CHECK(found->host == "nfs");
    CHECK_FALSE(found->remedy.empty());
}

TEST_CASE("hazards of one mount") {
    const auto each =
        GENERATE(hazard{"ro,vers=4.2,hard", "KVM-STO-111", warns},
                 hazard{"rw,vers=4.2,hard", "KVM-STO-111", std::nullopt},
                 hazard{"rw,vers=4.2,soft", "KVM-STO-112", warns},
                 hazard{"rw,vers=4.2,softerr", "KVM-STO-112", warns},
                 hazard{"rw,vers=4.2,hard", "KVM-STO-112", std::nullopt},
                 hazard{"rw,vers=3,hard,nolock,local_lock=all", "KVM-STO-113", warns},
                 hazard{"rw,vers=3,hard,local_lock=posix", "KVM-STO-113", warns},
                 hazard{"rw,vers=3,hard,local_lock=flock", "KVM-STO-113", info},
                 hazard{"rw,vers=3,hard,local_lock=none", "KVM-STO-113", std::nullopt},
                 hazard{"rw,vers=4.2,hard,local_lock=none", "KVM-STO-113", std::nullopt},
                 hazard{"rw,vers=3,hard,nocto", "KVM-STO-118", warns},
                 hazard{"rw,vers=4.2,hard,nocto", "KVM-STO-118", info},
                 hazard{"rw,vers=4.2,hard,noac,acregmin=0,acregmax=0,acdirmin=0,acdirmax=0",
                        "KVM-STO-118", info},
                 hazard{"rw,vers=4.2,hard,acregmax=61", "KVM-STO-118", info},
                 hazard{"rw,vers=4.2,hard,acdirmin=3600,acdirmax=3600", "KVM-STO-118", info},
                 hazard{"rw,vers=4.2,hard,acregmin=0,acregmax=60", "KVM-STO-118", std::nullopt},
                 hazard{"rw,vers=3,hard,proto=udp", "KVM-STO-119", warns},
                 hazard{"rw,vers=3,hard,proto=udp6", "KVM-STO-119", warns},
                 hazard{"rw,vers=3,hard,proto=rdma", "KVM-STO-119", std::nullopt});
    INFO(each.text << ": " << each.id);
    const std::string line = "1 0 0:1 / /images rw - nfs nfs:/srv/images " + std::string(each.text);
    const auto here = of(mounting(line, good_mount), each.id);
    REQUIRE(here.has_value() == each.how.has_value());
    const auto there = of(mounting(good_mount, line), each.id);
    REQUIRE(there.has_value() == each.how.has_value());
    if (!here) return;
    CHECK(here->how == *each.how);
    CHECK(here->host == "kvm01");
    CHECK(there->how == *each.how);
    CHECK(there->host == "kvm02");
    CHECK_THAT(there->seen, Contains("nfs:/srv/images at '/images'"));
    REQUIRE(there->remedy.size() == 1);
    CHECK_THAT(there->remedy[0], Contains("ssh kvm02 "));
    CHECK_THAT(there->remedy[0], Contains("/images"));
}

TEST_CASE("hazards of two mounts that do not go together") {
    struct pair {
        const char *here; ///< mount point, type, source and options
        const char *there;
        const char *id;
        std::optional<severity> how;
    };
    const auto each = GENERATE(
        pair{"/i nfs nfs:/s vers=3", "/i nfs4 nfs:/s vers=4.2", "KVM-STO-114", warns},
        pair{"/i nfs4 nfs:/s vers=4.1", "/i nfs4 nfs:/s vers=4.2", "KVM-STO-114", info},
        pair{"/i nfs4 nfs:/s vers=4.2", "/i nfs4 nfs:/s vers=4.2", "KVM-STO-114", std::nullopt},
        pair{"/i nfs nfs:/s vers=3", "/j nfs4 nfs:/other vers=4.2", "KVM-STO-114", std::nullopt},

        pair{"/i nfs nfs:/s vers=3", "/j nfs nfs:/s vers=3", "KVM-STO-115", warns},
        pair{"/i nfs nfs:/s vers=3", "/i nfs nfs:/s vers=3", "KVM-STO-115", std::nullopt},
        pair{"/i nfs nfs:/s vers=3", "/j nfs nfs:/other vers=3", "KVM-STO-115", std::nullopt},

        pair{"/i nfs nfs:/s vers=3", "/i nfs nfs:/other vers=3", "KVM-STO-116", blocks},
        pair{"/i nfs a:/s vers=3,addr=::7", "/i nfs b:/other vers=3,addr=::7", "KVM-STO-116",
             blocks},
        pair{"/i nfs nfs:/s vers=3", "/i nfs4 nfs:/ vers=4.2", "KVM-STO-116", unknown},
        pair{"/i nfs a:/s vers=3,addr=::7", "/i nfs b:/s vers=3,addr=::8", "KVM-STO-116", unknown},
        pair{"/i nfs a:/s vers=3", "/i nfs b:/s vers=3", "KVM-STO-116", unknown},
        pair{"/i nfs a:/s vers=3,addr=::7", "/i nfs b:/s vers=3,addr=::7", "KVM-STO-116",
             std::nullopt},
        pair{"/i nfs nfs:/s vers=3", "/j nfs nfs:/other vers=3", "KVM-STO-116", std::nullopt},

        pair{"/i nfs nfs:/s addr=::7", "/i nfs nfs:/s addr=::8", "KVM-STO-117", unknown},
        pair{"/i nfs localhost:/s addr=::1", "/i nfs localhost:/s addr=::1", "KVM-STO-117",
             unknown},
        pair{"/i nfs nfs:/s addr=::7", "/i nfs nfs:/s addr=::7", "KVM-STO-117", std::nullopt},
        pair{"/i nfs nfs:/s vers=3", "/i nfs nfs:/s addr=::7", "KVM-STO-117", std::nullopt},

        pair{"/i nfs nfs:/s ro", "/i nfs nfs:/s ro", "KVM-STO-111", info});
    INFO(each.here << " and " << each.there << ": " << each.id);
    const auto line = [](const std::string &text) {
        const auto space = text.find(' ');
        return "1 0 0:1 / " + text.substr(0, space) + " rw -" + text.substr(space);
    };
    const auto found = of(mounting(line(each.here), line(each.there)), each.id);
    REQUIRE(found.has_value() == each.how.has_value());
    if (!found) return;
    CHECK(found->how == *each.how);
    CHECK_FALSE(found->remedy.empty());
    // Whoever is asked first, what is said is as bad.
    const auto turned = of(mounting(line(each.there), line(each.here)), each.id);
    REQUIRE(turned);
    CHECK(turned->how == *each.how);
}

TEST_CASE("a space before the brackets is told with its line, and how to undo it") {
    const auto found =
        of(exporting("# vm\n/srv/images kvm01 (rw,no_root_squash)\n"), "KVM-STO-104");
    REQUIRE(found);
    CHECK(found->seen ==
          "white space stands before '(' after 'kvm01' (/etc/exports, line 2): 'kvm01' has other "
          "options, and '/srv/images' is exported to everybody for writing");
    const std::string options = "sync,no_subtree_check,rw,secure,no_root_squash,no_all_squash";
    CHECK(found->remedy ==
          std::vector<std::string>{
              "ssh nfs 'exportfs -i -o " + options + " kvm01:/srv/images'",
              "ssh nfs 'exportfs -u '\\''*:/srv/images'\\'''",
              "ssh nfs 'exportfs -ra' # once /etc/exports has: '/srv/images kvm01(" + options +
                  ")'"});
}

TEST_CASE("a remedy keeps what was not wrong") {
    const auto async = only(exporting("/srv/images 2001:db8::7(rw,async,no_subtree_check,"
                                      "no_root_squash,fsid=9,crossmnt)"));
    CHECK(async.id == "KVM-STO-101");
    CHECK(async.seen ==
          "'/srv/images' is exported to '2001:db8::7' (/etc/exports, line 1) with async");
    REQUIRE(async.remedy.size() == 2);
    CHECK(async.remedy[0] ==
          "ssh nfs 'exportfs -i -o sync,crossmnt,no_subtree_check,fsid=9,rw,secure,no_root_squash,"
          "no_all_squash '\\''[2001:db8::7]:/srv/images'\\'''");

    const auto soft = only(
        mounting(changed(changed(good_mount, "hard", "soft"), "sec=sys", "sec=krb5p"), good_mount));
    CHECK(soft.id == "KVM-STO-112");
    CHECK(soft.seen ==
          "nfs:/srv/images at '/images' is mounted soft, with timeo=600 and retrans=2");
    CHECK(soft.remedy == std::vector<std::string>{
                             "ssh kvm01 'umount /images && mount -t nfs -o vers=4.2,sec=krb5p,hard "
                             "nfs:/srv/images /images' # once no guest there uses it; and so in "
                             "/etc/fstab"});

    // The host with the older version is brought up, whichever it is.
    const std::string old = changed(good_mount, "vers=4.2", "vers=3");
    CHECK_THAT(only(mounting(old, good_mount)).remedy.at(0),
               Contains("ssh kvm01 ") && Contains("vers=4.2,hard"));
    CHECK_THAT(only(mounting(good_mount, old)).remedy.at(0),
               Contains("ssh kvm02 ") && Contains("vers=4.2,hard"));
}

TEST_CASE("paths from a server do not become commands") {
    const auto found =
        of(exporting("\"/srv/$(reboot) ';x\" *(rw,fsid=1,no_subtree_check,no_root_squash)"),
           "KVM-STO-103");
    REQUIRE(found);
    for (const std::string &command : found->remedy) {
        INFO(command);
        CHECK(command.find('\n') == std::string::npos);
        // All but the comment is within single quotes.
        std::string bare;
        bool quoted = false;
        for (std::size_t i = 0; i < command.size(); ++i) {
            if (command[i] == '\'')
                quoted = !quoted;
            else if (!quoted && command[i] == '\\')
                ++i;
            else if (!quoted)
                bare += command[i];
        }
        CHECK_FALSE(quoted);
        CHECK(bare.find('$') == std::string::npos);
        CHECK(bare.find(';') == std::string::npos);
    }
}

TEST_CASE("squashing matters by who runs the guest") {
    const std::string squash = "/a kvm01(rw,fsid=1)";
    const std::string all = "/a kvm01(rw,fsid=1,all_squash,anonuid=64055,anongid=64055)";
    nfs_facts f = exporting(squash);
    CHECK(only(f).how == info);
    f.user = precheck::image_user{64055, 64055};
    CHECK(only(f).how == warns);
    CHECK_THAT(only(f).seen, Contains("root of a client counts as 65534:65534, and QEMU runs as "
                                      "64055:64055"));
    CHECK_THAT(only(f).remedy.at(0), Contains("chown 64055:64055 /a/IMAGE"));
    f.user->dynamic_ownership = false;
    CHECK(precheck::findings_of(f).empty());

    f = exporting(all);
    CHECK(only(f).how == warns);
    f.user = precheck::image_user{64055, 64055};
    CHECK(precheck::findings_of(f).empty());
    f.user->uid = 107;
    CHECK(only(f).how == warns);
    CHECK_THAT(only(f).remedy.at(1), Contains("anonuid=107,anongid=64055"));
}

TEST_CASE("each export is given a number that no other has") {
    // Another client of the path has one already: there are not two.
    const auto half = of(exporting("/a kvm01(rw,fsid=7) kvm02(rw)"), "KVM-STO-107");
    REQUIRE(half);
    CHECK_THAT(half->remedy.at(0), Contains("fsid=7,") && Contains("kvm02:/a"));

    const auto f = exporting("/a kvm01(rw,no_root_squash)\n/b kvm01(rw,no_root_squash,fsid=2)\n"
                             "/c kvm01(rw,no_root_squash) kvm02(rw,no_root_squash)");
    std::vector<precheck::finding> found;
    for (auto &each : precheck::findings_of(f)) {
        if (each.id == "KVM-STO-107") found.push_back(each);
    }
    REQUIRE(found.size() == 2);
    CHECK_THAT(found[0].remedy.at(0), Contains("fsid=1,"));
    // Both clients of the path by the same number.
    REQUIRE(found[1].remedy.size() == 4);
    CHECK_THAT(found[1].remedy[0], Contains("fsid=3,") && Contains("kvm01:/c"));
    CHECK_THAT(found[1].remedy[2], Contains("fsid=3,") && Contains("kvm02:/c"));
}

TEST_CASE("where images are named, only their mounts are judged") {
    const std::string home = "9 0 0:9 / /home rw - nfs nfs:/home rw,vers=3,soft,proto=udp\n";
    nfs_facts f = mounting(good_mount + home, good_mount);
    CHECK(of(f, "KVM-STO-112"));
    f.images = {"/images/vm1.qcow2", "/images/vm2.qcow2"};
    CHECK(precheck::findings_of(f).empty());
    f.images.emplace_back("/home/vm3.qcow2");
    CHECK(of(f, "KVM-STO-112"));
    const auto one_side = of(f, "KVM-STO-120");
    REQUIRE(one_side);
    CHECK(one_side->how == unknown);
    CHECK(one_side->host == "kvm02");

    // An image must be written to; a mount that nobody named may be for reading.
    const std::string readonly = changed(good_mount, "rw,vers", "ro,vers");
    f = mounting(good_mount, readonly);
    CHECK(only(f).id == "KVM-STO-111");
    CHECK(only(f).how == warns);
    f.images = {"/images/vm1.qcow2"};
    CHECK(only(f).how == blocks);
    CHECK(only(f).remedy == std::vector<std::string>{"ssh kvm02 'mount -o remount,rw /images'"});
    f = mounting(good_mount, "");
    CHECK(precheck::findings_of(f).empty());
    f.images = {"/images/vm1.qcow2"};
    CHECK(only(f).id == "KVM-STO-120");
    // On neither host: nothing about NFS.
    f.images = {"/var/vm1.qcow2"};
    CHECK(precheck::findings_of(f).empty());
}

TEST_CASE("a store elsewhere on the destination is found though no image is there") {
    nfs_facts f = mounting(good_mount, changed(good_mount, " /images ", " /srv/vm "));
    f.images = {"/images/vm1.qcow2"};
    const auto found = of(f, "KVM-STO-115");
    REQUIRE(found);
    CHECK(found->seen == "nfs:/srv/images is mounted at '/srv/vm' there, at '/images' on kvm01");
    CHECK(found->remedy ==
          std::vector<std::string>{"ssh kvm02 'mkdir -p /images && mount -t nfs -o vers=4.2,hard "
                                   "nfs:/srv/images /images'"});
}

TEST_CASE("kvmig check says the same where it was told of NFS, and nothing otherwise") {
    auto all = healthy();
    CHECK(test::check(all).findings.empty());
    all.nfs = mounting(good_mount, good_mount);
    CHECK(test::check(all).findings.empty());
    all.nfs = mounting(changed(good_mount, "hard", "soft"), changed(good_mount, ":/srv", ":/x"));
    const auto report = test::check(all);
    CHECK(report.verdict == precheck::verdict::blocked);
    CHECK(report.findings == precheck::findings_of(*all.nfs));
    CHECK(precheck::check_nfs(*all.nfs, {"KVM-STO-116"}).verdict == precheck::verdict::warns);
    CHECK(precheck::check_ignored({"KVM-STO-116"}));
}

TEST_CASE("no fact about NFS can be lost without a word") {
    auto all = healthy();
    all.nfs = mounting(good_mount, good_mount);
    std::size_t lost = 0;
    for (const std::string host : {"nfs", "kvm01", "kvm02"}) {
        auto f = all;
        std::size_t number = 0;
        precheck::for_each_fact(f, [&](const std::string &what, auto &fact) {
            if (what.starts_with("nfs_") && number++ == lost) forget(fact);
        });
        REQUIRE(number == 3);
        ++lost;
        const auto found = only(*f.nfs);
        CHECK(found.id == "KVM-STO-121");
        CHECK(found.how == unknown);
        CHECK(found.host == host);
        CHECK_THAT(found.seen, Contains("not known: the daemon is silent"));
        CHECK(test::check(f).verdict == precheck::verdict::unknown);
    }
}

TEST_CASE("the rules about NFS are the prechecks' own, numbered in a row") {
    std::set<std::string_view> ids;
    for (const auto &each : precheck::nfs_rules_table) ids.insert(each.id);
    CHECK(ids.size() == 21);
    CHECK(*ids.begin() == "KVM-STO-101");
    CHECK(*ids.rbegin() == "KVM-STO-121");
}
