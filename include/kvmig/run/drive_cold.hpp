// SPDX-License-Identifier: MIT
/// Does the steps of a cold migration, from shutting the guest down to starting it elsewhere.
#pragma once

#include <kvmig/core/error.hpp>
#include <kvmig/core/expected.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/migration/event.hpp>
#include <kvmig/migration/origin.hpp>
#include <kvmig/migration/state.hpp>
#include <kvmig/ports/clock.hpp>
#include <kvmig/ports/cold_host.hpp>
#include <kvmig/ports/image_mover.hpp>
#include <kvmig/ports/journal.hpp>
#include <kvmig/run/driver.hpp>
#include <kvmig/run/journaled.hpp>
#include <kvmig/run/migration_result.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::run {

/// How far a cold migration has come.
struct cold_progress {
    /// The state whose work begins, or is under way.
    migration::state at = migration::state::planned;
    std::optional<ports::copy_progress> images; ///< while they are copied
};

/// Called on the thread that called `migrate_cold`. It must not throw.
using cold_callback = std::function<void(const cold_progress &)>;

/// Each step can be done again after being cut short, by another controller too.
template <ports::cold_host H, ports::image_mover M, ports::journal J, ports::clock C>
class cold_driver : public driver<H, J, C> {
    using clock = std::chrono::steady_clock;
    using event = migration::event;

public:
    /// `definition`: what the destination is given.
    cold_driver(H &source, H &destination, const uuid &id, journaled<J, C> &steps, M &images,
                std::string definition, const cold_callback &progress, std::stop_token stop,
                const sampling &how)
        : driver<H, J, C>(source, destination, id, steps, std::move(stop), how), images_(images),
          definition_(std::move(definition)), progress_(progress) {}

    using driver<H, J, C>::at;
    using driver<H, J, C>::feed;
    using driver<H, J, C>::leaving;
    using driver<H, J, C>::stop_requested;

    /// Listens for the guest's end from now on. Without events it is looked for.
    [[nodiscard]] std::vector<error> listen() {
        std::vector<error> problems;
        auto told = source_.watch_lifecycle(id_, [this](ports::life_change) { inbox_.nudge(); });
        if (told) {
            subscriptions_.push_back(*std::move(told));
        } else if (told.error().kind != error_kind::unsupported) {
            problems.push_back(std::move(told).error());
        }
        return problems;
    }

    /// Makes ready what is needed at the destination, and begins.
    void prepare() {
        if (stop_requested()) return this->observe(event::cancel_requested, "as asked for");
        if (auto prepared = images_.prepare(); !prepared) {
            return step_failed(std::move(prepared).error());
        }
        feed(steps_.before().stop == migration::stop_method::none ? event::copy_requested
                                                                  : event::stop_requested,
             "");
    }

    /// Whether a host is at it: nothing is to be asked then.
    [[nodiscard]] bool at_work() const noexcept {
        using enum migration::state;
        switch (at()) {
        case stopping:
        case copying:
        case verifying:
        case defining:
        case starting: return true;
        default: return false;
        }
    }
    /// One step after another, until the machine leads elsewhere.
    void attend() {
        while (at_work() && !problem_ && !leaving()) {
            if (progress_) progress_({at(), std::nullopt});
            if (stop_requested()) {
                this->observe(event::cancel_requested, "as asked for");
                if (!at_work() || problem_) return;
            }
            switch (at()) {
            case migration::state::stopping: stop_guest(); break;
            case migration::state::copying: copy_images(); break;
            case migration::state::verifying: prove_copy(); break;
            case migration::state::defining: define(); break;
            default: start(); break;
            }
        }
    }

    /// What a settlement says where the watching ended before the migration.
    static constexpr std::string_view left = "nobody goes on with it";
    /// No job of libvirt's releases the source: the steps do.
    static constexpr bool source_lets_go_by_itself = false;
    /// After a cancel; and a destination that could not start the guest once is not asked again.
    [[nodiscard]] bool gives_up() const noexcept { return start_failed_ || stop_requested(); }
    /// Of the images, where they were made.
    [[nodiscard]] expected<void> remove_targets() { return images_.remove(); }
    /// A state left at the source would be gone on from when somebody starts the guest there.
    [[nodiscard]] expected<void> keep_targets() {
        if (auto kept = images_.keep(); !kept) return kept;
        if (steps_.before().stop != migration::stop_method::save) return {};
        auto known = source_.status(id_);
        if (!known) return fail(std::move(known).error());
        return *known ? source_.forget_saved(id_) : expected<void>();
    }

