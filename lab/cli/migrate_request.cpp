// SPDX-License-Identifier: MIT
#include <lab/cli/migrate_request.hpp>
#include <lab/topology/files.hpp>

#include <array>
#include <chrono>
#include <utility>
#include <vector>

namespace kvmig::lab::cli {

using migration::flag;

namespace {

struct flag_option {
    const char *name;
    flag value;
    const char *help;
};

/// Flags under virsh's names; each help ends in the name that libvirt and messages use.
constexpr std::array flag_options = {
    flag_option{"--offline", flag::offline,
                "Move the definition of a guest that does not run [offline]"},
    flag_option{"--p2p", flag::peer2peer,
                "The source's daemon leads, and connects to the destination itself [peer2peer]"},
    flag_option{"--tunnelled", flag::tunnelled,
                "Send the guest's memory through the daemons' connection [tunnelled]"},
    flag_option{"--persistent", flag::persist_dest,
                "Define the guest at the destination [persist_dest]"},
    flag_option{"--undefinesource", flag::undefine_source,
                "Undefine the guest at the source when it has moved [undefine_source]"},
    flag_option{"--suspend", flag::paused, "Leave the guest paused at the destination [paused]"},
    flag_option{"--copy-storage-all", flag::non_shared_disk,
                "Copy the disks too, with their backing chains [non_shared_disk]"},
    flag_option{"--copy-storage-inc", flag::non_shared_inc,
                "Copy the top of each disk's chain; the rest is there [non_shared_inc]"},
    flag_option{"--copy-storage-synchronous-writes", flag::non_shared_synchronous_writes,
                "Let the guest's writes wait for the copy, so that it ends "
                "[non_shared_synchronous_writes]"},
    flag_option{"--change-protection", flag::change_protection,
                "Fail where the guest cannot be kept from changing [change_protection]"},
    flag_option{"--unsafe", flag::unsafe,
                "Migrate although disk caches or storage make it unsafe [unsafe]"},
    flag_option{"--compressed", flag::compressed, "Compress memory [compressed]"},
    flag_option{"--auto-converge", flag::auto_converge,
                "Slow the guest down until it can be caught up with [auto_converge]"},
    flag_option{"--rdma-pin-all", flag::rdma_pin_all,
                "Pin all memory before it is sent over RDMA [rdma_pin_all]"},
    flag_option{"--abort-on-error", flag::abort_on_error,
                "End the migration when the guest meets an I/O error [abort_on_error]"},
    flag_option{"--postcopy", flag::postcopy,
                "Allow to switch over to post-copy while it runs [postcopy]"},
    flag_option{"--postcopy-resume", flag::postcopy_resume,
                "Resume a migration that broke in post-copy [postcopy_resume]"},
    flag_option{"--tls", flag::tls, "Encrypt the guest's memory on its way [tls]"},
    flag_option{"--parallel", flag::parallel, "Send memory over several connections [parallel]"},
    flag_option{"--zerocopy", flag::zerocopy, "Send memory without copying it [zerocopy]"},
};

/// The text of a file that an option names.
expected<std::string> text_for(const std::string &option, const std::string &path) {
    auto text = read_file(path);
    if (text) return text;
    error err =
        make_error(error_kind::invalid_argument, option + ": " + text.error().what).about(path);
    err.system = text.error().system;
    return fail(std::move(err));
}

void add_parameters(CLI::App &sub, migrate_request &asked) {
    migration::options &o = asked.options;
    const auto natural = CLI::PositiveNumber;
    sub.add_flag("--direct", o.direct, "The hypervisor itself leads; needs --migrateuri");
    sub.add_option("--desturi", o.destination_uri,
                   "With --p2p: the destination's URI as the source's daemon is to open it; "
                   "otherwise that of --to");
    sub.add_option("--migrateuri", o.migrate_uri,
                   "Where memory is sent: tcp://HOST[:PORT], rdma://HOST, unix:///PATH");
    sub.add_option("--graphicsuri", o.graphics_uri, "Where graphical clients are sent");
    sub.add_option("--listen-address", o.listen_address, "The address the destination listens on");
    sub.add_option("--dname", o.destination_name, "The domain's new name at the destination");
    sub.add_option("--xml", asked.xml_file, "A file with the domain's XML for the destination")
        ->type_name("FILE");
    sub.add_option("--persistent-xml", asked.persistent_xml_file,
                   "A file with the XML to define at the destination")
        ->type_name("FILE");
    sub.add_option("--migrate-disks", o.migrate_disks,
                   "The disks to copy by target name, e.g. vda,vdb")
        ->delimiter(',');
    sub.add_option("--migrate-disks-detect-zeroes", o.migrate_disks_detect_zeroes,
                   "The disks whose zeroes need not be sent (libvirt 10.9)")
        ->delimiter(',');
    sub.add_option("--disks-port", o.disks_port, "The port that receives disks");
    sub.add_option("--disks-uri", o.disks_uri,
                   "Where disks are sent: tcp://HOST[:PORT] or unix:///PATH");
    sub.add_option("--comp-methods", o.compression,
                   "With --compressed: xbzrle, mt, zlib, zstd, joined by commas")
        ->delimiter(',');
    sub.add_option("--comp-mt-level", o.compression_mt_level, "0 to 9");
    sub.add_option("--comp-mt-threads", o.compression_mt_threads, "Threads that compress");
    sub.add_option("--comp-mt-dthreads", o.compression_mt_dthreads, "Threads that decompress");
    sub.add_option("--comp-xbzrle-cache", asked.xbzrle_cache, "The cache's size in bytes")
        ->check(natural);
    sub.add_option("--comp-zlib-level", o.compression_zlib_level, "0 to 9 (libvirt 9.4)");
    sub.add_option("--comp-zstd-level", o.compression_zstd_level, "0 to 20 (libvirt 9.4)");
    sub.add_option("--auto-converge-initial", o.auto_converge_initial,
                   "By how many per cent the guest is slowed at first");
    sub.add_option("--auto-converge-increment", o.auto_converge_increment,
                   "By how many per cent more each time");
    sub.add_option("--parallel-connections", o.parallel_connections, "How many connections");
    sub.add_option("--bandwidth", asked.bandwidth, "The most to send, in MiB/s")->check(natural);
    sub.add_option("--postcopy-bandwidth", asked.postcopy_bandwidth,
                   "The most to send in post-copy, in MiB/s")
        ->check(natural);
    sub.add_option("--available-switchover-bandwidth", asked.switchover_bandwidth,
                   "What the link carries at switch-over, in MiB/s (libvirt 11.1)")
        ->check(natural);
    sub.add_option("--tls-destination", o.tls_destination,
                   "The name in the destination's certificate");
}

void add_host_devices(CLI::App &sub, migrate_request &asked) {
    auto *detach = sub.add_flag(
        "--detach-hostdevs", asked.options.host_devices.set_aside,
        "Detach passed-through PCI devices (<hostdev>, <interface type='hostdev'>), which libvirt "
        "does not migrate, and attach the destination's after arrival, or the source's again if "
        "the migration fails; those with <teaming type='transient'> are QEMU's affair "
        "[host_devices.set_aside]");
    sub.add_option("--hostdev-map", asked.device_pairs,
                   "With --detach-hostdevs: the PCI device of the destination that takes the "
                   "place of one at the source, as 0000:00:05.0=0000:00:06.0; otherwise that at "
                   "the same address, if vendor and product are the same; may be given several "
                   "times [host_devices.at_destination]")
        ->type_name("SOURCE=DESTINATION")
        ->allow_extra_args(false)
        ->needs(detach);
}

void add_steering(CLI::App &sub, migrate_request &asked) {
    auto *timeout = sub.add_option("--timeout", asked.timeout,
                                   "Seconds after which the guest is suspended until it has moved");
    timeout->check(CLI::Range(1U, 1'000'000U));
    const auto instead = [&](const char *name, run::at_limit then, const char *help) {
        sub.add_flag_function(
               name, [&asked, then](std::int64_t) { asked.at_timeout = then; }, help)
            ->needs(timeout);
    };
    instead("--timeout-suspend", run::at_limit::suspend, "At --timeout: suspend, the default");
    instead("--timeout-postcopy", run::at_limit::post_copy,
            "At --timeout: switch over to post-copy; needs --postcopy");
    instead("--timeout-cancel", run::at_limit::cancel, "At --timeout: cancel");
    sub.add_option(
           "--promise-downtime", asked.promise,
           "Milliseconds that the guest stands still at most: what will not end within them "
           "is cancelled, unless an aid (--auto-converge, --postcopy) ends it; if it takes "
           "longer all the same, the exit status is 1")
        ->check(CLI::Range(1U, 2'000'000U))
        ->type_name("MS");
    std::vector<std::string> names;
    for (const convergence::policy &each : convergence::policies::all) {
        names.emplace_back(each.name);
    }
    sub.add_option("--policy", asked.policy, "How to see to it that it ends")
        ->check(CLI::IsMember(names))
        ->capture_default_str();
    sub.add_flag("--policy-may-suspend", asked.steer.may_suspend,
                 "The policy may suspend the guest until it has moved");
    sub.add_flag("--policy-may-abort", asked.steer.may_abort,
                 "The policy may give the migration up");
}

/// What the mode does not go with.
expected<void> check_mode(const migrate_request &asked) {
    if (asked.copy_images && asked.mode != "cold") {
        return fail(make_error(error_kind::invalid_argument,
                               "--copy-images is for --mode cold, and the mode is " + asked.mode)
                        .advise("disks of a running guest are copied with --mode block or "
                                "incremental"));
    }
    if (asked.mode == "cold" && asked.promise != 0) {
        return fail(make_error(error_kind::invalid_argument,
                               "--promise-downtime: with --mode cold the guest is shut off until "
                               "it is started at the destination")
                        .advise("promise nothing, or migrate with --mode live, block or "
                                "incremental"));
    }
    const migration::options &o = asked.options;
    if (asked.mode == "cold" && o.host_devices.set_aside) {
        return fail(make_error(error_kind::invalid_argument,
                               "--detach-hostdevs: with --mode cold the guest is shut off, and "
                               "holds no device when it moves")
                        .advise("leave it out, or migrate with --mode live, block or "
                                "incremental"));
    }
    if (asked.mode != "auto") return {};
    const bool decided =
        o.flags.has_any({flag::offline, flag::non_shared_disk, flag::non_shared_inc}) ||
        !o.migrate_disks.empty();
    if (!decided) return {};
    return fail(make_error(error_kind::invalid_argument,
                           "--mode auto itself decides what moves, and --offline, "
                           "--copy-storage-all, --copy-storage-inc and --migrate-disks say it")
                    .advise("leave them out, or name the mode: live, block or incremental"));
}

} // namespace

expected<migration::options> options_of(const migrate_request &asked) {
    if (auto fits = check_mode(asked); !fits) return fail(std::move(fits).error());
    migration::options out = asked.options;
    const bool cold = asked.mode == "cold";
    out.flags.set(flag::live, asked.live.value_or(!cold && !out.flags.has(flag::offline)));
    if (asked.mode == "block") out.flags.set(flag::non_shared_disk);
    if (asked.mode == "incremental") out.flags.set(flag::non_shared_inc);
    const auto mib = [](std::uint64_t typed) -> std::optional<byte_rate> {
        if (typed == 0) return std::nullopt;
        return byte_rate::mib(typed);
    };
    out.bandwidth = mib(asked.bandwidth);
    out.postcopy_bandwidth = mib(asked.postcopy_bandwidth);
    out.bandwidth_avail_switchover = mib(asked.switchover_bandwidth);
    if (asked.xbzrle_cache != 0) out.compression_xbzrle_cache = bytes{asked.xbzrle_cache};
    for (const std::string &each : asked.device_pairs) {
        auto pair = migration::parse_device_pair(each);
        if (!pair) {
            error err = std::move(pair).error();
            err.what.insert(0, "--hostdev-map: ");
            return fail(std::move(err));
        }
        out.host_devices.at_destination.push_back(*pair);
    }
    if (!asked.xml_file.empty()) {
        auto text = text_for("--xml", asked.xml_file);
        if (!text) return fail(std::move(text).error());
        out.destination_xml = *std::move(text);
    }
    if (!asked.persistent_xml_file.empty()) {
        auto text = text_for("--persistent-xml", asked.persistent_xml_file);
        if (!text) return fail(std::move(text).error());
        out.persistent_xml = *std::move(text);
    }
    return out;
}

run::steering_wish steering_of(const migrate_request &asked) {
    run::steering_wish out = asked.steer;
    out.policy = convergence::policies::named(asked.policy).value_or(out.policy);
    if (asked.promise != 0) out.promise = std::chrono::milliseconds(asked.promise);
    if (asked.timeout != 0) {
        out.limit = run::time_limit{std::chrono::seconds(asked.timeout), asked.at_timeout};
    }
    return out;
}

void add_request(CLI::App &sub, migrate_request &asked, context &ctx) {
    sub.add_option("DOMAIN", asked.domain, "The domain's name or UUID")->required();
    sub.add_option("--from", asked.from, "The source's libvirt URI, or a lab host's name")
        ->required()
        ->type_name("URI");
    sub.add_option("--to", asked.to, "The destination's libvirt URI, or a lab host's name")
        ->required()
        ->type_name("URI");
    sub.add_option("--lab", asked.lab, "Whose hosts kvm01 and kvm02 are; also KVMIG_LAB")
        ->capture_default_str();
    sub.add_flag("--json", ctx.json, "Answer as JSON (kvmig.migrate/1) on stdout");
    sub.add_flag("--dry-run", asked.dry_run,
                 "Ask both hosts, change nothing on either, and print what would be done: steps, "
                 "disks, XML; with --json as kvmig.plan/1");
    sub.add_option("--interval", asked.interval, "Milliseconds between looks at its progress")
        ->check(CLI::Range(10U, 3'600'000U))
        ->capture_default_str();
    sub.add_option("--mode", asked.mode,
                   "live: disks are shared; block: they are copied; incremental: the top of each "
                   "chain is; cold: the guest is shut down, and started there; auto: whichever of "
                   "them fits what both hosts tell of the guest and its disks, and it says which")
        ->check(CLI::IsMember({"live", "block", "incremental", "cold", "auto"}))
        ->each([&asked](const std::string &) { asked.mode_given = true; })
        ->capture_default_str();
    auto *copy = sub.add_flag("--copy-images", asked.copy_images,
                              "With --mode cold: copy the disks' images from host to host");
    sub.add_flag("--keep-state", asked.keep_state,
                 "With --copy-images: save the guest's memory and copy it too, so that it goes on "
                 "where it stood, rather than shut it down")
        ->needs(copy);
    sub.add_option("--map-path", asked.path_rules,
                   "With --copy-images: what is below FROM at the source is below TO at the "
                   "destination; may be given several times")
        ->type_name("FROM=TO")
        ->allow_extra_args(false)
        ->needs(copy);
    sub.add_option("--copy-address", asked.copy_address,
                   "With --copy-images: where the source's SSH reaches the destination; otherwise "
                   "the host of --to")
        ->type_name("[USER@]HOST[:PORT]")
        ->needs(copy);
    sub.add_flag_function(
        "--live,!--no-live", [&asked](std::int64_t count) { asked.live = count > 0; },
        "Keep the guest running while it moves: the default, unless --offline [live]");
    for (const flag_option &each : flag_options) {
        sub.add_flag_function(
            each.name,
            [&asked, value = each.value](std::int64_t count) {
                asked.options.flags.set(value, count > 0);
            },
            each.help);
    }
    add_parameters(sub, asked);
    add_host_devices(sub, asked);
    add_steering(sub, asked);
}

} // namespace kvmig::lab::cli
