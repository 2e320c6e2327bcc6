// SPDX-License-Identifier: MIT
#include <lab/machine/machine.hpp>
#include <lab/scenario/handed_device.hpp>
#include <lab/scenario/on_machine.hpp>
#include <lab/scenario/pace.hpp>

#include <kvmig/host/command.hpp>
#include <kvmig/model/pci_address.hpp>
#include <kvmig/xml/domain.hpp>

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>
#include <functional>

namespace kvmig::lab {

namespace {

std::string_view host_of(const performer &guest) {
    return find_machine(guest.at.on().hostname())->name;
}

expected<std::size_t> devices_seen(performer &guest, const handed_device &device) {
    const auto status = guest.watch.client().status();
    if (!status) return fail(status.error());
    return static_cast<std::size_t>(std::count(status->pci.begin(), status->pci.end(), device.id));
}

/// Frames that came out of the host's second network card.
expected<std::uint64_t> frames_from_card(const machine_spec &host, const std::stop_token &stop) {
    host::command show;
    show.argv = {"ip", "-s", "-j", "link", "show", "dev", card_tap_name(host)};
    const auto said = host::output_of(show, stop);
    if (!said) return fail(said.error());
    const auto links = nlohmann::json::parse(*said, nullptr, false);
    const auto frames = nlohmann::json::json_pointer{"/0/stats64/rx/packets"};
    if (links.is_discarded() || !links.contains(frames)) {
        return fail(error_kind::protocol, "ip does not tell the frames: " + *said);
    }
    return links.at(frames).get<std::uint64_t>();
}

} // namespace

handed_device network_card() {
    return {"15ad:07b0", std::string{card_address}, std::string{card_address}};
}

handed_device virtual_function() {
    // The controller's address but for the function.
    const std::string slot{nvme_address.substr(0, nvme_address.size() - 1)};
    return {"1b36:0010", slot + "1", slot + "2"};
}

expected<void> make_virtual_functions(const scenario_context &context) {
    // The host's own driver is not to try them: they have no queues of their own yet.
    const std::string folder = fmt::format("/sys/bus/pci/devices/{}/", nvme_address);
    for (const std::string_view host : {"kvm01", "kvm02"}) {
        auto made = on_machine(context, host,
                               {"sh", "-c",
                                "echo 0 >\"$0/sriov_drivers_autoprobe\" && "
                                "echo 2 >\"$0/sriov_numvfs\"",
                                folder});
        if (!made) return made;
    }
    return {};
}

expected<run::migration_result> attempt_without(stage &on, performer &guest,
                                                const std::string &prefix,
                                                const handed_device &device, migration::options how,
                                                const trial &with) {
    how.host_devices.set_aside = true;
    if (device.to != device.from) { // else found there by itself, for it is of the same kind
        const auto from = model::pci_address::parse(device.from);
        const auto to = model::pci_address::parse(device.to);
        if (!from || !to) return fail(from ? to.error() : from.error());
        how.host_devices.at_destination.emplace_back(*from, *to);
    }
    return on.attempt(guest, prefix, on.on().kvm02(), how, with);
}

expected<void> await_device(stage &on, performer &guest, const handed_device &device,
                            std::size_t count) {
    return await(on.context().stop, fmt::format("the guest sees {} of {}", count, device.id),
                 [&]() -> expected<bool> {
                     const auto seen = devices_seen(guest, device);
                     if (!seen) return fail(seen.error());
                     return *seen == count;
                 });
}

expected<void> prove_there(stage &on, performer &guest, const std::string &prefix,
                           const handed_device &device, const std::string &address) {
    // Plugged in while it runs, it is found by and by.
    auto found = await_device(on, guest, device, 1);
    if (!found && found.error().kind != error_kind::timed_out) return found;
    on.context().out.prove(prefix + "the guest sees the device", found.has_value(),
                           found ? device.id : describe(found.error()));
    const auto xml = guest.at.xml();
    if (!xml) return fail(xml.error());
    const auto domain = xml::parse_domain(*xml);
    if (!domain) return fail(domain.error());
    const auto &held = domain->host_devices;
    on.context().out.prove(prefix + "libvirt has the device in the guest",
                           held.size() == 1 && held.front().address == address,
                           held.empty() ? "none" : held.front().address);
    const auto driver =
        ask_machine(on.context(), host_of(guest),
                    {"readlink", fmt::format("/sys/bus/pci/devices/{}/driver", address)});
    if (!driver) return fail(driver.error());
    on.context().out.prove(prefix + "the host has it in VFIO's hands",
                           driver->find("/vfio-pci") != std::string::npos,
                           fmt::format("{} on {}: {}", address, host_of(guest), *driver));
    return {};
}

expected<void> prove_spoken_by_card(stage &on, const performer &guest, const std::string &prefix) {
    const scenario_context &context = on.context();
    const machine_spec &host = *find_machine(guest.at.on().hostname());
    const auto before = frames_from_card(host, context.stop);
    if (!before) return fail(before.error());
    // Each beat is a frame.
    constexpr std::uint64_t enough = 100;
    std::uint64_t now = *before;
    auto spoken =
        await(context.stop, "the guest's beats leave by the card", [&]() -> expected<bool> {
            const auto frames = frames_from_card(host, context.stop);
            if (!frames) return fail(frames.error());
            now = *frames;
            return now >= *before + enough;
        });
    on.context().out.prove(prefix + "the guest speaks by the card", spoken.has_value(),
                           fmt::format("{} frames from {}'s card", now - *before, host.name));
    if (!spoken && spoken.error().kind != error_kind::timed_out) return spoken;
    return {};
}

run::progress_callback absence::look() {
    return [this](const model::job_progress &) {
        if (seen_ || !asked_) return;
        ++looks_;
        const auto count = devices_seen(guest_, device_);
        if (!count) asked_ = fail(count.error());
        seen_ = count && *count == 0;
    };
}

expected<void> absence::prove(scenario_result &out, const std::string &prefix) const {
    if (!asked_) return asked_;
    out.prove(prefix + "the device is away on the way", seen_,
              fmt::format("the guest was asked {} times", looks_));
    return {};
}

} // namespace kvmig::lab
