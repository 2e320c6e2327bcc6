// SPDX-License-Identifier: MIT
/// The steps of a migration that goes as it should, along the states of the machine.
#pragma once

#include <kvmig/migration/kind.hpp>
#include <kvmig/migration/options.hpp>
#include <kvmig/migration/origin.hpp>
#include <kvmig/migration/plan.hpp>
#include <kvmig/migration/state.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::migration {

namespace detail {

/// Writes steps down one after another.
class step_writer {
public:
    step_writer(const plan &of, const origin &before) : plan_(of), before_(before) {}

    void at_source(state at, std::string what, std::string object) {
        add(at, plan_.source.hostname, std::move(what), std::move(object));
    }
    void at_destination(state at, std::string what, std::string object) {
        add(at, plan_.destination.hostname, std::move(what), std::move(object));
    }
    void add(state at, std::string host, std::string what, std::string object) {
        steps_.push_back({at, std::move(host), std::move(what), std::move(object)});
    }

    /// Targets that are missing are made first, whatever the mode.
    void make_targets() {
        for (const planned_disk &each : plan_.disks) {
            if (!each.travels || each.exists.value_or(true)) continue;
            std::string what = "make an empty " + each.format + " image";
            if (each.size) what += " of " + std::to_string(each.size->count()) + " bytes";
            if (!each.below.empty()) what += " upon " + each.below;
            if (!each.pool.empty()) what += " in the pool " + each.pool;
            at_destination(state::preparing, std::move(what), each.target);
        }
    }
    /// Last before the move, for the guest is without them from then on.
    void detach_devices() {
        for (const planned_device &each : plan_.devices) {
            at_source(state::preparing, "detach the device, and wait until the guest has let go",
                      each.source);
        }
    }
    /// When the guest is there, and the source has let go of it.
    void attach_devices() {
        for (const planned_device &each : plan_.devices) {
            if (each.destination.empty()) continue;
            at_destination(state::releasing, "attach the device in the place of " + each.source,
                           each.destination);
        }
    }
    void end() {
        const std::string &name = plan_.domain;
        if (before_.undefine_source) {
            at_source(state::releasing, "remove the definition", name);
        } else if (before_.source_persistent) {
            at_source(state::releasing, "keep the definition, shut off", name);
        }
        attach_devices();
        add(state::completed, "both", "ask where the guest is", name);
    }
    [[nodiscard]] std::vector<planned_step> take() { return std::move(steps_); }

private:
    const plan &plan_;
    const origin &before_;
    std::vector<planned_step> steps_;
};

inline void write_live(step_writer &out, const plan &of, const origin &before, const options &o,
                       std::optional<std::chrono::milliseconds> promise) {
    const std::string &name = of.domain;
    out.make_targets();
    if (promise) {
        out.at_source(state::preparing,
                      "allow a downtime of " + std::to_string(promise->count()) + " ms at most",
                      name);
    }
    out.detach_devices();
    out.at_source(state::beginning, "begin: let libvirt allow the move and tell the guest's XML",
                  name);
    if (o.flags.has(flag::offline)) {
        out.at_destination(state::beginning, "define the guest, shut off", name);
        return out.end();
    }
    out.at_destination(state::beginning, "prepare: start the guest's process, which waits for it",
                       name);
    for (const planned_disk &each : of.disks) {
        if (!each.travels) continue;
        out.at_source(state::copying_disks,
                      before.kind == kind::incremental
                          ? "mirror what lies above the backing file to the destination"
                          : "mirror the disk to the destination",
                      each.disk);
    }
    const bool runs = o.flags.has(flag::live) && before.source_was == activity::running;
    out.at_source(state::pre_copy,
                  runs ? "send memory, pass after pass, while the guest runs"
                       : "send memory while the guest stands still",
                  name);
    if (o.flags.has(flag::postcopy)) {
        out.at_source(state::pre_copy,
                      "if it is asked for meanwhile: switch to post-copy, after which nothing can "
                      "be cancelled",
                      name);
    }
    out.at_source(state::switching_over, "stop the guest, and send what is left", name);
    if (before.persist_destination) {
        out.at_destination(state::switching_over, "define the guest", name);
    }
    out.at_destination(state::switching_over,
                       before.start_at_destination ? "let the guest run" : "leave the guest paused",
                       name);
    out.at_source(state::releasing, "end the guest's process", name);
    out.end();
}

inline void write_cold(step_writer &out, const plan &of, const origin &before) {
    const std::string &name = of.domain;
    out.add(state::preparing, "both", "compare the images, and the room that they need", name);
    out.make_targets();
    if (before.stop == stop_method::shutdown) {
        out.at_source(state::stopping, "ask the guest to shut down, and wait until it has", name);
    }
    if (before.stop == stop_method::save) {
        out.at_source(state::stopping, "save the guest's memory to a file, and end its process",
                      name);
    }
    for (const planned_disk &each : of.disks) {
        if (each.travels) {
            out.at_source(state::copying, "copy the image to the destination", each.source);
        }
    }
    if (before.shared_storage) {
        out.at_source(state::copying, "leave the images where they are", name);
        out.add(state::verifying, "both", "prove that the images are the same files", name);
    } else {
        out.add(state::verifying, "both", "prove by SHA-256 that the copies are equal", name);
    }
    out.at_destination(state::defining, "define the guest", name);
    if (before.start_at_destination) {
        out.at_destination(state::starting,
                           before.stop == stop_method::save
                               ? "start the guest, which goes on from its saved memory"
                               : "start the guest",
                           name);
    }
    out.end();
}

} // namespace detail

/// The steps by which `of`, whose other fields are set, will be carried out when nothing goes
/// wrong. `promise`: the longest downtime, where one was promised.
[[nodiscard]] inline std::vector<planned_step>
steps_of(const plan &of, const origin &before, const options &o,
         std::optional<std::chrono::milliseconds> promise = {}) {
    detail::step_writer out(of, before);
    if (before.kind == kind::cold) {
        detail::write_cold(out, of, before);
    } else {
        detail::write_live(out, of, before, o, promise);
    }
    return out.take();
}

} // namespace kvmig::migration
