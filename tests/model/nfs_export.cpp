// SPDX-License-Identifier: MIT
// Texts of exports: those told by a server are what exportfs and /var/lib/nfs/etab of nfs-utils
// 2.6.2 said of the first of them.
#include <kvmig/model/nfs_exportfs.hpp>
#include <kvmig/model/nfs_exports_text.hpp>
#include <support/catch.hpp>

#include <string>
#include <vector>

using namespace kvmig::model;
using Catch::Contains;
using kvmig::error_kind;

namespace {

constexpr const char *written = R"(# comment
/srv/images 192.0.2.0/24(rw,sync,no_subtree_check) *.example.org(ro,no_subtree_check) @hosts(rw,async,no_root_squash,no_subtree_check,fsid=7)
"/srv/vm images" 192.0.2.1 (rw,no_subtree_check)
/srv/\040octal \
    -ro,no_subtree_check 192.0.2.2 192.0.2.3(rw) # trailing
/short 10.0.0.0/255.255.255.0(sec=krb5:krb5i,rw,sec=sys,ro,all_squash,anonuid=64055,anongid=64055,no_subtree_check,crossmnt,insecure,no_acl,mp=/short)
/srv/glued(rw,no_subtree_check)
/world
/v6 2001:db8::/32(rw,no_subtree_check,fsid=0)
)";

constexpr const char *etab =
    "/srv/\\040octal\t192.0.2.2(ro,sync,wdelay,hide,nocrossmnt,secure,root_squash,no_all_squash,"
    "no_subtree_check,secure_locks,acl,no_pnfs,anonuid=65534,anongid=65534,sec=sys,ro,root_squash,"
    "no_all_squash)\n"
    "/srv/\\040octal\t192.0.2.3(rw,sync,wdelay,hide,nocrossmnt,secure,root_squash,no_all_squash,"
    "no_subtree_check,secure_locks,acl,no_pnfs,anonuid=65534,anongid=65534,sec=sys,rw,root_squash,"
    "no_all_squash)\n"
    "/srv/images\t@hosts(rw,async,wdelay,hide,nocrossmnt,secure,no_root_squash,no_all_squash,"
    "no_subtree_check,secure_locks,acl,no_pnfs,fsid=7,anonuid=65534,anongid=65534,sec=sys,rw,"
    "no_root_squash,no_all_squash)\n"
    "/world\t(ro,sync,wdelay,hide,nocrossmnt,secure,root_squash,no_all_squash,no_subtree_check,"
    "secure_locks,acl,no_pnfs,anonuid=65534,anongid=65534,sec=sys,ro,root_squash,no_all_squash)\n"
    "/short\t10.0.0.0/255.255.255.0(ro,sync,wdelay,hide,crossmnt,insecure,root_squash,all_squash,"
    "no_subtree_check,secure_locks,no_acl,no_pnfs,mountpoint=/short,anonuid=64055,anongid=64055,"
    "sec=krb5:krb5i,rw,root_squash,no_all_squash,sec=sys,ro,root_squash,all_squash)\n";

constexpr const char *verbose =
    "/srv/vm images\t192.0.2.1(sync,wdelay,hide,no_subtree_check,sec=sys,ro,root_squash,"
    "no_all_squash)\n"
    "/srv/ octal   \t192.0.2.3(sync,wdelay,hide,no_subtree_check,sec=sys,rw,root_squash,"
    "no_all_squash)\n"
    "/short        \t10.0.0.0/255.255.255.0(sync,wdelay,hide,crossmnt,no_subtree_check,no_acl,"
    "mountpoint=/short,anonuid=64055,anongid=64055,sec=krb5:krb5i,rw,root_squash,no_all_squash,"
    "sec=sys,ro,root_squash,all_squash)\n"
    "/srv/images   \t@hosts(async,wdelay,hide,no_subtree_check,fsid=7,sec=sys,rw,no_root_squash,"
    "no_all_squash)\n"
    "/srv/vm images\t<world>(sync,wdelay,hide,no_subtree_check,sec=sys,rw,root_squash,"
    "no_all_squash)\n"
    "/srv/glued(rw,no_subtree_check)\n"
    "\t\t<world>(sync,wdelay,hide,no_subtree_check,sec=sys,ro,root_squash,no_all_squash)\n";

