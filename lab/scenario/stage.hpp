// SPDX-License-Identifier: MIT
/// Where live migrations play: both hosts connected, what was there before, a probe outside; the
/// guests upon it, each with its witnesses; and nothing left when it is struck.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/libvirt.hpp>
#include <kvmig/migration/options.hpp>
#include <kvmig/model/storage.hpp>
#include <kvmig/run/migration_result.hpp>
#include <lab/observe/heartbeat_probe.hpp>
#include <lab/scenario/guest_domain.hpp>
#include <lab/scenario/hosts.hpp>
#include <lab/scenario/scenario.hpp>
#include <lab/scenario/timed_journal.hpp>
#include <lab/scenario/witnesses.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::lab {

/// A running guest of the lab, where it is now, and those who watch it.
struct performer {
    guest_domain guest;
    libvirt::domain at;
    witnesses watch;
};

/// How a migration is tried, beyond its options.
struct trial {
    run::progress_callback each_sample{};
    run::sampling watched{};
    std::optional<std::stop_token> stop{}; ///< the scenario's own when there is none
    timed_journal *journal = nullptr;      ///< for a migration that is taken up again
};

class stage {
public:
    /// Connects to both hosts, remembers what is there, and listens for heartbeats.
    [[nodiscard]] static expected<stage> set(scenario_context &context);

    [[nodiscard]] const hosts &on() const noexcept { return on_; }
    /// Connects again to a host whose daemon was started anew; domains are to be looked up again.
    [[nodiscard]] expected<void> reconnect();
    [[nodiscard]] scenario_context &context() const noexcept { return *context_; }

    /// Creates a volume in a pool of one host, its name begun with the site's prefix, to be removed
    /// by `strike`; its path.
    [[nodiscard]] expected<std::string> add_volume(const libvirt::connection &host,
                                                   std::string_view pool,
                                                   model::storage_volume volume);
    /// A sparse qcow2 volume made by kvm01.
    [[nodiscard]] expected<std::string> add_image(std::string_view pool, std::string name,
                                                  bytes capacity);
    /// A volume that something else made: `strike` removes it too.
    void own_volume(const libvirt::connection &host, std::string path);

    /// Defines `actor`, as it stands on this site, on kvm01 and starts it, waits until it beats and
    /// is ready, and writes its disk's pattern.
    [[nodiscard]] expected<performer> start(const guest_domain &actor);

    /// Those who watch a guest that was started elsewhere, once it beats and is ready.
    [[nodiscard]] expected<witnesses> meet_again(const guest_domain &guest);

    /// Migrates `who`, and keeps what was seen as `prefix`migration of the run's samples, whether
    /// or not it succeeds: samples, states, libvirt's events. Proves nothing. A migration that was
    /// refused before it began leaves nothing.
    [[nodiscard]] expected<run::migration_result>
    attempt(const performer &who, const std::string &prefix, const libvirt::connection &to,
            const migration::options &how, const trial &with = {});

    /// Moves `who` to `to` and proves it, every name prefixed with `prefix`; libvirt's side as
    /// well as what guest and outside saw. `who.at` is the domain at its new place then.
    [[nodiscard]] expected<run::migration_result>
    move(performer &who, const std::string &prefix, const libvirt::connection &to,
         const migration::options &how = {}, const run::progress_callback &each_sample = {},
         const run::sampling &watched = {});

    /// Proves, of a migration that was made otherwise, what `move` proves of its own.
    [[nodiscard]] expected<void> prove_moved(performer &who, const std::string &prefix,
                                             const libvirt::connection &to,
                                             const run::migration_result &result);

    /// Proves that `who` still runs at its place and was not hurt, after a move that was not made.
    [[nodiscard]] expected<void> prove_unhurt(performer &who, const std::string &prefix);

    /// Ends a guest, and removes its definitions on both hosts.
    [[nodiscard]] expected<void> dismiss(performer &who);

    /// Removes the volumes, and proves that both hosts have what they had before.
    [[nodiscard]] expected<void> strike();

private:
    stage(scenario_context &context, hosts on, std::set<std::string> before,
          observe::heartbeat_probe probe)
        : context_(&context), on_(std::move(on)), before_(std::move(before)),
          probe_(std::make_unique<observe::heartbeat_probe>(std::move(probe))) {}

    /// Says in the JSON of a migration when it began, and how long the guest was watched before.
    void place_in_time(nlohmann::json &kept, std::chrono::steady_clock::time_point begun,
                       const performer &who) const;

    scenario_context *context_;
    hosts on_;
    std::set<std::string> before_;
    std::unique_ptr<observe::heartbeat_probe> probe_; ///< stays in its place: witnesses point to it
    std::vector<std::pair<libvirt::connection, std::string>> volumes_;
};

/// What happens to a guest that runs on kvm01.
using scene = std::function<expected<void>(stage &, performer &)>;

/// The usual play: a guest on an image of its own in kvm01's `pool`, what happens to it, and all
/// removed again.
[[nodiscard]] expected<void> play(scenario_context &context, guest_domain guest,
                                  std::string_view pool, bytes capacity, const scene &happens);

} // namespace kvmig::lab