    /// What went wrong, if anything did; the first of it.
    [[nodiscard]] const std::optional<error> &why() const noexcept { return why_; }
    /// What proved that the copy is equal.
    [[nodiscard]] const std::string &proof() const noexcept { return proof_; }
    /// From when the guest was seen shut off, or began to be saved, until the destination had
    /// started it.
    [[nodiscard]] std::optional<std::chrono::milliseconds> downtime() const {
        if (!stopped_ || !started_) return std::nullopt;
        return std::chrono::duration_cast<std::chrono::milliseconds>(*started_ - *stopped_);
    }

private:
    void step_failed(error why) {
        feed(event::step_failed, why.what);
        if (!why_) why_ = std::move(why);
    }

    void stop_guest() {
        if (steps_.before().stop == migration::stop_method::save) return save_guest();
        if (!asked_) {
            auto asked = source_.shut_down(id_);
            // Somebody else may have switched it off meanwhile: that is seen next.
            if (!asked && asked.error().kind != error_kind::conflict) {
                if (asked.error().kind == error_kind::unreachable)
                    return lose_source(asked.error());
                return step_failed(std::move(asked).error());
            }
            asked_ = clock::now();
        }
        auto status = source_.status(id_);
        if (!status) return lose_source(status.error());
        if (!*status) {
            return step_failed(
                make_error(error_kind::not_found, "the source does not know the guest any more"));
        }
        if (!(**status).active) {
            stopped_ = clock::now();
            feed(event::source_stopped, (**status).reason_text);
            return;
        }
        if (clock::now() - *asked_ >= how_.shutdown) {
            return step_failed(
                make_error(error_kind::timed_out, "the guest was asked to shut down, and after " +
                                                      std::to_string(how_.shutdown.count() / 1000) +
                                                      " s it still has not")
                    .advise("see whether it listens to its power button (ACPI), or shut it down "
                            "from within and migrate it then"));
        }
        this->pause();
    }
    /// It stands still from the beginning of the call, and is off at its end.
    void save_guest() {
        const auto begun = clock::now();
        expected<void> saved;
        {
            // One that comes before the job has begun finds nothing to abort: the guest is saved
            // then, and started again.
            const std::stop_callback calling_off(
                stop_, [this] { static_cast<void>(source_.abort_job(id_)); });
            saved = source_.save(id_);
        }
        auto status = source_.status(id_);
        if (!status) return lose_source(status.error());
        if (*status && !(**status).active) {
            stopped_ = begun;
            feed(event::source_stopped, (**status).reason_text);
            return;
        }
        if (stop_requested()) return this->observe(event::cancel_requested, "as asked for");
        step_failed(
            saved ? make_error(error_kind::failed, "the guest's state was saved, and it runs on")
                  : std::move(saved).error());
    }
    void lose_source(const error &why) {
        if (!why_) why_ = why;
        feed(event::source_lost, why.what);
    }

    void copy_images() {
        const auto told = [this](const ports::copy_progress &now) {
            if (progress_) progress_({at(), now});
        };
        auto copied = images_.copy(told, stop_);
        if (copied) {
            feed(event::images_copied, "");
        } else if (copied.error().kind == error_kind::cancelled) {
            feed(event::cancel_requested, "as asked for");
        } else {
            step_failed(std::move(copied).error());
        }
    }
    void prove_copy() {
        auto proof = images_.prove();
        if (!proof) return step_failed(std::move(proof).error());
        proof_ = *std::move(proof);
        feed(event::copy_proven, proof_);
    }
    void define() {
        auto defined = destination_.define(definition_);
        if (!defined) return step_failed(std::move(defined).error());
        feed(steps_.before().start_at_destination ? event::destination_defined
                                                  : event::definition_left_shut_off,
             "");
    }
    void start() {
        auto started = destination_.start(id_);
        if (!started) {
            start_failed_ = true;
            return step_failed(std::move(started).error());
        }
        started_ = clock::now();
        feed(event::destination_started, "");
    }

    using driver<H, J, C>::source_;
    using driver<H, J, C>::destination_;
    using driver<H, J, C>::id_;
    using driver<H, J, C>::steps_;
    using driver<H, J, C>::stop_;
    using driver<H, J, C>::how_;
    using driver<H, J, C>::inbox_;
    using driver<H, J, C>::problem_;
    using driver<H, J, C>::subscriptions_;

    M &images_;
    std::string definition_;
    const cold_callback &progress_;
    std::optional<clock::time_point> asked_;
    std::optional<clock::time_point> stopped_;
    std::optional<clock::time_point> started_;
    bool start_failed_ = false;
    std::optional<error> why_;
    std::string proof_;
};

} // namespace kvmig::run
