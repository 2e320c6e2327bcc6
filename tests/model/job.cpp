// SPDX-License-Identifier: MIT
#include <kvmig/model/job.hpp>
#include <support/catch.hpp>

#include <set>
#include <string>

using namespace kvmig;
using model::job_progress;
using model::job_statistics;

TEST_CASE("every field of the statistics is visited once, under libvirt's name") {
    std::set<std::string> names;
    std::size_t visits = 0;
    model::for_each_field(job_statistics{}, [&](const char *name, const auto &field) {
        CHECK_FALSE(field.has_value());
        names.insert(name);
        ++visits;
    });
    // The list of libvirt-domain.h, less `operation` and the two of backup jobs.
    const std::set<std::string> expected_names = {"time_elapsed",
                                                  "time_elapsed_net",
                                                  "time_remaining",
                                                  "downtime",
                                                  "downtime_net",
                                                  "setup_time",
                                                  "data_total",
                                                  "data_processed",
                                                  "data_remaining",
                                                  "memory_total",
                                                  "memory_processed",
                                                  "memory_remaining",
                                                  "memory_constant",
                                                  "memory_normal",
                                                  "memory_normal_bytes",
                                                  "memory_bps",
                                                  "memory_dirty_rate",
                                                  "memory_page_size",
                                                  "memory_iteration",
                                                  "memory_postcopy_requests",
                                                  "disk_total",
                                                  "disk_processed",
                                                  "disk_remaining",
                                                  "disk_bps",
                                                  "compression_cache",
                                                  "compression_bytes",
                                                  "compression_pages",
                                                  "compression_cache_misses",
                                                  "compression_overflow",
                                                  "auto_converge_throttle",
                                                  "success",
                                                  "errmsg"};
    CHECK(names == expected_names);
    CHECK(visits == expected_names.size());
}

TEST_CASE("a visitor can write the fields") {
    job_statistics s;
    model::for_each_field(s, [](const std::string &name, auto &field) {
        if constexpr (std::is_same_v<std::decay_t<decltype(field)>, std::optional<bytes>>) {
            if (name == "disk_total") field = bytes{7};
        }
    });
    CHECK(s.disk_total == bytes{7});
    CHECK_FALSE(s.disk_remaining);
}

TEST_CASE("the part done follows from total and remaining") {
    job_progress now;
    CHECK_FALSE(now.fraction());
    now.statistics.data_total = bytes{200};
    CHECK_FALSE(now.fraction());
    now.statistics.data_remaining = bytes{50};
    REQUIRE(now.fraction());
    CHECK(*now.fraction() == Approx(0.75));
    now.statistics.data_remaining = bytes{300}; // more dirtied than was there at first
    CHECK(*now.fraction() == Approx(0.0));
    now.statistics.data_total = bytes{0};
    CHECK_FALSE(now.fraction());
}

TEST_CASE("types and operations of jobs have libvirt's names") {
    CHECK(to_string(model::job_type::none) == "none");
    CHECK(to_string(model::job_type::bounded) == "bounded");
    CHECK(to_string(model::job_type::unbounded) == "unbounded");
    CHECK(to_string(model::job_type::completed) == "completed");
    CHECK(to_string(model::job_type::failed) == "failed");
    CHECK(to_string(model::job_type::cancelled) == "cancelled");
    CHECK(to_string(model::job_operation::migration_out) == "migration_out");
    CHECK(to_string(model::job_operation::migration_in) == "migration_in");
    CHECK(to_string(model::job_operation::snapshot_delete) == "snapshot_delete");
}
