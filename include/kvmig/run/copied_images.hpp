// SPDX-License-Identifier: MIT
/// Images that are copied from host to host while the guest is shut off, by rsync over SSH.
#pragma once

#include <kvmig/core/error.hpp>
#include <kvmig/core/expected.hpp>
#include <kvmig/ports/image_mover.hpp>
#include <kvmig/run/copy_plan.hpp>
#include <kvmig/run/image_facts.hpp>
#include <kvmig/run/image_targets.hpp>
#include <kvmig/run/on_host.hpp>
#include <kvmig/run/rsync.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

namespace kvmig::run {

/// How patient a copy is.
struct copy_patience {
    /// How long a broken link is waited for, from the last byte that came.
    std::chrono::milliseconds reconnect_for = std::chrono::minutes{2};
    std::chrono::milliseconds between = std::chrono::seconds{1}; ///< two attempts
};

/// The image mover of a guest whose images the destination has not.
///
/// They go directly from the source to the destination, each under a name of this migration's own
/// beside its final one, and get the final name when all of them have proven to be equal. That is a
/// second name of the same file, never over another; the first goes only in `keep`, so that whoever
/// takes the migration up knows what this one made. Holes stay holes; a qcow2 image comes as it is.
/// What a block device of the destination held is lost once the copy has begun.
///
/// `ssh`: the program, with its options, by which the source reaches the destination; the plan's
/// port is added to them.
class copied_images {
public:
    static constexpr bool shared = false; ///< The images travel: see `ports::image_mover`.

    /// Asks nobody yet.
    copied_images(on_host source, on_host destination, copy_plan plan, std::vector<std::string> ssh,
                  copy_patience patience = {})
        : source_(std::move(source)), plan_(std::move(plan)), ssh_(std::move(ssh)),
          patience_(patience), targets_(std::move(destination), plan_) {
        if (plan_.port != 0) ssh_.insert(ssh_.end(), {"-p", std::to_string(plan_.port)});
    }
    copied_images(const copied_images &) = delete;
    copied_images &operator=(const copied_images &) = delete;
    copied_images(copied_images &&) = delete;
    copied_images &operator=(copied_images &&) = delete;
    ~copied_images() = default;

    /// What `prepare` finds out, without making anything.
    [[nodiscard]] expected<void> check() {
        if (auto able = check_tools(); !able) return able;
        return targets_.check();
    }
    /// Fails with `environment` where rsync is missing; `refused` when the source's SSH does not
    /// reach the destination without questions; `conflict` for a target that is there already, is
    /// too small or in use; `environment` for too little room. Nothing was made then but, in the
    /// end, empty files of this migration's own names.
    [[nodiscard]] expected<void> prepare() {
        if (auto able = check_tools(); !able) return able;
        return targets_.prepare();
    }

    /// Copies them one after another; a copy that was broken off is taken up again.
    [[nodiscard]] expected<void> copy(const ports::copy_callback &progress,
                                      const std::stop_token &stop) {
        bytes total;
        for (planned_image &each : plan_.images) {
            if (auto free = check_unused(each, stop); !free) return free;
            total = total + each.size;
        }
        bytes before;
        for (const planned_image &each : plan_.images) {
            const auto heard = [&](bytes done) {
                if (progress) progress({before + std::min(done, each.size), total});
            };
            heard(bytes{});
            if (auto copied = copy_one(each, heard, stop); !copied) return copied;
            before = before + each.size;
            heard(bytes{});
        }
        return {};
    }

