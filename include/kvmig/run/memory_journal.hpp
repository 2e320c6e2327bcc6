// SPDX-License-Identifier: MIT
/// A journal that lives as long as its object: for a migration that nobody is to take up again.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/migration/state.hpp>
#include <kvmig/ports/journal.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

/// Satisfies `ports::journal`, but for being durable. Used by one thread at a time.
class memory_journal {
public:
    /// Given up when destroyed; may outlive the journal.
    class lease {
    public:
        lease(lease &&) noexcept = default; ///< The other holds nothing afterwards.
        lease &operator=(lease &&) noexcept = default;
        lease(const lease &) = delete;
        lease &operator=(const lease &) = delete;
        ~lease() = default;

        /// The migration that is held.
        [[nodiscard]] ports::migration_id id() const noexcept { return held_->id; }

    private:
        friend memory_journal;
        struct hold {
            hold(std::shared_ptr<std::set<ports::migration_id>> in, ports::migration_id number)
                : all(std::move(in)), id(number) {
                all->insert(id);
            }
            hold(const hold &) = delete;
            hold &operator=(const hold &) = delete;
            hold(hold &&) = delete;
            hold &operator=(hold &&) = delete;
            ~hold() { all->erase(id); }
            std::shared_ptr<std::set<ports::migration_id>> all;
            ports::migration_id id;
        };
        explicit lease(std::unique_ptr<hold> held) : held_(std::move(held)) {}
        std::unique_ptr<hold> held_;
    };

    /// Records a migration and holds it; fails when one of this domain is open.
    [[nodiscard]] expected<lease> open(const ports::migration_record &record) {
        for (const auto &[id, each] : migrations_) {
            if (each.record.domain_uuid == record.domain_uuid && !is_end(each.at())) {
                return fail(ports::still_open(record.domain, id));
            }
        }
        const ports::migration_id id{++last_};
        migrations_[id] = {id, record, {}};
        return hold(id);
    }
    /// Holds one that is there; `conflict` when somebody does.
    [[nodiscard]] expected<lease> take(ports::migration_id id) {
        if (!migrations_.contains(id)) return fail(unknown(id));
        if (held_->contains(id)) {
            return fail(error_kind::conflict,
                        "migration " + std::to_string(id.number) + " is being driven");
        }
        return hold(id);
    }
    /// Adds a step.
    [[nodiscard]] expected<void> append(const lease &held, const ports::journal_entry &entry) {
        ports::journaled_migration &of = migrations_.at(held.id());
        if (of.at() != entry.what.from) {
            return fail(error_kind::conflict, "migration " + std::to_string(of.id.number) +
                                                  " stands in " + std::string(to_string(of.at())) +
                                                  " by its journal, not in " +
                                                  std::string(to_string(entry.what.from)));
        }
        of.entries.push_back(entry);
        return {};
    }
    /// Everything recorded of a migration.
    [[nodiscard]] expected<ports::journaled_migration> read(ports::migration_id id) const {
        const auto found = migrations_.find(id);
        if (found == migrations_.end()) return fail(unknown(id));
        return found->second;
    }
    /// Those that have no end, oldest first.
    [[nodiscard]] expected<std::vector<ports::migration_id>> unfinished() const {
        std::vector<ports::migration_id> out;
        for (const auto &[id, each] : migrations_) {
            if (!is_end(each.at())) out.push_back(id);
        }
        return out;
    }

private:
    [[nodiscard]] lease hold(ports::migration_id id) {
        return lease(std::make_unique<lease::hold>(held_, id));
    }
    [[nodiscard]] static error unknown(ports::migration_id id) {
        return make_error(error_kind::not_found,
                          "the journal has no migration " + std::to_string(id.number));
    }

    std::map<ports::migration_id, ports::journaled_migration> migrations_;
    std::shared_ptr<std::set<ports::migration_id>> held_ =
        std::make_shared<std::set<ports::migration_id>>();
    std::int64_t last_ = 0;
};

static_assert(ports::journal<memory_journal>);

} // namespace kvmig::run
