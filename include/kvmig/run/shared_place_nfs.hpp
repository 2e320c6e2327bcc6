// SPDX-License-Identifier: MIT
/// A folder on an NFS server, reached without a mount; and the server as a third party that tells
/// in which of its folders a token is.
#pragma once

#include <kvmig/model/nfs_url.hpp>
#include <kvmig/nfs/context.hpp>
#include <kvmig/nfs/exports.hpp>
#include <kvmig/nfs/file.hpp>
#include <kvmig/nfs/small_file.hpp>
#include <kvmig/run/shared_place.hpp>

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

namespace detail {

[[nodiscard]] inline std::string path_in(const std::string &folder, const std::string &name) {
    return (folder == "/" ? "" : folder) + '/' + name;
}

} // namespace detail

/// A folder on a server, reached without a mount.
class nfs_place {
public:
    /// Connects at the first call.
    explicit nfs_place(model::nfs_url folder, nfs::connect_options how = {})
        : url_(std::move(folder)), how_(std::move(how)) {}

    /// How it is named in messages.
    [[nodiscard]] model::shared_place_facts called() const {
        model::shared_place_facts out;
        out.host = url_.server;
        out.path = url_.path;
        out.name = model::to_string(url_);
        out.type = "export";
        out.server = url_.server;
        out.directory = url_.path;
        return out;
    }

    /// Its export, and `image`, if that is not empty.
    [[nodiscard]] expected<model::shared_place_facts> describe(const std::string &image) {
        auto folder = with([this](const nfs::context &on) { return on.stat(url_.path); });
        if (!folder) return fail(std::move(folder).error());
        if (!folder->is_folder()) {
            return fail(make_error(error_kind::not_found, "this is no folder")
                            .about(url_.path)
                            .on(url_.server));
        }
        model::shared_place_facts out = called();
        if (image.empty()) return out;
        const auto found = with([&](const nfs::context &on) { return on.stat(path_of(image)); });
        if (!found) {
            if (found.error().kind == error_kind::not_found) return out;
            return fail(found.error());
        }
        constexpr std::int64_t second = 1'000'000'000;
        model::image_sight seen;
        seen.size = found->size;
        seen.inode = found->inode;
        seen.modified = detail::image_time(found->modified / second, found->modified % second);
        out.image = std::move(seen);
        return out;
    }

    /// Makes a file of this content.
    [[nodiscard]] expected<void> write(const std::string &name, const std::string &content) {
        return with([&](const nfs::context &on) -> expected<void> {
            auto file = nfs::file::open(on, path_of(name), nfs::open_for::creating, 0644);
            if (!file) return fail(std::move(file).error());
            return nfs::write_whole(*std::move(file), content);
        });
    }

    /// Its content; nothing when it is not there.
    [[nodiscard]] expected<std::optional<std::string>> read(const std::string &name) {
        return with([&](const nfs::context &on) {
            return nfs::read_small(on, path_of(name), model::token_most);
        });
    }

    /// Names of files that look like tokens.
    [[nodiscard]] expected<std::vector<std::string>> tokens() {
        auto names = with([this](const nfs::context &on) { return on.list(url_.path); });
        if (!names) return fail(std::move(names).error());
        std::vector<std::string> out;
        for (nfs::entry &each : *names) {
            if (model::parse_token_name(each.name)) out.push_back(std::move(each.name));
        }
        return out;
    }

    /// One that is not there is no error.
    [[nodiscard]] expected<void> remove(const std::string &name) {
        return with([&](const nfs::context &on) { return on.remove(path_of(name)); });
    }

    /// Lets the connection go.
    [[nodiscard]] expected<void> close() {
        on_.reset();
        return {};
    }

private:
    [[nodiscard]] std::string path_of(const std::string &name) const {
        return detail::path_in(url_.path, name);
    }

    /// A call on the connection, which is made anew when it was lost: what one call left there is
    /// for another to remove.
    template <class Call> auto with(Call call) -> decltype(call(std::declval<nfs::context &>())) {
        if (on_ && on_->connection().lost()) on_.reset();
        if (!on_) {
            auto made = nfs::context::connect(url_, how_);
            if (!made) return fail(std::move(made).error());
            on_ = *std::move(made);
        }
        return call(*on_);
    }

    model::nfs_url url_;
    nfs::connect_options how_;
    std::optional<nfs::context> on_;
};

static_assert(shared_place<nfs_place>);

/// A server that is asked in which of its folders a token is: first the one that is named, then
/// the roots of its exports, and the folders of the same path in them.
class nfs_witness {
public:
    /// Connects only when it looks.
    explicit nfs_witness(model::nfs_url folder, nfs::connect_options how = {})
        : url_(std::move(folder)), how_(std::move(how)) {}

    /// The folder, as `SERVER:FOLDER`.
    [[nodiscard]] std::string named() const { return in(url_.path); }

    /// `SERVER:FOLDER`; empty when the token is in none. Fails when the folder that is named, or
    /// what the server exports, cannot be looked at.
    [[nodiscard]] expected<std::string> find(const std::string &name, const std::string &content) {
        auto on = nfs::context::connect(url_, how_);
        if (!on) return fail(std::move(on).error());
        const auto here = holds(*on, url_.path, name, content);
        if (!here) return fail(here.error());
        if (*here) return in(url_.path);
        if (!on->is_listed()) return std::string();
        const std::string below = model::path_below(url_.path, on->mounted()).value_or("/");
        const auto exports = nfs::exports_of(url_.server, how_.patience, how_.stop);
        if (!exports) return fail(exports.error());
        for (const nfs::exported &each : *exports) {
            model::nfs_url root = url_;
            root.path = each.path;
            auto other = nfs::context::connect(root, how_);
            // One that this machine may not mount tells nothing about the token.
            if (!other) continue;
            std::set<std::string> folders{each.path};
            if (below != "/") folders.insert(detail::path_in(each.path, below.substr(1)));
            for (const std::string &folder : folders) {
                if (holds(*other, folder, name, content).value_or(false)) return in(folder);
            }
        }
        return std::string();
    }

private:
    [[nodiscard]] std::string in(const std::string &folder) const {
        return url_.server + ':' + folder;
    }

    [[nodiscard]] static expected<bool> holds(const nfs::context &on, const std::string &folder,
                                              const std::string &name, const std::string &content) {
        auto found = nfs::read_small(on, detail::path_in(folder, name), model::token_most);
        if (!found) return fail(std::move(found).error());
        return *found == content;
    }

    model::nfs_url url_;
    nfs::connect_options how_;
};

} // namespace kvmig::run
