// SPDX-License-Identifier: MIT
/// A folder of a host, reached through its libvirt alone: tokens are volumes.
#pragma once

#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/storage.hpp>
#include <kvmig/libvirt/volume_content.hpp>
#include <kvmig/model/storage.hpp>
#include <kvmig/run/shared_place.hpp>
#include <kvmig/xml/storage.hpp>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::run {

/// What the names of the pools that are made for a probe begin with; a token's name follows.
inline constexpr std::string_view token_pool_prefix = "kvmig-token-";

/// Works through the active pool whose target is the folder; where there is none, through a
/// transient `dir` pool that lives as long as this. A pool that a killed prober left is stopped by
/// the next one, when it is as old as a token may become. The folder itself is never made or
/// removed.
class libvirt_place {
public:
    /// @param folder absolute
    /// @param now by which the pool is named, and the age of others' told
    libvirt_place(const libvirt::connection &on, std::string folder, ports::utc_time now)
        : on_(on.share()), folder_(detail::without_last_slash(std::move(folder))), now_(now) {}
    /// The other stops no pool.
    libvirt_place(libvirt_place &&other) noexcept
        : on_(std::move(other.on_)), folder_(std::move(other.folder_)), now_(other.now_),
          pool_(std::exchange(other.pool_, std::nullopt)), own_(std::exchange(other.own_, false)) {}
    libvirt_place &operator=(libvirt_place &&) = delete;
    libvirt_place(const libvirt_place &) = delete;
    libvirt_place &operator=(const libvirt_place &) = delete;
    /// What `close` would say is lost here; the pool has its age in its name.
    ~libvirt_place() { static_cast<void>(close()); }

    /// How it is named in messages.
    [[nodiscard]] model::shared_place_facts called() const {
        model::shared_place_facts out;
        out.host = on_.hostname();
        out.path = folder_;
        out.name = out.host + ':' + folder_;
        return out;
    }

    /// What libvirt tells of the pool and of `image`, if that is not empty.
    [[nodiscard]] expected<model::shared_place_facts> describe(const std::string &image) {
        return with_pool([&] { return describe_now(image); });
    }
    /// Makes a volume of this content.
    [[nodiscard]] expected<void> write(const std::string &name, const std::string &content) {
        return with_pool([&] { return write_now(name, content); });
    }
    /// Its content; nothing when it is not there.
    [[nodiscard]] expected<std::optional<std::string>> read(const std::string &name) {
        return with_pool([&] { return read_now(name); });
    }
    /// Names of files that look like tokens.
    [[nodiscard]] expected<std::vector<std::string>> tokens() {
        return with_pool([&] { return tokens_now(); });
    }
    /// One that is not there is no error.
    [[nodiscard]] expected<void> remove(const std::string &name) {
        return with_pool([&] { return remove_now(name); });
    }

    /// Stops the pool that was made for this.
    [[nodiscard]] expected<void> close() {
        expected<void> out;
        if (pool_ && own_) out = pool_->destroy();
        pool_.reset();
        own_ = false;
        return out;
    }

private:
    /// A call on the pool; anew where that was another prober's, which has ended and taken it
    /// along.
    template <class Call> auto with_pool(Call call) -> decltype(call()) {
        if (auto ok = prepare(); !ok) return fail(std::move(ok).error());
        auto out = call();
        constexpr int others = 3; // that end one after another
        for (int tried = 0; tried < others; ++tried) {
            if (out || own_ || !libvirt::is_pool_gone(out.error())) break;
            pool_.reset();
            if (auto ok = prepare(); !ok) return fail(std::move(ok).error());
            out = call();
        }
        return out;
    }