constexpr const char *as_file =
    "/srv/vm\\040images  192.0.2.1(sync,wdelay,hide,no_subtree_check,sec=sys,ro,root_squash,"
    "no_all_squash)\n"
    "/srv/images  @hosts(async,wdelay,hide,no_subtree_check,fsid=7,sec=sys,rw,no_root_squash,"
    "no_all_squash)\n"
    "/srv/vm\\040images  *(sync,wdelay,hide,no_subtree_check,sec=sys,rw,root_squash,"
    "no_all_squash)\n"
    "/srv/glued(rw,no_subtree_check)  *(sync,wdelay,hide,no_subtree_check,sec=sys,ro,root_squash,"
    "no_all_squash)\n";

const nfs_export &of(const std::vector<nfs_export> &exports, const std::string &path) {
    for (const auto &each : exports) {
        if (each.path == path) return each;
    }
    FAIL("no export of " << path);
    return exports.front();
}

export_options options(const char *list) {
    option_list out;
    REQUIRE_FALSE(out.read(list, unknown_option::fault));
    return out.options();
}

/// No nfsd ran, which would have told that it knows `insecure` for each flavor.
export_options without_ports(export_options of) {
    for (auto &each : of.access) each.secure = true;
    return of;
}

} // namespace

TEST_CASE("/etc/exports is read as nfs-utils reads it") {
    const auto read = parse_exports(written, "/etc/exports");
    REQUIRE(read);
    REQUIRE(read->size() == 7);

    const auto &images = of(*read, "/srv/images");
    CHECK(images.file == "/etc/exports");
    REQUIRE(images.clients.size() == 3);
    CHECK(images.clients[0] == export_client{"192.0.2.0/24", client_kind::network,
                                             options("rw,sync,no_subtree_check"), 2});
    CHECK(images.clients[1].name == "*.example.org");
    CHECK(images.clients[1].kind == client_kind::wildcard);
    CHECK_FALSE(images.clients[1].options.writable());
    CHECK(images.clients[2].kind == client_kind::netgroup);
    CHECK(images.clients[2].options == options("rw,async,no_root_squash,fsid=7"));

    // The space makes two clients of one: the host by defaults, and everybody with `rw`.
    const auto &quoted = of(*read, "/srv/vm images");
    REQUIRE(quoted.clients.size() == 2);
    CHECK(quoted.clients[0].name == "192.0.2.1");
    CHECK(quoted.clients[0].options == export_options{});
    CHECK(quoted.clients[1].name == "*");
    CHECK(quoted.clients[1].apart);
    CHECK_FALSE(quoted.clients[0].apart);
    CHECK(quoted.clients[1].kind == client_kind::everyone);
    CHECK(quoted.clients[1].options.writable());
    CHECK(quoted.clients[1].line == 3);

    const auto &octal = of(*read, "/srv/ octal");
    REQUIRE(octal.clients.size() == 2);
    CHECK_FALSE(octal.clients[0].options.writable());
    CHECK(octal.clients[1].options.writable());
    CHECK(octal.clients[1].line == 5);

    const auto access = of(*read, "/short").clients.at(0).options.access;
    REQUIRE(access.size() == 3);
    CHECK(access[0].rw);
    CHECK_FALSE(access[2].rw);
    CHECK(of(*read, "/short").clients[0].options.mountpoint == "/short");

    const auto &world = of(*read, "/world");
    REQUIRE(world.clients.size() == 1);
    CHECK(world.clients[0].name == "*");
    CHECK_FALSE(world.clients[0].apart);
    CHECK(world.clients[0].line == 8);
    CHECK(of(*read, "/srv/glued(rw,no_subtree_check)").clients.size() == 1);
    CHECK(of(*read, "/v6").clients.at(0).kind == client_kind::network);
}

