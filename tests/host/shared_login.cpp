// SPDX-License-Identifier: MIT
// One login for several commands, with a stand-in for ssh that keeps what it was told.
#include <kvmig/host/shared_login.hpp>
#include <support/catch.hpp>
#include <support/stand_ins.hpp>

#include <filesystem>
#include <string>
#include <vector>

using namespace kvmig;

namespace {

constexpr const char *uri = "qemu+ssh://root@kvm01:2222/system";

/// As ssh does: the socket is there once it has logged in, until it is told to exit.
void put_ssh(test::stand_ins &at, const std::string &login) {
    at.program("ssh", "echo \"$*\" >>'" + at.path("told") + "'\n" +
                          "socket=; last=; for word; do [ \"$last\" = -S ] && socket=$word; "
                          "last=$word; done\ncase \"$*\" in *ControlMaster=yes*) " +
                          login + ";; *' -O exit '*) rm \"$socket\";; esac\n");
}

} // namespace

TEST_CASE("a login is shared for as long as it is held, and leaves nothing behind") {
    test::stand_ins at;
    put_ssh(at, ": >\"$socket\"");
    std::filesystem::path socket;
    {
        auto first = host::shared_login::to(uri);
        const auto login = std::move(first);
        const auto words = login.words();
        REQUIRE(words.size() == 2);
        CHECK(words[0] == "-S");
        socket = words[1];
        CHECK(std::filesystem::exists(socket));
        CHECK((std::filesystem::status(socket.parent_path()).permissions() &
               (std::filesystem::perms::group_all | std::filesystem::perms::others_all)) ==
              std::filesystem::perms::none);
    }
    CHECK_FALSE(std::filesystem::exists(socket.parent_path()));
    CHECK(at.text("told") ==
          "-o BatchMode=yes -p 2222 -T -f -N -o ConnectTimeout=10 -o ControlMaster=yes -o "
          "ControlPersist=30 -S " +
              socket.string() + " root@kvm01\n-o BatchMode=yes -p 2222 -S " + socket.string() +
              " -O exit root@kvm01\n");
}

TEST_CASE("a login that fails is not shared: each command tells why by itself") {
    test::stand_ins at;
    put_ssh(at, "exit 255");
    CHECK(host::shared_login::to(uri).words().empty());
    CHECK(at.text("told").find(" -O ") == std::string::npos);
}

TEST_CASE("where ssh does not lead there is no login") {
    test::stand_ins at;
    put_ssh(at, ": >\"$socket\"");
    for (const char *other : {"qemu:///system", "qemu+tls://kvm01/system", "test:///default", "",
                              "qemu+ssh://-oProxyCommand=x/system"}) {
        INFO(other);
        CHECK(host::shared_login::to(other).words().empty());
    }
    CHECK(at.text("told").empty());
}
