// SPDX-License-Identifier: MIT
#include <lab/topology/site.hpp>

#include <arpa/inet.h>
#include <cstdint>
#include <fmt/format.h>

namespace kvmig::lab {

site nested_site() {
    site out;
    out.hosts[0].uri = libvirt_uri(*find_machine("kvm01"));
    out.hosts[1].uri = libvirt_uri(*find_machine("kvm02"));
    out.pool = pool_name;
    out.local_pool = local_pool_name;
    return out;
}

std::string mac_of(const guest_place &place) {
    in_addr raw{};
    ::inet_pton(AF_INET, place.address.c_str(), &raw);
    const std::uint32_t number = ntohl(raw.s_addr);
    return fmt::format("52:54:00:{:02x}:{:02x}:{:02x}", number >> 16U & 0xFFU, number >> 8U & 0xFFU,
                       number & 0xFFU);
}

} // namespace kvmig::lab
