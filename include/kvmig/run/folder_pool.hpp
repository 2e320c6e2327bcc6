// SPDX-License-Identifier: MIT
/// A storage pool for a folder of a host, whether or not one is defined for it.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/storage.hpp>
#include <kvmig/model/probe_token.hpp>
#include <kvmig/model/storage.hpp>
#include <kvmig/run/shared_place.hpp>
#include <kvmig/xml/storage.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace kvmig::run {

/// What the names of the pools that are made for a while begin with; a token's name follows.
inline constexpr std::string_view token_pool_prefix = "kvmig-token-";

/// The active pool whose target is the folder; where there is none, a transient `dir` pool that
/// lives as long as this. A pool that a killed process left is stopped by the next one, when it is
/// as old as a token may become. The folder itself is never made or removed.
class folder_pool {
public:
    /// @param folder absolute
    /// @param now by which the pool is named, and the age of others' told
    folder_pool(const libvirt::connection &on, std::string folder, ports::utc_time now)
        : on_(on.share()), folder_(detail::without_last_slash(std::move(folder))), now_(now) {}
    /// The other stops no pool.
    folder_pool(folder_pool &&other) noexcept
        : on_(std::move(other.on_)), folder_(std::move(other.folder_)), now_(other.now_),
          pool_(std::exchange(other.pool_, std::nullopt)), own_(std::exchange(other.own_, false)) {}
    folder_pool &operator=(folder_pool &&) = delete;
    folder_pool(const folder_pool &) = delete;
    folder_pool &operator=(const folder_pool &) = delete;
    /// What `close` would say is lost here; the pool has its age in its name.
    ~folder_pool() { static_cast<void>(close()); }

    /// The connection.
    [[nodiscard]] const libvirt::connection &on() const noexcept { return on_; }
    /// Its absolute path, without a slash at its end.
    [[nodiscard]] const std::string &folder() const noexcept { return folder_; }
    /// Whether the pool was made for this.
    [[nodiscard]] bool own() const noexcept { return own_; }

    /// `call(pool)`; anew where that was another's pool, who has ended and taken it along.
    template <class Call>
    auto with(Call call) -> decltype(call(std::declval<const libvirt::storage_pool &>())) {
        if (auto ok = prepare(); !ok) return fail(std::move(ok).error());
        auto out = call(std::as_const(*pool_));
        constexpr int others = 3; // that end one after another
        for (int tried = 0; tried < others; ++tried) {
            if (out || own_ || !libvirt::is_pool_gone(out.error())) break;
            pool_.reset();
            if (auto ok = prepare(); !ok) return fail(std::move(ok).error());
            out = call(std::as_const(*pool_));
        }
        return out;
    }

    /// Stops the pool that was made for this.
    [[nodiscard]] expected<void> close() {
        expected<void> out;
        if (pool_ && own_) out = pool_->destroy();
        pool_.reset();
        own_ = false;
        return out;
    }

    /// What its XML tells.
    [[nodiscard]] static expected<model::storage_pool> parsed(const libvirt::storage_pool &pool) {
        auto text = pool.xml();
        if (!text) return fail(std::move(text).error());
        return xml::parse_storage_pool(*text);
    }

private:
    /// Stops what killed processes left.
    [[nodiscard]] expected<void> sweep() const {
        const auto all = libvirt::storage_pool::list_active(on_);
        if (!all) return fail(all.error());
        for (const libvirt::storage_pool &each : *all) {
            const auto made = model::parse_token_name(each.name(), token_pool_prefix);
            if (!made || !is_old(*made, std::chrono::floor<std::chrono::seconds>(now_))) continue;
            auto stopped = each.destroy();
            if (!stopped && stopped.error().kind != error_kind::not_found) return stopped;
        }
        return {};
    }

    /// The active pool whose target is the folder, if there is one.
    [[nodiscard]] expected<std::optional<libvirt::storage_pool>> standing() const {
        auto found = libvirt::storage_pool::lookup_by_target(on_, folder_);
        if (found) return std::optional(*std::move(found));
        if (found.error().kind == error_kind::not_found) return std::nullopt;
        if (found.error().kind != error_kind::unsupported) return fail(std::move(found).error());
        auto all = libvirt::storage_pool::list_active(on_);
        if (!all) return fail(std::move(all).error());
        for (libvirt::storage_pool &each : *all) {
            const auto told = parsed(each);
            if (!told) return fail(told.error());
            if (told->target_path == folder_) return std::optional(std::move(each));
        }
        return std::nullopt;
    }

    [[nodiscard]] expected<void> prepare() {
        if (pool_) return {};
        if (auto swept = sweep(); !swept) return swept;
        auto known = standing();
        if (!known) return fail(std::move(known).error());
        if (*known) {
            pool_ = std::move(*known);
            return {};
        }
        model::storage_pool asked;
        asked.name = model::token_name(detail::new_token(now_), token_pool_prefix);
        asked.target_path = folder_;
        auto made = libvirt::storage_pool::create_transient(on_, xml::build_storage_pool(asked));
        if (made) {
            pool_ = *std::move(made);
            own_ = true;
            return {};
        }
        // Another may have made one in between: libvirt takes no two for one folder.
        known = standing();
        if (!known || !*known) return fail(std::move(made).error().about(folder_));
        pool_ = std::move(*known);
        return {};
    }

    libvirt::connection on_;
    std::string folder_;
    ports::utc_time now_;
    std::optional<libvirt::storage_pool> pool_;
    bool own_ = false;
};

} // namespace kvmig::run
