// SPDX-License-Identifier: MIT
/// Where images are copied to: looked at before, named when they are proven, and removed again.
#pragma once

#include <kvmig/core/error.hpp>
#include <kvmig/core/expected.hpp>
#include <kvmig/run/copy_plan.hpp>
#include <kvmig/run/image_facts.hpp>
#include <kvmig/run/on_host.hpp>

#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

namespace kvmig::run {

/// Who has `path` open for writing on `host`, in words; empty when nobody has.
[[nodiscard]] inline expected<std::string> writers_of(const on_host &host, const std::string &path,
                                                      const std::stop_token &stop = {}) {
    auto told = host.ask(identity_words(path), stop);
    if (!told) return fail(std::move(told).error().about(path));
    auto identity = parse_identity(*told);
    if (!identity) return fail(std::move(identity).error().on(host.name()).about(path));
    const std::vector<std::string> argv = writers_words();
    auto ran = host.run(argv, stop);
    if (!ran) return fail(std::move(ran).error());
    if (ran->status > 1) return fail(host.failure(argv, *ran));
    std::string out;
    for (const std::string &each : parse_writers(ran->out, *identity)) {
        out += (out.empty() ? "process " : ", process ") + each;
    }
    return out.empty() ? out : out + " may write to it";
}

/// The destination's side of a copy (`copied_images`).
class image_targets {
public:
    /// `plan` must outlive it.
    image_targets(on_host host, const copy_plan &plan) : host_(std::move(host)), plan_(plan) {}

    [[nodiscard]] const on_host &host() const noexcept { return host_; } ///< The destination.

    /// Checks every target and the room there is; makes nothing.
    [[nodiscard]] expected<void> check() const {
        std::map<std::string, std::pair<bytes, bytes>> room; // by mount: there is, is needed
        for (const planned_image &each : plan_.images) {
            expected<void> fit =
                each.kind == image_kind::file ? check_file(each, room) : check_device(each);
            if (!fit) return fit;
        }
        for (const auto &[mount, amounts] : room) {
            if (amounts.first >= amounts.second) continue;
            return fail(make_error(error_kind::environment,
                                   "the images take " + std::to_string(amounts.second.count()) +
                                       " bytes, and " + mount + " has " +
                                       std::to_string(amounts.first.count()) + " left")
                            .on(host_.name())
                            .about(mount)
                            .advise("make room there, or put the images elsewhere by a rule for "
                                    "paths"));
        }
        return {};
    }

    /// Makes the empty files to copy into, once all is checked.
    [[nodiscard]] expected<void> prepare() {
        if (auto able = check(); !able) return able;
        for (const planned_image &each : plan_.images) {
            if (each.kind != image_kind::file) continue;
            // Only if there is nothing of the name.
            auto made = host_.ask({"dd", "if=/dev/null", "of=" + plan_.part_of(each), "count=0",
                                   "conv=excl", "status=none"});
            // Nobody else reads it while it comes; in the end it has its source's permissions.
            if (made) made = host_.ask({"chmod", "600", "--", plan_.part_of(each)});
            if (!made) return fail(std::move(made).error().about(plan_.part_of(each)));
        }
        return {};
    }

    /// The path to copy into. A device is told by the name behind all links, which rsync would
    /// replace by a file.
    [[nodiscard]] expected<std::string> place(const planned_image &image) const {
        if (image.kind == image_kind::file) return plan_.part_of(image);
        auto said = host_.ask(resolve_words(image.destination));
        if (!said) return fail(std::move(said).error().about(image.destination));
        while (said->ends_with('\n')) said->pop_back();
        return said;
    }

    /// Once whoever wrote to it has ended, a rest of a broken link among them.
    [[nodiscard]] expected<std::string> checksum(const planned_image &image) const {
        const std::string at =
            image.kind == image_kind::file ? plan_.part_of(image) : image.destination;
        auto said = host_.ask(settled_words(at, checksum_words(at, image.kind, image.size)));
        if (!said) return fail(std::move(said).error().about(at));
        auto sum = parse_checksum(*said);
        if (!sum) return fail(std::move(sum).error().on(host_.name()));
        return sum;
    }

    /// Gives each copy its final name, once it is on the disk. Done again, it does nothing.
    [[nodiscard]] expected<void> name_them() {
        for (const planned_image &each : plan_.images) {
            const std::string at =
                each.kind == image_kind::file ? plan_.part_of(each) : each.destination;
            if (auto synced = host_.ask({"sync", "--", at}); !synced) {
                return fail(std::move(synced).error().about(at));
            }
            if (each.kind == image_kind::block) continue;
            auto ours = same_file(at, each.destination);
            if (!ours) return fail(std::move(ours).error());
            if (*ours) continue;
            auto named = host_.ask({"ln", "--no-target-directory", "--", at, each.destination});
            if (!named) return fail(std::move(named).error().about(each.destination));
        }
        return {};
    }

