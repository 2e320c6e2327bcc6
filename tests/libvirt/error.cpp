// SPDX-License-Identifier: MIT
#include <kvmig/libvirt/error.hpp>
#include <support/catch.hpp>

#include <string>
#include <thread>

using namespace kvmig;

TEST_CASE("an error of libvirt becomes a value field by field") {
    std::string message = "unable to connect to server at 'kvm02:49152': No route to host";
    std::string one = "%s";
    std::string two = "second";
    virError raw{};
    raw.code = VIR_ERR_SYSTEM_ERROR;
    raw.domain = VIR_FROM_RPC;
    raw.level = VIR_ERR_ERROR;
    raw.message = message.data();
    raw.str1 = one.data();
    raw.str2 = two.data();
    raw.int1 = EHOSTUNREACH;
    raw.int2 = -1;
    const error err = libvirt::to_error(raw, "cannot migrate", "kvm01");
    CHECK(err.kind == error_kind::unreachable);
    CHECK(err.what == "cannot migrate: " + message);
    CHECK(err.host == "kvm01");
    CHECK(err.system == EHOSTUNREACH);
    CHECK(err.libvirt == libvirt_code{VIR_FROM_RPC, VIR_ERR_SYSTEM_ERROR, VIR_ERR_ERROR,
                                      EHOSTUNREACH, -1, "%s", "second", ""});
}

TEST_CASE("only a system error carries an errno") {
    virError raw{};
    raw.code = VIR_ERR_OPERATION_INVALID;
    raw.int1 = 5;
    const error err = libvirt::to_error(raw, "x");
    CHECK_FALSE(err.system);
    CHECK(err.what == "x"); // libvirt gave no text
}

TEST_CASE("codes mean what the caller can do about them") {
    const auto [code, kind] = GENERATE(table<int, error_kind>({
        {VIR_ERR_NO_DOMAIN, error_kind::not_found},
        {VIR_ERR_NO_STORAGE_POOL, error_kind::not_found},
        {VIR_ERR_NO_STORAGE_VOL, error_kind::not_found},
        {VIR_ERR_NO_NETWORK, error_kind::not_found},
        {VIR_ERR_DOM_EXIST, error_kind::conflict},
        {VIR_ERR_OPERATION_INVALID, error_kind::conflict},
        {VIR_ERR_RESOURCE_BUSY, error_kind::conflict},
        {VIR_ERR_INVALID_ARG, error_kind::invalid_argument},
        {VIR_ERR_XML_DETAIL, error_kind::invalid_argument},
        {VIR_ERR_NO_SUPPORT, error_kind::unsupported},
        {VIR_ERR_ARGUMENT_UNSUPPORTED, error_kind::unsupported},
        {VIR_ERR_CONFIG_UNSUPPORTED, error_kind::unsupported},
        {VIR_ERR_AUTH_FAILED, error_kind::refused},
        {VIR_ERR_ACCESS_DENIED, error_kind::refused},
        {VIR_ERR_MIGRATE_UNSAFE, error_kind::refused},
        {VIR_ERR_CPU_INCOMPATIBLE, error_kind::refused},
        {VIR_ERR_NO_CONNECT, error_kind::unreachable},
        {VIR_ERR_OPERATION_TIMEOUT, error_kind::timed_out},
        {VIR_ERR_OPERATION_ABORTED, error_kind::cancelled},
        {VIR_ERR_NO_MEMORY, error_kind::environment},
        {VIR_ERR_OPERATION_FAILED, error_kind::failed},
        {VIR_ERR_MIGRATE_PERSIST_FAILED, error_kind::failed},
        {987654, error_kind::failed},
    }));
    INFO(code);
    CHECK(libvirt::kind_of(VIR_FROM_QEMU, code, 0) == kind);
}

TEST_CASE("a system error means what its errno means") {
    const auto [number, kind] = GENERATE(table<int, error_kind>({
        {ECONNREFUSED, error_kind::unreachable},
        {EHOSTUNREACH, error_kind::unreachable},
        {ENETUNREACH, error_kind::unreachable},
        {ECONNRESET, error_kind::unreachable},
        {EPIPE, error_kind::unreachable},
        {ETIMEDOUT, error_kind::timed_out},
        {EACCES, error_kind::refused},
        {EPERM, error_kind::refused},
        {ENOENT, error_kind::not_found},
        {EEXIST, error_kind::conflict},
        {EBUSY, error_kind::conflict},
        {EIO, error_kind::io},
        {ENOSPC, error_kind::io},
        {EROFS, error_kind::io},
        {ESTALE, error_kind::io},
        {ENOMEM, error_kind::environment},
        {ECANCELED, error_kind::cancelled},
        {EINVAL, error_kind::failed},
    }));
    INFO(number);
    CHECK(libvirt::kind_of(VIR_FROM_QEMU, VIR_ERR_SYSTEM_ERROR, number) == kind);
}

TEST_CASE("a connection that breaks is told by the part of libvirt that lost it") {
    CHECK(libvirt::kind_of(VIR_FROM_RPC, VIR_ERR_INTERNAL_ERROR, 0) == error_kind::unreachable);
    CHECK(libvirt::kind_of(VIR_FROM_QEMU, VIR_ERR_INTERNAL_ERROR, 0) == error_kind::failed);
}

TEST_CASE("a failure without a libvirt error says so") {
    // A thread of its own has no last error yet.
    error err;
    std::thread([&] { err = libvirt::last_error("cannot do it", "kvm01"); }).join();
    CHECK(err.what == "cannot do it: libvirt gave no reason");
    CHECK(err.host == "kvm01");
    CHECK_FALSE(err.libvirt);
}
