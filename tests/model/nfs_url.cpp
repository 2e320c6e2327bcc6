// SPDX-License-Identifier: MIT
#include <kvmig/model/nfs_url.hpp>
#include <support/catch.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace kvmig;
using model::nfs_url;

namespace {

nfs_url read(const std::string &text) {
    auto out = model::parse_nfs_url(text);
    INFO(text);
    REQUIRE(out);
    return *out;
}

} // namespace

TEST_CASE("an address of NFS is read part by part") {
    const nfs_url plain = read("nfs://nfs.lab/srv/images/vm1.qcow2");
    CHECK(plain.server == "nfs.lab");
    CHECK(plain.path == "/srv/images/vm1.qcow2");
    CHECK(plain.version == 3);
    CHECK_FALSE(plain.uid);
    CHECK_FALSE(plain.nfs_port);

    const nfs_url full = read(
        "nfs://[2001:db8::7]/a%20b/50%25?version=4&uid=107&gid=0&nfsport=2050&mountport=65535");
    CHECK(full.server == "2001:db8::7");
    CHECK(full.path == "/a b/50%");
    CHECK(full.version == 4);
    CHECK(full.uid == 107U);
    CHECK(full.gid == 0U);
    CHECK(full.nfs_port == 2050U);
    CHECK(full.mount_port == 65535U);

    CHECK(read("nfs://h/").path == "/");
    CHECK(read("nfs://h//a/./b//").path == "/a/b");
    CHECK(read("nfs://h/a..b/...").path == "/a..b/...");
    CHECK(read("nfs://192.0.2.1/x").server == "192.0.2.1");
}

TEST_CASE("what an address of NFS cannot be is refused by name") {
    const std::vector<std::pair<std::string, std::string>> table = {
        {"http://h/a", "begins with nfs://"},
        {"/srv/images", "begins with nfs://"},
        {"nfs://", "no path"},
        {"nfs://host", "no path"},
        {"nfs:///a", "no name"},
        {"nfs://[]/a", "is no name of a server"},
        {"nfs://h:2049/a", "?nfsport=PORT"},
        {"nfs://2001:db8::7/a", "[ADDRESS]"},
        {"nfs://h h/a", "'h h' is no name of a server"},
        {"nfs://h;rm/a", "no name of a server"},
        {"nfs://h/a/../b", "'..'"},
        {"nfs://h/%2e%2e/b", "'..'"},
        {"nfs://h/%zz", "'%'"},
        {"nfs://h/a%4", "'%'"},
        {"nfs://h/a%", "'%'"},
        {"nfs://h/a%00b", "'%'"},
        {"nfs://h/a%+1b", "'%'"},
        {"nfs://h/a?timeo=7", "'timeo=7' is no argument"},
        {"nfs://h/a?version", "3 or 4"},
        {"nfs://h/a?version=2", "3 or 4"},
        {"nfs://h/a?version=3x", "3 or 4"},
        {"nfs://h/a?uid=-1", "number of an id"},
        {"nfs://h/a?uid=4294967296", "number of an id"},
        {"nfs://h/a?uid=root", "number of an id"},
        {"nfs://h/a?nfsport=0", "1 to 65535"},
        {"nfs://h/a?mountport=65536", "1 to 65535"},
        {"nfs://h/a?uid=1&uid=2", "'uid' is told twice"},
        {"nfs://h/a?&uid=1", "'' is no argument"},
    };
    for (const auto &[text, words] : table) {
        INFO(text);
        const auto out = model::parse_nfs_url(text);
        REQUIRE_FALSE(out);
        CHECK(out.error().kind == error_kind::invalid_argument);
        CHECK(out.error().object == text);
        CHECK(out.error().what.find(words) != std::string::npos);
        CHECK_FALSE(out.error().remedy.empty());
    }
}

TEST_CASE("an address written is read back as the same") {
    const std::vector<std::string> texts = {
        "nfs://h/", "nfs://h/srv/images", "nfs://[::1]/a?nfsport=1",
        "nfs://h/what%3F/100%25?version=4&uid=0&gid=0&nfsport=2049&mountport=20048"};
    for (const std::string &text : texts) CHECK(to_string(read(text)) == text);
    nfs_url odd;
    odd.server = "h";
    odd.path = "/a b&c=d#e\xc3\xa4";
    CHECK(read(to_string(odd)) == odd);
}

TEST_CASE("the export that holds a path is the nearest one") {
    const std::vector<std::string> exports = {"/srv", "/srv/images", "/data"};
    CHECK(model::export_holding("/srv/images/vm1", exports) == "/srv/images");
    CHECK(model::export_holding("/srv/images", exports) == "/srv/images");
    CHECK(model::export_holding("/srv/images2/vm1", exports) == "/srv");
    CHECK_FALSE(model::export_holding("/dat", exports));
    CHECK_FALSE(model::export_holding("/", exports));
    CHECK(model::export_holding("/x", {"/"}) == "/");

    CHECK(model::path_below("/srv/images/vm1", "/srv/images") == "/vm1");
    CHECK(model::path_below("/srv/images", "/srv/images") == "/");
    CHECK(model::path_below("/a", "/") == "/a");
    CHECK_FALSE(model::path_below("/srv/images2", "/srv/images"));

    CHECK(model::split_path("/srv/a") == model::folder_and_name{"/srv", "a"});
    CHECK(model::split_path("/a") == model::folder_and_name{"/", "a"});
    CHECK(model::split_path("/") == model::folder_and_name{"/", ""});
    CHECK(model::split_path("a") == model::folder_and_name{".", "a"});
}
