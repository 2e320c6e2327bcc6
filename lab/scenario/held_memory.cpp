// SPDX-License-Identifier: MIT
#include <lab/machine/remote.hpp>
#include <lab/scenario/held_memory.hpp>

#include <kvmig/tuning/value.hpp>

#include <cstdint>
#include <fmt/format.h>

namespace kvmig::lab {

namespace {

expected<std::string> asked_of_its_host(const performer &who, const std::string &text,
                                        const std::stop_token &stop) {
    return remote_shell(
        *find_machine(who.at.on().hostname()),
        fmt::format("pid=$(cat /run/libvirt/qemu/{}.pid); {}", who.guest.name, text), stop);
}

} // namespace

expected<held_memory> held_memory_of(const performer &who, const std::stop_token &stop) {
    const auto text = asked_of_its_host(who, "cat /proc/$pid/status", stop);
    if (!text) return fail(text.error());
    return parse_held_memory(*text);
}

expected<bytes> memory_controller_says(const performer &who, const std::string &file,
                                       const std::stop_token &stop) {
    // Within the guest's scope libvirt has a group that bears the limits, where systemd leaves the
    // scope to it.
    const auto text =
        asked_of_its_host(who,
                          fmt::format("group=$(sed -n 's/^0:://p' /proc/$pid/cgroup); "
                                      "group=/sys/fs/cgroup${{group%%.scope*}}.scope; "
                                      "test ! -d \"$group/libvirt\" || group=$group/libvirt; "
                                      "cat \"$group/{}\"",
                                      file),
                          stop);
    if (!text) return fail(text.error());
    const auto size = tuning::number<std::uint64_t>(tuning::trimmed(*text), file);
    if (!size) return fail(size.error());
    return bytes{*size};
}

} // namespace kvmig::lab
