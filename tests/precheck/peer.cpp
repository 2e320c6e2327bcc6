// SPDX-License-Identifier: MIT
// The rules about a source that leads: clear, violated, unknown, and silent where it does not.
#include <precheck/healthy.hpp>

#include <string>

using namespace kvmig;
using namespace kvmig::test;

TEST_CASE("why the source cannot open the destination is told by one rule") {
    struct {
        const char *said;
        const char *id;
    } static const table[] = {
        {"Cannot recv data: Host key verification failed.: Connection reset by peer",
         "KVM-NET-008"},
        {"!!! SSH HOST KEY VERIFICATION FAILED !!!: Identity of host 'kvm02:22' differs from "
         "stored identity",
         "KVM-NET-008"},
        {"SSH host key for 'kvm02' (SHA256:x) was not accepted", "KVM-NET-008"},
        {"Cannot recv data: root@kvm02: Permission denied (publickey,password).: Connection reset "
         "by peer",
         "KVM-NET-009"},
        {"Cannot recv data: Received disconnect from 192.0.2.12 port 22:2: Too many authentication "
         "failures",
         "KVM-NET-009"},
        {"None of the requested authentication methods are supported by the server", "KVM-NET-009"},
        // The key first: without it nobody gets as far as a login.
        {"Permission denied (publickey). Host key verification failed.", "KVM-NET-008"},
        {"Cannot recv data: ssh: connect to host kvm02 port 22: Connection refused", "KVM-NET-101"},
        {"unable to connect to server at 'kvm02:16514': Connection refused", "KVM-NET-101"},
        {"open of '/etc/kvm': Permission denied", "KVM-NET-101"}, // no words of SSH's
        {"", "KVM-NET-101"},
    };
    for (const auto &[said, id] : table) {
        INFO(said);
        auto f = healthy();
        f.peer->connection = precheck::opened_connection{false, said};
        CHECK(told(f, id) == blocks);
        CHECK(test::check(f).findings.size() == 1);
        f.peer.reset();
        CHECK(test::check(f).findings.empty());
    }
}

TEST_CASE("that nobody could try it is unknown, once") {
    auto f = healthy();
    forget(f.peer->connection);
    CHECK(told(f, "KVM-NET-101") == unknown);
    CHECK(test::check(f).findings.size() == 1);
}

TEST_CASE("the remedy goes by the URI, and its words are safe for both shells") {
    auto f = healthy();
    const auto remedy = [&](const char *uri, const char *said) {
        f.peer = precheck::peer_facts{uri, precheck::opened_connection{false, said}};
        auto found = test::check(f).findings;
        REQUIRE(found.size() == 1);
        CHECK(found[0].host == "kvm01");
        CHECK(found[0].seen == std::string("opening ") + uri + " there, as root: " + said);
        return found[0].remedy;
    };
    constexpr const char *denied = "Permission denied (publickey).";
    constexpr const char *strange = "Host key verification failed.";
    CHECK(remedy("qemu+ssh://root@kvm02/system", denied) ==
          std::vector<std::string>{"ssh kvm01 'ssh-copy-id root@kvm02'",
                                   "ssh kvm01 'virsh -c qemu+ssh://root@kvm02/system uri'"});
    CHECK(remedy("qemu+ssh://kvm02/system", denied).front() == "ssh kvm01 'ssh-copy-id kvm02'");
    CHECK(remedy("backup", denied).front() == "ssh kvm01 'ssh-copy-id root@HOST'"); // an alias
    CHECK(remedy("qemu+ssh://root@kvm02/system", strange) ==
          std::vector<std::string>{"ssh kvm01 'ssh-keygen -R kvm02'",
                                   "ssh kvm01 'ssh-keyscan -H kvm02 >>/root/.ssh/known_hosts'",
                                   "ssh kvm01 'virsh -c qemu+ssh://root@kvm02/system uri'"});
    CHECK(remedy("qemu+ssh://$(reboot)/system", strange).front() ==
          R"(ssh kvm01 'ssh-keygen -R '\''$(reboot)'\''')");
}
