// SPDX-License-Identifier: MIT
// check DOMAIN FROM-URI TO-URI: what stands in the way of a migration, before it begins.
#include <kvmig/precheck.hpp>
#include <kvmig/run/check.hpp>

#include <iostream>

int main(int argc, char *argv[]) {
    if (argc != 4) return std::cerr << "usage: check DOMAIN FROM-URI TO-URI\n", 2;
    kvmig::libvirt::quiet_errors(); // they are told below
    const auto from = kvmig::libvirt::connection::open(argv[2]);
    const auto to = kvmig::libvirt::connection::open(argv[3]);
    if (!from || !to) return std::cerr << describe(!from ? from.error() : to.error()) << '\n', 1;
    const auto domain = kvmig::libvirt::domain::find(*from, argv[1]);
    if (!domain) return std::cerr << describe(domain.error()) << '\n', 1;
    const auto facts = kvmig::run::collect_facts(*domain, *to, argv[2]);
    if (!facts) return std::cerr << describe(facts.error()) << '\n', 1;
    for (const auto &finding : kvmig::precheck::check(*facts).findings) {
        std::cout << finding.id << " (" << to_string(finding.how) << "): " << finding.title << '\n';
    }
}
