// SPDX-License-Identifier: MIT
/// A fake of two hosts with domains and images, in which any call can fail, before or after it has
/// done its work, and the process that sends a canary can be killed at any.
#pragma once

#include <fakes/controllers.hpp>
#include <kvmig/ports/canary_host.hpp>
#include <kvmig/xml/canary.hpp>
#include <kvmig/xml/domain.hpp>

#include <array>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::fakes {

/// Who fails, and how.
enum class mishap { none, fails_before, fails_after, killed_before, killed_after };

class canary_world {
public:
    struct living {
        std::string name;
        std::string definition;
    };
    using images = std::set<std::pair<std::string, std::string>>; ///< place and name

    bool shared = true;                     ///< both hosts have one storage
    std::optional<error> refuses;           ///< the migration ends with this
    std::optional<error> cannot_start;      ///< the source cannot start a guest
    std::optional<error> without_images;    ///< the source's storage takes no image
    std::stop_source *stopped_by = nullptr; ///< the migration stops it, and is cancelled

    /// From now on the `at`-th call meets this; 0: none does.
    void begin(mishap what, int at) {
        const std::scoped_lock held(lock_);
        what_ = what;
        at_ = at;
        calls_ = 0;
        dead_ = false;
        met_ = false;
    }
    [[nodiscard]] bool met() {
        const std::scoped_lock held(lock_);
        return met_;
    }
    [[nodiscard]] bool is_empty() {
        const std::scoped_lock held(lock_);
        return domains_[0].empty() && domains_[1].empty() && images_[0].empty() &&
               images_[1].empty();
    }
    [[nodiscard]] migration::options moved_by() {
        const std::scoped_lock held(lock_);
        return moved_by_;
    }
    [[nodiscard]] std::string started() {
        const std::scoped_lock held(lock_);
        return started_;
    }
    [[nodiscard]] images ever() {
        const std::scoped_lock held(lock_);
        return ever_;
    }
    void put(int side, const uuid &id, living what) {
        const std::scoped_lock held(lock_);
        domains_.at(index(side))[id] = std::move(what);
    }
    void put_image(int side, const std::string &place, const std::string &name) {
        const std::scoped_lock held(lock_);
        disk(side).emplace(place, name);
    }
    [[nodiscard]] std::size_t domains() {
        const std::scoped_lock held(lock_);
        return domains_[0].size() + domains_[1].size();
    }
    [[nodiscard]] std::size_t image_count() {
        const std::scoped_lock held(lock_);
        return images_[0].size() + images_[1].size();
    }

    /// A call that is counted; `work` holds the lock.
    template <class Work> auto call(Work work) -> decltype(work()) {
        const std::scoped_lock held(lock_);
        const mishap now = next();
        if (now == mishap::fails_before) return broken();
        if (now == mishap::killed_before) die();
        auto done = work();
        if (now == mishap::fails_after) return broken();
        if (now == mishap::killed_after) die();
        return done;
    }

    std::map<uuid, living> &at(int side) { return domains_.at(index(side)); }
    images &disk(int side) { return images_.at(shared ? 0 : index(side)); }
    void remember(const migration::options &how) { moved_by_ = how; }
    void remember(const std::string &definition) { started_ = definition; }
    void remember(const std::pair<std::string, std::string> &image) { ever_.insert(image); }

private:
    [[nodiscard]] static std::size_t index(int side) { return side == 0 ? 0 : 1; }
    [[nodiscard]] mishap next() {
        if (dead_) throw killed();
        if (++calls_ != at_) return mishap::none;
        met_ = what_ != mishap::none;
        return what_;
    }
    [[noreturn]] void die() {
        dead_ = true;
        throw killed();
    }
    [[nodiscard]] static unexpected broken() {
        return fail(error_kind::unreachable, "the connection broke");
    }

    std::mutex lock_;
    std::array<std::map<uuid, living>, 2> domains_;
    std::array<images, 2> images_;
    images ever_;
    migration::options moved_by_;
    std::string started_;
    mishap what_ = mishap::none;
    int at_ = 0;
    int calls_ = 0;
    bool dead_ = false;
    bool met_ = false;
};

/// One of its hosts.
class canary_side_fake {
public:
    canary_side_fake(canary_world &in, int side) : in_(&in), side_(side) {}

