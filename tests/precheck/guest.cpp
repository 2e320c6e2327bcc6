// SPDX-License-Identifier: MIT
// Network, devices, security, and what the domain is doing.
#include <precheck/healthy.hpp>

using namespace kvmig;
using namespace kvmig::test;
using precheck::presence;

TEST_CASE("what an interface stands on must be there") {
    const auto [id, facts, name] = GENERATE(
        table<std::string, precheck::by_name<presence> precheck::destination_facts::*, std::string>(
            {{"KVM-NIC-001", &precheck::destination_facts::interfaces, "br0"},
             {"KVM-NIC-003", &precheck::destination_facts::networks, "default"},
             {"KVM-NIC-004", &precheck::destination_facts::interfaces, "eth1"},
             {"KVM-NIC-009", &precheck::destination_facts::filters, "clean-traffic"},
             {"KVM-SEC-012", &precheck::destination_facts::secrets, "ceph:key"}}));
    INFO(id);
    auto f = healthy();
    (f.destination.*facts).set(name, presence::absent);
    CHECK(told(f, id) == blocks);
    CHECK_THAT(findings_of(f, id).front().seen, Catch::Contains("'" + name + "'"));
    CHECK(findings_of(f, id).front().host == "kvm02");
    (f.destination.*facts).set(name, not_known<presence>());
    CHECK(told(f, id) == unknown);
    f.destination.*facts = {}; // nobody asked
    CHECK(told(f, id) == unknown);
    f.domain.interfaces.clear();
    f.domain.secrets.clear();
    CHECK_FALSE(told(f, id));
}

TEST_CASE("a network that is stopped blocks, a bridge that is down warns") {
    auto f = healthy();
    f.destination.networks.set("default", presence::inactive);
    CHECK(told(f, "KVM-NIC-002") == blocks);
    CHECK_FALSE(told(f, "KVM-NIC-003"));
    f.destination.interfaces.set("br0", presence::inactive);
    CHECK(told(f, "KVM-NIC-001") == warns);
}

TEST_CASE("an interface that a network led to a bridge needs the network there, not the bridge") {
    auto f = healthy();
    f.domain.interfaces = {f.domain.interfaces.front()};
    f.domain.interfaces[0].source = "br-of-the-source";
    f.domain.interfaces[0].network = "default";
    CHECK_FALSE(told(f, "KVM-NIC-001"));
    CHECK_FALSE(told(f, "KVM-NIC-003"));
    f.destination.networks.set("default", presence::absent);
    CHECK(told(f, "KVM-NIC-003") == blocks);
    f.destination.networks.set("default", presence::inactive);
    CHECK(told(f, "KVM-NIC-002") == blocks);
}

TEST_CASE("two interfaces on one missing bridge are told once") {
    auto f = healthy();
    f.domain.interfaces.push_back(f.domain.interfaces.front());
    f.destination.interfaces.set("br0", presence::absent);
    CHECK(told(f, "KVM-NIC-001") == blocks);
}

TEST_CASE("connections through the user-mode network break") {
    auto f = healthy();
    f.domain.interfaces[0].type = "user";
    CHECK(told(f, "KVM-NIC-101") == warns);
}

TEST_CASE("an address to listen on may not be the destination's") {
    const auto [listen, wanted] = GENERATE(
        table<std::string, std::optional<precheck::severity>>({{"192.0.2.11", unknown},
                                                               {"2001:db8::1", unknown},
                                                               {"0.0.0.0", std::nullopt},
                                                               {"::", std::nullopt},
                                                               {"127.0.0.1", std::nullopt},
                                                               {"::1", std::nullopt},
                                                               {"", std::nullopt},
                                                               {"/run/vnc.sock", std::nullopt},
                                                               {"default", std::nullopt}}));
    INFO(listen);
    auto f = healthy();
    f.domain.graphics = {{"vnc", {}, {listen}}};
    CHECK(told(f, "KVM-NIC-011") == wanted);
}