TEST_CASE("the server's own tables and the file it read agree") {
    const auto file = parse_exports(written, "/etc/exports");
    REQUIRE(file);
    const auto same = [&](const kvmig::expected<std::vector<nfs_export>> &told) {
        REQUIRE(told);
        for (const auto &each : *told) {
            CHECK(each.file.empty());
            for (const auto &client : each.clients) {
                INFO(each.path << " " << client.name);
                CHECK(client.line == 0);
                bool found = false;
                for (const auto &known : of(*file, each.path).clients) {
                    if (known.name != client.name) continue;
                    found = true;
                    CHECK(without_ports(client.options) == without_ports(known.options));
                    CHECK(client.kind == known.kind);
                }
                CHECK(found);
            }
        }
    };
    same(parse_etab(etab));
    same(parse_exportfs(verbose, exportfs_form::verbose));
    same(parse_exportfs(as_file, exportfs_form::file));
    CHECK(parse_exportfs(verbose, exportfs_form::verbose)->size() == 5);
    CHECK(parse_exportfs(as_file, exportfs_form::file)->size() == 3);
    CHECK(parse_etab(etab)->size() == 4);
}

TEST_CASE("the output of exportfs has the port with the flavor where the kernel can tell them") {
    // A running server of Debian 12; nfs-utils 1.3 told `rw` first.
    const auto *const text = GENERATE(
        "/srv/images   \t192.0.2.0/24(sync,wdelay,hide,no_subtree_check,fsid=1,sec=sys,rw,"
        "insecure,no_root_squash,no_all_squash)\r\n",
        "/srv/images\n\t\t192.0.2.0/24(rw,sync,wdelay,hide,no_subtree_check,fsid=1,sec=sys,"
        "insecure,no_root_squash,no_all_squash)\n\n");
    const auto read = parse_exportfs(text, exportfs_form::verbose);
    REQUIRE(read);
    CHECK(of(*read, "/srv/images").clients.at(0).options ==
          options("rw,no_root_squash,insecure,fsid=1"));
    CHECK(parse_exportfs("", exportfs_form::verbose)->empty());
}

TEST_CASE("clients are hosts, networks, patterns, groups or everybody") {
    CHECK(kind_of_client("*") == client_kind::everyone);
    CHECK(kind_of_client("") == client_kind::everyone);
    CHECK(kind_of_client("0.0.0.0/0") == client_kind::everyone);
    CHECK(kind_of_client("::/0") == client_kind::everyone);
    CHECK(kind_of_client("0.0.0.0/0.0.0.0") == client_kind::everyone);
    CHECK(kind_of_client("192.0.2.7/32") == client_kind::host);
    CHECK(kind_of_client("192.0.2.7/255.255.255.255") == client_kind::host);
    CHECK(kind_of_client("2001:db8::7/128") == client_kind::host);
    CHECK(kind_of_client("2001:db8::/32") == client_kind::network);
    CHECK(kind_of_client("192.0.2.0/24") == client_kind::network);
    CHECK(kind_of_client("kvm01") == client_kind::host);
    CHECK(kind_of_client("2001:db8::7") == client_kind::host);
    CHECK(kind_of_client("kvm?.example") == client_kind::wildcard);
    CHECK(kind_of_client("kvm[12]") == client_kind::wildcard);
    CHECK(kind_of_client("@kvm") == client_kind::netgroup);
    CHECK(kind_of_client("gss/krb5i") == client_kind::gss);
}

TEST_CASE("an error in /etc/exports names line, column and what would be right") {
    struct wrong {
        const char *text;
        const char *where;
        const char *what;
        const char *remedy;
    };
    const auto each = GENERATE(
        wrong{"/a kvm01(rw)\n\n/b kvm02(rw,no_sutree_check)",
              "line 3, column 13:", "'no_sutree_check' is no option", "write no_subtree_check"},
        wrong{"/a kvm01(rw, sync)", "line 1, column 9:", "not closed in the same word",
              "kvm01(rw,sync)"},
        wrong{"/a kvm01(rw)kvm02(rw)", "line 1, column 13:", "'kvm02(rw)' stands right after",
              "put a space"},
        wrong{"srv kvm01(rw)", "line 1, column 1:", "'srv' is no absolute path", "/srv/images"},
        wrong{"# x\n\"/srv/vm images kvm01(rw)\n/b *(ro)", "line 2, column 1:", "a quote is opened",
              "close it"},
        wrong{"/a \\\n  -rw,fsid kvm01", "line 2, column 7:", "'fsid' has no value", "fsid=1"},
        wrong{"/a \"kvm 01\"(x)", "line 1, column 13:", "'x' is no option", "exports(5)"},
        wrong{"\"\"", "line 1, column 3:", "'' is no absolute path", "/srv/images"});
    const auto read = parse_exports(each.text, "/etc/exports.d/vm.exports");
    REQUIRE_FALSE(read);
    CHECK(read.error().kind == error_kind::invalid_argument);
    CHECK(read.error().object == "/etc/exports.d/vm.exports");
    CHECK_THAT(read.error().what,
               Contains("cannot read /etc/exports.d/vm.exports, " + std::string(each.where)));
    CHECK_THAT(read.error().what, Contains(each.what));
    CHECK_THAT(read.error().remedy, Contains(each.remedy));
}

