// SPDX-License-Identifier: MIT
// kvmig tune disk: weights and limits on disks of the host.
#include <lab/cli/tune_domain.hpp>

#include <kvmig/host/remote_command.hpp>
#include <kvmig/libvirt/domain_blkiotune.hpp>
#include <kvmig/run/host_disks.hpp>
#include <kvmig/run/on_host.hpp>
#include <kvmig/tuning/blkiotune.hpp>
#include <kvmig/xml/domain.hpp>

#include <algorithm>

namespace kvmig::lab::cli {

namespace {

/// The host's disks; what keeps them from being known is noted.
std::optional<std::vector<tuning::weight_facts>>
disks_for(const tune_request &asked, const tuned_domain &found, tuning::plan &notes) {
    const auto unknown = [&](const error &why) {
        notes.note("the host's disks could not be looked at: " + why.what);
        return std::nullopt;
    };
    const auto xml = found.of.xml();
    if (!xml) return unknown(xml.error());
    const auto about = xml::parse_domain(*xml);
    if (!about) return unknown(about.error());
    const bool remote =
        std::all_of(about->disks.begin(), about->disks.end(), [](const model::disk &each) {
            return each.source.kind == model::source_kind::network;
        });
    if (remote) return std::vector{tuning::weight_facts{.over_network = true}};
    const auto at = host::ssh_end_of(found.uri);
    if (!at) return unknown(at.error());
    const run::on_host there(found.of.on().hostname(), host::shell_at(*at));
    auto disks = run::read_host_disks(there, at->host.empty() && asked.root != "/" ? asked.root
                                                                                   : std::string{});
    if (!disks) return unknown(disks.error());
    if (disks->empty()) return std::nullopt;
    return *std::move(disks);
}

} // namespace

expected<void> plan_for_blkiotune(const tune_request &asked, const tuned_domain &found,
                                  tune_answer &out) {
    tuning::blkiotune named;
    for (const tuning::blkio_device &each : tuning::blkio_devices) {
        const auto text = asked.device_limits.find(each.name);
        if (text == asked.device_limits.end()) continue;
        auto disks = tuning::parse_per_disk(text->second);
        if (!disks) return fail(std::move(disks).error());
        named.*each.of = *std::move(disks);
    }
    const bool any = asked.weight || !asked.device_limits.empty();
    std::optional<std::vector<tuning::weight_facts>> disks;
    if (any) disks = disks_for(asked, found, out.plan);
    for (const tuning_scope &scope : found.scopes) {
        const std::string object = fmt::format("{} ({})", found.of.name(), scope.name());
        const auto from = libvirt::read_blkiotune(found.of, scope.flags);
        if (!from && !any) continue; // a host without the controller has none to show
        if (!from) return fail(from.error());
        if (!any) {
            if (*from != tuning::blkiotune{}) show_settings(out, object, *from);
            continue;
        }
        tuning::blkiotune to = *from;
        to.weight = asked.weight.value_or(from->weight);
        for (const tuning::blkio_device &each : tuning::blkio_devices) {
            for (const auto &[path, value] : named.*each.of) {
                (to.*each.of).erase(path);
                if (value != 0) (to.*each.of)[path] = value;
            }
        }
        auto plan = tuning::plan_blkiotune(object, scope.run.has_value(), *from, to, disks);
        if (!plan) return fail(std::move(plan).error());
        out.plan.append(*std::move(plan));
        add_step(out, found.key(run::setting_group::blkiotune, scope), *from, to);
    }
    return {};
}

void add_blkio_options(CLI::App &sub, const std::shared_ptr<tune_request> &asked) {
    sub.add_option("--weight", asked->weight,
                   "The domain's share of the host's disks, 10 to 1000; 0 of the definition: none")
        ->type_name("NUMBER");
    for (const tuning::blkio_device &each : tuning::blkio_devices) {
        const std::string name = each.name;
        const bool weight = each.of == &tuning::blkiotune::device_weight;
        std::string option = weight ? "--device-weights" : "--" + name; // as virsh has them
        std::replace(option.begin(), option.end(), '_', '-');
        sub.add_option_function<std::string>(
               option,
               [asked, name](const std::string &text) { asked->device_limits[name] = text; },
               weight
                   ? "The same of single disks of the host; 0 of the definition: none"
                   : fmt::format("Most {} a second that it {} a disk of the host; 0 is no limit",
                                 name.find("iops") != std::string::npos ? "operations" : "bytes",
                                 name.find("read") != std::string::npos ? "reads of" : "writes to"))
            ->type_name("PATH,NUMBER[,...]");
    }
}

} // namespace kvmig::lab::cli
