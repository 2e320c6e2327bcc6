// SPDX-License-Identifier: MIT
#include <lab/cli/tune_domain.hpp>

#include <lab/cli/help.hpp>

#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/domain.hpp>
#include <kvmig/libvirt/domain_limits.hpp>
#include <kvmig/libvirt/run_mark.hpp>
#include <kvmig/tuning/iotune.hpp>
#include <kvmig/tuning/memtune.hpp>
#include <kvmig/xml/domain.hpp>
#include <kvmig/xml/iotune_groups.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <string_view>
#include <unistd.h>

namespace kvmig::lab::cli {

namespace {

expected<libvirt::connection> open_for_tuning(const std::string &uri) {
    libvirt::quiet_errors();
    return libvirt::connection::open(uri, {.ask_credentials = isatty(STDIN_FILENO) == 1});
}

} // namespace

expected<tuned_domain> find_domain(const tune_request &asked) {
    const auto on = open_for_tuning(asked.connect);
    if (!on) return fail(on.error());
    auto of = libvirt::domain::find(*on, asked.domain);
    if (!of) return fail(std::move(of).error());
    const auto status = of->status();
    if (!status) return fail(status.error());
    const auto wrong = [&](const char *what) {
        return fail(make_error(error_kind::invalid_argument, what).about(asked.domain));
    };
    if (asked.live && !status->active) return wrong("does not run: --live has nothing to set");
    if (asked.config && !status->persistent) {
        return wrong("is transient: --config has no definition to set");
    }
    std::vector<tuning_scope> scopes;
    // As virsh --current does.
    if (asked.live || (!asked.config && status->active)) {
        const auto mark = libvirt::read_run_mark(*of);
        if (!mark) return fail(mark.error());
        scopes.push_back({VIR_DOMAIN_AFFECT_LIVE, mark->value_or(uuid::random())});
    }
    if (asked.config || scopes.empty()) scopes.push_back({VIR_DOMAIN_AFFECT_CONFIG});
    return tuned_domain{*std::move(of), asked.connect, std::move(scopes)};
}

namespace {

bool has_limits(const tuning::iotune &io) {
    return std::any_of(io.limits.begin(), io.limits.end(),
                       [](const tuning::io_bucket &b) { return b.avg != 0 || b.max != 0; });
}

/// libvirt takes no disk out of its group: a change of it must be one that can be put back.
expected<void> check_group(const tuning::iotune &from, const tuning::iotune &to,
                           const std::string &object) {
    if (from.group_name == to.group_name || (from.group_name.empty() && !has_limits(from))) {
        return {};
    }
    if (!from.group_name.empty() && !to.group_name.empty()) return {};
    return fail(
        make_error(error_kind::unsupported,
                   to.group_name.empty()
                       ? "libvirt takes no disk out of its group"
                       : "a disk with limits of its own cannot be put back once it is in a group")
            .about(object)
            .advise(to.group_name.empty() ? "name another group"
                                          : "set its limits to 0 before, or define it anew"));
}

expected<std::string> the_disk(const tune_request &asked, const libvirt::domain &of) {
    if (!asked.disk.empty()) return asked.disk;
    const auto xml = of.xml();
    if (!xml) return fail(xml.error());
    const auto groups = xml::parse_iotune_groups(*xml);
    if (!groups) return fail(groups.error());
    if (groups->size() == 1) return groups->begin()->first;
    std::vector<std::string> all;
    for (const auto &[target, group] : *groups) all.push_back(target);
    return fail(make_error(error_kind::invalid_argument,
                           all.empty() ? "has no disk" : "has several disks: name one")
                    .about(of.name())
                    .advise(fmt::format("it has {}", fmt::join(all, ", "))));
}

} // namespace

expected<tune_answer> plan_for_disk(const tune_request &asked, const host::kernel_files &) {
    const auto found = find_domain(asked);
    if (!found) return fail(found.error());
    tune_answer out;
    if (auto can = plan_for_blkiotune(asked, *found, out); !can) return fail(can.error());
    if (asked.limits.empty() && out.steps) return out; // those are of the domain
    const auto disk = the_disk(asked, found->of);
    if (!disk) return fail(disk.error());
    for (const tuning_scope &scope : found->scopes) {
        const std::string device = fmt::format("{} ({})", *disk, scope.name());
        const std::string object = fmt::format("{} {}", found->of.name(), device);
        const auto from = libvirt::read_iotune(found->of, *disk, scope.flags);
        if (!from) return fail(from.error());
        if (asked.limits.empty()) {
            show_settings(out, object, *from);
            continue;
        }
        tuning::iotune to = *from;
        for (const auto &[name, value] : asked.limits) {
            if (auto taken = tuning::set(to, name, value); !taken) return fail(taken.error());
        }
        if (auto can = check_group(*from, to, object); !can) return fail(can.error());
        const auto xml = libvirt::detail::xml_of(found->of, scope.flags);
        if (!xml) return fail(xml.error());
        const auto groups = xml::parse_iotune_groups(*xml);
        if (!groups) return fail(groups.error());
        std::vector<std::string> shared;
        std::vector<std::string> moves;
        for (const auto &[other, group] : *groups) {
            if (other == *disk || group.empty() || group != to.group_name) continue;
            shared.push_back(other);
            moves.push_back(found->key(run::setting_group::iotune, scope, other));
        }
        auto plan = tuning::plan_iotune(found->of.name(), device, *from, to, shared);
        if (!plan) return fail(plan.error());
        out.plan.append(*std::move(plan));
        add_step(out, found->key(run::setting_group::iotune, scope, *disk), *from, to,
                 std::move(moves));
    }
    return out;
}

expected<tune_answer> plan_for_memory(const tune_request &asked, const host::kernel_files &) {
    const auto found = find_domain(asked);
    if (!found) return fail(found.error());
    const std::vector<
        std::pair<const std::optional<std::string> &, std::optional<bytes> tuning::memtune::*>>
        options = {{asked.hard_limit, &tuning::memtune::hard_limit},
                   {asked.soft_limit, &tuning::memtune::soft_limit},
                   {asked.swap_hard_limit, &tuning::memtune::swap_hard_limit}};
    const bool any = std::any_of(options.begin(), options.end(),
                                 [](const auto &each) { return each.first.has_value(); });
    tune_answer out;
    for (const tuning_scope &scope : found->scopes) {
        const std::string object = fmt::format("{} ({})", found->of.name(), scope.name());
        const auto from = libvirt::read_memtune(found->of, scope.flags);
        if (!from) return fail(from.error());
        if (!any) {
            show_settings(out, object, *from);
            continue;
        }
        tuning::memtune to = *from;
        for (const auto &[text, limit] : options) {
            if (!text) continue;
            to.*limit = std::nullopt;
            if (*text == "unlimited" || *text == "-1") continue;
            const auto size = parse_size(*text);
            if (!size) return fail(size.error());
            // The kernel counts in pages, and would tell another limit than was set.
            to.*limit = bytes{(size->count() + 4095) / 4096 * 4096};
        }
        const auto xml = libvirt::detail::xml_of(found->of, scope.flags);
        if (!xml) return fail(xml.error());
        const auto about = xml::parse_domain(*xml);
        if (!about) return fail(about.error());
        tuning::memtune_guest guest;
        guest.domain = object;
        guest.memory = about->memory;
        guest.vcpus = about->vcpus;
        guest.hugepages = about->hugepages;
        if (scope.run) guest.rss = libvirt::read_rss(found->of);
        auto plan = tuning::plan_memtune(guest, *from, to);
        if (!plan) return fail(plan.error());
        out.plan.append(*std::move(plan));
        add_step(out, found->key(run::setting_group::memtune, scope), *from, to);
    }
    return out;
}

void add_domain_options(CLI::App &sub, const std::shared_ptr<tune_request> &asked) {
    sub.add_option("DOMAIN", asked->domain, "Its name or UUID");
    sub.add_option("--connect", asked->connect, "The host that has it")
        ->type_name("URI")
        ->capture_default_str();
    sub.add_flag("--live", asked->live, "Set it for the domain that runs");
    sub.add_flag("--config", asked->config,
                 "Set it for its next start; with neither: live if it runs, else this");
}

void add_disk_options(CLI::App &sub, const std::shared_ptr<tune_request> &asked) {
    add_domain_options(sub, asked);
    sub.add_option("DISK", asked->disk, "Its target, e.g. vda; the only one need not be named");
    for (const auto &[name, none] : tuning::parameters(tuning::iotune{})) {
        std::string option = "--" + name;
        std::replace(option.begin(), option.end(), '_', '-');
        std::string about = name.ends_with("_max_length") ? "For how many seconds it may burst"
                            : name.ends_with("_max")      ? "The same while it bursts"
                            : name == "group_name"        ? "Disks of one group share the limits"
                            : name == "size_iops_sec"     ? "Bytes that count as one operation"
                            : name.find("iops") != std::string::npos ? "Operations a second"
                                                                     : "Bytes a second";
        if (name.ends_with("_sec") && name != "size_iops_sec") about += "; 0 is no limit";
        sub.add_option_function<std::string>(
               option,
               [asked, name = name](const std::string &text) { asked->limits[name] = text; }, about)
            ->type_name(name == "group_name" ? "GROUP" : "NUMBER");
    }
    add_blkio_options(sub, asked);
    sub.footer(closing(
        {"kvmig tune disk vm1 vda --total-iops-sec 500 --dry-run",
         "kvmig tune disk vm1 --read-bytes-sec 100000000 --connect qemu+ssh://kvm01/system",
         "kvmig tune disk vm1 --weight 500 --dry-run",
         "kvmig tune disk vm1 --device-weights /dev/sda,300 --config",
         "kvmig tune disk vm1 --device-write-bytes-sec /dev/sda,104857600"},
        "Without a limit it shows those there are. What QEMU would refuse is told before anything "
        "is set; limits that are not named stay. Disks that share a group get the same limits.\n"
        "A weight is the domain's share of the host's disks where several want them. The kernel "
        "takes it without a word where nobody heeds it: whether bfq or iocost does is looked up, "
        "on a host behind SSH too, and told."));
}

void add_memory_options(CLI::App &sub, const std::shared_ptr<tune_request> &asked) {
    add_domain_options(sub, asked);
    sub.add_option("--hard-limit", asked->hard_limit,
                   "Most that the whole QEMU process may take, or unlimited")
        ->type_name("SIZE");
    sub.add_option("--soft-limit", asked->soft_limit,
                   "What it is swapped out to under pressure, or unlimited")
        ->type_name("SIZE");
    sub.add_option("--swap-hard-limit", asked->swap_hard_limit,
                   "Most of memory and swap together, under cgroup v2 of swap, or unlimited")
        ->type_name("SIZE");
    sub.footer(closing({"kvmig tune memory vm1", "kvmig tune memory vm1 --soft-limit 2G --config",
                        "kvmig tune memory vm1 --hard-limit 6G --dry-run"},
                       "Without a limit it shows those there are. A hard limit invites the OOM "
                       "killer: what the guest and QEMU may take is reckoned up and told."));
}

run::domain_settings settings_of_domains() { return run::domain_settings(&open_for_tuning); }

std::filesystem::path domain_record_path(const tune_request &asked) {
    return host::revert_record_path(asked.root).parent_path() / "domains.revert";
}

} // namespace kvmig::lab::cli
