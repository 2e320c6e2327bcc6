// SPDX-License-Identifier: MIT
#include <lab/machine/guest_files.hpp>
#include <lab/machine/lifecycle.hpp>
#include <lab/scenario/belongings.hpp>
#include <lab/scenario/real_hosts.hpp>
#include <lab/topology/files.hpp>

#include <kvmig/core/version.hpp>
#include <kvmig/host/remote_command.hpp>
#include <kvmig/libvirt/node.hpp>
#include <kvmig/libvirt/volume_content.hpp>
#include <kvmig/xml/storage.hpp>

#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <set>
#include <span>

namespace kvmig::lab {

namespace {

/// `.img`: what Debian's AppArmor profile lets libvirt look at anywhere.
std::string kernel_name(const site &where) { return where.prefix + "vmlinuz.img"; }
std::string initramfs_name(const site &where) { return where.prefix + "initramfs.img"; }

/// A file of this machine as a volume of the store; its path there.
expected<std::string> put(const hosts &on, const std::string &name,
                          const std::filesystem::path &file) {
    auto content = read_file(file);
    if (!content) return fail(std::move(content).error());
    auto pool = libvirt::storage_pool::lookup(on.kvm01(), on.where().pool);
    if (!pool) return fail(std::move(pool).error());
    model::storage_volume asked;
    asked.name = name;
    asked.capacity = bytes{content->size()};
    asked.mode = 0644;
    auto volume = pool->create_volume(xml::build_storage_volume(asked));
    if (!volume) return fail(std::move(volume).error());
    auto sent = libvirt::upload(on.kvm01(), *volume, std::as_bytes(std::span(*content)));
    if (!sent) return fail(std::move(sent).error());
    return volume->path();
}

/// What a program says on a host; empty where it cannot be run.
std::string said_on(const site_host &host, const std::vector<std::string> &argv,
                    const std::stop_token &stop) {
    auto shell = host::shell_of(host.uri);
    if (!shell) return {};
    auto ran = (*shell)(argv, {}, stop);
    if (!ran || ran->status != 0) return {};
    while (ran->out.ends_with('\n')) ran->out.pop_back();
    return ran->out;
}

expected<nlohmann::json> describe_host(const libvirt::connection &on, const site_host &host,
                                       const std::stop_token &stop) {
    auto libvirt = on.libvirt_version();
    if (!libvirt) return fail(std::move(libvirt).error());
    auto qemu = on.hypervisor_version();
    if (!qemu) return fail(std::move(qemu).error());
    auto memory = libvirt::read_node_memory(on);
    if (!memory) return fail(std::move(memory).error());
    virNodeInfo node{};
    if (virNodeGetInfo(on.raw(), &node) < 0) {
        return fail(libvirt::last_error("cannot read about the host", on.hostname()));
    }
    return nlohmann::json{
        {"name", on.hostname()},
        {"cpu", said_on(host, {"sed", "-n", "s/^model name.*: //p;T;q", "/proc/cpuinfo"}, stop)},
        {"cpus", node.cpus},
        {"memory_bytes", memory->total.count()},
        {"kernel", said_on(host, {"uname", "-r"}, stop)},
        {"libvirt", "libvirt " + libvirt->text()},
        {"qemu", *qemu ? (**qemu).text() : std::string()}};
}

/// The hosts tell of themselves. What the lab's own machines tell in one place of theirs is the
/// first's.
expected<nlohmann::json> environment_of(const site &where, const std::stop_token &stop) {
    auto on = hosts::connect(where);
    if (!on) return fail(std::move(on).error());
    auto first = describe_host(on->kvm01(), where.hosts[0], stop);
    if (!first) return first;
    auto second = describe_host(on->kvm02(), where.hosts[1], stop);
    if (!second) return second;
    return nlohmann::json{
        {"time", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))},
        {"kvmig", kvmig::version},
        {"acceleration", "kvm"},
        {"cpu", first->at("cpu")},
        {"cpus", first->at("cpus")},
        {"memory_bytes", first->at("memory_bytes")},
        {"host",
         {{"kernel", first->at("kernel")},
          {"libvirt", first->at("libvirt")},
          {"qemu", first->at("qemu")}}},
        {"real_hosts", {*first, *second}}};
}

/// libvirt's logs of the lab's own guests; of others' nothing is read.
std::vector<error> logs_of(const site &where, const std::filesystem::path &folder) {
    if (auto made = make_directory(folder); !made) return {std::move(made).error()};
    std::vector<error> gaps;
    for (std::size_t i = 0; i < where.hosts.size(); ++i) {
        const std::string log =
            said_on(where.hosts[i],
                    {"cat", fmt::format("/var/log/libvirt/qemu/{}vm1.log", where.prefix)}, {});
        if (log.empty()) {
            gaps.push_back(make_error(error_kind::io, "libvirt's log of the guest cannot be read")
                               .on(where.hosts[i].uri));
            continue;
        }
        auto written = write_file(folder / fmt::format("host{}-qemu.log", i + 1), log);
        if (!written) gaps.push_back(std::move(written).error());
    }
    return gaps;
}

expected<void> clean(const site &where, const std::set<std::string> &keep, const progress &tell) {
    tell("removing what the lab has on the hosts");
    auto on = hosts::connect(where);
    if (!on) return fail(std::move(on).error());
    return remove_belongings(*on, keep);
}

} // namespace

expected<venue> enter(site where, const progress &tell, const std::stop_token &stop) {
    auto cache = cache_directory();
    if (!cache) return fail(std::move(cache).error());
    auto image = ensure_root_image(*cache, default_release, tell, stop);
    if (!image) return fail(std::move(image).error());
    auto made = ensure_guest(*cache, *image, tell, stop);
    if (!made) return fail(std::move(made).error());
    if (auto cleaned = clean(where, {}, tell); !cleaned) return fail(std::move(cleaned).error());
    {
        tell("putting the guest's kernel into the store");
        auto on = hosts::connect(where);
        if (!on) return fail(std::move(on).error());
        auto kernel = put(*on, kernel_name(where), made->files.kernel);
        if (!kernel) return fail(std::move(kernel).error());
        auto initramfs = put(*on, initramfs_name(where), made->files.initramfs);
        if (!initramfs) return fail(std::move(initramfs).error());
        where.guest->kernel = *kernel;
        where.guest->initramfs = *initramfs;
    }
    const std::set<std::string> kept{kernel_name(where), initramfs_name(where)};
    return venue{"inventory",
                 where,
                 std::nullopt,
                 [where, kept](const progress &now, const std::stop_token &) {
                     return clean(where, kept, now);
                 },
                 [where](const std::stop_token &until) { return environment_of(where, until); },
                 [where](const std::filesystem::path &folder) { return logs_of(where, folder); }};
}

expected<void> leave(const site &where, const progress &tell) { return clean(where, {}, tell); }

} // namespace kvmig::lab
