// SPDX-License-Identifier: MIT
/// Those who watch a guest from outside while it is moved, and what they saw.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/observe/guest_client.hpp>
#include <lab/observe/heartbeat_probe.hpp>
#include <lab/observe/ping_probe.hpp>
#include <lab/observe/tcp_session.hpp>
#include <lab/scenario/guest_domain.hpp>
#include <lab/scenario/scenario.hpp>

#include <kvmig/run/migration_result.hpp>

#include <optional>
#include <stop_token>
#include <string>

namespace kvmig::lab {

/// Heartbeat, TCP session, pings and control connection of one running guest.
class witnesses {
public:
    /// Waits until the guest beats later than `after` and is ready (memory filled, disk open), and
    /// connects to it; with `pings`, it is pinged too.
    [[nodiscard]] static expected<witnesses> meet(const guest_domain &guest,
                                                  observe::heartbeat_probe &probe, bool pings,
                                                  const std::stop_token &stop,
                                                  observe::steady_time after = {});

    /// Begins a stretch of time to be proven: stalls are counted anew from here.
    [[nodiscard]] expected<void> begin();

    /// When it began: the times of `samples` count from it.
    [[nodiscard]] observe::steady_time begun() const noexcept { return begun_; }

    /// Ends the stretch and proves it in `out`, every name prefixed with `prefix`: same boot,
    /// memory and disk intact, one TCP session throughout, pings answered, no second copy. Measures
    /// the gap seen outside and the stalls seen inside.
    [[nodiscard]] expected<void> prove(scenario_result &out, const std::string &prefix,
                                       const std::stop_token &stop);

    [[nodiscard]] observe::guest_client &client() noexcept { return client_; }
    [[nodiscard]] const observe::beat_key &key() const noexcept { return key_; }
    /// Ends the TCP session in good order.
    observe::session_report leave() { return session_.stop(); }

private:
    witnesses(observe::heartbeat_probe &probe, observe::beat_key key, observe::guest_client client,
              observe::tcp_session session, std::optional<observe::ping_probe> pings)
        : probe_(&probe), key_(std::move(key)), client_(std::move(client)),
          session_(std::move(session)), pings_(std::move(pings)) {}

    void prove_pings(scenario_result &out, const std::string &prefix, observe::steady_time now,
                     const std::stop_token &stop) const;

    observe::heartbeat_probe *probe_;
    observe::beat_key key_;
    observe::guest_client client_;
    observe::tcp_session session_;
    std::optional<observe::ping_probe> pings_;
    observe::steady_time begun_{};
    std::chrono::nanoseconds uptime_{0};
};

/// libvirt's side: what the library's result says of both hosts, as proofs and figures.
void prove_migration(scenario_result &out, const std::string &prefix,
                     const run::migration_result &result);

} // namespace kvmig::lab
