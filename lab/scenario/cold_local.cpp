// SPDX-License-Identifier: MIT
/// cold-local-file, cold-local-lvm: shut down, and its images copied from host to host;
/// cold-state-save: its memory too.
#include <lab/scenario/cold_moves.hpp>
#include <lab/scenario/on_machine.hpp>
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>

#include <kvmig/run/image_facts.hpp>

#include <fmt/format.h>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace kvmig::lab {

namespace {

constexpr std::string_view equal = "every image has the same checksum on both hosts";

expected<run::image_facts> facts_of(stage &on, std::string_view host, const std::string &path) {
    auto said = ask_machine(on.context(), host, run::stat_words(path));
    if (!said) return fail(std::move(said).error());
    return run::parse_stat(*said);
}

expected<void> run_cold_local_file(scenario_context &context) {
    auto on = stage::set(context);
    if (!on) return fail(std::move(on).error());
    model::storage_volume volume;
    volume.name = "vm1.raw";
    volume.capacity = bytes::mib(128);
    volume.allocation = bytes{0};
    auto path = on->add_volume(on->on().kvm01(), local_pool_name, volume);
    if (!path) return fail(std::move(path).error());
    guest_domain actor = usual_guest();
    actor.disk = *path;
    actor.disk_format = "raw";
    auto guest = on->start(actor);
    if (!guest) return fail(std::move(guest).error());

    auto there = move_cold(*on, *guest, "there: ", on->on().kvm02(), true, equal,
                           by_copied_images({.undefine_source = true}));
    if (!there) return fail(std::move(there).error());
    on->own_volume(on->on().kvm02(), *path);
    auto before = facts_of(*on, "kvm01", *path);
    if (!before) return fail(std::move(before).error());
    auto after = facts_of(*on, "kvm02", *path);
    if (!after) return fail(std::move(after).error());
    const bytes slack = bytes::mib(1);
    context.out.prove(
        "a sparse image stays sparse",
        before->size == volume.capacity && after->size == before->size &&
            before->allocated < volume.capacity && after->allocated <= before->allocated + slack,
        fmt::format("{:.1f} MiB; allocated {:.1f} MiB on kvm01, {:.1f} MiB on kvm02",
                    after->size.as_mib(), before->allocated.as_mib(), after->allocated.as_mib()));
    // The image that was left behind is not written over.
    auto done = refuse_cold(*on, *guest, "name taken: ", on->on().kvm01(), "is there already");
    if (done) done = on->dismiss(*guest);
    if (done) done = on->strike();
    return done;
}

expected<void> run_cold_state_save(scenario_context &context) {
    return play(context, usual_guest(), local_pool_name, bytes::mib(64),
                [](stage &on, performer &guest) -> expected<void> {
                    auto moved =
                        move_cold(on, guest, "", on.on().kvm02(), true,
                                  "disk and saved memory have the same checksums on both hosts",
                                  by_copied_images({.undefine_source = true, .keep_state = true}),
                                  memory::kept);
                    if (!moved) return fail(std::move(moved).error());
                    on.own_volume(on.on().kvm02(), guest.guest.disk.string());
                    for (const std::string_view host : {"kvm01", "kvm02"}) {
                        auto left =
                            ask_machine(on.context(), host,
                                        {"find", run::copy_reach{}.saved_states, "-type", "f"});
                        if (!left) return fail(std::move(left).error());
                        on.context().out.prove(fmt::format("no saved memory is left on {}", host),
                                               left->empty(), left->empty() ? "none" : *left);
                    }
                    return {};
                });
}

constexpr std::string_view disk_file = "/var/tmp/kvmig-volumes";
constexpr std::string_view group = "kvmig";

std::string volume_path(std::string_view name) { return fmt::format("/dev/{}/{}", group, name); }

/// A volume group on a file of the host, with volumes of these MiB.
expected<std::string> make_volumes(stage &on, std::string_view host, unsigned system,
                                   unsigned data) {
    const std::string file{disk_file};
    auto made = ask_machine(on.context(), host, {"truncate", "--size=128M", file});
    if (!made) return made;
    auto loop = ask_machine(on.context(), host, {"losetup", "--find", "--show", file});
    if (!loop) return loop;
    while (loop->ends_with('\n')) loop->pop_back();
    const std::vector<std::vector<std::string>> steps{
        {"vgcreate", "--quiet", std::string{group}, *loop},
        {"lvcreate", "--quiet", "--yes", "--size", fmt::format("{}M", system), "--name", "system",
         std::string{group}},
        {"lvcreate", "--quiet", "--yes", "--size", fmt::format("{}M", data), "--name", "data",
         std::string{group}},
    };
    for (const auto &argv : steps) {
        if (auto done = ask_machine(on.context(), host, argv); !done) return done;
    }
    return loop;
}

expected<void> remove_volumes(stage &on, std::string_view host, const std::string &loop) {
    const std::vector<std::vector<std::string>> steps{
        {"vgremove", "--quiet", "--force", "--yes", std::string{group}},
        {"losetup", "--detach", loop},
        {"rm", std::string{disk_file}},
    };
    for (const auto &argv : steps) {
        if (auto done = ask_machine(on.context(), host, argv); !done)
            return fail(std::move(done).error());
    }
    return {};
}

expected<void> run_cold_local_lvm(scenario_context &context) {
    auto on = stage::set(context);
    if (!on) return fail(std::move(on).error());
    context.tell("making volumes on both hosts");
    constexpr unsigned data = 16;
    auto here = make_volumes(*on, "kvm01", 32, data);
    if (!here) return fail(std::move(here).error());
    auto there = make_volumes(*on, "kvm02", 32, data / 2);
    if (!there) return fail(std::move(there).error());
    // What cannot be guessed on the source's second volume, and other things on the targets.
    for (const auto &[host, name, mib] :
         {std::tuple{"kvm01", "data", data}, std::tuple{"kvm02", "data", data / 2},
          std::tuple{"kvm02", "system", 32U}}) {
        auto filled = ask_machine(context, host,
                                  {"dd", "if=/dev/urandom", "of=" + volume_path(name), "bs=1M",
                                   fmt::format("count={}", mib), "conv=fsync", "status=none"});
        if (!filled) return fail(std::move(filled).error());
    }
    guest_domain actor = usual_guest();
    actor.disk = volume_path("system");
    actor.disk_format = "raw";
    actor.second_disk = volume_path("data");
    auto guest = on->start(actor);
    if (!guest) return fail(std::move(guest).error());

    auto done =
        refuse_cold(*on, *guest, "small target: ", on->on().kvm02(), "smaller than its source");
    if (!done) return done;
    // As the error advises; and a little larger than its source.
    auto enlarged = ask_machine(
        context, "kvm02",
        {"lvextend", "--quiet", "--size", fmt::format("{}M", data + 4), volume_path("data")});
    if (!enlarged) return fail(std::move(enlarged).error());
    auto moved = move_cold(*on, *guest, "there: ", on->on().kvm02(), true, equal,
                           by_copied_images({.undefine_source = true}));
    if (!moved) return fail(std::move(moved).error());
    const std::vector<std::string> sum =
        run::checksum_words(volume_path("data"), run::image_kind::block, bytes::mib(data));
    auto first = ask_machine(context, "kvm01", sum);
    if (!first) return fail(std::move(first).error());
    auto second = ask_machine(context, "kvm02", sum);
    if (!second) return fail(std::move(second).error());
    context.out.prove("the second volume is equal over the source's size", *first == *second,
                      fmt::format("{:.16}… on kvm01, {:.16}… on kvm02", *first, *second));
    done = on->dismiss(*guest);
    if (done) done = remove_volumes(*on, "kvm01", *here);
    if (done) done = remove_volumes(*on, "kvm02", *there);
    if (done) done = on->strike();
    return done;
}

} // namespace

scenario cold_local_file() {
    return {"cold-local-file",
            "cold",
            "shut down, a sparse image copied from host to host",
            false,
            run_cold_local_file,
            "it reads the images of both hosts as root"};
}

scenario cold_state_save() {
    return {"cold-state-save", "cold",
            "memory saved to a file, copied with the disk, and gone on from", false,
            run_cold_state_save};
}

scenario cold_local_lvm() {
    return {"cold-local-lvm",
            "cold",
            "shut down, two logical volumes copied into the other host's",
            false,
            run_cold_local_lvm,
            "it makes volume groups on both hosts"};
}

} // namespace kvmig::lab
