// SPDX-License-Identifier: MIT
/// A fake of two hosts, their daemons and a journal, in which the controller can be killed before
/// or after any call: the call throws `killed`, and so do all later ones of that controller.
#pragma once

#include <kvmig/core/uuid.hpp>
#include <kvmig/model/domain.hpp>
#include <kvmig/model/job.hpp>
#include <kvmig/model/storage.hpp>
#include <kvmig/run/memory_journal.hpp>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::fakes {

/// What a call of a killed controller ends in.
struct killed {};

/// The hosts as they are, whoever drives. A migration goes on by one phase each time its source is
/// asked for the job, so that it needs no clock.
class world {
public:
    /// What happens in it.
    struct script {
        bool peer_to_peer = false; ///< otherwise the daemons give up when the controller dies
        int fails_in = 0;          ///< the phase in which it fails; 0: it succeeds
        bool undefine_source = false;
        bool copies_disk = false;
        bool deaf = false;         ///< the guest does not hear that it is to shut down
        bool other_image = false;  ///< the destination has another one at the path
        bool cannot_start = false; ///< the destination cannot start the guest
        std::string image = "/images/vm1.qcow2"; ///< of the guest's one disk, raw; empty: no disk
        /// Where each side keeps a saved guest's memory; empty: it cannot be saved.
        std::array<std::filesystem::path, 2> saved{};
        bool cannot_save = false; ///< saving fails, and the guest runs on
        bool device = false;      ///< the guest holds one of the source's PCI devices
        bool clings = false;      ///< and never lets go of it
        bool none_there = false;  ///< the destination has none that could take its place
        int cannot_attach = -1;   ///< the side at which it cannot be attached
    };
    // Its phases.
    static constexpr int none = 0;
    static constexpr int prepared = 1; ///< the destination's process waits
    static constexpr int sending = 2;
    static constexpr int stopped = 3;  ///< the source's guest stands still
    static constexpr int finished = 4; ///< the destination's guest runs; the source was not told

    explicit world(script s) : script_(s) {
        source_ = model::domain_status{model::domain_state::running, 1, "booted", true, true};
        held_ = {script_.device, false};
    }

    uuid id = uuid::random();

    /// A new controller, which is killed at its `at`-th half of a call; 0: never.
    void begin_controller(int at) {
        const std::scoped_lock held(lock_);
        ++controller_;
        halves_ = 0;
        kill_at_ = at;
    }
    [[nodiscard]] int controller() {
        const std::scoped_lock held(lock_);
        return controller_;
    }
    /// Whether it came to be killed.
    [[nodiscard]] bool was_killed() {
        const std::scoped_lock held(lock_);
        return dead_ >= controller_;
    }
    /// Called before and after each call.
    void half_a_call(int controller) {
        const std::scoped_lock held(lock_);
        if (controller <= dead_) throw killed();
        if (++halves_ != kill_at_) return;
        dead_ = controller;
        changed_.notify_all();
        if (!script_.peer_to_peer) lose_controller();
        throw killed();
    }

    template <class Call> auto call(int controller, Call what) {
        half_a_call(controller);
        auto answer = what();
        half_a_call(controller);
        return answer;
    }

    // What the hosts say and do. `side`: 0 the source, 1 the destination.