TEST_CASE("a passed-through device blocks with a QEMU that moves none") {
    auto f = healthy();
    f.domain.host_devices[0].teaming.clear();
    CHECK(told(f, "KVM-DEV-001") == blocks);
    CHECK_THAT(findings_of(f, "KVM-DEV-001").front().seen, Catch::Contains("0000:06:12.5"));
    CHECK_THAT(findings_of(f, "KVM-DEV-001").front().remedy.front(),
               Catch::Contains("--detach-hostdevs") &&
                   Catch::Contains(" --to " + f.destination.uri));
    f.source.hypervisor = model::version{8, 1, 0};
    CHECK(told(f, "KVM-DEV-001") == unknown);
    forget(f.source.hypervisor);
    CHECK(told(f, "KVM-DEV-001") == unknown);
}

TEST_CASE("a passed-through network card blocks without its team") {
    auto f = healthy();
    f.domain.interfaces[3].teaming.clear();
    CHECK(told(f, "KVM-DEV-001") == blocks);
}

TEST_CASE("other host devices are judged by their kind") {
    auto f = healthy();
    f.domain.host_devices = {{"subsystem", "usb", ""}};
    CHECK(told(f, "KVM-DEV-017") == unknown);
    CHECK_FALSE(told(f, "KVM-DEV-001"));
    f.domain.host_devices = {{"subsystem", "scsi", ""}};
    CHECK(told(f, "KVM-DEV-001") == unknown);
    f.domain.host_devices = {{"capabilities", "storage", ""}};
    CHECK(told(f, "KVM-DEV-001") == blocks);
}

TEST_CASE("vDPA blocks, programs behind vhost-user are not known") {
    auto f = healthy();
    f.domain.interfaces[0].type = "vdpa";
    CHECK(told(f, "KVM-DEV-008") == blocks);
    f.domain.interfaces[0].type = "vhostuser";
    CHECK(told(f, "KVM-DEV-013") == unknown);
    f = healthy();
    f.domain.disks[0].source.kind = model::source_kind::vhostuser;
    CHECK(told(f, "KVM-DEV-013") == unknown);
}

TEST_CASE("virtiofs blocks with libvirt 9.0, 9p depends on the guest") {
    auto f = healthy();
    f.domain.filesystems = {"virtiofs"};
    CHECK(told(f, "KVM-DEV-004") == blocks);
    f.source.libvirt = model::version{11, 3, 0};
    CHECK(told(f, "KVM-DEV-004") == unknown);
    forget(f.source.libvirt);
    CHECK(told(f, "KVM-DEV-004") == unknown);
    f.domain.filesystems = {"path"};
    CHECK_FALSE(told(f, "KVM-DEV-004"));
    CHECK(told(f, "KVM-DEV-005") == unknown);
    f.domain.filesystems = {"loop"}; // of containers
    CHECK_FALSE(told(f, "KVM-DEV-005"));
}

TEST_CASE("3D graphics block") {
    auto f = healthy();
    f.domain.videos = {{"virtio", true}};
    CHECK(told(f, "KVM-DEV-006") == blocks);
}

TEST_CASE("shared memory moves with its master only") {
    auto f = healthy();
    f.domain.shared_memories = {{"s", "ivshmem-plain", "peer"}};
    CHECK(told(f, "KVM-DEV-007") == blocks);
    f.domain.shared_memories = {{"s", "ivshmem-plain", ""}};
    CHECK(told(f, "KVM-DEV-007") == blocks);
    f.domain.shared_memories = {{"s", "ivshmem", "master"}};
    CHECK(told(f, "KVM-DEV-007") == blocks);
}

TEST_CASE("a TPM needs swtpm there, or keeps its keys here") {
    auto f = healthy();
    auto offers = *f.destination.domain_capabilities;
    offers.tpm_backends = {"passthrough"};
    f.destination.domain_capabilities = offers;
    CHECK(told(f, "KVM-DEV-012") == blocks);
    forget(f.destination.domain_capabilities);
    CHECK(told(f, "KVM-DEV-012") == unknown);
    f.domain.tpms = {{"passthrough"}};
    CHECK_FALSE(told(f, "KVM-DEV-012"));
    CHECK(told(f, "KVM-DEV-010") == unknown);
}

