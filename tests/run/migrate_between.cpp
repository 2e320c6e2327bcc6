// SPDX-License-Identifier: MIT
// The course of a migration, over fakes of both hosts.
#include <fakes/hypervisor.hpp>
#include <kvmig/run/migrate_between.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

using namespace kvmig;
using namespace std::chrono_literals;
using migration::flag;
using model::domain_state;
using model::job_type;

namespace {

model::domain_status running(std::string why = "booted") {
    return {domain_state::running, 1, std::move(why), true, true};
}
// With the numbers of libvirt-domain.h that go with the words.
model::domain_status paused(std::string why) {
    const int reason = why == "user" ? 1 : why == "post-copy failed" ? 13 : 2;
    return {domain_state::paused, reason, std::move(why), true, true};
}
model::domain_status shut_off(std::string why) {
    const int reason = why == "shutdown" ? 1 : why == "crashed" ? 3 : why == "unknown" ? 0 : 4;
    return {domain_state::shutoff, reason, std::move(why), false, true};
}

model::job_statistics moving(std::uint64_t iteration, std::uint64_t remaining) {
    model::job_statistics s;
    s.type = job_type::unbounded;
    s.operation = model::job_operation::migration_out;
    s.memory_iteration = iteration;
    s.data_total = bytes{1000};
    s.data_remaining = bytes{remaining};
    return s;
}

model::job_statistics completed(std::chrono::milliseconds downtime) {
    model::job_statistics s;
    s.type = job_type::completed;
    s.operation = model::job_operation::migration_out;
    s.downtime = downtime;
    return s;
}

/// Two hosts and a guest on the first. `looks` counts from 1 from when the migration began.
struct two_hosts {
    fakes::hypervisor source{"kvm01"};
    fakes::hypervisor destination{"kvm02"};
    uuid id = uuid::random();
    migration::options options;
    run::sampling how{.interval = 1ms, .abort_interval = 1ms, .final_event = 60s};
    std::stop_source stop;
    std::atomic<bool> job_runs = false;
    std::atomic<int> look = 0;
    fakes::gate seen_enough; ///< opens at the tenth look
    std::vector<model::job_progress> progress;

    two_hosts() {
        source.put(id, running());
        source.on_job = [this]() -> expected<model::job_statistics> {
            if (!job_runs) return model::job_statistics{};
            const int n = ++look;
            if (n >= 10) seen_enough.open();
            return moving(4 + static_cast<std::uint64_t>(n) / 3,
                          1000 - std::min<std::uint64_t>(1000, static_cast<std::uint64_t>(n)));
        };
        source.on_migrate = [this](fakes::hypervisor &) { return arrive(); };
        source.on_completed_job = [] { return completed(30ms); };
        destination.on_completed_job = [] { return completed(31ms); };
    }

    /// A migration that is looked at ten times and succeeds.
    expected<void> arrive() {
        job_runs = true;
        if (!seen_enough.wait()) return fail(error_kind::timed_out, "nobody looked");
        job_runs = false;
        destination.put(id, running("migrated"));
        source.put(id, shut_off("migrated"));
        return {};
    }

    expected<run::migration_result> go() {
        return run::migrate_between(
            source, id, "vm1", destination, options,
            [this](const model::job_progress &now) {
                progress.push_back(now);
                if (on_progress) on_progress(now);
            },
            stop.get_token(), how);
    }
    std::function<void(const model::job_progress &)> on_progress;
};

bool any_cause(const error &err, const std::string &part) {
    return std::any_of(err.causes.begin(), err.causes.end(), [&](const error &cause) {
        return cause.what.find(part) != cause.what.npos;
    });
}

} // namespace