    std::optional<model::domain_status> status(int side) {
        const std::scoped_lock held(lock_);
        if (side == 0 && std::exchange(going_down_, false)) end_process(source_, 1); // shutdown
        return at(side);
    }
    expected<model::job_statistics> job(int side) {
        const std::scoped_lock held(lock_);
        if (phase_ == none) return model::job_statistics{};
        if (side == 1) {
            error err = make_error(error_kind::unsupported,
                                   "migration statistics are available only on the source host");
            err.libvirt.emplace().code = 84;
            return fail(std::move(err));
        }
        model::job_statistics out;
        out.type = model::job_type::unbounded;
        if (phase_ >= sending) out.memory_total = bytes{1000};
        go_on();
        return out;
    }
    /// Blocks as libvirt's call does; a killed controller does not wait for the end.
    expected<void> migrate(int controller) {
        std::unique_lock held(lock_);
        if (controller <= dead_) return gone();
        if (held_[0]) {
            return fail(error_kind::unsupported, "cannot migrate a domain with <hostdev "
                                                 "mode='subsystem' type='pci'>");
        }
        phase_ = prepared;
        outcome_.reset();
        destination_ =
            model::domain_status{model::domain_state::paused, 2, "migration", true, false};
        changed_.wait(held, [&] { return outcome_ || controller <= dead_; });
        return outcome_ && controller > dead_ ? *outcome_ : gone();
    }
    expected<void> abort() {
        const std::scoped_lock held(lock_);
        if (phase_ == none || phase_ >= stopped) {
            return fail(error_kind::conflict, "nothing can be aborted");
        }
        give_up(make_error(error_kind::cancelled, "canceled by client"));
        return {};
    }
    expected<void> resume(int side) {
        return change(side, true, [](auto &g) {
            g->state = model::domain_state::running;
            g->reason = 5;
        });
    }
    expected<void> start(int side) {
        if (side == 1 && script_.cannot_start) {
            auto noted = change(side, false, [](auto &g) { g->reason = 6; }); // failed
            return noted ? fail(error_kind::failed, "cannot start the guest") : noted;
        }
        return change(side, false, [this, side](auto &g) {
            std::error_code missing;
            const auto &state = script_.saved[static_cast<std::size_t>(side)];
            const bool restored = !state.empty() && std::filesystem::remove(state, missing);
            booted_ = booted_ || !restored;
            if (side == 0) held_[0] = script_.device; // as its definition has it
            *g = {model::domain_state::running, restored ? 3 : 1, restored ? "restored" : "booted",
                  true, true};
        });
    }
    /// Its memory goes to a file, and the guest is off.
    expected<void> save(int side) {
        if (script_.cannot_save) return fail(error_kind::failed, "no room for the state");
        return change(side, true, [this, side](auto &g) {
            std::ofstream(script_.saved[static_cast<std::size_t>(side)]) << "memory";
            end_process(g, 5); // saved
        });
    }
    expected<void> forget_saved(int side) {
        return change(side, std::nullopt, [this, side](auto &) {
            std::filesystem::remove(script_.saved[static_cast<std::size_t>(side)]);
        });
    }
    /// Whether the guest was ever started without its memory.
    [[nodiscard]] bool booted() {
        const std::scoped_lock held(lock_);
        return booted_;
    }
    expected<void> destroy(int side) {
        return change(side, true, [](auto &g) { end_process(g, 2); });
    }
    expected<void> undefine(int side) {
        return change(side, std::nullopt, [](auto &g) {
            g->persistent = false;
            if (!g->active) g.reset();
        });
    }
    /// The guest takes its time: it is off when it is looked for next.
    expected<void> shut_down(int side) {
        return change(side, true, [this](auto &) { going_down_ = !script_.deaf; });
    }
    expected<void> define(int side) {
        const std::scoped_lock held(lock_);
        guest &of = at(side);
        if (of && of->active) return fail(error_kind::conflict, "it runs");
        of = model::domain_status{model::domain_state::shutoff, 0, "unknown", false, true};
        return {};
    }
    /// The image into which a disk is copied.
    void set_target(bool there) {
        const std::scoped_lock held(lock_);
        target_ = there;
    }
    [[nodiscard]] bool target() {
        const std::scoped_lock held(lock_);
        return target_;
    }
    model::storage_volume image(int side) const {
        model::storage_volume out;
        out.name = "vm1.qcow2";
        out.format = "qcow2";
        out.capacity = bytes{1000};
        out.modified = side == 1 && script_.other_image ? "7.5" : "7.0";
        return out;
    }

    // The host's device.

    /// A guest that was asked to let go of it does so when it is looked at for the third time.
    std::optional<bool> holds(int side) {
        if (on_holds && side == 0) on_holds();
        const std::scoped_lock held(lock_);
        if (side == 0 && asked_ > 0 && ++asked_ > 3) let_go();
        const guest &of = at(side);
        if (!of || !of->active) return std::nullopt;
        return held_[static_cast<std::size_t>(side)];
    }
    expected<void> detach(int side) {
        return change(side, true, [this](auto &) {
            if (!script_.clings && held_[0]) asked_ = 1;
        });
    }
    expected<void> attach(int side) {
        if (side == script_.cannot_attach) return fail(error_kind::failed, "the device is broken");
        expected<void> out;
        const auto done = change(side, true, [&](auto &) {
            bool &has = held_[static_cast<std::size_t>(side)];
            if (has) out = fail(error_kind::conflict, "the device is in use");
            has = true;
        });
        return done ? out : done;
    }
    [[nodiscard]] bool held(int side) {
        const std::scoped_lock held(lock_);
        return held_[static_cast<std::size_t>(side)];
    }
    /// Whether the guest is going to let go of it.
    [[nodiscard]] bool lets_go() {
        const std::scoped_lock held(lock_);
        return asked_ > 0;
    }
    [[nodiscard]] const script &told() const noexcept { return script_; }
    /// The device can be attached from now on.
    void mend() {
        const std::scoped_lock held(lock_);
        script_.cannot_attach = -1;
    }
    /// The guest lets go of it now.
    void loosen() {
        const std::scoped_lock held(lock_);
        let_go();
    }
    std::function<void()> on_holds{}; ///< before the source tells whether the guest holds it