    expected<std::vector<ports::found_domain>> canaries() {
        return in_->call([&]() -> expected<std::vector<ports::found_domain>> {
            std::vector<ports::found_domain> out;
            for (const auto &[id, each] : in_->at(side_)) {
                if (model::parse_canary_name(each.name)) {
                    out.push_back({id, each.name, each.definition});
                }
            }
            return out;
        });
    }
    expected<void> start_paused(const std::string &xml) {
        return in_->call([&]() -> expected<void> {
            if (in_->cannot_start) return fail(*in_->cannot_start);
            const auto told = xml::parse_domain(xml);
            if (!told) return fail(told.error());
            in_->remember(xml);
            in_->at(side_)[told->uuid.value()] = {told->name, xml};
            return {};
        });
    }
    expected<std::vector<std::string>> canary_images(const model::canary_place &place) {
        return in_->call([&]() -> expected<std::vector<std::string>> {
            std::vector<std::string> out;
            for (const auto &[where, name] : in_->disk(side_)) {
                if (where == key(place) && model::parse_canary_name(name)) out.push_back(name);
            }
            return out;
        });
    }
    expected<void> make_canary_image(const model::canary_image &image) {
        return in_->call([&]() -> expected<void> {
            if (in_->without_images) return fail(*in_->without_images);
            const std::pair one(key(image.place), image.name);
            in_->remember(one);
            if (in_->disk(side_).insert(one).second) return {};
            return fail(error_kind::conflict, "there is one");
        });
    }
    expected<void> remove_canary_image(const model::canary_place &place, const std::string &name) {
        return in_->call([&]() -> expected<void> {
            in_->disk(side_).erase({key(place), name});
            return {};
        });
    }

    expected<model::host> host() {
        return in_->call([&]() -> expected<model::host> {
            model::host out;
            out.hostname = side_ == 0 ? "kvm01" : "kvm02";
            out.uri = "fake://" + out.hostname + "/system";
            out.libvirt = {9, 0, 0};
            return out;
        });
    }
    [[nodiscard]] bool same_connection(const canary_side_fake &other) const {
        return side_ == other.side_;
    }
    [[nodiscard]] static bool is_alive() { return true; }
    expected<std::optional<model::domain_status>> status(const uuid &id) {
        return in_->call([&]() -> expected<std::optional<model::domain_status>> {
            if (in_->at(side_).count(id) == 0) return std::nullopt;
            return std::optional(
                model::domain_status{model::domain_state::paused, 1, "user", true, false});
        });
    }
    expected<void> destroy(const uuid &id) {
        return in_->call([&]() -> expected<void> {
            if (in_->at(side_).erase(id) == 1) return {};
            return fail(error_kind::not_found, "Domain not found");
        });
    }
    /// On a thread of its own, which a killed process takes with it.
    expected<void> migrate(const uuid &id, canary_side_fake &, const migration::options &how) {
        try {
            return in_->call([&]() -> expected<void> {
                in_->remember(how);
                if (in_->stopped_by != nullptr) {
                    in_->stopped_by->request_stop();
                    return fail(error_kind::cancelled, "canceled by client");
                }
                if (in_->refuses) return fail(*in_->refuses);
                auto moving = in_->at(0).extract(id);
                if (moving.empty()) return fail(error_kind::not_found, "Domain not found");
                in_->at(1).insert(std::move(moving));
                return {};
            });
        } catch (const killed &) {
            return fail(error_kind::unreachable, "killed");
        }
    }

    // What nobody asks of a canary, or what tells nothing.
    static expected<model::job_statistics> job(const uuid &) { return model::job_statistics{}; }
    static expected<model::job_statistics> completed_job(const uuid &) {
        return model::job_statistics{};
    }
    static expected<void> abort_job(const uuid &) { return nothing(); }
    static expected<void> start_postcopy(const uuid &) { return nothing(); }
    static expected<std::chrono::milliseconds> max_downtime(const uuid &) {
        return std::chrono::milliseconds{300};
    }
    static expected<void> set_max_downtime(const uuid &, std::chrono::milliseconds) { return {}; }
    static expected<void> set_max_speed(const uuid &, byte_rate) { return {}; }
    static expected<ports::subscription> watch_job(const uuid &,
                                                   const ports::job_event_callback &) {
        return fail(error_kind::unsupported, "no event loop runs");
    }
    static expected<ports::subscription> watch_lifecycle(const uuid &,
                                                         const ports::life_callback &) {
        return fail(error_kind::unsupported, "no event loop runs");
    }
    static expected<void> suspend(const uuid &) { return nothing(); }
    static expected<void> resume(const uuid &) { return nothing(); }
    static expected<void> start(const uuid &) { return nothing(); }
    static expected<void> undefine(const uuid &) { return nothing(); }
    static expected<void> remove_image(const std::string &) { return nothing(); }

private:
    [[nodiscard]] static unexpected nothing() {
        return fail(error_kind::unsupported, "nobody does that here");
    }
    [[nodiscard]] static std::string key(const model::canary_place &place) {
        return place.pool.empty() ? place.folder : "pool " + place.pool;
    }

    canary_world *in_;
    int side_;
};

static_assert(ports::canary_host<canary_side_fake>);

} // namespace kvmig::fakes
