// SPDX-License-Identifier: MIT
#include <lab/machine/certificates.hpp>
#include <support/catch.hpp>

#include <memory>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string>

using namespace kvmig::lab;

namespace {

template <auto Free> struct freed_by {
    template <class T> void operator()(T *object) const { Free(object); }
};
using certificate = std::unique_ptr<X509, freed_by<X509_free>>;
using key = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using bio = std::unique_ptr<BIO, freed_by<BIO_free_all>>;

certificate certificate_in(const std::string &text) {
    const bio in{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
    return certificate{PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)};
}

key key_in(const std::string &text) {
    const bio in{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
    return key{PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr)};
}

} // namespace

TEST_CASE("A machine's certificate is of its names, for both ends, and by its authority alone") {
    const auto authority = certificate_authority::create("an authority");
    REQUIRE(authority);
    const auto stranger = certificate_authority::create("an authority");
    REQUIRE(stranger);
    const auto own = authority->issue("kvm02.kvmig.test", {"192.0.2.12"});
    REQUIRE(own);

    const auto issuer = certificate_in(authority->certificate());
    const auto issued = certificate_in(own->certificate);
    REQUIRE(issuer);
    REQUIRE(issued);
    CHECK(X509_check_ca(issuer.get()) == 1);
    CHECK(X509_check_ca(issued.get()) == 0);
    CHECK(X509_check_issued(issuer.get(), issued.get()) == X509_V_OK);
    CHECK(X509_verify(issued.get(), X509_get0_pubkey(issuer.get())) == 1);
    const auto other = certificate_in(stranger->certificate());
    CHECK(X509_verify(issued.get(), X509_get0_pubkey(other.get())) == 0);

    CHECK(X509_check_host(issued.get(), "kvm02.kvmig.test", 0, 0, nullptr) == 1);
    CHECK(X509_check_host(issued.get(), "kvm01.kvmig.test", 0, 0, nullptr) == 0);
    CHECK(X509_check_ip_asc(issued.get(), "192.0.2.12", 0) == 1);
    CHECK(X509_check_purpose(issued.get(), X509_PURPOSE_SSL_SERVER, 0) == 1);
    CHECK(X509_check_purpose(issued.get(), X509_PURPOSE_SSL_CLIENT, 0) == 1);
    CHECK(X509_cmp_current_time(X509_get0_notBefore(issued.get())) < 0);
    CHECK(X509_cmp_current_time(X509_get0_notAfter(issued.get())) > 0);
    const auto secret = key_in(own->key);
    REQUIRE(secret);
    CHECK(X509_check_private_key(issued.get(), secret.get()) == 1);
}

TEST_CASE("A certificate of the past is good no longer, and is in order otherwise") {
    const auto authority = certificate_authority::create("an authority");
    REQUIRE(authority);
    const auto own = authority->issue("kvm02.kvmig.test", {"192.0.2.12"}, validity::past);
    REQUIRE(own);
    const auto issuer = certificate_in(authority->certificate());
    const auto issued = certificate_in(own->certificate);
    REQUIRE(issued);
    CHECK(X509_verify(issued.get(), X509_get0_pubkey(issuer.get())) == 1);
    CHECK(X509_cmp_current_time(X509_get0_notBefore(issued.get())) < 0);
    CHECK(X509_cmp_current_time(X509_get0_notAfter(issued.get())) < 0);
    CHECK(X509_cmp_current_time(X509_get0_notAfter(issuer.get())) > 0);
}

TEST_CASE("What is no address is not certified as one") {
    const auto authority = certificate_authority::create("an authority");
    REQUIRE(authority);
    const auto made = authority->issue("kvm02.kvmig.test", {"somewhere"});
    REQUIRE_FALSE(made);
    CHECK(made.error().what.find("somewhere") != std::string::npos);
}
