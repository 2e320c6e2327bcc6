// SPDX-License-Identifier: MIT
#include <kvmig/model/connection_uri.hpp>
#include <support/catch.hpp>

#include <string>
#include <utility>

using namespace kvmig;
using model::connection_uri;

TEST_CASE("a connection URI is taken apart") {
    const auto uri = connection_uri::parse("qemu+ssh://root@kvm02.example:2222/system?no_verify=1");
    REQUIRE(uri);
    CHECK(uri->driver == "qemu");
    CHECK(uri->transport == "ssh");
    CHECK(uri->authority.user == "root");
    CHECK(uri->authority.host == "kvm02.example");
    CHECK(uri->authority.port == 2222);
    CHECK(uri->path == "/system");
    CHECK(uri->query == "no_verify=1");
    CHECK(uri->remote());
}

TEST_CASE("an IPv6 address stands in brackets, with or without a port") {
    const auto bare = connection_uri::parse("qemu+tls://[2001:db8::1]/system");
    REQUIRE(bare);
    CHECK(bare->authority.host == "2001:db8::1");
    CHECK_FALSE(bare->authority.port);
    const auto with_port = connection_uri::parse("qemu+tls://[2001:db8::1]:16514/system");
    REQUIRE(with_port);
    CHECK(with_port->authority.port == 16514);
}

TEST_CASE("local URIs, those of other drivers and aliases are accepted") {
    for (const char *text :
         {"qemu:///system", "qemu:///session", "qemu+unix:///system",
          "qemu+unix:///system?socket=/run/x", "test:///default", "test:///tmp/node.xml",
          "xen:///system", "lxc:///system", "vbox:///session", "ch:///system",
          "qemu:///embed?root=/tmp/x", "qemu+ext://host/system?command=/bin/nc",
          "QEMU+SSH://host/system", "esx://host/?no_verify=1"}) {
        INFO(text);
        const auto uri = connection_uri::parse(text);
        // libvirt compares schemes as they are written; only the transport's case is free.
        CHECK(uri.has_value());
    }
    const auto alias = connection_uri::parse("hail-1_a");
    REQUIRE(alias);
    CHECK(alias->alias == "hail-1_a");
    CHECK_FALSE(alias->remote());
    const auto upper = connection_uri::parse("qemu+SSH://host/system");
    REQUIRE(upper);
    CHECK(upper->transport == "ssh");
}

TEST_CASE("a URI that cannot be parsed names itself, the place and what would be right") {
    const auto [text, what, remedy] = GENERATE(table<std::string, std::string, std::string>({
        {"qemu+ssh://192.168.30.132:/system", "a colon follows the host '192.168.30.132'",
         "take the colon away"},
        {"qemu+ssh://:/system", "a colon follows the host ''", "take the colon away"},
        {"qemu+ssh://kvm02:ssh/system", "'ssh' is no port", "1 to 65535"},
        {"qemu+ssh://kvm02:0/system", "'0' is no port", "1 to 65535"},
        {"qemu+ssh://kvm02:65536/system", "'65536' is no port", "1 to 65535"},
        {"qemu+ssh://kvm02:22x/system", "'22x' is no port", "1 to 65535"},
        {"qemu+ssh://kvm02:/srv/x/system", "a colon follows the host 'kvm02'", "colon"},
        {"qemu+telnet://kvm02/system", "there is no transport 'telnet'", "ssh, tls, tcp"},
        {"qemu+://kvm02/system", "there is no transport ''", "ssh, tls, tcp"},
        {"qemu+ssh:///system", "it names no host", "after '://'"},
        {"qemu+tcp:///system", "it names no host", "localhost"},
        {"qemu+ssh://root@/system", "it names no host", "after '://'"},
        {"qemu://root@/system", "it names no host", "after '://'"},
        {"qemu+unix://kvm02/system", "unix reaches no other host", "use ssh, tls or tcp"},
        {"qemu+ext://kvm02/system", "needs a command", "?command="},
        {"qemu+ssh://kvm02", "it has no path", "/system"},
        {"qemu+ssh://kvm02/", "'/' is no path of QEMU's", "/system"},
        {"qemu:///sytem", "'/sytem' is no path of QEMU's", "/session"},
        {"qemu+ssh://2001:db8::1/system", "more than one colon", "brackets"},
        {"qemu+ssh://[2001:db8::1/system", "never closed", ""},
        {"qemu+ssh://[::1]22/system", "'22' stands after the IPv6 address", ""},
        {"ssh kvm02", "white space or a control character at place 4", "%20"},
        {"qemu+ssh:/kvm02/system", "does not begin with a driver and '://'", "qemu+ssh://"},
        {"://kvm02/system", "does not begin with a driver", "qemu+ssh://"},
        {"+ssh://kvm02/system", "names no driver", "qemu+ssh://"},
        {"qe mu://kvm02/system", "white space", "%20"},
        {"q/x://kvm02/system", "'q/x' names no driver", "qemu+ssh://"},
        {"kvm02.example", "does not begin with a driver", "qemu+ssh://"},
        {"", "it is empty", "qemu+ssh://"},
    }));
    INFO(text);
    const auto uri = connection_uri::parse(text);
    REQUIRE_FALSE(uri);
    CHECK(uri.error().kind == error_kind::invalid_argument);
    CHECK_THAT(uri.error().what, Catch::Contains("'" + text + "'"));
    CHECK_THAT(uri.error().what, Catch::Contains(what));
    CHECK_THAT(uri.error().remedy, Catch::Contains(remedy));
}
