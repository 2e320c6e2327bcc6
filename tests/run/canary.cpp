// SPDX-License-Identifier: MIT
// A canary between fakes of two hosts: what comes of it, and that nothing of it remains.
#include <fakes/canary_world.hpp>
#include <kvmig/run/canary.hpp>
#include <support/catch.hpp>

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>

using namespace kvmig;
using namespace std::chrono_literals;
using fakes::canary_world;
using fakes::mishap;
using migration::flag;
using precheck::canary_fate;

namespace {

constexpr const char *guest_of_canary =
    R"(<domain type='kvm'><name>vm1</name><memory>524288</memory>
  <os firmware='efi'><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
  <devices><disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none'/>
      <source file='/srv/images/vm1.qcow2'/><target dev='vda' bus='virtio'/></disk>
    <disk type='volume' device='disk'><driver type='raw'/><source pool='data' volume='vm1'/>
      <target dev='vdb' bus='virtio'/></disk>
    <interface type='bridge'><source bridge='br0'/><model type='virtio'/></interface></devices>
</domain>)";

/// A canary of its own clock's making, old or not.
model::token_id made_ago(std::chrono::seconds ago) {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    return run::detail::new_token(now - ago);
}

expected<precheck::canary_facts> send(canary_world &w, run::canary_options how = {}) {
    fakes::canary_side_fake from(w, 0);
    fakes::canary_side_fake to(w, 1);
    return run::send_canary(from, to, "vm1", guest_of_canary, how, fakes::quick);
}

run::canary_options by(std::initializer_list<flag> flags) {
    run::canary_options how;
    for (const flag each : flags) how.move.flags.set(each);
    return how;
}

} // namespace

TEST_CASE("a canary arrives, and nothing of it remains") {
    canary_world w;
    const auto told = send(w, by({flag::peer2peer, flag::tls, flag::persist_dest}));
    REQUIRE(told);
    CHECK(told->fate == canary_fate::arrived);
    CHECK(told->said.empty());
    CHECK(told->causes.empty());
    CHECK(told->remains.empty());
    CHECK(told->left_out == std::vector<std::string>{"firmware"});
    CHECK(w.is_empty());
    CHECK(w.ever().size() == 2); // one in each place
    const auto how = w.moved_by();
    for (const flag each : {flag::live, flag::paused, flag::peer2peer, flag::tls}) {
        CHECK(how.flags.has(each));
    }
    CHECK_FALSE(how.flags.has(flag::persist_dest));
    const auto canary = xml::parse_domain(w.started());
    REQUIRE(canary);
    CHECK(model::parse_canary_name(canary->name));
    CHECK(canary->disks.size() == 2);
}

TEST_CASE("where disks are to be copied, the canary's is: both hosts have its image") {
    canary_world w;
    w.shared = false;
    const auto told = send(w, by({flag::non_shared_disk}));
    REQUIRE(told);
    CHECK(told->fate == canary_fate::arrived);
    CHECK(w.moved_by().flags.has(flag::non_shared_disk));
    CHECK(w.is_empty());
}

TEST_CASE("a canary that fails on its way tells why, with the diagnosis beside it") {
    canary_world w;
    w.refuses = make_error(error_kind::failed,
                           "unable to connect to server at 'kvm02:49152': No route to host");
    const auto told = send(w);
    REQUIRE(told);
    CHECK(told->fate == canary_fate::lost);
    CHECK(told->host == "kvm01"); // who could not connect
    CHECK_THAT(told->said, Catch::Contains("No route to host"));
    REQUIRE_FALSE(told->causes.empty());
    CHECK(told->causes.front().id == "KVM-NET-001");
    REQUIRE_FALSE(told->causes.front().remedy.empty());
    CHECK_THAT(told->causes.front().remedy.front(), Catch::StartsWith("ssh kvm02 "));
    CHECK(w.is_empty());
}

TEST_CASE("a canary that cannot be started was not tried") {
    canary_world w;
    SECTION("no guest can be started") {
        w.cannot_start = make_error(error_kind::failed, "cannot set up guest memory");
    }
    SECTION("no image can be made") {
        w.without_images = make_error(error_kind::refused, "Permission denied");
    }
    const auto told = send(w);
    REQUIRE(told);
    CHECK(told->fate == canary_fate::untried);
    CHECK(told->host == "kvm01");
    CHECK_FALSE(told->said.empty());
    CHECK(w.is_empty());
}

