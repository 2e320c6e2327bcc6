// SPDX-License-Identifier: MIT
/// A guest under QEMU alone: started by hand on a host, ruled over its monitor, unknown to libvirt.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/model/query_migrate.hpp>
#include <lab/machine/qmp.hpp>
#include <lab/scenario/guest_domain.hpp>
#include <lab/topology/topology.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::lab {

class bare_qemu {
public:
    /// The disk's names in the monitor: of the device, and of the node behind it.
    static constexpr std::string_view disk = "disk0";
    static constexpr std::string_view node = "node0";

    /// Starts QEMU on `machine` for `guest`, whose `disk` is on that machine, with a network
    /// device of its own on the hosts' bridge, and connects to its monitor, which listens on the
    /// machine's address. `begins` are words of its command line that have it begin otherwise than
    /// with a boot: `incoming`, `from_snapshot`. `number` tells this QEMU from others, also from
    /// those that have just ended.
    [[nodiscard]] static expected<bare_qemu> start(const machine_spec &machine,
                                                   const guest_domain &guest, unsigned number,
                                                   const std::vector<std::string> &begins,
                                                   const std::stop_token &stop);
    /// Waits there for a migration.
    [[nodiscard]] static std::vector<std::string> incoming(std::uint16_t port);
    /// Goes on where the disk's snapshot of this name was taken.
    [[nodiscard]] static std::vector<std::string> from_snapshot(std::string_view tag);

    [[nodiscard]] const machine_spec &at() const noexcept { return *machine_; }
    /// A command of the monitor; an error names the host too.
    [[nodiscard]] expected<nlohmann::json>
    execute(std::string_view command, nlohmann::json arguments = nlohmann::json::object());
    /// `query-migrate`, understood.
    [[nodiscard]] expected<model::qemu_migration> migration();
    /// `query-status`: `running`, `postmigrate`, `inmigrate`, …
    [[nodiscard]] expected<std::string> run_state();
    /// QEMU's version as a number: 7.2 is 702.
    [[nodiscard]] expected<unsigned> version();

    /// Waits for the event `MIGRATION` with a status that `wanted` wants, and calls `meanwhile`
    /// again and again on the way; the status. Needs the capability `events`.
    [[nodiscard]] expected<std::string>
    await_migration(const std::function<bool(std::string_view)> &wanted,
                    const std::function<expected<void>()> &meanwhile);
    /// Waits for another event of this name; its data.
    [[nodiscard]] expected<nlohmann::json> await(std::string_view event);
    /// Takes a snapshot of the guest's memory and disk into the disk `into`, which is a node of
    /// QEMU's; fails with what QEMU says.
    [[nodiscard]] expected<void> save_snapshot(std::string_view tag, std::string_view into);

    /// Waits until QEMU has ended by itself.
    [[nodiscard]] expected<void> await_end();
    /// Ends it, if need be, and takes its network device away.
    [[nodiscard]] expected<void> dismiss();

private:
    bare_qemu(const machine_spec &machine, qmp_client monitor, std::string tap,
              std::stop_token stop)
        : machine_(&machine), monitor_(std::move(monitor)), tap_(std::move(tap)),
          stop_(std::move(stop)) {}

    const machine_spec *machine_;
    qmp_client monitor_;
    std::string tap_;
    std::stop_token stop_;
    bool ended_ = false;
};

} // namespace kvmig::lab
