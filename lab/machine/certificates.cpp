// SPDX-License-Identifier: MIT
#include <lab/machine/certificates.hpp>

#include <array>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <utility>

namespace kvmig::lab {

struct certified_identity {
    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key;
    std::unique_ptr<X509, decltype(&X509_free)> certificate;
};

namespace {

constexpr long day = 24L * 60 * 60;

using extension_handle = std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)>;
using bio_handle = std::unique_ptr<BIO, decltype(&BIO_free_all)>;

unexpected openssl_failure(const std::string &what) {
    std::array<char, 256> text{};
    ERR_error_string_n(ERR_get_error(), text.data(), text.size());
    return fail(error_kind::failed, fmt::format("cannot {}: {}", what, text.data()));
}

/// What `write` writes into a BIO.
template <class Writer> expected<std::string> pem_of(const std::string &what, Writer write) {
    const bio_handle out{BIO_new(BIO_s_mem()), &BIO_free_all};
    if (!out || write(out.get()) != 1) return openssl_failure("write " + what);
    char *data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return std::string(data, static_cast<std::size_t>(size));
}

expected<std::string> pem_of(X509 *certificate) {
    return pem_of("a certificate", [&](BIO *out) { return PEM_write_bio_X509(out, certificate); });
}

expected<std::string> pem_of(EVP_PKEY *key) {
    return pem_of("a key", [&](BIO *out) {
        return PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
    });
}

/// What is certified of it, in the words of OpenSSL's configuration (x509v3_config(5)).
using extensions = std::vector<std::pair<int, std::string>>;

expected<certified_identity> make_identity(const std::string &name,
                                           const certified_identity *issuer, const extensions &what,
                                           validity good) {
    const long until = good == validity::now ? 30 * day : -day;
    certified_identity out{{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"), &EVP_PKEY_free},
                           {X509_new(), &X509_free}};
    if (!out.key || !out.certificate) return openssl_failure("make a key for " + name);
    X509 *certificate = out.certificate.get();
    std::uint64_t serial = 0;
    X509_NAME *subject = X509_get_subject_name(certificate);
    const auto *letters = reinterpret_cast<const unsigned char *>(name.c_str());
    X509 *by = issuer != nullptr ? issuer->certificate.get() : certificate;
    const bool written =
        RAND_bytes(reinterpret_cast<unsigned char *>(&serial), sizeof serial) == 1 &&
        // A serial number is positive, and at most 20 bytes.
        ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1U | 1U) == 1 &&
        X509_set_version(certificate, X509_VERSION_3) == 1 &&
        X509_gmtime_adj(X509_getm_notBefore(certificate), until - 31 * day) != nullptr &&
        X509_gmtime_adj(X509_getm_notAfter(certificate), until) != nullptr &&
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, letters, -1, -1, 0) == 1 &&
        X509_set_issuer_name(certificate, X509_get_subject_name(by)) == 1 &&
        X509_set_pubkey(certificate, out.key.get()) == 1;
    if (!written) return openssl_failure("describe " + name);
    X509V3_CTX context{};
    X509V3_set_ctx(&context, by, certificate, nullptr, nullptr, 0);
    for (const auto &[id, value] : what) {
        const extension_handle extension{X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()),
                                         &X509_EXTENSION_free};
        if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1) {
            return openssl_failure(fmt::format("certify '{}' of {}", value, name));
        }
    }
    EVP_PKEY *signer = issuer != nullptr ? issuer->key.get() : out.key.get();
    if (X509_sign(certificate, signer, EVP_sha256()) == 0) return openssl_failure("sign " + name);
    return out;
}

} // namespace

expected<certificate_authority> certificate_authority::create(const std::string &name) {
    auto self = make_identity(name, nullptr,
                              {{NID_basic_constraints, "critical,CA:TRUE"},
                               {NID_key_usage, "critical,keyCertSign,cRLSign"},
                               {NID_subject_key_identifier, "hash"}},
                              validity::now);
    if (!self) return fail(std::move(self).error());
    auto text = pem_of(self->certificate.get());
    if (!text) return fail(std::move(text).error());
    return certificate_authority{std::make_unique<certified_identity>(*std::move(self)),
                                 *std::move(text)};
}

certificate_authority::certificate_authority(std::unique_ptr<certified_identity> self,
                                             std::string text)
    : self_(std::move(self)), text_(std::move(text)) {}
certificate_authority::certificate_authority(certificate_authority &&) noexcept = default;
certificate_authority &
certificate_authority::operator=(certificate_authority &&) noexcept = default;
certificate_authority::~certificate_authority() = default;

expected<credentials> certificate_authority::issue(const std::string &host,
                                                   const std::vector<std::string> &addresses,
                                                   validity good) const {
    std::string names = "DNS:" + host;
    for (const std::string &address : addresses) names += ",IP:" + address;
    // GnuTLS, by which QEMU does it, wants both usages of a key.
    const auto made = make_identity(host, self_.get(),
                                    {{NID_basic_constraints, "critical,CA:FALSE"},
                                     {NID_key_usage, "digitalSignature,keyEncipherment"},
                                     {NID_ext_key_usage, "serverAuth,clientAuth"},
                                     {NID_subject_alt_name, names},
                                     {NID_authority_key_identifier, "keyid"}},
                                    good);
    if (!made) return fail(made.error());
    auto certificate = pem_of(made->certificate.get());
    if (!certificate) return fail(std::move(certificate).error());
    auto key = pem_of(made->key.get());
    if (!key) return fail(std::move(key).error());
    return credentials{*std::move(certificate), *std::move(key)};
}

} // namespace kvmig::lab