TEST_CASE("a migration that succeeds tells both sides' statistics and where the guest is") {
    two_hosts s;
    s.options.flags = {flag::live, flag::persist_dest};
    const auto result = s.go();
    REQUIRE(result);
    CHECK(result->domain == "vm1");
    CHECK(result->id == s.id);
    CHECK(result->source.hostname == "kvm01");
    CHECK(result->destination.hostname == "kvm02");
    CHECK(s.source.migrations == 1);
    CHECK(s.source.seen_options == s.options);
    REQUIRE(result->source_statistics);
    CHECK(result->source_statistics->downtime == 30ms);
    REQUIRE(result->destination_statistics);
    CHECK(result->destination_statistics->downtime == 31ms);
    CHECK(result->guest.side() == run::guest_side::destination);
    CHECK(result->guest.text() == "the guest is at the destination: kvm01 says shut off "
                                  "(migrated), kvm02 says running (migrated)");
    CHECK_FALSE(result->events);
    CHECK_FALSE(result->cancelled_too_late);
    CHECK(result->gaps.empty());
    CHECK(s.source.aborts == 0);
}

TEST_CASE("samples are what progress was told, in order of time") {
    two_hosts s;
    const auto caller = std::this_thread::get_id();
    bool same_thread = true;
    s.on_progress = [&](const model::job_progress &) {
        same_thread = same_thread && std::this_thread::get_id() == caller;
    };
    const auto result = s.go();
    REQUIRE(result);
    CHECK(same_thread);
    CHECK(result->samples == s.progress);
    REQUIRE(result->samples.size() >= 10);
    CHECK(
        std::is_sorted(result->samples.begin(), result->samples.end(),
                       [](const auto &a, const auto &b) { return a.since_start < b.since_start; }));
    CHECK(result->samples.back().since_start <= result->wall_time);
}

TEST_CASE("passes are counted from the first that this migration showed") {
    two_hosts s;
    REQUIRE(s.go());
    // The hypervisor's counter began at 4, left over from an earlier migration.
    CHECK(s.progress.at(0).statistics.memory_iteration == 4U);
    CHECK(s.progress.at(0).iteration == 0U);
    CHECK(s.progress.at(9).statistics.memory_iteration == 7U);
    CHECK(s.progress.at(9).iteration == 3U);
}

TEST_CASE("a counter of passes that starts anew is followed") {
    two_hosts s;
    s.source.on_job = [&]() -> expected<model::job_statistics> {
        if (!s.job_runs) return model::job_statistics{};
        const int n = ++s.look;
        if (n >= 10) s.seen_enough.open();
        return moving(n == 1 ? 9U : static_cast<std::uint64_t>(n), 500); // 9, 2, 3, …
    };
    REQUIRE(s.go());
    CHECK(s.progress.at(0).iteration == 0U);
    CHECK(s.progress.at(1).iteration == 0U);
    CHECK(s.progress.at(2).iteration == 1U);
}

TEST_CASE("each step is told with its time, from the plan to the end") {
    two_hosts s;
    const auto result = s.go();
    REQUIRE(result);
    REQUIRE(result->steps.size() >= 3);
    CHECK(result->steps.front().what.from == migration::state::planned);
    CHECK(result->steps.back().what.to == result->state);
    for (std::size_t i = 1; i < result->steps.size(); ++i) {
        CHECK(result->steps[i].what.from == result->steps[i - 1].what.to);
        CHECK(result->steps[i].at >= result->steps[i - 1].at);
    }
    CHECK(result->steps.front().at <= result->begun);
    CHECK(result->begun < result->steps.back().at);
}

TEST_CASE("moments without a job are no samples") {
    two_hosts s;
    s.source.on_migrate = [&](fakes::hypervisor &) {
        while (s.source.looks < 5) std::this_thread::yield();
        return s.arrive();
    };
    const auto result = s.go();
    REQUIRE(result);
    for (const auto &sample : result->samples) {
        CHECK(sample.statistics.type != job_type::none);
    }
}

