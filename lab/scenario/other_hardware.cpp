// SPDX-License-Identifier: MIT
#include <lab/machine/lifecycle.hpp>
#include <lab/machine/provision.hpp>
#include <lab/machine/remote.hpp>
#include <lab/scenario/other_hardware.hpp>

#include <fmt/format.h>
#include <future>
#include <vector>

namespace kvmig::lab {

namespace {

expected<void> boot_host(const machine_spec &host, const scenario_context &context,
                         hardware made_of) {
    auto done = cut_power(host, *context.lab);
    if (done) done = boot(host, *context.lab, context.stop, made_of);
    if (!done) return done;
    auto said = remote_output(host, {"sh", "-c", std::string{started_by_hand}}, context.stop);
    if (!said) return fail(std::move(said).error());
    context.tell(fmt::format("{} is up", host.name));
    return {};
}

} // namespace

expected<void> boot_hosts(const scenario_context &context, hardware made_of) {
    context.tell("booting both hosts with other hardware");
    std::vector<std::future<expected<void>>> work;
    for (const machine_spec &machine : machines) {
        if (machine.role != machine_role::host) continue;
        work.push_back(std::async(std::launch::async, boot_host, std::cref(machine),
                                  std::cref(context), made_of));
    }
    expected<void> result;
    for (auto &task : work) {
        if (auto done = task.get(); !done) result = std::move(done);
    }
    return result;
}

} // namespace kvmig::lab
