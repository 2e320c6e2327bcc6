// SPDX-License-Identifier: MIT
// The forecast of a migration from the facts of its check.
#include <kvmig/run/forecast.hpp>
#include <support/catch.hpp>
#include <support/node.hpp>

#include <algorithm>
#include <string>

using namespace kvmig;
using namespace std::chrono_literals;
using convergence::verdict;

namespace {

precheck::facts loaded_guest() {
    precheck::facts f;
    f.domain.memory = bytes::gib(8);
    f.domain.current_memory = bytes::gib(1);
    model::disk disk;
    disk.target = "vda";
    disk.source.kind = model::source_kind::file;
    disk.source.path = "/srv/images/vm1.qcow2";
    f.domain.disks = {disk};
    precheck::storage_place place;
    place.image = precheck::image{bytes::gib(2), "qcow2"};
    f.source.storage.set(disk.source.path, place);
    precheck::load_facts load;
    load.dirty = precheck::dirtied_memory{byte_rate::mib(10), 1s};
    load.downtime_limit = 300ms;
    load.speed_limit = byte_rate::mib(1000);
    f.load = load;
    return f;
}

bool says(const std::vector<std::string> &all, const std::string &part) {
    return std::any_of(all.begin(), all.end(),
                       [&](const auto &each) { return each.find(part) != std::string::npos; });
}

} // namespace

TEST_CASE(
    "a forecast counts what moves: the memory that the guest has, and disks that are copied") {
    auto f = loaded_guest();
    auto told = run::foretell(f, byte_rate::mib(110));
    CHECK(told.prospect.ends == verdict::yes);
    CHECK(told.prospect.to_move == bytes::gib(1));
    CHECK(told.unknown.empty());
    CHECK(says(told.assumed, "110.0 MiB/s"));
    CHECK(says(told.assumed, "as the domain is set"));
    CHECK_FALSE(says(told.assumed, "disks"));
    f.copy = precheck::storage_copy::all;
    told = run::foretell(f, byte_rate::mib(110));
    CHECK(told.prospect.to_move == bytes::gib(3));
    CHECK(says(told.assumed, "disks are copied in full"));
}

TEST_CASE("libvirt's speed limit bounds what the link carries") {
    auto f = loaded_guest();
    f.load->speed_limit = byte_rate::mib(5);
    const auto told = run::foretell(f, byte_rate::mib(110));
    CHECK(told.plan.rate == byte_rate::mib(5));
    CHECK(told.prospect.ends == verdict::no); // 10 MiB/s are dirtied
    CHECK(says(told.assumed, "no more than 5.0 MiB/s"));
}

TEST_CASE("what a forecast lacks is told, and makes it unknown") {
    auto f = loaded_guest();
    auto told = run::foretell(f, std::nullopt);
    CHECK(told.prospect.ends == verdict::unknown);
    CHECK(says(told.unknown, "what the link carries"));
    f.load->dirty = precheck::fact<precheck::dirtied_memory>::unknown("no such call");
    told = run::foretell(f, byte_rate::mib(110));
    CHECK(told.prospect.ends == verdict::unknown);
    CHECK(says(told.unknown, "how fast the guest dirties its memory: no such call"));
    f.load.reset();
    told = run::foretell(f, byte_rate::mib(110));
    CHECK(told.prospect.ends == verdict::unknown);
    CHECK(says(told.unknown, "it was not asked for"));
    CHECK(says(told.assumed, "QEMU's default"));
    f = loaded_guest();
    f.copy = precheck::storage_copy::all;
    f.source.storage = {};
    told = run::foretell(f, byte_rate::mib(110));
    CHECK(says(told.unknown, "the size of the disk vda"));
    CHECK(told.prospect.ends == verdict::unknown);
    CHECK_FALSE(told.prospect.downtime);
    f.source.storage.set("/srv/images/vm1.qcow2", precheck::storage_place{});
    CHECK(says(run::foretell(f, byte_rate::mib(110)).unknown, "no pool of the source"));
}

TEST_CASE("a link that was measured is taken at that, unless a person knows better") {
    auto f = loaded_guest();
    f.load->link = precheck::measured_link{byte_rate::mib(50), bytes::mib(64), 1280ms};
    auto told = run::foretell(f, std::nullopt);
    CHECK(told.plan.rate == byte_rate::mib(50));
    CHECK(told.prospect.ends == verdict::yes);
    CHECK(says(told.assumed, "50.0 MiB/s all the time, as one SSH connection did during 1.3 s"));
    told = run::foretell(f, byte_rate::mib(110));
    CHECK(told.plan.rate == byte_rate::mib(110));
    CHECK(says(told.assumed, "110.0 MiB/s all the time, as was told"));
    f.load->link = precheck::fact<precheck::measured_link>::unknown("no SSH");
    told = run::foretell(f, std::nullopt);
    CHECK(told.prospect.ends == verdict::unknown);
    CHECK(says(told.unknown, "not told, and not measured: no SSH"));
}

TEST_CASE("a driver that does not tell how fast memory is dirtied leaves that unknown") {
    const auto domain = libvirt::domain::lookup(test::node(), "test");
    REQUIRE(domain);
    const auto load = run::collect_load(*domain);
    CHECK_FALSE(load.dirty.known());
    CHECK_THAT(load.dirty.reason(), Catch::Contains("dirty rate"));
    CHECK_FALSE(load.speed_limit.known());
}