    [[nodiscard]] expected<model::shared_place_facts> describe_now(const std::string &image) {
        auto told = parsed(*pool_);
        if (!told) return fail(std::move(told).error());
        model::shared_place_facts out = called();
        if (!own_) out.pool = told->name;
        out.type = std::move(told->type);
        out.server = std::move(told->source_host);
        out.directory = std::move(told->source_dir);
        if (image.empty()) return out;
        auto found = find(image);
        if (!found) return fail(std::move(found).error());
        if (!*found) return out;
        auto text = (**found).xml();
        if (!text) return fail(std::move(text).error());
        const auto volume = xml::parse_storage_volume(*text);
        if (!volume) return fail(volume.error());
        model::image_sight seen;
        // Of other formats libvirt tells the size that the guest sees.
        if (volume->format == "raw") seen.size = volume->capacity;
        seen.modified = volume->modified;
        out.image = std::move(seen);
        return out;
    }

    [[nodiscard]] expected<void> write_now(const std::string &name, const std::string &content) {
        model::storage_volume token;
        token.name = name;
        token.capacity = bytes{content.size()};
        token.allocation = bytes{0};
        token.mode = 0644;
        auto made = pool_->create_volume(xml::build_storage_volume(token));
        if (!made) return fail(std::move(made).error());
        return libvirt::upload(on_, *made,
                               std::as_bytes(std::span(content.data(), content.size())));
    }

    [[nodiscard]] expected<std::optional<std::string>> read_now(const std::string &name) {
        auto found = find(name);
        if (!found) return fail(std::move(found).error());
        if (!*found) return std::nullopt;
        auto content = libvirt::download(on_, **found, model::token_most);
        if (!content) {
            // Removed since the pool was looked through.
            const error &why = content.error();
            if (why.kind == error_kind::not_found && !libvirt::is_pool_gone(why)) {
                return std::nullopt;
            }
            return fail(why);
        }
        std::string out;
        for (const std::byte each : *content) out += static_cast<char>(each);
        return out;
    }

    [[nodiscard]] expected<std::vector<std::string>> tokens_now() {
        if (auto looked = pool_->refresh(); !looked) return fail(std::move(looked).error());
        const auto all = pool_->volumes();
        if (!all) return fail(all.error());
        std::vector<std::string> out;
        for (const libvirt::storage_volume &each : *all) {
            if (model::parse_token_name(each.name())) out.push_back(each.name());
        }
        return out;
    }

    [[nodiscard]] expected<void> remove_now(const std::string &name) {
        auto found = find(name);
        if (!found) return fail(std::move(found).error());
        if (!*found) {
            return fail(make_error(error_kind::not_found, "there is no token '" + name + "'")
                            .on(on_.hostname())
                            .about(folder_));
        }
        return (**found).remove();
    }

    [[nodiscard]] static expected<model::storage_pool> parsed(const libvirt::storage_pool &pool) {
        auto text = pool.xml();
        if (!text) return fail(std::move(text).error());
        return xml::parse_storage_pool(*text);
    }

    /// Stops what killed probers left.
    [[nodiscard]] expected<void> sweep_pools() const {
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
        if (auto swept = sweep_pools(); !swept) return swept;
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
        // Another prober may have made one in between: libvirt takes no two for one folder.
        known = standing();
        if (!known || !*known) return fail(std::move(made).error().about(folder_));
        pool_ = std::move(*known);
        return {};
    }

    [[nodiscard]] expected<std::optional<libvirt::storage_volume>> find(const std::string &name) {
        if (auto looked = pool_->refresh(); !looked) return fail(std::move(looked).error());
        auto found = pool_->volume(name);
        if (found) return std::optional(*std::move(found));
        // No pool is no answer about what is in the folder.
        const error &why = found.error();
        if (why.kind == error_kind::not_found && !libvirt::is_pool_gone(why)) return std::nullopt;
        return fail(why);
    }

    libvirt::connection on_;
    std::string folder_;
    ports::utc_time now_;
    std::optional<libvirt::storage_pool> pool_;
    bool own_ = false;
};

static_assert(shared_place<libvirt_place>);

} // namespace kvmig::run