    /// Removes what this migration made, under either name, and nothing else.
    [[nodiscard]] expected<void> remove() {
        for (const planned_image &each : plan_.images) {
            if (each.kind != image_kind::file) continue;
            const std::string part = plan_.part_of(each);
            auto ours = same_file(part, each.destination);
            if (!ours) return fail(std::move(ours).error());
            if (*ours) {
                if (auto gone = unlink(each.destination); !gone) return gone;
            }
            if (auto gone = unlink(part); !gone) return gone;
        }
        return {};
    }
    /// The copies are the guest's own now: only their final names stay.
    [[nodiscard]] expected<void> keep() {
        for (const planned_image &each : plan_.images) {
            if (each.kind != image_kind::file) continue;
            if (auto gone = unlink(plan_.part_of(each)); !gone) return gone;
        }
        return {};
    }

private:
    [[nodiscard]] error problem(error_kind kind, const std::string &path,
                                const std::string &what) const {
        return make_error(kind, "the target '" + path + "' " + what).on(host_.name()).about(path);
    }

    [[nodiscard]] expected<bool> same_file(const std::string &a, const std::string &b) const {
        auto ran = host_.run({"test", a, "-ef", b});
        if (!ran) return fail(std::move(ran).error());
        if (ran->status > 1) return fail(host_.failure({"test"}, *ran));
        return ran->status == 0;
    }
    [[nodiscard]] expected<void> unlink(const std::string &path) const {
        auto gone = host_.ask({"rm", "--force", "--", path});
        return gone ? expected<void>() : fail(std::move(gone).error().about(path));
    }

    [[nodiscard]] expected<void>
    check_file(const planned_image &image,
               std::map<std::string, std::pair<bytes, bytes>> &room) const {
        // A link that leads nowhere is a taken name too.
        auto taken = host_.run({"test", "-e", image.destination, "-o", "-L", image.destination});
        if (!taken) return fail(std::move(taken).error());
        if (taken->status == 0) {
            return fail(problem(error_kind::conflict, image.destination,
                                "is there already, and may be another guest's")
                            .advise("where both hosts share that storage, migrate without copying "
                                    "images; otherwise remove it, or put the copy elsewhere by a "
                                    "rule for paths"));
        }
        if (taken->status != 1) return fail(host_.failure({"test"}, *taken));
        const std::string folder = image.destination.substr(0, image.destination.rfind('/') + 1);
        auto said = host_.ask(room_words(folder));
        if (!said) {
            return fail(
                problem(error_kind::not_found, image.destination, "has no folder to be put into")
                    .because(std::move(said).error())
                    .advise("make " + folder +
                            " there, or put the copy elsewhere by a "
                            "rule for paths"));
        }
        auto free = parse_room(*said);
        if (!free) return fail(std::move(free).error().on(host_.name()));
        auto &[available, needed] = room[free->mount];
        available = free->available;
        needed = needed + image.allocated;
        return {};
    }

    [[nodiscard]] expected<void> check_device(const planned_image &image) const {
        const std::string &path = image.destination;
        auto ran = host_.run(stat_words(path));
        if (!ran) return fail(std::move(ran).error());
        const auto facts = ran->status == 0 ? parse_stat(ran->out) : expected<image_facts>();
        if (ran->status != 0 || !facts || facts->kind != image_kind::block) {
            return fail(
                problem(error_kind::not_found, path, "is no block device, as the source's is")
                    .advise("make a volume of at least " + std::to_string(image.size.count()) +
                            " bytes there"));
        }
        auto told = host_.ask(device_size_words(path));
        if (!told) return fail(std::move(told).error());
        auto size = parse_device_size(*told);
        if (!size) return fail(std::move(size).error().on(host_.name()));
        if (*size < image.size) {
            return fail(problem(error_kind::conflict, path,
                                "is smaller than its source: " + std::to_string(size->count()) +
                                    " bytes for " + std::to_string(image.size.count()))
                            .advise("enlarge it, with `lvextend` for instance"));
        }
        auto upon = host_.ask(holders_words(path));
        if (!upon) return fail(std::move(upon).error());
        if (const std::string holders = parse_holders(*upon); !holders.empty()) {
            return fail(problem(error_kind::conflict, path, "is in use: " + holders));
        }
        auto writers = writers_of(host_, path);
        if (!writers) return fail(std::move(writers).error());
        if (writers->empty()) return {};
        return fail(problem(error_kind::conflict, path, "is in use: " + *writers)
                        .advise("end the guest or program that has it open"));
    }

    on_host host_;
    const copy_plan &plan_;
};

} // namespace kvmig::run