    /// How many guests run, and whether ever two did.
    [[nodiscard]] int running() {
        const std::scoped_lock held(lock_);
        return count();
    }
    [[nodiscard]] bool ever_two() {
        const std::scoped_lock held(lock_);
        return ever_two_;
    }
    [[nodiscard]] int definitions() {
        const std::scoped_lock held(lock_);
        return (source_ && source_->persistent ? 1 : 0) +
               (destination_ && destination_->persistent ? 1 : 0);
    }
    [[nodiscard]] const std::string &image_path() const noexcept { return script_.image; }
    [[nodiscard]] bool at_work() {
        const std::scoped_lock held(lock_);
        return phase_ != none;
    }

    run::memory_journal records; ///< outlives the controllers

private:
    using guest = std::optional<model::domain_status>;

    guest &at(int side) { return side == 0 ? source_ : destination_; }
    void let_go() {
        held_[0] = false;
        asked_ = 0;
    }
    static expected<void> gone() { return fail(error_kind::unreachable, "connection lost"); }
    static void end_process(guest &of, int reason) {
        if (!of || !of->persistent) {
            of.reset();
            return;
        }
        *of = {model::domain_state::shutoff, reason, "", false, true};
    }
    int count() const {
        const auto runs = [](const guest &g) {
            return g && g->active && g->state == model::domain_state::running ? 1 : 0;
        };
        return runs(source_) + runs(destination_);
    }
    void look_for_two() {
        ever_two_ = ever_two_ || count() > 1;
        // A process that ends leaves the device to the host.
        if (!source_ || !source_->active) let_go();
        if (!destination_ || !destination_->active) held_[1] = false;
    }

    void end(expected<void> outcome) {
        phase_ = none;
        outcome_ = std::move(outcome);
        look_for_two();
        changed_.notify_all();
    }
    /// libvirt brings the guest back by itself.
    void give_up(error why) {
        destination_.reset();
        if (source_->state == model::domain_state::paused) source_->reason = 6;
        source_->state = model::domain_state::running;
        end(fail(std::move(why)));
    }
    void go_on() {
        if (phase_ == script_.fails_in) {
            error why = make_error(error_kind::failed, "the migration broke");
            // Finish was done and its answer was lost: the source keeps what it has.
            if (phase_ == finished) return end(fail(std::move(why)));
            return give_up(std::move(why));
        }
        switch (++phase_) {
        case stopped:
            source_->state = model::domain_state::paused;
            source_->reason = 2; // migration
            break;
        case finished:
            destination_ =
                model::domain_status{model::domain_state::running, 2, "migrated", true, true};
            break;
        case finished + 1:
            if (script_.undefine_source) source_->persistent = false;
            end_process(source_, 4); // migrated
            return end({});
        default: break;
        }
        look_for_two();
    }
    /// What daemons led by the controller do when its connection closes.
    void lose_controller() {
        if (phase_ == prepared || phase_ == sending) {
            give_up(make_error(error_kind::unreachable, "client went away"));
        } else if (phase_ == stopped) {
            // The source does not know whether the destination took over, and leaves it paused.
            destination_.reset();
            end(gone());
        } else if (phase_ == finished) {
            end(gone());
        }
    }
    template <class Change>
    expected<void> change(int side, std::optional<bool> active, Change what) {
        const std::scoped_lock held(lock_);
        guest &of = at(side);
        if (!of) return fail(error_kind::not_found, "Domain not found");
        if (active && of->active != *active) return fail(error_kind::conflict, "not so");
        what(of);
        look_for_two();
        return {};
    }

    script script_;
    std::mutex lock_;
    std::condition_variable changed_;
    int controller_ = 0;
    int dead_ = 0;
    int halves_ = 0;
    int kill_at_ = 0;
    guest source_;
    guest destination_;
    int phase_ = none;
    std::optional<expected<void>> outcome_;
    bool ever_two_ = false;
    bool going_down_ = false;
    bool booted_ = false;
    bool target_ = false;
    std::array<bool, 2> held_{}; ///< whether the guest holds the device of that side
    int asked_ = 0;              ///< looks since it was asked to let go, and one
};

} // namespace kvmig::fakes
