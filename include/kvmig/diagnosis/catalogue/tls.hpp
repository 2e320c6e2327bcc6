// SPDX-License-Identifier: MIT
/// Catalogue: encrypted channels and their configuration.
#pragma once

#include <kvmig/diagnosis/entry.hpp>

namespace kvmig::diagnosis::entries {

inline constexpr entry tls[] = {
    {
        .id = "KVM-TLS-001",
        .title = "The TLS files of libvirt are not installed",
        .cause = "A URI without a transport means TLS, and so does qemu+tls. The certificate files "
                 "it needs are missing on this host.",
        .patterns =
            {
                {"Cannot read CA certificate '{path}': No such file or directory", libvirt_both,
                 "libvirt src/rpc/virnettlscontext.c:105|98"},
                {"Cannot read CA certificate '{path}': {reason}", libvirt_both,
                 "libvirt src/rpc/virnettlscontext.c:105|98"},
                {"Cannot read server certificate '{path}'", libvirt_both,
                 "libvirt src/rpc/virnettlscontext.c:105|98"},
                {"Cannot read server key '{path}'", libvirt_both,
                 "libvirt src/rpc/virnettlscontext.c:105|98"},
                {"Cannot read client certificate '{path}'", libvirt_both,
                 "libvirt src/rpc/virnettlscontext.c:105|98"},
                {"Cannot read client key '{path}'", libvirt_both,
                 "libvirt src/rpc/virnettlscontext.c:105|98"},
                {"Cannot read certificate '{path}'", libvirt_both,
                 "libvirt 9.0 src/rpc/virnettlscontext.c:106, 11.3 :99"},
                {"unable to read server cert {path}", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:190|191"},
            },
        .remedy =
            {
                {source, "virsh -c qemu+ssh://{destination}/system list",
                 "SSH needs no certificates"},
                {both, "virt-pki-validate", "lists what is missing, once you have chosen TLS"},
            },
        .look = "ls -l /etc/pki/CA /etc/pki/libvirt",
        .example =
            "error: Cannot read CA certificate '/etc/pki/CA/cacert.pem': No such file or directory",
    },
    {
        .id = "KVM-TLS-002",
        .title = "The TLS handshake failed",
        .cause = "The two sides did not come to terms: certificates of different authorities, no "
                 "common protocol or cipher, or the other side refused our certificate and closed.",
        .says = usual,
        .patterns =
            {
                {"TLS handshake failed {rest}", libvirt_both | qemu_both,
                 "libvirt src/rpc/virnettlscontext.c:1315|766; QEMU "
                 "crypto/tlssession.c:508|561,566"},
                {"TLS handshake failed: {rest}", libvirt_both | qemu_both,
                 "libvirt src/rpc/virnettlscontext.c:1315|766; QEMU "
                 "crypto/tlssession.c:508|561,566"},
                {"TLS handshake failed", libvirt_both | qemu_both,
                 "libvirt src/rpc/virnettlscontext.c:1315|766; QEMU "
                 "crypto/tlssession.c:508|561,566"},
                {"Unable to read TLS confirmation: {rest}", libvirt_both,
                 "libvirt src/rpc/virnetclient.c:1008|1008"},
                {"Unable to read TLS confirmation", libvirt_both,
                 "libvirt src/rpc/virnetclient.c:1008|1008"},
                {"server verification (of our certificate or IP address) failed", libvirt_both,
                 "libvirt src/rpc/virnetclient.c:1013|1013"},
                {"The TLS connection was non-properly terminated", other, "GnuTLS"},
                {"Cannot write to TLS channel: {rest}", qemu_both,
                 "QEMU io/channel-tls.c:334|-; crypto/tlssession.c:-|493"},
                {"TLS migration is required but the server does not offer it", qemu_both, "QEMU"},
            },
        .remedy =
            {
                {both, "virt-pki-validate", ""},
                {both,
                 "openssl x509 -noout -subject -issuer -dates -in /etc/pki/libvirt/servercert.pem",
                 ""},
            },
        .look = "the log of the side that refused; it names the reason",
        .example = "error: authentication failed: TLS handshake failed The TLS connection was "
                   "non-properly terminated.",
    },
    {
        .id = "KVM-TLS-003",
        .title = "The peer's certificate is not trusted",
        .cause = "The certificate is not signed by the authority that this side trusts, is "
                 "revoked, or cannot be checked.",
        .patterns =
            {
                {"Failed to verify peer's certificate", libvirt_both,
                 "libvirt src/rpc/virnettlscontext.c:1088|539"},
                {"Certificate failed validation: {rest}", libvirt_both,
                 "libvirt src/rpc/virnettlscontext.c:969|455"},
                {"Unable to verify TLS peer: {rest}", libvirt_both,
                 "libvirt src/rpc/virnettlscontext.c:948|434"},
                {"Unable to verify server certificate {path} against CA certificate {path2}",
                 libvirt_both | qemu_both,
                 "libvirt src/rpc/virnettlscontext.c:440|-; src/rpc/virnettlscert.c:-|347; QEMU "
                 "crypto/tlscredsx509.c:326|326"},
                {"Unable to verify client certificate {path} against CA certificate {path2}",
                 libvirt_both | qemu_both,
                 "libvirt src/rpc/virnettlscontext.c:440|-; src/rpc/virnettlscert.c:-|347; QEMU "
                 "crypto/tlscredsx509.c:326|326"},
                {"Our own certificate {path} failed validation against {path2}: {rest}",
                 libvirt_both | qemu_both,
                 "libvirt src/rpc/virnettlscontext.c:462|-; src/rpc/virnettlscert.c:-|369; QEMU "
                 "crypto/tlscredsx509.c:354|354"},
                {"The certificate hasn't got a known issuer", libvirt_both,
                 "libvirt src/rpc/virnettlscontext.c:454|virnettlscert.c:361"},
                {"The certificate is not trusted", libvirt_both,
                 "libvirt src/rpc/virnettlscontext.c:451|virnettlscert.c:358"},
                {"The certificate has been revoked", libvirt_both,
                 "libvirt src/rpc/virnettlscontext.c:457|virnettlscert.c:364"},
                {"Certificate does not have a known issuer", other, "GnuTLS"},
                {"The certificate uses an insecure algorithm", libvirt_both,
                 "libvirt src/rpc/virnettlscontext.c:460|virnettlscert.c:367"},
                {"No certificate peers", qemu_both, "QEMU crypto/tlssession.c:305|341"},
                {"The certificate has no peers", libvirt_both,
                 "libvirt src/rpc/virnettlscontext.c:982|468"},
                {"Only x509 certificates are supported", libvirt_both,
                 "libvirt src/rpc/virnettlscontext.c:976|462"},
                {"Verify failed: {rest}", qemu_both, "QEMU crypto/tlssession.c:276|312", virt_line},
            },
        .remedy =
            {
                {both,
                 "openssl verify -CAfile /etc/pki/CA/cacert.pem /etc/pki/libvirt/servercert.pem",
                 ""},
                {both, "sha256sum /etc/pki/CA/cacert.pem", "must be the same on both hosts"},
            },
        .look = "which authority signed which certificate: openssl x509 -noout -issuer",
        .example = "error: authentication failed: Failed to verify peer's certificate",
    },
    {
        .id = "KVM-TLS-004",
        .title = "The certificate names another host",
        .cause = "The name or address that was connected to is not in the certificate. For "
                 "libvirt's connection that is the host of the URI; for the migration data it is "
                 "the host of the migration URI, unless --tls-destination names another.",
        .patterns =
            {
                {"Certificate {path} owner does not match the hostname {host}", libvirt_both,
                 "libvirt src/rpc/virnettlscontext.c:391|-; src/rpc/virnettlscert.c:-|302"},
                {"Certificate [session] owner does not match the hostname {host}", libvirt_both,
                 "libvirt src/rpc/virnettlscontext.c:391|-; src/rpc/virnettlscert.c:-|302"},
                {"Certificate does not match the hostname {host}", qemu_both,
                 "QEMU crypto/tlssession.c:371|407"},
            },
        .remedy =
            {
                {source,
                 "virsh migrate --live --tls {domain} qemu+ssh://{destination}/system "
                 "--tls-destination {destination}",
                 "the name that the certificate holds"},
                {destination,
                 "openssl x509 -noout -ext subjectAltName -subject -in "
                 "/etc/pki/qemu/server-cert.pem",
                 ""},
            },
        .look = "make certificates with both the DNS name and the IP address among their "
                "subjectAltNames",
        .example = "qemu-system-x86_64: Certificate does not match the hostname 192.0.2.12",
    },
    {
        .id = "KVM-TLS-009",
        .title = "QEMU's TLS files are missing or not readable for QEMU",
        .cause =
            "Migration with --tls uses certificates of QEMU's own, by default under /etc/pki/qemu, "
            "which the user that QEMU runs as must be able to read: ca-cert.pem, server-cert.pem, "
            "server-key.pem, and client-cert.pem and client-key.pem on the source.",
        .patterns =
            {
                {"Unable to access credentials {path}: No such file or directory", qemu_both,
                 "QEMU crypto/tlscreds.c:121|121"},
                {"Unable to access credentials {path}: {rest}", qemu_both,
                 "QEMU crypto/tlscreds.c:121|121"},
            },
        .remedy =
            {
                {both, "ls -l /etc/pki/qemu",
                 "ca-cert.pem, server-cert.pem, server-key.pem, client-cert.pem, client-key.pem"},
                {both,
                 "chown root:libvirt-qemu /etc/pki/qemu/server-key.pem "
                 "/etc/pki/qemu/client-key.pem",
                 ""},
                {both, "chmod 0640 /etc/pki/qemu/server-key.pem /etc/pki/qemu/client-key.pem", ""},
            },
        .look = "migrate_tls_x509_cert_dir and default_tls_x509_cert_dir in /etc/libvirt/qemu.conf",
        .example = "error: internal error: unable to execute QEMU command 'object-add': Unable to "
                   "access credentials /etc/pki/qemu/ca-cert.pem: No such file or directory",
    },
    {
        .id = "KVM-TLS-010",
        .title = "No directory for migration certificates is configured",
        .cause = "--tls was asked for, and neither migrate_tls_x509_cert_dir nor "
                 "default_tls_x509_cert_dir leads to an existing directory.",
        .patterns =
            {
                {"host migration TLS directory not configured", libvirt_both,
                 "libvirt src/qemu/qemu_migration_params.c:1015|1185"},
            },
        .remedy =
            {
                {both,
                 "sed -i 's|^#*migrate_tls_x509_cert_dir *=.*|migrate_tls_x509_cert_dir = "
                 "\"/etc/pki/qemu\"|' /etc/libvirt/qemu.conf",
                 ""},
                {both, "systemctl restart libvirtd.service", ""},
            },
        .look = "/etc/libvirt/qemu.conf on the host that reports it",
        .example =
            "error: Requested operation is not valid: host migration TLS directory not configured",
    },
    {
        .id = "KVM-TLS-011",
        .title = "This host allows migration only with TLS",
        .cause = "migrate_tls_force is set in qemu.conf, and --tls was not given.",
        .patterns =
            {
                {"this libvirtd instance allows migration only with VIR_MIGRATE_TLS flag",
                 libvirt_both, "libvirt src/qemu/qemu_migration.c:2800,3573|3020,3780"},
            },
        .remedy =
            {
                {source, "virsh migrate --live --tls {domain} qemu+ssh://{destination}/system", ""},
            },
        .look = "migrate_tls_force in /etc/libvirt/qemu.conf of both hosts",
        .example = "error: Requested operation is not valid: this libvirtd instance allows "
                   "migration only with VIR_MIGRATE_TLS flag",
    },
    {
        .id = "KVM-TLS-012",
        .title = "The encrypted connection of the migration broke",
        .cause = "The peer closed the TLS connection: it refused the certificate, or it ended for "
                 "another reason. Its own log has the first error; libvirt tells that of the "
                 "destination alone.",
        .says = usual,
        .patterns =
            {
                {"Cannot read from TLS channel: {rest}", qemu_both,
                 "QEMU io/channel-tls.c:296|-; crypto/tlssession.c:-|525"},
                {"Cannot read from TLS channel", qemu_both,
                 "QEMU io/channel-tls.c:296|-; crypto/tlssession.c:-|525"},
                {"Cannot write to TLS channel", qemu_both,
                 "QEMU io/channel-tls.c:334|-; crypto/tlssession.c:-|493"},
                {"Failed to terminate TLS connection: {rest}", qemu_10_0,
                 "QEMU migration/multifd.c:-|577"},
                {"TLS termination failed: {rest}", qemu_10_0, "QEMU crypto/tlssession.c:-|599,603"},
            },
        .remedy =
            {
                {source, "tail -n 30 /var/log/libvirt/qemu/{domain}.log",
                 "what the source has against the destination's certificate"},
                {destination, "tail -n 30 /var/log/libvirt/qemu/{domain}.log", ""},
            },
        .look = "the first TLS message in the QEMU log of the other side",
        .example = "qemu-system-x86_64: Cannot read from TLS channel: Input/output error",
    },
    {
        .id = "KVM-TLS-014",
        .title = "TLS does not go with the transport that was chosen",
        .cause = "Encrypted migration needs a name to check and a network connection: over a UNIX "
                 "socket the name must be given, and disks cannot be copied with TLS there.",
        .patterns =
            {
                {"NBD migration with TLS is not supported over UNIX socket", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:1188|1353"},
                {"Explicit destination hostname is required for TLS migration over UNIX socket",
                 libvirt_both, "libvirt src/qemu/qemu_migration.c:5158|5371"},
                {"QEMU NBD server does not support TLS transport", libvirt_both,
                 "libvirt src/qemu/qemu_migration.c:3166|3383"},
                {"TLS migration is not supported with this QEMU binary", libvirt_both,
                 "libvirt src/qemu/qemu_migration_params.c:1021|1191"},
                {"TLS negotiation required before option {rest}", qemu_both,
                 "QEMU nbd/client.c:207|207"},
                {"Did you forget a valid tls-creds?", qemu_both, "QEMU nbd/client.c:209|209"},
                {"Server does not support STARTTLS", qemu_both,
                 "QEMU nbd/client.c:976,997|969,998"},
                {"Server don't support STARTTLS option", qemu_both, "QEMU nbd/client.c:628|628"},
                {"No TLS credentials with id '{name}'", qemu_both,
                 "QEMU migration/tls.c:41|40; block/nbd.c:1724|1761"},
                {"Object with id '{name}' is not TLS credentials", qemu_both,
                 "QEMU migration/tls.c:48|46; block/nbd.c:1731|1768"},
                {"No hostname for certificate validation", qemu_both,
                 "QEMU crypto/tlssession.c:379|415"},
            },
        .remedy =
            {
                {source,
                 "virsh migrate --live --tls {domain} qemu+ssh://{destination}/system --migrateuri "
                 "tcp://{destination} --tls-destination {destination}",
                 ""},
            },
        .look = "the options --migrateuri, --disks-uri and --tls-destination",
        .example = "error: Operation not supported: NBD migration with TLS is not supported over "
                   "UNIX socket",
    },
    {
        .id = "KVM-TLS-015",
        .title = "The TLS settings of QEMU or libvirt are not accepted",
        .cause = "The priority string, or the kind of credentials, is not one that GnuTLS or this "
                 "channel takes.",
        .patterns =
            {
                {"Failed to set TLS session priority to {word}: {rest}", libvirt_both,
                 "libvirt src/rpc/virnettlscontext.c:1176|627"},
                {"Unable to set TLS session priority {word}: {rest}", qemu_both,
                 "QEMU crypto/tlssession.c:152,188|188,224"},
                {"Cannot set default TLS session priority {word}: {rest}", qemu_both,
                 "QEMU crypto/tlssession.c:218|254"},
                {"Failed to initialize TLS session: {rest}", libvirt_both | qemu_both,
                 "libvirt src/rpc/virnettlscontext.c:1162|613; QEMU softmmu/vl.c:2230|-; "
                 "system/vl.c:-|2410"},
                {"Cannot initialize TLS session: {rest}", qemu_both,
                 "QEMU crypto/tlssession.c:131|167"},
                {"Cannot set session credentials: {rest}", qemu_both,
                 "QEMU crypto/tlssession.c:168,204|204,240"},
                {"Failed set TLS x509 credentials: {rest}", libvirt_both,
                 "libvirt src/rpc/virnettlscontext.c:1185|636"},
                {"Expected TLS credentials for a {word} endpoint", qemu_both,
                 "QEMU crypto/tlscreds.c:268|268"},
                {"Unsupported TLS credentials type {word}", qemu_both,
                 "QEMU crypto/tlssession.c:238|274"},
                {"TLS credentials support requires GNUTLS", qemu_both,
                 "QEMU crypto/tlscredspsk.c:186|186; crypto/tlscredsanon.c:107|107"},
            },
        .remedy =
            {
                {both, "grep -n tls_priority /etc/libvirt/libvirtd.conf /etc/libvirt/qemu.conf",
                 ""},
                {both, "gnutls-cli --list --priority NORMAL", ""},
            },
        .look = "the tls_priority settings of both hosts",
        .example =
            "error: Failed to set TLS session priority to NORMAL:-BOGUS: The request is invalid.",
    },
};

} // namespace kvmig::diagnosis::entries