TEST_CASE("comments, empty lines and continuations") {
    const auto read = parse_exports("\n  # all\n\t\n/a \\\n\tb(rw) # c(rw) \\\n/d e#f\r\n", "x");
    REQUIRE(read);
    REQUIRE(read->size() == 2);
    CHECK((*read)[0].clients.size() == 1);
    CHECK((*read)[0].clients[0].line == 5);
    CHECK((*read)[1].path == "/d");
    // A sign within a word begins no comment.
    CHECK((*read)[1].clients.at(0).name == "e#f");
    CHECK((*read)[1].clients[0].line == 6);
    CHECK(parse_exports("", "x")->empty());
    CHECK(parse_exports("# only\n", "x")->empty());
}

TEST_CASE("default options hold for the clients after them on their line") {
    const auto read = parse_exports("/srv/www -sync,rw server @trusted -async @external(ro)\n"
                                    "/foo x",
                                    "x");
    REQUIRE(read);
    const auto &clients = (*read)[0].clients;
    REQUIRE(clients.size() == 3);
    CHECK(clients[0].options == options("rw"));
    CHECK(clients[1].options == options("rw"));
    CHECK(clients[2].options == options("async,ro"));
    CHECK((*read)[1].clients.at(0).options == export_options{});
    CHECK(parse_exports("/a -rw", "x")->at(0).clients.at(0).options.writable());
}

TEST_CASE("what exportfs did not tell is refused, with the place") {
    struct wrong {
        const char *text;
        exportfs_form form;
        const char *where;
        const char *what;
    };
    const auto each = GENERATE(
        wrong{"/srv/images   \tkvm01\n", exportfs_form::verbose, "exportfs -v told, line 1,",
              "no client with options"},
        wrong{"/srv/a/long/path\n", exportfs_form::verbose, "line 1,",
              "no client follows the path"},
        wrong{"\t\tkvm01(sync)\n", exportfs_form::verbose, "line 1, column 1:", "no absolute path"},
        wrong{"/a/long/path/of/it\n/b\tkvm01(sync)\n", exportfs_form::verbose, "line 2,",
              "no absolute path"},
        wrong{"exportfs: could not open /etc/exports\n", exportfs_form::file,
              "exportfs -s told, line 1, column 1:", "no absolute path"},
        wrong{"/a\n", exportfs_form::file, "line 1,", "no client with options"},
        wrong{"/a  kvm01(sync,fsid)\n", exportfs_form::file,
              "line 1, column 16:", "'fsid' has no value"});
    INFO(each.text);
    const auto read = parse_exportfs(each.text, each.form);
    REQUIRE_FALSE(read);
    CHECK(read.error().kind == error_kind::protocol);
    CHECK_THAT(read.error().what, Contains(each.where));
    CHECK_THAT(read.error().what, Contains(each.what));
    CHECK_FALSE(read.error().remedy.empty());
}

TEST_CASE("etab in pieces is an error of what the server keeps") {
    const auto read = parse_etab("/srv\tkvm01(rw,sync");
    REQUIRE_FALSE(read);
    CHECK(read.error().kind == error_kind::protocol);
    CHECK_THAT(read.error().what, Contains("/var/lib/nfs/etab, line 1, column 11"));
    CHECK(parse_etab("/srv\tkvm01(rw,of_tomorrow)\n")->at(0).clients.at(0).options.others ==
          std::vector<std::string>{"of_tomorrow"});
}
