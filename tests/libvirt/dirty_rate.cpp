// SPDX-License-Identifier: MIT
#include <kvmig/libvirt/dirty_rate.hpp>
#include <support/catch.hpp>
#include <support/node.hpp>

#include <chrono>

using namespace kvmig;
using namespace std::chrono_literals;

namespace {

libvirt::dirty_rate_estimate told_rate(int status, std::optional<long long> rate) {
    libvirt::typed_parameters told;
    REQUIRE(told.add("dirtyrate.calc_status", status));
    REQUIRE(told.add("dirtyrate.calc_period", 2));
    if (rate) REQUIRE(told.add("dirtyrate.megabytes_per_second", *rate));
    return libvirt::to_dirty_rate(told.view());
}

} // namespace

TEST_CASE("a dirty rate is known when QEMU has ended its estimate") {
    const auto ended = told_rate(VIR_DOMAIN_DIRTYRATE_MEASURED, 7);
    CHECK_FALSE(ended.running);
    CHECK(ended.rate == byte_rate::mib(7));
    CHECK(ended.over == 2s);
    const auto under_way = told_rate(VIR_DOMAIN_DIRTYRATE_MEASURING, 7); // of the one before
    CHECK(under_way.running);
    CHECK_FALSE(under_way.rate);
    CHECK_FALSE(told_rate(VIR_DOMAIN_DIRTYRATE_UNSTARTED, {}).running);
    CHECK_FALSE(told_rate(VIR_DOMAIN_DIRTYRATE_MEASURED, {}).rate);
    CHECK_FALSE(told_rate(VIR_DOMAIN_DIRTYRATE_MEASURED, -1).rate);
    CHECK_FALSE(libvirt::to_dirty_rate(libvirt::typed_parameters{}.view()).rate);
}

TEST_CASE("a driver that cannot estimate the dirty rate says so") {
    const auto domain = libvirt::domain::lookup(test::node(), "test");
    REQUIRE(domain);
    const auto begun = libvirt::start_dirty_rate(*domain, 1s);
    REQUIRE_FALSE(begun);
    CHECK(begun.error().kind == error_kind::unsupported);
    CHECK(begun.error().object == "test");
}