TEST_CASE("with events the final statistics come from the event, even after the call") {
    two_hosts s;
    s.source.has_events = true;
    s.source.on_completed_job = []() -> expected<model::job_statistics> {
        return fail(error_kind::not_found, "the source has forgotten the domain");
    };
    std::jthread late;
    s.source.on_migrate = [&](fakes::hypervisor &) {
        auto outcome = s.arrive();
        late = std::jthread([&] {
            // Another job's end first: not this migration's.
            model::job_statistics other = completed(9999ms);
            other.operation = model::job_operation::backup;
            s.source.tell({.completed = other, .iteration = {}});
            s.source.tell({.completed = completed(25ms), .iteration = {}});
        });
        return outcome;
    };
    const auto result = s.go();
    REQUIRE(result);
    CHECK(result->events);
    REQUIRE(result->source_statistics);
    CHECK(result->source_statistics->downtime == 25ms);
    CHECK(result->gaps.empty());
    late.join();
    CHECK(s.source.watchers == 0);
}

TEST_CASE("when the event stays out the source is asked") {
    two_hosts s;
    s.source.has_events = true;
    s.how.final_event = 1ms;
    const auto result = s.go();
    REQUIRE(result);
    CHECK(result->source_statistics->downtime == 30ms);
}

TEST_CASE("an event makes it look at once") {
    two_hosts s;
    s.source.has_events = true;
    s.how.interval = 1h; // so that only events lead to looks
    s.how.final_event = 1ms;
    s.source.on_migrate = [&](fakes::hypervisor &) -> expected<void> {
        s.job_runs = true;
        for (std::uint64_t pass = 1; pass <= 3; ++pass) {
            const int before = s.look;
            s.source.tell({.completed = {}, .iteration = pass});
            while (s.look == before) std::this_thread::yield();
        }
        s.seen_enough.open();
        return s.arrive();
    };
    const auto result = s.go();
    REQUIRE(result);
    CHECK(result->samples.size() == 3);
}

TEST_CASE("statistics that cannot be had are absent, and it is said why") {
    two_hosts s;
    s.source.on_completed_job = []() -> expected<model::job_statistics> {
        return fail(error_kind::not_found, "Domain not found");
    };
    s.destination.on_completed_job = [] { return model::job_statistics{}; };
    const auto result = s.go();
    REQUIRE(result);
    CHECK_FALSE(result->source_statistics);
    CHECK_FALSE(result->destination_statistics);
    REQUIRE(result->gaps.size() == 2);
    CHECK(result->gaps[0].host == "kvm01");
    CHECK(any_cause(result->gaps[0], "Domain not found"));
    CHECK(result->gaps[1].host == "kvm02");
}

TEST_CASE("events that fail for a reason of their own are a gap, not a failure") {
    two_hosts s;
    s.source.on_watch = []() -> expected<ports::subscription> {
        return fail(error_kind::refused, "cannot listen");
    };
    const auto result = s.go();
    REQUIRE(result);
    CHECK_FALSE(result->events);
    REQUIRE(result->gaps.size() == 1);
    CHECK(result->gaps[0].what == "cannot listen");
}

TEST_CASE("statistics that cannot be read while it runs are a gap") {
    two_hosts s;
    s.source.on_job = [&]() -> expected<model::job_statistics> {
        if (!s.job_runs) return model::job_statistics{};
        if (++s.look >= 10) s.seen_enough.open();
        return fail(error_kind::refused, "access denied");
    };
    const auto result = s.go();
    REQUIRE(result);
    CHECK(result->samples.empty());
    REQUIRE(result->gaps.size() == 1);
    CHECK(result->gaps[0].what == "access denied");
}