    /// Compares the checksums of all images, gives them their names, and says what was compared;
    /// fails where one differs.
    [[nodiscard]] expected<std::string> prove() {
        std::string out;
        for (const planned_image &each : plan_.images) {
            auto here = source_.ask(checksum_words(each.source, each.kind, each.size));
            if (!here) return fail(std::move(here).error());
            auto sum = parse_checksum(*here);
            if (!sum) return fail(std::move(sum).error().on(source_.name()));
            auto there = targets_.checksum(each);
            if (!there) return fail(std::move(there).error());
            if (*sum != *there) {
                return fail(make_error(error_kind::failed,
                                       "the copy of '" + each.source +
                                           "' is not equal to it: " + "SHA-256 is " + *sum +
                                           " at the source, and " + *there + " at the destination")
                                .on(targets_.host().name())
                                .about(each.destination)
                                .advise("migrate again; see that nothing else writes to either"));
            }
            out += (out.empty() ? "" : "; ") + each.destination + ": SHA-256 " + *sum +
                   " on both hosts, over " + std::to_string(each.size.count()) + " bytes";
        }
        if (auto named = targets_.name_them(); !named) return fail(std::move(named).error());
        return out.empty() ? "it has no images" : out;
    }
    /// Removes what it made at the destination.
    [[nodiscard]] expected<void> remove() { return targets_.remove(); }
    /// Of the images, under their own names; removes what else was made.
    [[nodiscard]] expected<void> keep() { return targets_.keep(); }

private:
    [[nodiscard]] expected<void> check_tools() {
        const std::vector<std::string> version{"rsync", "--version"};
        if (auto here = source_.ask(version); !here) return fail(std::move(here).error());
        std::vector<std::string> there = ssh_;
        there.insert(there.end(), {plan_.login, "--"});
        there.insert(there.end(), version.begin(), version.end());
        auto ran = source_.attempt(there);
        if (!ran) return fail(std::move(ran).error());
        if (ran->status == 0) return {};
        if (ran->status != 255) return fail(targets_.host().failure(version, *ran));
        return fail(source_.failure(there, *ran)
                        .because(make_error(error_kind::refused,
                                            "the source cannot reach '" + plan_.login +
                                                "' over SSH without being asked anything"))
                        .advise("let root of " + source_.name() +
                                " log in there by key, and have "
                                "it know that host's key"));
    }

    /// Now that the guest is off, nobody may write to its images; and they have their final size.
    [[nodiscard]] expected<void> check_unused(planned_image &image, const std::stop_token &stop) {
        auto writers = writers_of(source_, image.source, stop);
        if (!writers) return fail(std::move(writers).error());
        if (!writers->empty()) {
            return fail(make_error(error_kind::conflict, "the image '" + image.source +
                                                             "' is in use, though the guest is "
                                                             "off: " +
                                                             *writers)
                            .on(source_.name())
                            .about(image.source)
                            .advise("end the other guest or program that has it open"));
        }
        if (image.kind == image_kind::block) return {};
        auto said = source_.ask(stat_words(image.source), stop);
        if (!said) return fail(std::move(said).error());
        auto facts = parse_stat(*said);
        if (!facts) return fail(std::move(facts).error().on(source_.name()).about(image.source));
        image.size = facts->size;
        image.allocated = facts->allocated;
        return {};
    }

    template <class Heard>
    [[nodiscard]] expected<void> copy_one(const planned_image &image, Heard heard,
                                          const std::stop_token &stop) {
        using clock = std::chrono::steady_clock;
        auto into = targets_.place(image);
        if (!into) return fail(std::move(into).error());
        const std::vector<std::string> argv =
            rsync_words(image, image.source, *into, ssh_, plan_.login);
        auto last_moved = clock::now();
        for (;;) {
            rsync_progress parser;
            const auto piece = [&](std::string_view text) {
                if (const auto done = parser.hear(text)) {
                    last_moved = clock::now();
                    heard(*done);
                }
            };
            auto ran = source_.attempt(argv, stop, piece);
            if (!ran) return fail(std::move(ran).error());
            if (ran->status == 0) return {};
            error why = source_.failure(argv, *ran).about(image.source);
            if (ran->err.find("No space left on device") != std::string::npos) {
                return fail(
                    make_error(error_kind::environment,
                               "the destination has no room left for '" + image.destination + "'")
                        .on(targets_.host().name())
                        .about(image.destination)
                        .because(std::move(why))
                        .advise("make room there, and migrate again"));
            }
            if (!link_broke(ran->status, ran->err)) return fail(std::move(why));
            if (clock::now() - last_moved >= patience_.reconnect_for) {
                return fail(make_error(error_kind::unreachable, "the copy of '" + image.source +
                                                                    "' broke off, and nothing "
                                                                    "has come through since")
                                .on(source_.name())
                                .about(image.source)
                                .because(std::move(why)));
            }
            if (!wait(stop)) {
                return fail(error_kind::cancelled, "the copy was stopped on request");
            }
        }
    }
    /// Between two attempts; false after a stop.
    [[nodiscard]] bool wait(const std::stop_token &stop) const {
        std::mutex lock;
        std::condition_variable_any never;
        std::unique_lock held(lock);
        never.wait_for(held, stop, patience_.between, [] { return false; });
        return !stop.stop_requested();
    }

    on_host source_;
    copy_plan plan_;
    std::vector<std::string> ssh_;
    copy_patience patience_;
    image_targets targets_;
};

static_assert(ports::image_mover<copied_images>);

} // namespace kvmig::run
