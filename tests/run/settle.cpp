// SPDX-License-Identifier: MIT
// What is put right after a failure, and what is left to a person, over fakes of both hosts.
#include <fakes/hypervisor.hpp>
#include <kvmig/run/memory_journal.hpp>
#include <kvmig/run/recover.hpp>
#include <support/catch.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

using namespace kvmig;
using namespace std::chrono_literals;
using migration::choice;
using migration::event;
using migration::state;
using model::domain_state;

namespace {

/// The fakes cannot be moved: a controller has handles to them.
class handle {
public:
    explicit handle(fakes::hypervisor &to) : to_(&to) {}
    expected<model::host> host() { return to_->host(); }
    bool is_alive() const { return to_->is_alive(); }
    bool same_connection(const handle &other) const { return to_ == other.to_; }
    auto status(const uuid &id) { return to_->status(id); }
    auto job(const uuid &id) { return to_->job(id); }
    auto completed_job(const uuid &id) { return to_->completed_job(id); }
    auto abort_job(const uuid &id) { return to_->abort_job(id); }
    auto start_postcopy(const uuid &id) { return to_->start_postcopy(id); }
    auto max_downtime(const uuid &id) { return to_->max_downtime(id); }
    auto set_max_downtime(const uuid &id, std::chrono::milliseconds limit) {
        return to_->set_max_downtime(id, limit);
    }
    auto set_max_speed(const uuid &id, byte_rate limit) { return to_->set_max_speed(id, limit); }
    auto migrate(const uuid &id, handle &destination, const migration::options &options) {
        return to_->migrate(id, *destination.to_, options);
    }
    auto watch_job(const uuid &id, ports::job_event_callback callback) {
        return to_->watch_job(id, std::move(callback));
    }
    auto watch_lifecycle(const uuid &id, ports::life_callback callback) {
        return to_->watch_lifecycle(id, std::move(callback));
    }
    auto suspend(const uuid &id) { return to_->suspend(id); }
    auto resume(const uuid &id) { return to_->resume(id); }
    auto start(const uuid &id) { return to_->start(id); }
    auto destroy(const uuid &id) { return to_->destroy(id); }
    auto undefine(const uuid &id) { return to_->undefine(id); }
    auto remove_image(const std::string &path) { return to_->remove_image(path); }

private:
    fakes::hypervisor *to_;
};

/// A migration whose controller died after `events`.
struct left {
    fakes::hypervisor source{"kvm01"};
    fakes::hypervisor destination{"kvm02"};
    uuid id = uuid::random();
    run::memory_journal journal;
    ports::migration_id number;
    migration::options options;
    bool destination_answers = true;
    run::sampling how{.interval = 1ms, .abort_interval = 1ms, .final_event = 0ms, .patience = 5ms};

    explicit left(std::vector<event> events, migration::options o = {}) : options(std::move(o)) {
        ports::migration_record record;
        record.before = run::origin_of({}, options);
        record.before.source_was = migration::activity::running;
        record.before.source_persistent = true;
        record.before.start_at_destination = true;
        record.domain = "vm1";
        record.domain_uuid = id;
        record.source_uri = "fake:///1";
        record.destination_uri = "fake:///2";
        record.options = to_text(options);
        auto lease = journal.open(record);
        REQUIRE(lease);
        number = lease->id();
        run::journaled steps(journal, *std::move(lease), record.before);
        for (const event e : events) REQUIRE(steps.feed(e));
    }

    expected<run::recovered> recover(const run::recovery_wish &wish = {}) {
        return run::recover(
            journal, number,
            [this](const std::string &uri) -> expected<handle> {
                if (uri == "fake:///1") return handle(source);
                if (!destination_answers) return fail(error_kind::unreachable, "no route to kvm02");
                return handle(destination);
            },
            wish, {}, how);
    }
    [[nodiscard]] std::size_t entries() const { return journal.read(number)->entries.size(); }
};

const std::vector<event> has_moved = {event::prepare_requested, event::move_requested,
                                      event::memory_phase};
migration::options persistent() {
    return {.flags = {migration::flag::live, migration::flag::persist_dest}};
}

model::domain_status at(domain_state state, int reason, bool persistent = true) {
    return {state, reason, "", state != domain_state::shutoff, persistent};
}

} // namespace

TEST_CASE("what was only planned has failed, and no host is asked") {
    left m({});
    m.destination_answers = false;
    const auto came = m.recover();
    REQUIRE(came);
    CHECK(came->now.at == state::failed);
    CHECK(m.source.looks == 0);
}

TEST_CASE("a process that waits in vain is ended, and the source goes on") {
    left m(has_moved, persistent());
    m.source.put(m.id, at(domain_state::running, 1));
    m.destination.put(m.id, at(domain_state::paused, 2, false));
    const auto came = m.recover();
    REQUIRE(came);
    CHECK(came->now.at == state::failed);
    CHECK(m.destination.steered() == std::vector<std::string>{"destroy"});
    CHECK(m.source.steered().empty());
}

