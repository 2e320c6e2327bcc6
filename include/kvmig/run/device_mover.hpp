// SPDX-License-Identifier: MIT
/// Takes the host's devices from a guest before it moves, and sees to it that it has them again
/// where it is afterwards.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/shell_word.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/ports/device_host.hpp>
#include <kvmig/ports/hypervisor.hpp>
#include <kvmig/run/set_aside.hpp>
#include <kvmig/xml/host_devices.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

/// The connection URIs of both hosts, for the commands that remedies name.
struct device_ends {
    std::string source;      ///< of the source
    std::string destination; ///< of the destination
};

/// Acts upon the guest's live definition, which it asks before each act: what an earlier controller
/// did is not done twice, and what a guest has is left alone. Both hosts must outlive it.
///
/// A guest that was asked to let go of a device may do so later; libvirt cannot take the request
/// back. Where a wait was cut short, or the controller died in it, `give_back` waits for that for a
/// while; when the guest took longer than it may, the error says what to do should it come yet, or
/// a gap where there is no error.
template <ports::hypervisor H> class device_mover {
public:
    /// Of the guest `id`; there is nothing to move yet.
    device_mover(H &source, H &destination, const uuid &id)
        : source_(source), destination_(destination), id_(id) {}

    /// Those of this migration.
    void adopt(std::vector<set_aside_device> devices, device_ends ends) {
        devices_ = std::move(devices);
        ends_ = std::move(ends);
    }
    /// An earlier controller may have died while it waited for the guest.
    void expect_late() noexcept { late_ = inherited_ = true; }

    /// Detaches one after another at the source, and returns when the guest has none of them.
    /// `patience`: how long it may take to let go of one; `pause` waits for a while, and `stopped`
    /// tells whether the migration is to be cancelled. Fails with `timed_out`, `cancelled`, or as
    /// the source tells, naming the device.
    template <class Pause, class Stopped>
    [[nodiscard]] expected<void> set_aside(std::chrono::milliseconds patience, Pause pause,
                                           Stopped stopped) {
        for (const set_aside_device &each : devices_) {
            auto here = has(source_, each.source);
            if (!here) return fail(std::move(here).error());
            if (!*here) continue;
            if (stopped()) {
                return fail(error_kind::cancelled, "cancelled before the guest's device " +
                                                       each.source.text() + " was detached");
            }
            late_ = true;
            if (auto asked = detach(source_, each.xml); !asked) {
                // A refusal never came to the guest; of a call that was lost nobody knows.
                const error_kind why = asked.error().kind;
                late_ = why == error_kind::unreachable;
                return fail(make_error(why, "the guest's device " + each.source.text() +
                                                " cannot be detached")
                                .about(each.source.text())
                                .because(std::move(asked).error()));
            }
            if (auto gone = wait(each, patience, pause, stopped); !gone) {
                late_ = late_ && gone.error().kind != error_kind::timed_out;
                return gone;
            }
            late_ = false;
        }
        return {};
    }

    /// Attaches what a guest that runs at the source is missing there. All are tried; the first
    /// error, with the others as causes. `grace`: how long a guest that may be about to let go of
    /// a device is waited for.
    template <class Pause>
    [[nodiscard]] expected<void> give_back(std::chrono::milliseconds grace, Pause pause) {
        if (devices_.empty()) return {};
        auto status = source_.status(id_);
        if (!status) return fail(std::move(status).error());
        // Without a process there is nothing to attach to: the definition has kept its devices.
        if (!*status || !(**status).active) return {};
        if (auto settled = let_settle(grace, pause); !settled) return settled;
        expected<void> out;
        for (const set_aside_device &each : devices_) {
            auto back = attach(source_, each, each.source);
            if (back) continue;
            const error_kind kind = back.error().kind;
            error why = make_error(kind, "the device " + each.source.text() +
                                             ", which the guest let go of in order to move, cannot "
                                             "be attached at the source again")
                            .about(each.source.text())
                            .advise(command(ends_.source, each, each.source))
                            .because(std::move(back).error());
            if (out) {
                out = fail(std::move(why));
            } else {
                out.error().causes.push_back(std::move(why));
            }
        }
        return out;
    }

    /// Attaches at the destination, where the guest is now, what takes the devices' place there.
    /// What cannot be attached is a gap: the guest has moved.
    void hand_over() {
        gaps_.clear();
        if (devices_.empty()) return;
        auto status = destination_.status(id_);
        if (status && (!*status || !(**status).active)) return; // it has ended there
        for (const set_aside_device &each : devices_) {
            if (!each.destination) {
                gaps_.push_back(
                    make_error(error_kind::not_found,
                               "the guest has moved without its device " + each.source.text() +
                                   ": nothing at the destination takes its place")
                        .about(each.source.text())
                        .advise("virsh -c " + shell_word(ends_.destination) +
                                " nodedev-list --cap pci, and attach one by virsh attach-device"));
                continue;
            }
            auto there = status ? attach(destination_, each, *each.destination)
                                : expected<void>(fail(status.error()));
            if (there) continue;
            const error_kind kind = there.error().kind;
            gaps_.push_back(make_error(kind, "the guest has moved, and the device " +
                                                 each.destination->text() +
                                                 ", which takes the place of the source's " +
                                                 each.source.text() + ", cannot be attached")
                                .about(each.destination->text())
                                .advise(command(ends_.destination, each, *each.destination))
                                .because(std::move(there).error()));
        }
    }

    /// What the guest lacks, or may lack yet, and why.
    [[nodiscard]] const std::vector<error> &gaps() const noexcept { return gaps_; }

private:
    /// Whether the guest holds the device of that host.
    [[nodiscard]] expected<bool> has(H &host, const model::pci_address &at) {
        if constexpr (ports::device_host<H>) {
            const auto live = host.live_definition(id_);
            if (!live) return fail(live.error());
            const auto held = xml::host_devices(*live);
            if (!held) return fail(held.error());
            return std::any_of(held->begin(), held->end(),
                               [&](const auto &each) { return each.address == at; });
        } else {
            return fail(unsupported());
        }
    }
    [[nodiscard]] expected<void> detach(H &host, const std::string &xml) {
        if constexpr (ports::device_host<H>) {
            return host.detach_device(id_, xml);
        } else {
            return fail(unsupported());
        }
    }
    /// Unless the guest holds it already.
    [[nodiscard]] expected<void> attach(H &host, const set_aside_device &device,
                                        const model::pci_address &at) {
        if constexpr (ports::device_host<H>) {
            auto held = has(host, at);
            if (!held) return fail(std::move(held).error());
            if (*held) return {};
            const auto xml = xml::attachable(device.xml, at);
            if (!xml) return fail(xml.error());
            return host.attach_device(id_, *xml);
        } else {
            return fail(unsupported());
        }
    }
    [[nodiscard]] static error unsupported() {
        return make_error(error_kind::unsupported, "devices of these hosts cannot be attached");
    }

    /// Until the guest holds one device less, or has had its time. They are detached one after
    /// another, so that it was asked for no more than one.
    template <class Pause>
    [[nodiscard]] expected<void> let_settle(std::chrono::milliseconds grace, Pause pause) {
        if (!std::exchange(late_, false)) return {};
        const auto count = [&]() -> expected<std::ptrdiff_t> {
            std::ptrdiff_t held = 0;
            for (const set_aside_device &each : devices_) {
                auto here = has(source_, each.source);
                if (!here) return fail(std::move(here).error());
                held += *here ? 1 : 0;
            }
            return held;
        };
        const auto first = count();
        if (!first) return fail(first.error());
        const auto until = std::chrono::steady_clock::now() + grace;
        for (auto held = *first; held == *first && held > 0;) {
            pause();
            const auto now = count();
            if (!now) return fail(now.error());
            held = *now;
            if (std::chrono::steady_clock::now() >= until) {
                if (inherited_ && held == *first) tell_still_held();
                break;
            }
        }
        return {};
    }

    /// Whether a controller that died had asked the guest cannot be known.
    void tell_still_held() {
        for (const set_aside_device &each : devices_) {
            if (const auto here = has(source_, each.source); !here || !*here) continue;
            gaps_.push_back(
                make_error(error_kind::timed_out,
                           "the guest holds its device " + each.source.text() +
                               "; should it have been asked to let go of it, and do so later, it "
                               "is without it")
                    .about(each.source.text())
                    .advise("then: " + command(ends_.source, each, each.source)));
        }
    }

    template <class Pause, class Stopped>
    [[nodiscard]] expected<void> wait(const set_aside_device &device,
                                      std::chrono::milliseconds patience, Pause pause,
                                      Stopped stopped) {
        const auto until = std::chrono::steady_clock::now() + patience;
        for (;;) {
            auto here = has(source_, device.source);
            if (!here) return fail(std::move(here).error());
            if (!*here) return {};
            const bool cancelled = stopped();
            if (cancelled || std::chrono::steady_clock::now() >= until) {
                return fail(make_error(cancelled ? error_kind::cancelled : error_kind::timed_out,
                                       cancelled
                                           ? "cancelled before the guest let go of its device " +
                                                 device.source.text()
                                           : "the guest does not let go of its device " +
                                                 device.source.text() + ": it was asked " +
                                                 std::to_string(patience.count()) + " ms ago")
                                .about(device.source.text())
                                .advise("see in the guest what uses it (lspci -k, dmesg); should "
                                        "it let go later all the same: " +
                                        command(ends_.source, device, device.source)));
            }
            pause();
        }
    }

    /// What a person types to attach it.
    [[nodiscard]] std::string command(const std::string &uri, const set_aside_device &device,
                                      const model::pci_address &at) const {
        const auto xml = xml::attachable(device.xml, at);
        return "printf %s " + shell_word(xml ? *xml : device.xml) + " | virsh -c " +
               shell_word(uri) + " attach-device " + id_.text() + " /dev/stdin --live";
    }

    H &source_;
    H &destination_;
    uuid id_;
    std::vector<set_aside_device> devices_;
    device_ends ends_;
    bool late_ = false;      ///< the guest may yet let go of a device
    bool inherited_ = false; ///< by what an earlier controller asked for
    std::vector<error> gaps_;
};

} // namespace kvmig::run
