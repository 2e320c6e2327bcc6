// SPDX-License-Identifier: MIT
#include <kvmig/migration/plan_steps.hpp>
#include <kvmig/migration/transitions.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

using namespace kvmig;
using namespace kvmig::migration;

namespace {

plan plan_of_vm1(kind mode) {
    plan out;
    out.mode = mode;
    out.domain = "vm1";
    out.source = {"kvm01", "qemu+ssh://kvm01/system"};
    out.destination = {"kvm02", "qemu+ssh://kvm02/system"};
    return out;
}

planned_disk travelling(bool exists) {
    return {.disk = "vda",
            .source = "/a/vda.qcow2",
            .travels = true,
            .why = {},
            .target = "/a/vda.qcow2",
            .pool = "images",
            .volume = "vda.qcow2",
            .format = "qcow2",
            .size = bytes{1024},
            .below = "/a/base.qcow2",
            .exists = exists};
}

options options_for(kind mode) {
    options out;
    out.flags.set(flag::non_shared_disk, mode == kind::block);
    out.flags.set(flag::non_shared_inc, mode == kind::incremental);
    return out;
}

/// Whether the machine goes from the one to the other in a migration of this kind.
bool leads(state from, state to, kind mode) {
    return std::any_of(edges.begin(), edges.end(), [&](const edge &e) {
        return e.from == from && e.to == to && e.in.has(mode);
    });
}

std::string text_of_steps(const std::vector<planned_step> &steps) {
    std::string out;
    for (const planned_step &each : steps) {
        out += std::string(to_string(each.at)) + " " + each.host + ": " + each.what + ": " +
               each.object + "\n";
    }
    return out;
}

} // namespace

TEST_CASE("whatever is asked for, the steps are a way of the machine from its start to its end") {
    std::size_t tried = 0;
    for (const kind mode : kinds) {
        for (const activity was : {activity::running, activity::paused, activity::off}) {
            for (unsigned bits = 0; bits < 64; ++bits) {
                const bool cold = mode == kind::cold;
                const auto bit = [&](unsigned n) { return (bits >> n & 1U) != 0; };
                origin before;
                before.kind = mode;
                before.source_was = was;
                before.stop =
                    cold && was != activity::off ? stop_method::shutdown : stop_method::none;
                before.shared_storage = bit(0);
                before.persist_destination = bit(1);
                before.undefine_source = bit(2);
                before.start_at_destination = bit(3);
                options o = options_for(mode);
                o.flags.set(flag::postcopy, bit(4));
                o.flags.set(flag::offline, !cold && was == activity::off);
                o.flags.set(flag::live, was != activity::off);
                plan of = plan_of_vm1(mode);
                if (cold ? !before.shared_storage : kind_set(with_disks).has(mode)) {
                    of.disks = {travelling(bit(5))};
                }
                if (!cold && was != activity::off && bit(5)) {
                    of.devices = {{"0000:00:05.0", "0000:00:06.0", "as asked for"}};
                }
                CAPTURE(to_string(mode), to_string(was), bits);
                const auto steps = steps_of(of, before, o);
                state at = state::planned;
                for (const planned_step &each : steps) {
                    CAPTURE(to_string(at), to_string(each.at), each.what);
                    if (each.at == at) continue;
                    // A live migration always passes the state in which nothing may be to be made.
                    const bool through = leads(at, each.at, mode) ||
                                         (leads(at, state::preparing, mode) &&
                                          leads(state::preparing, each.at, mode)) ||
                                         (leads(at, state::releasing, mode) &&
                                          leads(state::releasing, each.at, mode));
                    CHECK(through);
                    at = each.at;
                    CHECK_FALSE(each.host.empty());
                    CHECK_FALSE(each.object.empty());
                }
                CHECK(at == state::completed);
                ++tried;
            }
        }
    }
    CHECK(tried == 4 * 3 * 64);
}

TEST_CASE("an incremental migration in its steps") {
    origin before;
    before.kind = kind::incremental;
    before.shared_storage = false;
    plan of = plan_of_vm1(kind::incremental);
    of.disks = {travelling(false)};
    CHECK(text_of_steps(steps_of(of, before, options_for(kind::incremental),
                                 std::chrono::milliseconds(50))) ==
          "preparing kvm02: make an empty qcow2 image of 1024 bytes upon /a/base.qcow2 in the pool "
          "images: /a/vda.qcow2\n"
          "preparing kvm01: allow a downtime of 50 ms at most: vm1\n"
          "beginning kvm01: begin: let libvirt allow the move and tell the guest's XML: vm1\n"
          "beginning kvm02: prepare: start the guest's process, which waits for it: vm1\n"
          "copying_disks kvm01: mirror what lies above the backing file to the destination: vda\n"
          "pre_copy kvm01: send memory, pass after pass, while the guest runs: vm1\n"
          "switching_over kvm01: stop the guest, and send what is left: vm1\n"
          "switching_over kvm02: define the guest: vm1\n"
          "switching_over kvm02: let the guest run: vm1\n"
          "releasing kvm01: end the guest's process: vm1\n"
          "releasing kvm01: keep the definition, shut off: vm1\n"
          "completed both: ask where the guest is: vm1\n");
}

TEST_CASE("a target that is there is not made, and a guest that was paused is not let run") {
    origin before;
    before.kind = kind::block;
    before.source_was = activity::paused;
    before.start_at_destination = false;
    plan of = plan_of_vm1(kind::block);
    of.disks = {travelling(true)};
    const auto text = text_of_steps(steps_of(of, before, options_for(kind::block)));
    CHECK_THAT(text, !Catch::Contains("make an empty") &&
                         Catch::Contains("leave the guest paused") &&
                         Catch::Contains("while the guest stands still"));
}

TEST_CASE("devices of the host go last before the move, and come when all else is done") {
    plan of = plan_of_vm1(kind::live);
    of.devices = {{"0000:00:05.0", "0000:00:06.0", "as asked for"},
                  {"0000:00:07.0", "", "nothing is there"}};
    const auto text = text_of_steps(steps_of(of, {}, options_for(kind::live)));
    CHECK_THAT(text, Catch::StartsWith("preparing kvm01: detach the device, and wait until the "
                                       "guest has let go: 0000:00:05.0\n"
                                       "preparing kvm01: detach the device, and wait until the "
                                       "guest has let go: 0000:00:07.0\n"
                                       "beginning kvm01: begin") &&
                         Catch::EndsWith("releasing kvm02: attach the device in the place of "
                                         "0000:00:05.0: 0000:00:06.0\n"
                                         "completed both: ask where the guest is: vm1\n"));
}

TEST_CASE("options are told under libvirt's names, and XML by its size") {
    options o{.flags = {flag::live, flag::tls}};
    o.destination_xml = "<domain>\n</domain>";
    o.bandwidth = byte_rate::mib(1);
    o.migrate_disks = {"vda", "vdb"};
    o.host_devices.set_aside = true; // not libvirt's
    using pair = std::pair<std::string, std::string>;
    CHECK(named_options(o) == std::vector<pair>{{"flags", "live, tls"},
                                                {"destination_xml", "18 bytes of XML"},
                                                {"bandwidth", "1048576"},
                                                {"migrate_disks", "vda"},
                                                {"migrate_disks", "vdb"}});
}