TEST_CASE("a stop aborts the job, and the guest is seen running at the source") {
    two_hosts s;
    fakes::gate abort_asked;
    s.source.on_abort_job = [&]() -> expected<void> {
        abort_asked.open();
        return {};
    };
    s.source.on_migrate = [&](fakes::hypervisor &) -> expected<void> {
        s.job_runs = true;
        s.destination.put(s.id, paused("migrating"));
        const bool asked = abort_asked.wait();
        s.job_runs = false;
        s.destination.forget(s.id);
        s.source.put(s.id, running("migration canceled"));
        if (!asked) return fail(error_kind::timed_out, "never aborted");
        return fail(fakes::aborted());
    };
    s.on_progress = [&](const model::job_progress &) {
        if (s.progress.size() == 3) s.stop.request_stop();
    };
    const auto result = s.go();
    REQUIRE_FALSE(result);
    const error &err = result.error();
    CHECK(err.kind == error_kind::cancelled);
    CHECK(err.what == "the migration of the domain 'vm1' from kvm01 to kvm02 was cancelled; the "
                      "guest is at the source: kvm01 says running (migration canceled), kvm02 "
                      "does not know it");
    CHECK(err.object == "vm1");
    REQUIRE(err.causes.size() == 1);
    CHECK(err.causes[0].libvirt->code == 78);
    CHECK(s.source.aborts >= 1);
    CHECK(s.progress.size() >= 3);
}

TEST_CASE("a migration whose destination is lost is called off, and says so") {
    two_hosts s;
    fakes::gate aborted_job;
    s.source.on_abort_job = [&]() -> expected<void> {
        aborted_job.open();
        return {};
    };
    s.source.on_migrate = [&](fakes::hypervisor &destination) -> expected<void> {
        s.job_runs = true;
        destination.alive = false;
        destination.status_problem = [] {
            return make_error(error_kind::unreachable, "the connection is closed");
        };
        // The source itself would notice only when TCP gives up.
        if (!aborted_job.wait()) return fail(error_kind::timed_out, "nobody aborted it");
        s.job_runs = false;
        return fail(fakes::aborted());
    };
    s.how.patience = 1ms;
    const auto result = s.go();
    REQUIRE_FALSE(result);
    CHECK(any_cause(result.error(), "the connection to the destination broke on the way"));
    CHECK(any_cause(result.error(), "canceled by client"));
    CHECK(result.error().what.find("kvm01 says running") != std::string::npos);
}

TEST_CASE(
    "a destination that only this program has lost does not stop the daemons' own migration") {
    two_hosts s;
    s.options.flags = {flag::live, flag::peer2peer};
    s.options.destination_uri = "qemu+ssh://kvm02/system";
    s.source.on_migrate = [&](fakes::hypervisor &destination) {
        destination.alive = false;
        return s.arrive();
    };
    CHECK(s.go());
    CHECK(s.source.aborts == 0);
}

TEST_CASE("an abort that comes before the job has begun is asked again") {
    two_hosts s;
    std::atomic<int> asked = 0;
    fakes::gate taken;
    s.source.on_abort_job = [&]() -> expected<void> {
        if (++asked < 5) return fail(error_kind::conflict, "no job is active on the domain");
        taken.open();
        return {};
    };
    s.source.on_migrate = [&](fakes::hypervisor &) -> expected<void> {
        s.stop.request_stop();
        if (!taken.wait()) return fail(error_kind::timed_out, "never aborted");
        return fail(fakes::aborted());
    };
    const auto result = s.go();
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == error_kind::cancelled);
    CHECK(asked >= 5);
}

TEST_CASE("a stop that comes too late is told of a migration that succeeded") {
    two_hosts s;
    // In post-copy, nothing can be aborted.
    s.source.on_abort_job = []() -> expected<void> {
        return fail(error_kind::conflict, "cannot abort migration in post-copy mode");
    };
    s.source.on_migrate = [&](fakes::hypervisor &) {
        s.stop.request_stop();
        while (s.source.aborts < 3) std::this_thread::yield();
        return s.arrive();
    };
    const auto result = s.go();
    REQUIRE(result);
    CHECK(result->cancelled_too_late);
    CHECK(result->guest.side() == run::guest_side::destination);
    REQUIRE_FALSE(result->gaps.empty());
    CHECK(result->gaps[0].what == "cannot abort migration in post-copy mode");
}

