// SPDX-License-Identifier: MIT
/// live-tls: what a capture on the wire holds of the guest's memory, without TLS and with it.
#include <lab/guest/disk_block.hpp>
#include <lab/observe/wire_capture.hpp>
#include <lab/scenario/scenarios.hpp>
#include <lab/scenario/stage.hpp>
#include <lab/scenario/tls_files.hpp>

#include <kvmig/run/canary_libvirt.hpp>

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace kvmig::lab {

namespace {

using migration::flag;

/// libvirt's migration_port_min and migration_port_max.
constexpr std::uint16_t first_migration_port = 49152;
constexpr std::uint16_t last_migration_port = 49215;

/// What both ends of TLS begin with: a handshake (22) of version 3.x (RFC 8446, 5.1).
constexpr std::string_view tls_handshake = "\x16\x03";
/// What a migration begins with: QEMU's QEMU_VM_FILE_MAGIC.
constexpr std::string_view qemu_magic = "QEVM";

/// 64 bytes of a page that the guest never writes again: its pattern is of this boot and this
/// page, and nowhere else.
std::string marker_of(const uuid &boot, std::uint64_t page) {
    constexpr std::size_t first_word = 100;
    const auto seed = guest::words_of(boot);
    const std::uint64_t base = guest::pattern_base(seed[0] ^ seed[1], page, 0);
    std::array<std::uint64_t, 8> words{};
    for (std::size_t i = 0; i < words.size(); ++i) {
        words[i] = guest::pattern_word(base, first_word + i);
    }
    return {reinterpret_cast<const char *>(words.data()), sizeof words};
}

/// Of pages from all over the pattern.
std::vector<std::string> markers_of(const performer &who) {
    constexpr std::uint64_t markers = 8;
    const std::uint64_t pages = who.guest.settings.memory.count() / guest::page_bytes;
    std::vector<std::string> out;
    for (std::uint64_t i = 0; i < markers; ++i) {
        out.push_back(marker_of(who.watch.key().boot_id, i * pages / markers + i));
    }
    return out;
}

std::string readable(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) {
        const auto value = static_cast<unsigned char>(c);
        out += value >= 0x20 && value < 0x7F ? std::string(1, c) : fmt::format("\\x{:02x}", value);
    }
    return out;
}

/// The stream that carried most.
const observe::wire_stream *main_stream(const observe::wire_report &seen) {
    const auto most =
        std::max_element(seen.streams.begin(), seen.streams.end(),
                         [](const auto &a, const auto &b) { return a.carried < b.carried; });
    return most == seen.streams.end() ? nullptr : &*most;
}

/// Moves the guest while the wire is listened to. `open`: memory is to be read there.
expected<void> move_captured(stage &on, performer &guest, const std::string &prefix,
                             const libvirt::connection &to, const migration::options &how,
                             bool open) {
    const machine_spec &kvm01 = *find_machine("kvm01");
    const machine_spec &kvm02 = *find_machine("kvm02");
    auto capture = observe::wire_capture::start({.device = tap_name(kvm01),
                                                 .one = std::string{kvm01.address},
                                                 .other = std::string{kvm02.address},
                                                 .first_port = first_migration_port,
                                                 .last_port = last_migration_port},
                                                markers_of(guest));
    if (!capture) return fail(std::move(capture).error());
    auto moved = on.move(guest, prefix, to, how);
    if (!moved) return fail(std::move(moved).error());
    auto seen = capture->stop();
    if (!seen) return fail(std::move(seen).error());

    scenario_result &out = on.context().out;
    const auto &told = moved->source_statistics;
    const bytes memory = told && told->memory_processed ? *told->memory_processed : bytes{0};
    out.prove(prefix + "the capture has all that was sent",
              seen->missing() == 0 && memory.count() > 0 && seen->carried() >= memory.count(),
              fmt::format("{:.1f} MiB captured, {} bytes missing, {:.1f} MiB of memory moved",
                          bytes{seen->carried()}.as_mib(), seen->missing(), memory.as_mib()));
    const observe::wire_stream *stream = main_stream(*seen);
    const std::string begins = stream == nullptr ? std::string{} : stream->begins;
    out.prove(prefix + (open ? "it begins as QEMU's migrations do" : "it begins as TLS does"),
              begins.starts_with(open ? qemu_magic : tls_handshake),
              fmt::format("'{}'", readable(begins)));
    const std::size_t found = seen->markers_found();
    out.prove(prefix + (open ? "the guest's memory is read on the wire"
                             : "nothing of the guest's memory is read on the wire"),
              found == (open ? seen->found.size() : 0),
              fmt::format("{} of {} marker pages found", found, seen->found.size()));
    out.measure(prefix + "captured", static_cast<double>(seen->carried()), "bytes");
    return {};
}

/// A canary by TLS says beforehand whether a guest would arrive.
expected<void> prove_canary(stage &on, const performer &guest, precheck::canary_fate awaited,
                            const std::string &when) {
    on.context().tell(when + ": a canary by TLS");
    auto flown =
        run::send_canary(guest.at, on.on().kvm02(),
                         {.move = {.flags = {flag::live, flag::tls}}, .stop = on.context().stop});
    if (!flown) return fail(std::move(flown).error());
    on.context().out.prove(
        fmt::format("{}: a canary by TLS {}", when,
                    awaited == precheck::canary_fate::arrived ? "arrives" : "is lost"),
        flown->fate == awaited, flown->said);
    return {};
}

expected<void> encrypt(stage &on, performer &guest) {
    using precheck::canary_fate;
    auto sent = prove_canary(on, guest, canary_fate::lost, "without certificates");
    if (!sent) return sent;
    if (auto done = hand_out_certificates(on.context()); !done) return done;
    sent = prove_canary(on, guest, canary_fate::arrived, "with certificates");
    if (!sent) return sent;
    auto done = move_captured(on, guest, "without TLS: ", on.on().kvm02(), {}, true);
    if (!done) return done;
    return move_captured(on, guest, "with TLS: ", on.on().kvm01(),
                         {.flags = {flag::live, flag::tls}}, false);
}

} // namespace

scenario live_tls() {
    return {"live-tls",
            "live",
            "live, encrypted: a capture on the wire does not hold the guest's "
            "memory",
            false,
            [](scenario_context &context) {
                guest_domain guest = usual_guest();
                // An emulated host encrypts hardly more in a second than the usual guest dirties.
                guest.settings.rate = page_rate{30};
                return play(context, guest, pool_name, bytes::mib(64), encrypt);
            },
            "it hands out certificates to both hosts"};
}

} // namespace kvmig::lab
