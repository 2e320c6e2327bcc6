// SPDX-License-Identifier: MIT
#include <kvmig/kvmig.hpp>

#include <fmt/format.h>
#include <libvirt/libvirt.h>
#include <nfsc/libnfs.h>

int main() {
    // Both C libraries come with kvmig::kvmig, to compile and to link.
    unsigned long libvirt = 0;
    if (virGetVersion(&libvirt, nullptr, nullptr) != 0) return 1;
    nfs_context *context = nfs_init_context();
    if (context == nullptr) return 1;
    nfs_destroy_context(context);
    fmt::print("kvmig {} with libvirt {}\n", kvmig::version, libvirt);
    return 0;
}