TEST_CASE("a stop asked for beforehand starts nothing") {
    two_hosts s;
    s.stop.request_stop();
    const auto result = s.go();
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == error_kind::cancelled);
    CHECK(s.source.migrations == 0);
    CHECK(s.source.aborts == 0);
}

TEST_CASE("a cancelled migration that leaves the guest paused did not end cleanly") {
    two_hosts s;
    fakes::gate abort_asked;
    s.source.on_abort_job = [&]() -> expected<void> {
        abort_asked.open();
        return {};
    };
    s.source.on_migrate = [&](fakes::hypervisor &) -> expected<void> {
        s.stop.request_stop();
        if (!abort_asked.wait()) return fail(error_kind::timed_out, "never aborted");
        s.source.put(s.id, paused("migrating"));
        return fail(fakes::aborted());
    };
    const auto result = s.go();
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == error_kind::failed);
    CHECK_THAT(result.error().what, Catch::Contains("did not end cleanly"));
    CHECK_THAT(result.error().what, Catch::Contains("kvm01 says paused (migrating)"));
}

TEST_CASE("a guest that was paused before may be paused after it was cancelled") {
    two_hosts s;
    s.source.put(s.id, paused("user"));
    fakes::gate abort_asked;
    s.source.on_abort_job = [&]() -> expected<void> {
        abort_asked.open();
        return {};
    };
    s.source.on_migrate = [&](fakes::hypervisor &) -> expected<void> {
        s.stop.request_stop();
        if (!abort_asked.wait()) return fail(error_kind::timed_out, "never aborted");
        return fail(fakes::aborted());
    };
    const auto result = s.go();
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == error_kind::cancelled);
}

TEST_CASE("a failure while a stop is asked for, and not taken, is a failure") {
    two_hosts s;
    s.source.on_migrate = [&](fakes::hypervisor &) -> expected<void> {
        s.stop.request_stop();
        while (s.source.aborts < 2) std::this_thread::yield();
        return fail(error_kind::unreachable, "unable to connect to server at 'kvm02:49152'");
    };
    const auto result = s.go();
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == error_kind::unreachable);
    CHECK_THAT(result.error().what, Catch::Contains("failed; the guest is at the source"));
}

TEST_CASE("an abort by somebody else is told as such") {
    two_hosts s;
    s.source.on_migrate = [&](fakes::hypervisor &) -> expected<void> {
        return fail(fakes::aborted());
    };
    const auto result = s.go();
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == error_kind::failed);
    CHECK_THAT(result.error().what, Catch::Contains("was aborted by somebody else"));
}

TEST_CASE("a failure keeps libvirt's error as its cause, and says where the guest is") {
    two_hosts s;
    s.source.on_migrate = [](fakes::hypervisor &) -> expected<void> {
        error err = make_error(error_kind::refused, "Unsafe migration");
        err.libvirt.emplace().code = 81; // VIR_ERR_MIGRATE_UNSAFE
        return fail(err);
    };
    const auto result = s.go();
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == error_kind::refused);
    CHECK(result.error().what == "the migration of the domain 'vm1' from kvm01 to kvm02 failed; "
                                 "the guest is at the source: kvm01 says running (booted), kvm02 "
                                 "does not know it");
    REQUIRE(result.error().causes.size() == 1);
    CHECK(result.error().causes[0].libvirt->code == 81);
}

TEST_CASE("a failure told although the guest has moved says so") {
    two_hosts s;
    s.source.on_migrate = [&](fakes::hypervisor &) -> expected<void> {
        s.destination.put(s.id, running("migrated"));
        s.source.put(s.id, shut_off("migrated"));
        return fail(error_kind::unreachable, "client socket is closed");
    };
    const auto result = s.go();
    REQUIRE_FALSE(result);
    CHECK_THAT(result.error().what, Catch::Contains("the guest is at the destination"));
}

