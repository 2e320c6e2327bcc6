// SPDX-License-Identifier: MIT
#include <kvmig/model/nfs_option.hpp>
#include <kvmig/model/nfs_option_list.hpp>
#include <support/catch.hpp>

#include <set>
#include <string>

using namespace kvmig::model;
using Catch::Contains;

TEST_CASE("every option of exports(5) is explained in one sentence, and listed once") {
    // The words of the manual of nfs-utils 2.6.2, sections General Options and User ID Mapping.
    for (const char *name : {"secure",
                             "insecure",
                             "rw",
                             "ro",
                             "async",
                             "sync",
                             "no_wdelay",
                             "wdelay",
                             "nohide",
                             "hide",
                             "crossmnt",
                             "nocrossmnt",
                             "subtree_check",
                             "no_subtree_check",
                             "insecure_locks",
                             "no_auth_nlm",
                             "auth_nlm",
                             "secure_locks",
                             "mountpoint",
                             "mp",
                             "fsid",
                             "nordirplus",
                             "refer",
                             "replicas",
                             "pnfs",
                             "no_pnfs",
                             "security_label",
                             "root_squash",
                             "no_root_squash",
                             "all_squash",
                             "no_all_squash",
                             "anonuid",
                             "anongid",
                             "sec"}) {
        INFO(name);
        CHECK(explain_option(name));
    }
    std::set<std::string_view> names;
    for (const auto &each : nfs_options) {
        INFO(each.name);
        CHECK(names.insert(each.name).second);
        CHECK(each.means.back() == '.');
        CHECK(each.means.find(". ") == std::string_view::npos);
        const auto hole = each.means.find("{}");
        CHECK((hole != std::string_view::npos) == (each.value != option_value::none));
        CHECK(each.example.empty() == (each.value == option_value::none));
    }
}

TEST_CASE("an explanation shows the value, or an example of one") {
    CHECK_THAT(*explain_option("anonuid=64055"), Contains("number 64055 of the server"));
    CHECK_THAT(*explain_option("anonuid"), Contains("number 65534 of the server"));
    CHECK_THAT(*explain_option("anonuid="), Contains("number 65534 of the server"));
    CHECK_THAT(*explain_option("mp=/srv"), Contains("mounted at /srv."));
    CHECK_THAT(*explain_option("mp"), Contains("mounted at the path itself."));
    CHECK_THAT(*explain_option("async"), Contains("before the data is on stable storage"));
    CHECK_FALSE(explain_option("no_such"));
    CHECK_FALSE(explain_option(""));
}

TEST_CASE("a list that says what is default changes nothing, and its opposite does") {
    struct pair {
        const char *standard;
        const char *other;
    };
    const auto [standard, other] =
        GENERATE(pair{"ro", "rw"}, pair{"sync", "async"}, pair{"wdelay", "no_wdelay"},
                 pair{"hide", "nohide"}, pair{"nocrossmnt", "crossmnt"},
                 pair{"no_subtree_check", "subtree_check"}, pair{"secure_locks", "insecure_locks"},
                 pair{"auth_nlm", "no_auth_nlm"}, pair{"acl", "no_acl"}, pair{"no_pnfs", "pnfs"},
                 pair{"root_squash", "no_root_squash"}, pair{"no_all_squash", "all_squash"},
                 pair{"secure", "insecure"}, pair{"", "nordirplus"}, pair{"", "security_label"},
                 pair{"anonuid=65534", "anonuid=0"}, pair{"sec=sys", "sec=krb5"},
                 pair{"anongid=65534", "anongid=-2"}, pair{"", "mp"}, pair{"", "fsid=root"},
                 pair{"", "refer=/a@b"}, pair{"", "replicas=/a@b"}, pair{"", "xprtsec=tls"});
    INFO(standard << " or " << other);
    option_list list;
    REQUIRE_FALSE(list.read(standard, unknown_option::fault));
    CHECK(list.options() == export_options{});
    REQUIRE_FALSE(list.read(other, unknown_option::fault));
    CHECK_FALSE(list.options() == export_options{});

    // As text and back, nothing is lost.
    option_list again;
    REQUIRE_FALSE(again.read(to_text(list.options()), unknown_option::fault));
    CHECK(again.options() == list.options());
}

TEST_CASE("options after sec= hold for its flavors alone") {
    option_list list;
    REQUIRE_FALSE(
        list.read("insecure,sec=krb5:krb5i,rw,sec=sys,all_squash", unknown_option::fault));
    const auto access = list.options().access;
    REQUIRE(access.size() == 3);
    CHECK(access[0] == export_access{"krb5", true, false, true, false});
    CHECK(access[1] == export_access{"krb5i", true, false, true, false});
    // `rw` was set meanwhile: flavors named later begin with it, as in nfs-utils.
    CHECK(access[2] == export_access{"sys", true, false, true, true});
    // A second list, as after `-sec=krb5,rw`: no flavor is in hand.
    REQUIRE_FALSE(list.read("ro", unknown_option::fault));
    CHECK(list.options().access == access);
}

TEST_CASE("a wrong option is told with its place and what would be right") {
    struct wrong {
        const char *list;
        std::size_t at;
        const char *what;
        const char *remedy;
    };
    const auto each = GENERATE(
        wrong{"rw,no_subtree_chek", 3, "'no_subtree_chek' is no option", "no_subtree_check"},
        wrong{"noroot_squash", 0, "is no option", "write no_root_squash"},
        wrong{"rw,,bananas", 4, "'bananas' is no option", "exports(5) lists"},
        wrong{"rw=1", 0, "'rw=1' takes no value", "write rw"},
        wrong{"fsid", 0, "'fsid' has no value", "write fsid=1"},
        wrong{"anonuid=qemu", 0, "has no number", "write anonuid=65534"},
        wrong{"anongid=4294967296", 0, "has no number", "write anongid=65534"},
        wrong{"sync,sec=krb5:kbr5", 5, "the security flavor 'kbr5'", "krb5"},
        wrong{"sec=sys:", 0, "the security flavor ''", "colons between"});
    INFO(each.list);
    option_list list;
    const auto fault = list.read(each.list, unknown_option::fault);
    REQUIRE(fault);
    CHECK(fault->at == each.at);
    CHECK_THAT(fault->what, Contains(each.what));
    CHECK_THAT(fault->remedy, Contains(each.remedy));
}

TEST_CASE("what a server told and nobody knows is kept") {
    option_list list;
    REQUIRE_FALSE(list.read("rw,some_day=1,sec=rpcsec9", unknown_option::keep));
    CHECK(list.options().others == std::vector<std::string>{"some_day=1"});
    CHECK(list.options().access == std::vector<export_access>{{"rpcsec9", true}});
}
