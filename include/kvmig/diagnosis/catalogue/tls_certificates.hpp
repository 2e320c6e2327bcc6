// SPDX-License-Identifier: MIT
/// Catalogue: certificates that are not valid.
#pragma once

#include <kvmig/diagnosis/entry.hpp>

namespace kvmig::diagnosis::entries {

inline constexpr entry tls_certificates[] = {
    {
        .id = "KVM-TLS-005",
        .title = "A certificate has expired",
        .cause =
            "The end of the certificate's validity is past. If it should not be, a clock is wrong.",
        .patterns =
            {
                {"The CA certificate {path} has expired", libvirt_both | qemu_both,
                 "libvirt src/rpc/virnettlscontext.c:135|-; src/rpc/virnettlscert.c:-|50; QEMU "
                 "crypto/tlscredsx509.c:52|52"},
                {"The server certificate {path} has expired", libvirt_both | qemu_both,
                 "libvirt src/rpc/virnettlscontext.c:135|-; src/rpc/virnettlscert.c:-|50; QEMU "
                 "crypto/tlscredsx509.c:52|52"},
                {"The client certificate {path} has expired", libvirt_both | qemu_both,
                 "libvirt src/rpc/virnettlscontext.c:135|-; src/rpc/virnettlscert.c:-|50; QEMU "
                 "crypto/tlscredsx509.c:52|52"},
                {"The certificate has expired", qemu_both, "QEMU crypto/tlssession.c:325|361"},
            },
        .remedy =
            {
                {both, "openssl x509 -noout -enddate -in /etc/pki/qemu/server-cert.pem", ""},
                {both, "timedatectl", "the clock must be right before certificates are judged"},
            },
        .look = "issue new certificates from the same authority",
        .example = "error: The server certificate /etc/pki/libvirt/servercert.pem has expired",
    },
    {
        .id = "KVM-TLS-006",
        .title = "A certificate is not valid yet",
        .cause = "Its validity begins in the future, which most often means that this host's clock "
                 "is behind.",
        .patterns =
            {
                {"The CA certificate {path} is not yet active", libvirt_both | qemu_both,
                 "libvirt src/rpc/virnettlscontext.c:146|-; src/rpc/virnettlscert.c:-|61; QEMU "
                 "crypto/tlscredsx509.c:63|63"},
                {"The server certificate {path} is not yet active", libvirt_both | qemu_both,
                 "libvirt src/rpc/virnettlscontext.c:146|-; src/rpc/virnettlscert.c:-|61; QEMU "
                 "crypto/tlscredsx509.c:63|63"},
                {"The client certificate {path} is not yet active", libvirt_both | qemu_both,
                 "libvirt src/rpc/virnettlscontext.c:146|-; src/rpc/virnettlscert.c:-|61; QEMU "
                 "crypto/tlscredsx509.c:63|63"},
                {"The certificate is not yet activated", qemu_both,
                 "QEMU crypto/tlssession.c:330,335|366,371"},
            },
        .remedy =
            {
                {both, "date -u", "which of the clocks is wrong"},
                {both, "timedatectl set-ntp true", ""},
                {both, "chronyc makestep", "where chrony runs"},
            },
        .look = "date on both hosts, and the certificate's start date",
        .example =
            "error: The client certificate /etc/pki/libvirt/clientcert.pem is not yet active",
    },
    {
        .id = "KVM-TLS-007",
        .title = "A certificate may not be used this way",
        .cause = "Its basic constraints, key usage or purpose exclude the role in which it is "
                 "installed: a client certificate used by a server, an authority's certificate "
                 "used by a host, or no authority where one is needed.",
        .patterns =
            {
                {"The certificate {path} basic constraints show a CA, but we need one for a server",
                 libvirt_both | qemu_both,
                 "libvirt src/rpc/virnettlscontext.c:172|-; src/rpc/virnettlscert.c:-|87; QEMU "
                 "crypto/tlscredsx509.c:93|93"},
                {"The certificate {path} basic constraints show a CA, but we need one for a client",
                 libvirt_both | qemu_both,
                 "libvirt src/rpc/virnettlscontext.c:172|-; src/rpc/virnettlscert.c:-|87; QEMU "
                 "crypto/tlscredsx509.c:93|93"},
                {"The certificate {path} basic constraints do not show a CA",
                 libvirt_both | qemu_both,
                 "libvirt src/rpc/virnettlscontext.c:180|-; src/rpc/virnettlscert.c:-|95; QEMU "
                 "crypto/tlscredsx509.c:103|103"},
                {"The certificate {path} is missing basic constraints for a CA",
                 libvirt_both | qemu_both,
                 "libvirt src/rpc/virnettlscontext.c:187|-; src/rpc/virnettlscert.c:-|102; QEMU "
                 "crypto/tlscredsx509.c:112|112"},
                {"Certificate {path} usage does not permit certificate signing",
                 libvirt_both | qemu_both,
                 "libvirt src/rpc/virnettlscontext.c:229,234|-; src/rpc/virnettlscert.c:-|144,149; "
                 "QEMU crypto/tlscredsx509.c:159|159"},
                {"Certificate {path} usage does not permit digital signature",
                 libvirt_both | qemu_both,
                 "libvirt src/rpc/virnettlscontext.c:241,246|-; src/rpc/virnettlscert.c:-|156,161; "
                 "QEMU crypto/tlscredsx509.c:168|168"},
                {"Certificate {path} usage does not permit key encipherment", libvirt_both,
                 "libvirt src/rpc/virnettlscontext.c:252,257|-; src/rpc/virnettlscert.c:-|167,172"},
                {"Certificate {path} purpose does not allow use for with a TLS server",
                 libvirt_both,
                 "libvirt src/rpc/virnettlscontext.c:326,331|-; src/rpc/virnettlscert.c:-|241,246"},
                {"Certificate {path} purpose does not allow use for with a TLS client",
                 libvirt_both,
                 "libvirt src/rpc/virnettlscontext.c:338,343|-; src/rpc/virnettlscert.c:-|253,258"},
                {"Certificate {path} purpose does not allow use with a TLS server", qemu_both,
                 "QEMU crypto/tlscredsx509.c:252|252"},
                {"Certificate {path} purpose does not allow use with a TLS client", qemu_both,
                 "QEMU crypto/tlscredsx509.c:261|261"},
                {"Unable to query certificate {path} basic constraints: {rest}",
                 libvirt_both | qemu_both,
                 "libvirt src/rpc/virnettlscontext.c:193|-; src/rpc/virnettlscert.c:-|108; QEMU "
                 "crypto/tlscredsx509.c:119|119"},
                {"Unable to query certificate {path} key usage: {rest}", libvirt_both | qemu_both,
                 "libvirt src/rpc/virnettlscontext.c:219|-; src/rpc/virnettlscert.c:-|134; QEMU "
                 "crypto/tlscredsx509.c:149|149"},
                {"Unable to query certificate {path} key purpose: {rest}", libvirt_both | qemu_both,
                 "libvirt src/rpc/virnettlscontext.c:293,303|-; src/rpc/virnettlscert.c:-|208,218; "
                 "QEMU crypto/tlscredsx509.c:211,226|211,226"},
                {"Unable to query certificate {path} basic constraints {rest}",
                 libvirt_both | qemu_both,
                 "libvirt src/rpc/virnettlscontext.c:193|-; src/rpc/virnettlscert.c:-|108; QEMU "
                 "crypto/tlscredsx509.c:119|119"},
                {"Unable to query certificate {path} key usage {rest}", libvirt_both | qemu_both,
                 "libvirt src/rpc/virnettlscontext.c:219|-; src/rpc/virnettlscert.c:-|134; QEMU "
                 "crypto/tlscredsx509.c:149|149"},
                {"Unable to query certificate {path} key purpose {rest}", libvirt_both | qemu_both,
                 "libvirt src/rpc/virnettlscontext.c:293,303|-; src/rpc/virnettlscert.c:-|208,218; "
                 "QEMU crypto/tlscredsx509.c:211,226|211,226"},
            },
        .remedy =
            {
                {both,
                 "openssl x509 -noout -purpose -ext basicConstraints,keyUsage,extendedKeyUsage -in "
                 "{path}",
                 ""},
            },
        .look = "the template with which the certificate was made",
        .example = "error: Certificate /etc/pki/qemu/server-cert.pem purpose does not allow use "
                   "for with a TLS server",
    },
    {
        .id = "KVM-TLS-008",
        .title = "A TLS file cannot be read as what it should be",
        .cause = "The file is empty, truncated, of another format, or its key does not belong to "
                 "its certificate.",
        .patterns =
            {
                {"Unable to load DH parameters from {path}: {rest}", qemu_both,
                 "QEMU crypto/tlscreds.c:86|86"},
                {"Unable to import server certificate {path}", libvirt_both | qemu_both,
                 "libvirt src/rpc/virnettlscontext.c:496|-; src/rpc/virnettlscert.c:-|403; QEMU "
                 "crypto/tlscredsx509.c:399|399"},
                {"Unable to import client certificate {path}", libvirt_both | qemu_both,
                 "libvirt src/rpc/virnettlscontext.c:496|-; src/rpc/virnettlscert.c:-|403; QEMU "
                 "crypto/tlscredsx509.c:399|399"},
                {"Unable to import CA certificate list {path}", libvirt_both | qemu_both,
                 "libvirt src/rpc/virnettlscontext.c:531|-; src/rpc/virnettlscert.c:-|438; QEMU "
                 "crypto/tlscredsx509.c:446|446"},
                {"Unable to set x509 CA certificate: {path}: {rest}", libvirt_both,
                 "libvirt src/rpc/virnettlscontext.c:604|132"},
                {"Unable to set x509 certificate revocation list: {path}: {rest}", libvirt_both,
                 "libvirt src/rpc/virnettlscontext.c:622|150"},
                {"Unable to set x509 key and certificate: {path}, {path2}: {rest}", libvirt_both,
                 "libvirt src/rpc/virnettlscontext.c:647|175"},
                {"cannot load cert data from {path}: {rest}", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:208|209"},
                {"cannot initialize cert object: {rest}", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:197|198"},
                {"cannot get cert distinguished name: {rest}", libvirt_both,
                 "libvirt src/qemu/qemu_migration_cookie.c:221|222"},
                {"Unable to load certificate", qemu_both, "QEMU and libvirt"},
                {"Cannot load certificate '{path}' & key '{path2}': {rest}", qemu_both,
                 "QEMU crypto/tlscredsx509.c:608|608"},
                {"Cannot load CA certificate '{path}': {rest}", qemu_both,
                 "QEMU crypto/tlscredsx509.c:587|587"},
                {"Cannot load CRL '{path}': {rest}", qemu_both,
                 "QEMU crypto/tlscredsx509.c:619|619"},
                {"Cannot load CA cert list {path}: {rest}", qemu_both,
                 "QEMU crypto/tlscredsx509.c:388,435|388,435"},
            },
        .remedy =
            {
                {both, "certtool --certificate-info --infile {path}", ""},
            },
        .look = "the owner, mode and size of the file",
        .example = "error: Unable to set x509 key and certificate: "
                   "/etc/pki/libvirt/private/serverkey.pem, /etc/pki/libvirt/servercert.pem: The "
                   "certificate and the given key do not match.",
    },
    {
        .id = "KVM-TLS-013",
        .title = "The client's certificate is not on the list of those allowed",
        .cause = "tls_allowed_dn_list restricts who may connect, and this client's distinguished "
                 "name does not match it.",
        .patterns =
            {
                {"Client's Distinguished Name is not on the list of allowed clients "
                 "(tls_allowed_dn_list)",
                 libvirt_both,
                 "libvirt src/rpc/virnettlscontext.c:368|-; src/rpc/virnettlscert.c:-|283"},
                {"Client's username is not on the list of allowed clients", libvirt_both,
                 "libvirt src/rpc/virnetsaslcontext.c:168|168"},
                {"TLS x509 authz check for {name} is denied", qemu_both,
                 "QEMU crypto/tlssession.c:364|400"},
            },
        .remedy =
            {
                {destination, "grep -n tls_allowed_dn_list /etc/libvirt/libvirtd.conf", ""},
                {source,
                 "openssl x509 -noout -subject -nameopt RFC2253 -in "
                 "/etc/pki/libvirt/clientcert.pem",
                 ""},
            },
        .look = "the order of the fields in the distinguished name matters",
        .example = "error: Client's Distinguished Name is not on the list of allowed clients "
                   "(tls_allowed_dn_list). Use 'virt-pki-query-dn clientcert.pem' to view the "
                   "Distinguished Name field in the client certificate, or run this daemon with "
                   "--verbose option.",
    },
};

} // namespace kvmig::diagnosis::entries