TEST_CASE("a guest on both sides is told, with the advice to leave both alone") {
    two_hosts s;
    s.source.on_migrate = [&](fakes::hypervisor &) -> expected<void> {
        s.destination.put(s.id, paused("post-copy failed"));
        s.source.put(s.id, paused("post-copy failed"));
        return fail(error_kind::failed, "migration failed in post-copy");
    };
    const auto result = s.go();
    REQUIRE_FALSE(result);
    CHECK_THAT(result.error().what, Catch::Contains("active on both sides: kvm01 says paused "
                                                    "(post-copy failed), kvm02 says paused"));
    CHECK_THAT(result.error().remedy, Catch::Contains("start or destroy nothing"));
}

TEST_CASE("a guest that ended on the way is on neither side") {
    two_hosts s;
    s.source.on_migrate = [&](fakes::hypervisor &) -> expected<void> {
        s.source.put(s.id, shut_off("crashed"));
        return fail(error_kind::failed, "domain is not running");
    };
    const auto result = s.go();
    REQUIRE_FALSE(result);
    CHECK_THAT(result.error().what, Catch::Contains("active on neither side: kvm01 says shut off "
                                                    "(crashed)"));
}

TEST_CASE("a host that cannot be asked leaves the matter unsettled, and says why") {
    two_hosts s;
    std::atomic<bool> lost = false;
    s.source.status_problem = [&]() -> std::optional<error> {
        if (!lost) return std::nullopt;
        return make_error(error_kind::unreachable, "connection to kvm01 is closed");
    };
    s.source.on_migrate = [&](fakes::hypervisor &) -> expected<void> {
        lost = true;
        s.destination.put(s.id, running("migrated"));
        return fail(error_kind::unreachable, "client socket is closed");
    };
    const auto result = s.go();
    REQUIRE_FALSE(result);
    CHECK_THAT(result.error().what,
               Catch::Contains("could not be settled: kvm01 cannot be asked, kvm02 says running"));
    CHECK(any_cause(result.error(), "client socket is closed"));
    CHECK(any_cause(result.error(), "connection to kvm01 is closed"));
}

TEST_CASE("success without a guest at the destination is not believed") {
    two_hosts s;
    s.source.on_migrate = [&](fakes::hypervisor &) -> expected<void> {
        s.source.put(s.id, shut_off("migrated"));
        return {};
    };
    const auto result = s.go();
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == error_kind::failed);
    CHECK_THAT(result.error().what, Catch::StartsWith("libvirt reports that the domain 'vm1' was "
                                                      "migrated to kvm02, but"));
}

TEST_CASE("success with a destination that cannot be asked is a success with a gap") {
    two_hosts s;
    std::atomic<bool> lost = false;
    s.destination.status_problem = [&]() -> std::optional<error> {
        if (!lost) return std::nullopt;
        return make_error(error_kind::unreachable, "connection to kvm02 is closed");
    };
    s.source.on_migrate = [&](fakes::hypervisor &) {
        auto outcome = s.arrive();
        lost = true;
        return outcome;
    };
    const auto result = s.go();
    REQUIRE(result);
    CHECK(result->guest.side() == run::guest_side::unknown);
    REQUIRE(result->gaps.size() == 1);
    CHECK(result->gaps[0].what == "connection to kvm02 is closed");
}

TEST_CASE("an offline migration moves a definition, and has no statistics to miss") {
    two_hosts s;
    s.source.put(s.id, shut_off("shutdown"));
    s.options.flags = {flag::offline, flag::persist_dest};
    s.source.on_migrate = [&](fakes::hypervisor &) -> expected<void> {
        s.destination.put(s.id, shut_off("unknown"));
        return {};
    };
    const auto result = s.go();
    REQUIRE(result);
    CHECK_FALSE(result->source_statistics);
    CHECK(result->gaps.empty());
    CHECK(result->guest.side() == run::guest_side::neither);
}
