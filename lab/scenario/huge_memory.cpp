// SPDX-License-Identifier: MIT
#include <lab/machine/remote.hpp>
#include <lab/scenario/huge_memory.hpp>

#include <kvmig/tuning/huge_pages.hpp>

#include <fmt/format.h>
#include <optional>
#include <utility>

namespace kvmig::lab {

expected<huge_memory> huge_memory_of(const performer &who, const std::stop_token &stop) {
    const auto text = remote_shell(
        *find_machine(who.at.on().hostname()),
        fmt::format("cat /proc/$(cat /run/libvirt/qemu/{}.pid)/smaps_rollup", who.guest.name),
        stop);
    if (!text) return fail(text.error());
    return parse_huge_memory(*text);
}

expected<void> reserve_huge_pages(const machine_spec &host, bytes memory,
                                  const std::stop_token &stop) {
    std::uint64_t count = 0;
    if (memory > bytes{}) {
        const auto needed =
            tuning::pages_needed({"the guest", {{memory, bytes::mib(2), std::nullopt}}});
        if (!needed) return fail(needed.error());
        count = needed->count();
    }
    // Room is made first, and what the kernel gave is looked at: it may be less.
    auto done = remote_shell(host,
                             fmt::format("sync; echo 3 > /proc/sys/vm/drop_caches; echo 1 > "
                                         "/proc/sys/vm/compact_memory; echo {0} > {1}; test "
                                         "\"$(cat {1})\" = {0}",
                                         count, reserved_huge_pages),
                             stop);
    if (!done) return fail(std::move(done).error());
    return {};
}

} // namespace kvmig::lab
