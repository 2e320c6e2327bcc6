// SPDX-License-Identifier: MIT
#include <lab/machine/certificates.hpp>
#include <lab/machine/remote.hpp>
#include <lab/scenario/tls_files.hpp>

#include <fmt/format.h>

namespace kvmig::lab {

namespace {

/// Shell that writes certificate and key of a server (or client) into `folder`.
std::string write_credentials(std::string_view folder, std::string_view role,
                              const credentials &what) {
    return fmt::format("mkdir -p {0}\n"
                       "cat >{0}/{1}-cert.pem <<'END'\n{2}END\n"
                       "cat >{0}/{1}-key.pem <<'END'\n{3}END\n"
                       "chown libvirt-qemu {0}/{1}-key.pem\n"
                       "chmod 0400 {0}/{1}-key.pem\n",
                       folder, role, what.certificate, what.key);
}

} // namespace

expected<void> hand_out_certificates(const scenario_context &context) {
    context.tell("handing out certificates");
    auto authority = certificate_authority::create("authority of this lab run");
    if (!authority) return fail(std::move(authority).error());
    for (const machine_spec &machine : machines) {
        if (machine.role != machine_role::host) continue;
        const std::vector<std::string> addresses{std::string{machine.address}};
        const auto own = authority->issue(fqdn(machine), addresses);
        if (!own) return fail(own.error());
        const auto expired = authority->issue(fqdn(machine), addresses, validity::past);
        if (!expired) return fail(expired.error());
        const auto misnamed = authority->issue("elsewhere.test", {});
        if (!misnamed) return fail(misnamed.error());

        host::command cmd = remote_command(machine, {"sh", "-e"});
        cmd.input = write_credentials(certificate_folder, "server", *own) +
                    write_credentials(certificate_folder, "client", *own) +
                    write_credentials(expired_folder, "server", *expired) +
                    write_credentials(misnamed_folder, "server", *misnamed) +
                    fmt::format("cat >{}/ca-cert.pem <<'END'\n{}END\n", certificate_folder,
                                authority->certificate());
        cmd.timeout = std::chrono::minutes{5};
        auto done = host::output_of(cmd, context.stop);
        if (!done) return fail(std::move(done).error().on(std::string{machine.name}));
    }
    return {};
}

} // namespace kvmig::lab
