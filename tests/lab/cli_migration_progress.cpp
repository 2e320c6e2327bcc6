// SPDX-License-Identifier: MIT
// What `kvmig migrate` tells while a migration runs.
#include <lab/cli/migration_progress.hpp>
#include <support/catch.hpp>

#include <cstdint>

using namespace kvmig;
using namespace std::chrono_literals;
using lab::cli::migration_progress;

namespace {

/// A look at a job `at` that sends 10 MiB/s and has `left` MiB to send, in the pass `pass`.
model::job_progress look(std::chrono::milliseconds at, std::uint64_t left, std::uint64_t pass) {
    model::job_progress out;
    out.since_start = at;
    model::job_statistics &s = out.statistics;
    s.type = model::job_type::unbounded;
    s.memory_total = bytes::mib(256);
    s.memory_remaining = bytes::mib(left);
    s.memory_processed = bytes::mib(static_cast<std::uint64_t>(at.count()) / 100);
    s.memory_bps = byte_rate::mib(10);
    s.memory_page_size = bytes{4096};
    s.memory_iteration = pass;
    return out;
}

} // namespace

TEST_CASE("the phases of a migration are told by what its figures count") {
    migration_progress progress("vm1");
    CHECK(progress.text().empty());
    model::job_progress now;
    now.since_start = 1500ms;
    now.statistics.memory_total = bytes{0};
    now.statistics.disk_total = bytes{0};
    progress.add(now);
    CHECK(progress.text() == "vm1: 1.5 s, preparing");
    now.statistics.disk_total = bytes::mib(16);
    now.statistics.disk_remaining = bytes::mib(4);
    progress.add(now);
    CHECK_THAT(progress.text(), Catch::StartsWith("vm1: 1.5 s, disks") &&
                                    Catch::Contains("disk left 4.0 of 16.0 MiB"));
    progress.add(look(2s, 200, 1));
    CHECK_THAT(progress.text(), Catch::StartsWith("vm1: 2.0 s, memory") &&
                                    Catch::Contains("memory left 200.0 of 256.0 MiB, 10.0 MiB/s"));
    auto after = look(3s, 100, 1);
    after.statistics.memory_postcopy_requests = 3;
    progress.add(after);
    CHECK_THAT(progress.text(), Catch::StartsWith("vm1: 3.0 s, post-copy"));
}

TEST_CASE("in the first pass the time left is the least that it takes") {
    migration_progress progress("vm1");
    // QEMU counts the pass under way from one on.
    for (std::uint64_t i = 0; i < 5; ++i) {
        progress.add(look(std::chrono::seconds{i + 1}, 200 - 10 * i, 1));
    }
    // 160 MiB at 10 MiB/s.
    CHECK_THAT(progress.text(), Catch::EndsWith(", at least 16 s left"));
}

TEST_CASE("what never gets less has no end in sight, until post-copy sends each page once") {
    migration_progress progress("vm1");
    std::chrono::milliseconds at = 0ms;
    for (std::uint64_t pass = 1; pass <= 60; ++pass) {
        for (const std::uint64_t left : {40U, 20U}) {
            auto now = look(at += 2s, left, pass);
            now.statistics.memory_dirty_rate = page_rate{3000};
            progress.add(now);
        }
    }
    CHECK_THAT(progress.text(), Catch::EndsWith(", no end in sight"));
    auto now = look(at += 1s, 20, 61);
    now.statistics.memory_postcopy_requests = 1;
    progress.add(now);
    CHECK_THAT(progress.text(), Catch::EndsWith(", at least 2 s left"));
}

TEST_CASE("disks have a rate and a time too, which is the least: memory follows") {
    migration_progress progress("vm1");
    model::job_progress now;
    now.statistics.disk_total = bytes::mib(100);
    now.statistics.memory_total = bytes{0};
    now.since_start = 1s;
    now.statistics.disk_remaining = bytes::mib(100);
    progress.add(now);
    CHECK(progress.text() == "vm1: 1.0 s, disks, disk left 100.0 of 100.0 MiB");
    now.since_start = 3s;
    now.statistics.disk_remaining = bytes::mib(60);
    progress.add(now);
    CHECK_THAT(progress.text(),
               Catch::EndsWith("disk left 60.0 of 100.0 MiB, 20.0 MiB/s, at least 3 s left"));
    // What libvirt tells itself counts more.
    now.statistics.disk_bps = byte_rate::mib(30);
    progress.add(now);
    CHECK_THAT(progress.text(), Catch::EndsWith("30.0 MiB/s, at least 2 s left"));
}

TEST_CASE("what the guest dirties is told as the rate is, and the pass beside it") {
    migration_progress progress("vm1");
    auto now = look(2s, 200, 3);
    now.iteration = 3;
    now.statistics.memory_dirty_rate = page_rate{256};
    progress.add(now);
    CHECK_THAT(progress.text(), Catch::Contains("10.0 MiB/s, 1.0 MiB/s dirtied, pass 3"));
    now.statistics.memory_page_size.reset();
    progress.add(now);
    CHECK_THAT(progress.text(), Catch::Contains("256 pages/s dirtied"));
}

TEST_CASE("in few words it fits behind what is done, in 80 columns") {
    migration_progress progress("vm1");
    CHECK(progress.brief().empty());
    model::job_progress now;
    now.since_start = 1500ms;
    progress.add(now);
    CHECK(progress.brief() == "preparing");
    now.statistics.disk_total = bytes::mib(100);
    now.statistics.disk_remaining = bytes::mib(60);
    now.statistics.disk_bps = byte_rate::mib(30);
    now.statistics.data_total = bytes::mib(100);
    now.statistics.data_remaining = bytes::mib(60);
    progress.add(now);
    CHECK(progress.brief() == "disks 40 %, 60.0 MiB left, 30.0 MiB/s, at least 2 s left");
    for (std::uint64_t i = 0; i < 5; ++i) {
        progress.add(look(std::chrono::seconds{i + 2}, 200 - 10 * i, 1));
    }
    CHECK(progress.brief() == "memory, 160.0 MiB left, 10.0 MiB/s, at least 16 s left");
}
