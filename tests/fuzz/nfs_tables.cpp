// SPDX-License-Identifier: MIT
// Any bytes through the readers of exports and mounts, and what they read through the rules about
// them. Built by clang++ with -fsanitize=fuzzer,address,undefined.
#include <kvmig/model/nfs_exportfs.hpp>
#include <kvmig/model/nfs_exports_text.hpp>
#include <kvmig/model/nfs_mount.hpp>
#include <kvmig/precheck/nfs.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

void hold(bool what) {
    if (!what) std::abort();
}

/// What every table of exports is like; options as text are read as the same options.
void look(const kvmig::expected<std::vector<kvmig::model::nfs_export>> &read) {
    using namespace kvmig::model;
    if (!read) {
        hold(read.error().what.find("line ") != std::string::npos);
        hold(!read.error().remedy.empty());
        return;
    }
    for (const nfs_export &each : *read) {
        hold(!each.path.empty() && each.path.front() == '/' && !each.clients.empty());
        for (const export_client &client : each.clients) {
            hold(!client.name.empty() && !client.options.access.empty());
            option_list again;
            hold(!again.read(to_text(client.options), unknown_option::keep));
            // A path within an option may hold the comma that parts two of them.
            const auto &of = client.options;
            const auto parted = [](const std::string &text) {
                return text.find(',') != std::string::npos;
            };
            if (!parted(of.mountpoint.value_or("")) && !parted(of.refer) && !parted(of.replicas))
                hold(again.options() == of);
        }
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    using namespace kvmig;
    const std::string text(data, data + size);
    const auto file = model::parse_exports(text, "/etc/exports");
    look(file);
    look(model::parse_etab(text));
    look(model::parse_exportfs(text, model::exportfs_form::verbose));
    look(model::parse_exportfs(text, model::exportfs_form::file));
    const auto mounts = model::parse_nfs_mounts(text);
    if (!mounts) hold(mounts.error().what.find("column ") != std::string::npos);

    precheck::nfs_facts facts;
    if (file) facts.servers = {{"nfs", *file}};
    if (mounts) {
        facts.source = {"kvm01", *mounts};
        facts.destination = {"kvm02", *mounts};
    }
    for (const auto &found : precheck::findings_of(facts)) {
        hold(!found.seen.empty());
        for (const std::string &command : found.remedy)
            hold(command.find('\n') == std::string::npos);
    }
    return 0;
}
