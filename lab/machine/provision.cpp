// SPDX-License-Identifier: MIT
#include <lab/machine/provision.hpp>
#include <lab/machine/remote.hpp>

#include <kvmig/libvirt.hpp>
#include <kvmig/xml/storage.hpp>

#include <future>

namespace kvmig::lab {

namespace {

expected<void> start_pools(const machine_spec &machine) {
    auto host = libvirt::connection::open(libvirt_uri(machine));
    if (!host) return fail(std::move(host).error());
    model::storage_pool pool;
    pool.name = pool_name;
    pool.type = "netfs";
    pool.source_host = fqdn(*find_machine("nfs"));
    pool.source_dir = export_path;
    pool.source_format = "nfs";
    pool.target_path = pool_path;
    model::storage_pool local;
    local.name = local_pool_name;
    local.target_path = local_pool_path;
    for (const model::storage_pool *each : {&pool, &local}) {
        auto defined = libvirt::storage_pool::define(*host, xml::build_storage_pool(*each));
        if (!defined) return fail(std::move(defined).error());
        if (auto started = defined->start(VIR_STORAGE_POOL_CREATE_WITH_BUILD); !started) {
            return started;
        }
    }
    return {};
}

expected<void> provision_host(const machine_spec &machine, const std::stop_token &stop) {
    if (auto started = start_pools(machine); !started) return started;
    // For post-copy QEMU serves faults of the kernel's too, and Debian's libvirt leaves that
    // to root.
    const std::vector<std::string> faults{"sysctl", "-w", "vm.unprivileged_userfaultfd=1"};
    // libvirt writes AppArmor's profile of a guest five times while it starts one; unsimplified
    // expressions compile in a third of the time to a profile that allows the same.
    const std::vector<std::string> profiles{
        "sh", "-c", "echo 'Optimize=no-expr-simplify' >>/etc/apparmor/parser.conf"};
    // libvirt asks each QEMU there is at length what it can do, and keeps the answer. What was read
    // before need not be saved, but QEMU itself is worth it: the first guest starts sooner.
    const std::vector<std::vector<std::string>> steps{
        faults,
        profiles,
        {"sh", "-c", "sync; echo 3 >/proc/sys/vm/drop_caches"},
        {"virsh", "capabilities"},
        {"virsh", "domcapabilities", "--virttype", "kvm"},
    };
    for (const auto &argv : steps) {
        if (auto done = remote_output(machine, argv, stop); !done) {
            return fail(std::move(done).error());
        }
    }
    return {};
}

} // namespace

expected<void> provision(const std::stop_token &stop) {
    std::vector<std::future<expected<void>>> work;
    for (const machine_spec &machine : machines) {
        if (machine.role != machine_role::host) continue;
        work.push_back(
            std::async(std::launch::async, provision_host, std::cref(machine), std::cref(stop)));
    }
    expected<void> result;
    for (auto &task : work) {
        if (auto done = task.get(); !done) result = std::move(done);
    }
    return result;
}

} // namespace kvmig::lab