TEST_CASE("a guest that the migration stopped runs on at the source") {
    left m(has_moved, persistent());
    m.source.put(m.id, at(domain_state::paused, 2));
    const auto came = m.recover({.undo = true, .chosen = {}});
    REQUIRE(came);
    // As asked for, and so no failure.
    CHECK(came->now.at == state::cancelled);
    CHECK(m.source.steered() == std::vector<std::string>{"resume"});
}

TEST_CASE("a guest that arrived is let go at the source") {
    left m(has_moved, persistent());
    m.source.put(m.id, at(domain_state::paused, 2));
    m.destination.put(m.id, at(domain_state::running, 2));
    const auto came = m.recover();
    REQUIRE(came);
    CHECK(came->now.at == state::completed);
    CHECK(m.source.steered() == std::vector<std::string>{"destroy"});
    CHECK(m.destination.steered().empty());
}

TEST_CASE("what goes by itself before it can be ended is done") {
    auto options = persistent();
    options.flags.set(migration::flag::undefine_source);
    left m(has_moved, options);
    m.source.put(m.id, at(domain_state::paused, 2));
    m.destination.put(m.id, at(domain_state::running, 2));
    // As libvirt's Confirm does, which nobody else saw coming.
    m.source.steer_problem = [&](const std::string &call) -> std::optional<error> {
        if (call == "destroy") m.source.put(m.id, at(domain_state::shutoff, 4));
        if (call == "undefine") m.source.forget(m.id);
        return std::nullopt;
    };
    const auto came = m.recover();
    REQUIRE(came);
    INFO(came->now.said);
    CHECK(came->now.at == state::completed);
    CHECK_FALSE(came->now.problem);
    CHECK(m.source.steered().empty());
}

TEST_CASE("what cannot be ended, and is still there, is told") {
    for (const std::string step : {"destroy", "undefine"}) {
        auto options = persistent();
        options.flags.set(migration::flag::undefine_source);
        left m(has_moved, options);
        m.source.put(m.id, at(domain_state::paused, 2));
        m.destination.put(m.id, at(domain_state::running, 2));
        m.source.steer_problem = [&](const std::string &call) -> std::optional<error> {
            if (call != step) return std::nullopt;
            return make_error(error_kind::not_found, "no such domain, it says");
        };
        const auto came = m.recover();
        REQUIRE(came);
        CHECK_FALSE(came->now.ended());
        CHECK(came->now.said == step + "_source failed: no such domain, it says");
    }
}

TEST_CASE("a step that fails leaves the record open, and the next attempt goes on") {
    left m(has_moved, persistent());
    m.source.put(m.id, at(domain_state::paused, 2));
    m.source.steer_problem = [](const std::string &) {
        return make_error(error_kind::refused, "cannot acquire state change lock");
    };
    auto came = m.recover();
    REQUIRE(came);
    CHECK(came->now.at == state::reconciling);
    CHECK(came->now.said == "resume_source failed: cannot acquire state change lock");
    REQUIRE(came->now.problem);
    m.source.steer_problem = nullptr;
    came = m.recover();
    REQUIRE(came);
    CHECK(came->now.at == state::failed);
    CHECK_FALSE(came->now.problem);
    CHECK(m.source.status(m.id)->value().state == domain_state::running);
}

TEST_CASE("where both hosts run the guest nothing is done but what a person chooses") {
    for (const choice c : {choice::keep_source, choice::keep_destination, choice::take_over}) {
        left m(has_moved, persistent());
        m.source.put(m.id, at(domain_state::running, 1));
        m.destination.put(m.id, at(domain_state::running, 1));
        const auto asked = m.recover();
        REQUIRE(asked);
        CHECK(asked->now.at == state::reconciling);
        CHECK_THAT(asked->now.said, Catch::Contains("both hosts have the guest"));
        CHECK(asked->now.choices == std::vector<choice>{choice::ask_later, choice::keep_source,
                                                        choice::keep_destination,
                                                        choice::take_over});
        CHECK(m.source.steered().empty());
        CHECK(m.destination.steered().empty());

        const auto chosen = m.recover({.undo = false, .chosen = c});
        REQUIRE(chosen);
        INFO(to_string(c));
        CHECK(chosen->now.ended());
        const bool kept_source = m.source.status(m.id)->value().active;
        const bool kept_destination =
            m.destination.status(m.id)->has_value() && m.destination.status(m.id)->value().active;
        CHECK(kept_source == (c != choice::keep_destination));
        CHECK(kept_destination == (c != choice::keep_source));
    }
}

