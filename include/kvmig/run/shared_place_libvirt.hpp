// SPDX-License-Identifier: MIT
/// A folder of a host, reached through its libvirt alone: tokens are volumes.
#pragma once

#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/storage.hpp>
#include <kvmig/libvirt/volume_content.hpp>
#include <kvmig/model/storage.hpp>
#include <kvmig/run/folder_pool.hpp>
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

/// Works through the folder's pool; see `folder_pool`.
class libvirt_place {
public:
    /// @param folder absolute
    /// @param now by which the age of what others left is told
    libvirt_place(const libvirt::connection &on, std::string folder, ports::utc_time now)
        : pool_(on, std::move(folder), now) {}

    /// How it is named in messages.
    [[nodiscard]] model::shared_place_facts called() const {
        model::shared_place_facts out;
        out.host = pool_.on().hostname();
        out.path = pool_.folder();
        out.name = out.host + ':' + out.path;
        return out;
    }

    /// What libvirt tells of the pool and of `image`, if that is not empty.
    [[nodiscard]] expected<model::shared_place_facts> describe(const std::string &image) {
        return pool_.with([&](const auto &pool) { return describe_now(pool, image); });
    }
    /// Makes a volume of this content.
    [[nodiscard]] expected<void> write(const std::string &name, const std::string &content) {
        return pool_.with([&](const auto &pool) { return write_now(pool, name, content); });
    }
    /// Its content; nothing when it is not there.
    [[nodiscard]] expected<std::optional<std::string>> read(const std::string &name) {
        return pool_.with([&](const auto &pool) { return read_now(pool, name); });
    }
    /// Names of files that look like tokens.
    [[nodiscard]] expected<std::vector<std::string>> tokens() {
        return pool_.with([&](const auto &pool) { return tokens_now(pool); });
    }
    /// One that is not there is no error.
    [[nodiscard]] expected<void> remove(const std::string &name) {
        return pool_.with([&](const auto &pool) { return remove_now(pool, name); });
    }

    /// Stops the pool that was made for this.
    [[nodiscard]] expected<void> close() { return pool_.close(); }

private:
    [[nodiscard]] expected<model::shared_place_facts>
    describe_now(const libvirt::storage_pool &pool, const std::string &image) {
        auto told = folder_pool::parsed(pool);
        if (!told) return fail(std::move(told).error());
        model::shared_place_facts out = called();
        if (!pool_.own()) out.pool = told->name;
        out.type = std::move(told->type);
        out.server = std::move(told->source_host);
        out.directory = std::move(told->source_dir);
        if (image.empty()) return out;
        auto found = find(pool, image);
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

    [[nodiscard]] expected<void> write_now(const libvirt::storage_pool &pool,
                                           const std::string &name, const std::string &content) {
        model::storage_volume token;
        token.name = name;
        token.capacity = bytes{content.size()};
        token.allocation = bytes{0};
        token.mode = 0644;
        auto made = pool.create_volume(xml::build_storage_volume(token));
        if (!made) return fail(std::move(made).error());
        return libvirt::upload(pool_.on(), *made,
                               std::as_bytes(std::span(content.data(), content.size())));
    }

    [[nodiscard]] expected<std::optional<std::string>> read_now(const libvirt::storage_pool &pool,
                                                                const std::string &name) {
        auto found = find(pool, name);
        if (!found) return fail(std::move(found).error());
        if (!*found) return std::nullopt;
        auto content = libvirt::download(pool_.on(), **found, model::token_most);
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

    [[nodiscard]] expected<std::vector<std::string>> tokens_now(const libvirt::storage_pool &pool) {
        if (auto looked = pool.refresh(); !looked) return fail(std::move(looked).error());
        const auto all = pool.volumes();
        if (!all) return fail(all.error());
        std::vector<std::string> out;
        for (const libvirt::storage_volume &each : *all) {
            if (model::parse_token_name(each.name())) out.push_back(each.name());
        }
        return out;
    }

    [[nodiscard]] expected<void> remove_now(const libvirt::storage_pool &pool,
                                            const std::string &name) {
        auto found = find(pool, name);
        if (!found) return fail(std::move(found).error());
        if (!*found) {
            return fail(make_error(error_kind::not_found, "there is no token '" + name + "'")
                            .on(pool_.on().hostname())
                            .about(pool_.folder()));
        }
        return (**found).remove();
    }

    [[nodiscard]] expected<std::optional<libvirt::storage_volume>>
    find(const libvirt::storage_pool &pool, const std::string &name) {
        if (auto looked = pool.refresh(); !looked) return fail(std::move(looked).error());
        auto found = pool.volume(name);
        if (found) return std::optional(*std::move(found));
        // No pool is no answer about what is in the folder.
        const error &why = found.error();
        if (why.kind == error_kind::not_found && !libvirt::is_pool_gone(why)) return std::nullopt;
        return fail(why);
    }

    folder_pool pool_;
};

static_assert(shared_place<libvirt_place>);

} // namespace kvmig::run
