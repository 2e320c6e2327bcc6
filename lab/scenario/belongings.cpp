// SPDX-License-Identifier: MIT
#include <lab/scenario/belongings.hpp>
#include <lab/topology/files.hpp>
#include <lab/topology/paths.hpp>

#include <kvmig/core/uuid.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <functional>
#include <string_view>

namespace kvmig::lab {

namespace {

using name_rule = std::function<bool(const std::string &)>;

expected<std::vector<libvirt::storage_volume>> volumes_of(const libvirt::connection &host,
                                                          const std::string &pool_of_site) {
    auto pool = libvirt::storage_pool::lookup(host, pool_of_site);
    if (!pool) return fail(std::move(pool).error());
    if (auto known = pool->refresh(); !known) return fail(std::move(known).error());
    return pool->volumes();
}

expected<std::vector<std::string>> named_by(const libvirt::connection &host, const site &where,
                                            const name_rule &counts) {
    std::vector<std::string> found;
    auto domains = libvirt::domain::list(host);
    if (!domains) return fail(std::move(domains).error());
    for (const libvirt::domain &domain : *domains) {
        if (!counts(domain.name())) continue;
        found.push_back(fmt::format("{}: domain {}", host.hostname(), domain.name()));
    }
    for (const std::string &name : {where.pool, where.local_pool}) {
        auto volumes = volumes_of(host, name);
        if (!volumes) return fail(std::move(volumes).error());
        for (const libvirt::storage_volume &volume : *volumes) {
            if (!counts(volume.name())) continue;
            found.push_back(
                fmt::format("{}: volume {} in {}", host.hostname(), volume.name(), name));
        }
    }
    return found;
}

/// What is gone already is no failure to remove it.
expected<void> gone(expected<void> done) {
    if (!done && done.error().kind == error_kind::not_found) return {};
    return done;
}

expected<void> remove_domain(const libvirt::domain &domain) {
    auto status = domain.status();
    if (!status) {
        if (status.error().kind == error_kind::not_found) return {};
        return fail(std::move(status).error());
    }
    if (status->active) {
        // A migration that a source's daemon leads by itself ends with its job, not with us.
        static_cast<void>(domain.abort_job());
        if (auto ended = gone(domain.destroy()); !ended) return ended;
    }
    return status->persistent ? gone(domain.undefine()) : expected<void>();
}

expected<void> remove_from(const libvirt::connection &host, const site &where,
                           const std::set<std::string> &keep) {
    auto domains = libvirt::domain::list(host);
    if (!domains) return fail(std::move(domains).error());
    for (const libvirt::domain &domain : *domains) {
        if (!domain.name().starts_with(where.prefix)) continue;
        if (auto removed = remove_domain(domain); !removed) return removed;
    }
    for (const std::string &pool : {where.pool, where.local_pool}) {
        auto volumes = volumes_of(host, pool);
        if (!volumes) return fail(std::move(volumes).error());
        for (const libvirt::storage_volume &volume : *volumes) {
            if (!volume.name().starts_with(where.prefix) || keep.contains(volume.name())) continue;
            if (auto removed = gone(volume.remove()); !removed) return removed;
        }
    }
    return {};
}

} // namespace

expected<std::set<std::string>> belongings(const hosts &on) {
    std::set<std::string> found;
    for (const libvirt::connection *host : {&on.kvm01(), &on.kvm02()}) {
        auto here = named_by(*host, on.where(), [&](const std::string &name) {
            return name.starts_with(on.where().prefix);
        });
        if (!here) return fail(std::move(here).error());
        found.insert(here->begin(), here->end());
    }
    return found;
}

expected<std::string> own_prefix() {
    auto state = state_directory();
    if (!state) return fail(std::move(state).error());
    const auto place = *state / "inventory";
    if (auto made = make_directory(place); !made) return fail(std::move(made).error());
    const auto file = place / "owner";
    std::error_code code;
    if (!std::filesystem::exists(file, code)) {
        auto written = write_file(file, uuid::random().text().substr(0, 8));
        if (!written) return fail(std::move(written).error());
    }
    auto word = read_file(file);
    if (!word) return fail(std::move(word).error());
    if (word->size() != 8 || word->find_first_not_of("0123456789abcdef") != std::string::npos) {
        return fail(
            make_error(error_kind::invalid_argument,
                       fmt::format("'{}' does not hold eight hexadecimal digits", file.string()))
                .advise("remove it: a new one is made"));
    }
    return fmt::format("{}{}-", lab_prefix, *word);
}

expected<std::vector<std::string>> belongings_of_others(const libvirt::connection &host,
                                                        const site &where) {
    return named_by(host, where, [&](const std::string &name) {
        return name.starts_with(lab_prefix) && !name.starts_with(where.prefix);
    });
}

expected<void> remove_belongings(const hosts &on, const std::set<std::string> &keep) {
    const site &where = on.where();
    if (!where.prefix.starts_with(lab_prefix) || where.prefix.size() < lab_prefix.size() + 9) {
        return fail(error_kind::invalid_argument,
                    fmt::format("'{}' is no prefix by which a lab's things are told from others'",
                                where.prefix));
    }
    for (const libvirt::connection *host : {&on.kvm01(), &on.kvm02()}) {
        if (auto removed = remove_from(*host, where, keep); !removed) return removed;
    }
    std::vector<std::string> left;
    for (const libvirt::connection *host : {&on.kvm01(), &on.kvm02()}) {
        auto here = named_by(*host, where, [&](const std::string &name) {
            return name.starts_with(where.prefix) && !keep.contains(name);
        });
        if (!here) return fail(std::move(here).error());
        left.insert(left.end(), here->begin(), here->end());
    }
    if (left.empty()) return {};
    return fail(
        make_error(error_kind::conflict,
                   fmt::format("what the lab made could not be removed: {}", fmt::join(left, ", ")))
            .advise("remove it by virsh, and run again"));
}

} // namespace kvmig::lab