TEST_CASE("a guest for which there is no canary is told so") {
    canary_world w;
    fakes::canary_side_fake from(w, 0);
    fakes::canary_side_fake to(w, 1);
    const auto told = run::send_canary(
        from, to, "box", "<domain type='lxc'><name>box</name><os><type>exe</type></os></domain>");
    REQUIRE(told);
    CHECK(told->fate == canary_fate::untried);
    CHECK_THAT(told->said, Catch::Contains("type lxc"));
    CHECK(w.is_empty());
}

TEST_CASE("a canary that is called off is an error, and is removed") {
    canary_world w;
    std::stop_source stop;
    run::canary_options how;
    how.stop = stop.get_token();
    SECTION("on its way") { w.stopped_by = &stop; }
    SECTION("before it began") { stop.request_stop(); }
    const auto told = send(w, how);
    REQUIRE_FALSE(told);
    CHECK(told.error().kind == error_kind::cancelled);
    CHECK(w.is_empty());
}

TEST_CASE("whatever single call fails, nothing of a canary remains") {
    for (const bool shared : {true, false}) {
        for (const mishap what : {mishap::fails_before, mishap::fails_after}) {
            int at = 0;
            for (bool met = true; met;) {
                canary_world w;
                w.shared = shared;
                w.begin(what, ++at);
                const auto told =
                    send(w, shared ? run::canary_options{} : by({flag::non_shared_disk}));
                met = w.met();
                INFO("call " << at << (what == mishap::fails_before ? " before" : " after"));
                REQUIRE(told);
                // A call that counts once may be one of the removals; they are tried twice.
                CHECK(w.is_empty());
                CHECK((met || told->fate == canary_fate::arrived));
            }
            CHECK(at > 15); // so many there are at least
        }
    }
}

TEST_CASE("whenever its owner is killed, the next one sweeps what is left") {
    for (const bool shared : {true, false}) {
        for (const mishap what : {mishap::killed_before, mishap::killed_after}) {
            int at = 0;
            std::size_t left = 0;
            for (bool met = true; met;) {
                canary_world w;
                w.shared = shared;
                w.begin(what, ++at);
                auto how = shared ? run::canary_options{} : by({flag::non_shared_disk});
                try {
                    static_cast<void>(send(w, how));
                } catch (const fakes::killed &) {
                }
                met = w.met();
                left += w.is_empty() ? 0U : 1U;
                const bool any = !w.is_empty();
                w.begin(mishap::none, 0);
                how.old = 0s;
                const auto told = send(w, how);
                INFO("call " << at << (what == mishap::killed_before ? " before" : " after"));
                REQUIRE(told);
                CHECK(told->fate == canary_fate::arrived);
                CHECK(told->swept.empty() != any);
                CHECK(w.is_empty());
            }
            CHECK(left > 5); // there was something to sweep
        }
    }
}

TEST_CASE("only what is old, and a canary's, is swept") {
    canary_world w;
    const auto old = made_ago(601s);
    const auto young = made_ago(500s);
    const auto bird = [&](const model::token_id &of) {
        return xml::derive_canary(guest_of_canary, of, uuid::random()).value();
    };
    const auto first = bird(old);
    const auto second = bird(young);
    w.put(1, first.id, {first.name, first.text});
    w.put(0, second.id, {second.name, second.text});
    // A person's guest of such a name.
    w.put(0, uuid::random(), {model::canary_name(old), "<domain type='kvm'/>"});
    w.put_image(0, "/srv/images", first.name + "-0.qcow2");
    w.put_image(0, "/srv/images", second.name + "-0.qcow2");
    w.put_image(0, "/srv/images", "kvmig-canary.qcow2");
    w.put_image(0, "/elsewhere", first.name + "-0.qcow2"); // nobody comes there
    const auto told = send(w);
    REQUIRE(told);
    CHECK(told->fate == canary_fate::arrived);
    CHECK(told->swept ==
          std::vector<std::string>{"kvm01: " + first.name + "-0.qcow2", "kvm02: " + first.name});
    CHECK(w.domains() == 2);
    CHECK(w.image_count() == 3);
}

TEST_CASE("what cannot be removed is told") {
    canary_world w;
    w.begin(mishap::none, 0);
    precheck::canary_facts out;
    struct stubborn : fakes::canary_side_fake {
        using canary_side_fake::canary_side_fake;
        int tries = 0;
        expected<void> remove_canary_image(const model::canary_place &, const std::string &) {
            ++tries;
            return fail(error_kind::refused, "Permission denied");
        }
    } host(w, 0);
    run::detail::canary_side side(host, "kvm01", out);
    CHECK_FALSE(side.remove_image({"/srv/images", ""}, "x.raw"));
    CHECK(host.tries == 2);
    CHECK(out.remains == std::vector<std::string>{
                             "kvm01: the image x.raw could not be removed: Permission denied"});
}