TEST_CASE("while a host cannot be connected to nothing is done, and nothing recorded") {
    left m(has_moved, persistent());
    m.destination_answers = false;
    m.source.put(m.id, at(domain_state::paused, 2));
    const std::size_t before = m.entries();
    auto came = m.recover();
    REQUIRE(came);
    CHECK_FALSE(came->now.ended());
    CHECK_THAT(came->now.said, Catch::Contains("destination: unreachable"));
    REQUIRE(came->now.problem);
    CHECK(came->now.problem->what == "no route to kvm02");
    CHECK(m.entries() == before);
    CHECK(m.source.steered().empty());
    // But a person may close the record.
    came = m.recover({.undo = false, .chosen = choice::take_over});
    REQUIRE(came);
    CHECK(came->now.at == state::taken_over);
    CHECK(m.source.steered().empty());
}

TEST_CASE("a broken post-copy is taken up again by the same call") {
    auto options = persistent();
    options.flags.set(migration::flag::postcopy);
    auto events = has_moved;
    events.push_back(event::post_copy_active);
    for (const bool link_is_back : {false, true}) {
        left m(events, options);
        m.source.put(m.id, at(domain_state::paused, 13));
        m.destination.put(m.id, at(domain_state::running, 11));
        m.source.on_migrate = [&](fakes::hypervisor &) -> expected<void> {
            if (!link_is_back) return fail(error_kind::unreachable, "no route to kvm02");
            m.source.put(m.id, at(domain_state::shutoff, 4));
            m.destination.put(m.id, at(domain_state::running, 2));
            return {};
        };
        const auto came = m.recover();
        REQUIRE(came);
        CHECK(m.source.migrations == 1);
        CHECK(m.source.seen_options == run::to_resume(options));
        CHECK(migration::validate(m.source.seen_options).empty());
        CHECK(came->now.at == (link_is_back ? state::completed : state::post_copy_paused));
        CHECK(came->now.problem.has_value() == !link_is_back);
        CHECK(m.source.steered().empty());
        CHECK(m.destination.steered().empty());
    }
}

TEST_CASE("a post-copy that goes on with nobody to lead it is waited for") {
    auto options = persistent();
    options.flags.set(migration::flag::postcopy);
    auto events = has_moved;
    events.push_back(event::post_copy_active);
    left m(events, options);
    m.source.put(m.id, at(domain_state::paused, 13));
    m.destination.put(m.id, at(domain_state::running, 10));
    unsigned looks_after = 0;
    m.source.on_migrate = [&](fakes::hypervisor &) -> expected<void> {
        auto refused = make_error(error_kind::conflict,
                                  "Requested operation is not valid: QEMU reports migration is "
                                  "still running");
        refused.libvirt.emplace().code = 55;
        return fail(std::move(refused));
    };
    m.source.on_job = [&]() -> expected<model::job_statistics> {
        // Longer than nothing may change: it is asked again meanwhile.
        if (m.source.migrations > 2 && ++looks_after == 2) {
            m.source.put(m.id, at(domain_state::shutoff, 4));
            m.destination.put(m.id, at(domain_state::running, 2));
        }
        return model::job_statistics{};
    };
    const auto came = m.recover();
    REQUIRE(came);
    INFO(came->now.said);
    CHECK(came->now.at == state::completed);
    CHECK_FALSE(came->now.problem);
    CHECK(m.source.migrations >= 3);
    CHECK(m.source.steered().empty());
    CHECK(m.destination.steered().empty());
}

TEST_CASE("a job that goes on is seen to its end, or cancelled where that was asked for") {
    for (const bool undo : {false, true}) {
        left m(has_moved, persistent());
        m.source.put(m.id, at(domain_state::running, 1));
        m.destination.put(m.id, at(domain_state::paused, 2, false));
        bool at_work = true;
        m.source.on_job = [&]() -> expected<model::job_statistics> {
            model::job_statistics s;
            if (at_work) s.type = model::job_type::unbounded;
            if (m.source.looks < 5 || undo) return s;
            at_work = false;
            m.source.put(m.id, at(domain_state::shutoff, 4));
            m.destination.put(m.id, at(domain_state::running, 2));
            return s;
        };
        m.source.on_abort_job = [&]() -> expected<void> {
            at_work = false;
            m.destination.forget(m.id);
            return {};
        };
        const auto came = m.recover({.undo = undo, .chosen = {}});
        REQUIRE(came);
        CHECK(came->now.at == (undo ? state::cancelled : state::completed));
        CHECK((m.source.aborts > 0) == undo);
    }
}

TEST_CASE("nobody takes up what another controller drives") {
    left m(has_moved);
    const auto lease = m.journal.take(m.number);
    REQUIRE(lease);
    const auto came = m.recover();
    REQUIRE_FALSE(came);
    CHECK(came.error().kind == error_kind::conflict);
}
