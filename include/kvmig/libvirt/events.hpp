// SPDX-License-Identifier: MIT
/// Domain events as callbacks that end with the subscription.
#pragma once

#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/domain.hpp>
#include <kvmig/libvirt/job.hpp>
#include <kvmig/ports/subscription.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace kvmig::libvirt {

/// A change in a domain's life: `virDomainEventType`, and the detail that goes with it.
struct lifecycle_event {
    uuid domain;   ///< whose life it is
    int event = 0; ///< of `virDomainEventType`
    int detail = 0;
};

namespace detail {

/// What libvirt keeps while a callback is registered. The lock is held while the callback runs,
/// so that ending the subscription waits for a call under way; it is recursive, so that a
/// callback may end its own subscription.
template <class... Arguments> struct event_target {
    std::recursive_mutex lock;
    std::function<void(Arguments...)> callback;

    void call(Arguments... arguments) {
        const std::scoped_lock held(lock);
        if (!callback) return;
        const auto running = callback; // lives on when the callback ends its subscription
        running(std::move(arguments)...);
    }
};

template <class Target> [[nodiscard]] Target &target_of(void *opaque) {
    return **static_cast<std::shared_ptr<Target> *>(opaque);
}

/// Registers `entry` for the event `id`, of one domain or (null) of all.
template <class Target>
[[nodiscard]] expected<ports::subscription>
register_event(const connection &on, virDomainPtr domain, int id, std::shared_ptr<Target> target,
               virConnectDomainEventGenericCallback entry, const char *what) {
    auto opaque = std::make_unique<std::shared_ptr<Target>>(target);
    const int number =
        virConnectDomainEventRegisterAny(on.raw(), domain, id, entry, opaque.get(), [](void *kept) {
            delete static_cast<std::shared_ptr<Target> *>(kept);
        });
    if (number < 0) {
        return fail(last_error(std::string("cannot listen to ") + what, on.hostname())
                        .advise("start a kvmig::libvirt::event_loop before opening the "
                                "connection, and listen once to an event on one connection"));
    }
    static_cast<void>(opaque.release()); // libvirt deletes it when it lets go of the callback
    auto kept = std::make_shared<connection>(on.share());
    return ports::subscription([kept, number, target] {
        {
            const std::scoped_lock held(target->lock);
            target->callback = nullptr;
        }
        // On a broken connection nothing is left to deregister from.
        static_cast<void>(virConnectDomainEventDeregisterAny(kept->raw(), number));
    });
}

[[nodiscard]] inline uuid id_of(virDomainPtr domain) {
    std::array<std::uint8_t, 16> raw{};
    static_cast<void>(virDomainGetUUID(domain, raw.data()));
    return uuid{raw};
}

} // namespace detail

// Each callback runs on the event loop's thread; it must not block, throw, or call libvirt
// synchronously on the connection it listens to. libvirt takes one subscription to an event (of a
// domain) on one connection from each function that listens: a second `Listener`, any type, is
// another such function.

/// Starts, stops, suspensions, … of every domain of a host.
template <class Listener = void>
[[nodiscard]] expected<ports::subscription>
on_lifecycle(const connection &on, std::function<void(lifecycle_event)> callback) {
    using target = detail::event_target<lifecycle_event>;
    auto shared = std::make_shared<target>();
    shared->callback = std::move(callback);
    const virConnectDomainEventCallback entry = [](virConnectPtr, virDomainPtr domain, int event,
                                                   int detail_number, void *opaque) {
        detail::target_of<target>(opaque).call({detail::id_of(domain), event, detail_number});
        return 0;
    };
    return detail::register_event(on, nullptr, VIR_DOMAIN_EVENT_ID_LIFECYCLE, std::move(shared),
                                  VIR_DOMAIN_EVENT_CALLBACK(entry), "lifecycle events");
}

/// The end of a job of one domain, with its final statistics.
template <class Listener = void>
[[nodiscard]] expected<ports::subscription>
on_job_completed(const domain &of, std::function<void(model::job_statistics)> callback) {
    using target = detail::event_target<model::job_statistics>;
    auto shared = std::make_shared<target>();
    shared->callback = std::move(callback);
    const virConnectDomainEventJobCompletedCallback entry =
        [](virConnectPtr, virDomainPtr, virTypedParameterPtr params, int count, void *opaque) {
            auto statistics =
                to_job_statistics(VIR_DOMAIN_JOB_COMPLETED, parameter_view(params, count));
            // The event does not tell the type; a job without success was not completed.
            if (statistics.success == false) statistics.type = model::job_type::failed;
            detail::target_of<target>(opaque).call(std::move(statistics));
        };
    return detail::register_event(of.on(), of.raw(), VIR_DOMAIN_EVENT_ID_JOB_COMPLETED,
                                  std::move(shared), VIR_DOMAIN_EVENT_CALLBACK(entry),
                                  "the end of jobs");
}

/// The beginning of each pass over memory, with its number as the hypervisor counts.
template <class Listener = void>
[[nodiscard]] expected<ports::subscription>
on_migration_iteration(const domain &of, std::function<void(std::uint64_t)> callback) {
    using target = detail::event_target<std::uint64_t>;
    auto shared = std::make_shared<target>();
    shared->callback = std::move(callback);
    const virConnectDomainEventMigrationIterationCallback entry = [](virConnectPtr, virDomainPtr,
                                                                     int iteration, void *opaque) {
        detail::target_of<target>(opaque).call(
            static_cast<std::uint64_t>(iteration < 0 ? 0 : iteration));
    };
    return detail::register_event(of.on(), of.raw(), VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION,
                                  std::move(shared), VIR_DOMAIN_EVENT_CALLBACK(entry),
                                  "migration iterations");
}

} // namespace kvmig::libvirt