TEST_CASE("encrypted memory, Hyper-V passthrough and QEMU's vdagent block") {
    auto f = healthy();
    f.domain.launch_security = "sev";
    CHECK(told(f, "KVM-DEV-014") == blocks);
    f.domain.hyperv_mode = "passthrough";
    CHECK(told(f, "KVM-DEV-015") == blocks);
    f.domain.channels = {"unix", "qemu-vdagent"};
    CHECK(told(f, "KVM-DEV-016") == blocks);
    f.source.hypervisor = model::version{10, 0, 9};
    CHECK(told(f, "KVM-DEV-016") == blocks);
    f.source.hypervisor = model::version{10, 1, 0};
    CHECK(told(f, "KVM-DEV-016") == unknown);
    forget(f.source.hypervisor);
    CHECK(told(f, "KVM-DEV-016") == unknown);
}

TEST_CASE("a label of a driver that the destination does not have blocks") {
    auto f = healthy();
    f.domain.security_models = {"dac", "selinux"};
    CHECK(told(f, "KVM-SEC-011") == blocks);
    CHECK_THAT(findings_of(f, "KVM-SEC-011").front().seen,
               Catch::Contains("selinux") && Catch::Contains("apparmor, dac"));
    forget(f.destination.capabilities);
    CHECK(told(f, "KVM-SEC-011") == unknown);
    f.domain.security_models.clear();
    CHECK_FALSE(told(f, "KVM-SEC-011"));
}

TEST_CASE("a guest that does not run cannot move live") {
    auto f = healthy();
    model::domain_status status;
    status.state = model::domain_state::shutoff;
    f.source.status = status;
    CHECK(told(f, "KVM-LIF-001") == blocks);
    forget(f.source.status);
    CHECK(told(f, "KVM-LIF-001") == unknown);
    status.state = model::domain_state::paused;
    status.active = true;
    status.reason_text = "user";
    f.source.status = status;
    CHECK_FALSE(told(f, "KVM-LIF-001"));
    CHECK_FALSE(told(f, "KVM-LIF-101"));
    status.reason_text = "I/O error";
    f.source.status = status;
    CHECK(told(f, "KVM-LIF-101") == warns);
}

TEST_CASE("snapshots, block jobs and jobs block") {
    auto f = healthy();
    f.source.snapshots = 1U;
    CHECK(told(f, "KVM-LIF-002") == blocks);
    CHECK_THAT(findings_of(f, "KVM-LIF-002").front().seen, Catch::EndsWith("1 snapshot"));
    forget(f.source.snapshots);
    CHECK(told(f, "KVM-LIF-002") == unknown);

    f.source.block_jobs = std::vector<std::string>{"vda", "vdb"};
    CHECK(findings_of(f, "KVM-LIF-003").size() == 2);
    forget(f.source.block_jobs);
    CHECK(told(f, "KVM-LIF-003") == unknown);
}

TEST_CASE("a migration under way is told apart from other jobs") {
    using model::job_operation;
    using model::job_type;
    auto f = healthy();
    f.source.job = precheck::current_job{job_type::unbounded, job_operation::migration_out};
    CHECK(told(f, "KVM-LIF-005") == blocks);
    CHECK_FALSE(told(f, "KVM-LIF-006"));
    f.source.job = precheck::current_job{job_type::bounded, job_operation::save};
    CHECK_FALSE(told(f, "KVM-LIF-005"));
    CHECK(told(f, "KVM-LIF-006") == blocks);
    f.source.job = precheck::current_job{job_type::unbounded, {}};
    CHECK(told(f, "KVM-LIF-006") == blocks);
    f.source.job = precheck::current_job{job_type::completed, job_operation::migration_out};
    CHECK_FALSE(told(f, "KVM-LIF-005"));
    CHECK_FALSE(told(f, "KVM-LIF-006"));
    forget(f.source.job);
    CHECK(told(f, "KVM-LIF-005") == unknown);
}

TEST_CASE("what stays behind is told") {
    auto f = healthy();
    f.source.managed_save = true;
    CHECK(told(f, "KVM-LIF-010") == warns);
    f.source.autostart = true;
    CHECK(told(f, "KVM-LIF-102") == warns);
    CHECK(test::check(f).verdict == precheck::verdict::warns);
    forget(f.source.managed_save);
    CHECK(told(f, "KVM-LIF-010") == unknown);
    forget(f.source.autostart);
    CHECK(told(f, "KVM-LIF-102") == unknown);
}
