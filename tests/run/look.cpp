// SPDX-License-Identifier: MIT
#include <fakes/hypervisor.hpp>
#include <kvmig/run/look.hpp>
#include <support/catch.hpp>

using namespace kvmig;
using migration::presence;
using migration::seen_reason;
using migration::sighting;
using model::domain_state;

namespace {

struct looked_at {
    fakes::hypervisor on{"kvm01"};
    uuid id = uuid::random();
};

const model::domain_status incoming{domain_state::paused, 2, "migration", true, false};

} // namespace

TEST_CASE("a host that does not know the guest, or has it shut off, is not asked for a job") {
    looked_at h;
    CHECK(run::look(h.on, h.id).seen == sighting{presence::absent});
    h.on.put(h.id, {domain_state::shutoff, 4, "migrated", false, true});
    CHECK(run::look(h.on, h.id).seen ==
          sighting{presence::shut_off, seen_reason::migrated, true, false});
    CHECK(h.on.looks == 0);
}

TEST_CASE("a job is seen at the source by its statistics, at the destination by their lack") {
    looked_at h;
    h.on.put(h.id, incoming);
    h.on.on_job = []() -> expected<model::job_statistics> {
        model::job_statistics s;
        s.type = model::job_type::unbounded;
        return s;
    };
    CHECK(run::look(h.on, h.id).seen.job);
    h.on.on_job = [] { return model::job_statistics{}; };
    CHECK_FALSE(run::look(h.on, h.id).seen.job);
    h.on.on_job = []() -> expected<model::job_statistics> {
        error err = make_error(error_kind::unsupported, "only on the source host");
        err.libvirt.emplace().code = 84; // VIR_ERR_OPERATION_UNSUPPORTED
        return fail(err);
    };
    CHECK(run::look(h.on, h.id).seen ==
          sighting{presence::paused, seen_reason::migration, false, true});
}

TEST_CASE("a driver without jobs has none") {
    looked_at h;
    h.on.put(h.id, incoming);
    h.on.on_job = []() -> expected<model::job_statistics> {
        error err = make_error(error_kind::unsupported, "not supported by this driver");
        err.libvirt.emplace().code = 3; // VIR_ERR_NO_SUPPORT
        return fail(err);
    };
    const auto seen = run::look(h.on, h.id);
    CHECK(seen.seen == sighting{presence::paused, seen_reason::migration, false, false});
    CHECK_FALSE(seen.problem);
}

TEST_CASE("a host that answers half is unreachable, with the reason") {
    looked_at h;
    h.on.status_problem = [] { return make_error(error_kind::unreachable, "closed"); };
    auto seen = run::look(h.on, h.id);
    CHECK(seen.seen.seen == presence::unreachable);
    REQUIRE(seen.problem);
    CHECK(seen.problem->what == "closed");
    h.on.status_problem = nullptr;
    h.on.put(h.id, incoming);
    h.on.on_job = []() -> expected<model::job_statistics> {
        return fail(error_kind::refused, "access denied");
    };
    seen = run::look(h.on, h.id);
    CHECK(seen.seen.seen == presence::unreachable);
    REQUIRE(seen.problem);
    CHECK(seen.problem->what == "access denied");
}

TEST_CASE("a guest that ends between the two questions is asked for again") {
    looked_at h;
    h.on.put(h.id, incoming);
    h.on.on_job = [&]() -> expected<model::job_statistics> {
        h.on.forget(h.id);
        return fail(error_kind::not_found, "Domain not found");
    };
    const auto seen = run::look(h.on, h.id);
    CHECK(seen.seen == sighting{presence::absent});
    CHECK_FALSE(seen.problem);
}
