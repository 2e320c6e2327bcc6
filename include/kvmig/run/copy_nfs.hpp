// SPDX-License-Identifier: MIT
/// The ends of an image copy on an NFS server.
#pragma once

#include <kvmig/model/nfs_url.hpp>
#include <kvmig/nfs/context.hpp>
#include <kvmig/nfs/file.hpp>
#include <kvmig/run/copy_end.hpp>
#include <kvmig/run/copy_mark.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

namespace detail {

/// A connection that can be made anew.
class nfs_link {
public:
    nfs_link(model::nfs_url url, nfs::connect_options options)
        : url_(std::move(url)), options_(std::move(options)), name_(to_string(url_)) {}

    [[nodiscard]] const model::nfs_url &url() const noexcept { return url_; }
    [[nodiscard]] const std::string &name() const noexcept { return name_; }
    [[nodiscard]] const nfs::context &on() const { return *on_; }

    expected<void> connect() {
        auto made = nfs::context::connect(url_, options_);
        if (!made) return fail(std::move(made).error());
        on_.emplace(std::move(*made));
        return {};
    }
    [[nodiscard]] std::optional<pollfd> wanted() const {
        if (!on_ || on_->connection().under_way() == 0) return std::nullopt;
        return on_->connection().wanted();
    }
    expected<void> service(short revents) {
        if (!on_ || on_->connection().under_way() == 0) return {};
        return on_->connection().service(revents);
    }

private:
    model::nfs_url url_;
    nfs::connect_options options_;
    std::string name_;
    std::optional<nfs::context> on_;
};

} // namespace detail

class nfs_source final : public copy_source {
public:
    static expected<std::unique_ptr<nfs_source>> open(const model::nfs_url &url,
                                                      const nfs::connect_options &options) {
        std::unique_ptr<nfs_source> out(new nfs_source(url, options));
        if (auto opened = out->reconnect({}); !opened) return fail(std::move(opened).error());
        const auto about = out->link_.on().stat(url.path);
        if (!about) return fail(about.error());
        if (!about->is_file()) {
            return fail(make_error(error_kind::invalid_argument, "this is no regular file")
                            .about(url.path)
                            .on(url.server));
        }
        out->about_ = *about;
        return out;
    }

    [[nodiscard]] const std::string &name() const noexcept override { return link_.name(); }
    [[nodiscard]] std::optional<pollfd> wanted() const override { return link_.wanted(); }
    expected<void> service(short revents) override { return link_.service(revents); }
    expected<void> reconnect(const std::stop_token &) override {
        file_.reset();
        if (auto made = link_.connect(); !made) return made;
        auto opened = nfs::file::open(link_.on(), link_.url().path, nfs::open_for::reading);
        if (!opened) return fail(std::move(opened).error());
        file_.emplace(std::move(*opened));
        return {};
    }
    [[nodiscard]] std::uint32_t mode() const noexcept override { return about_.mode & 07777U; }
    [[nodiscard]] bytes used() const noexcept override { return about_.used; }
    [[nodiscard]] expected<image_identity> identity() override {
        const auto now = link_.on().stat(link_.url().path);
        if (!now) return fail(now.error());
        return image_identity{now->fsid, now->inode, now->size, now->modified, now->changed};
    }
    /// NFSv3 tells no holes.
    [[nodiscard]] expected<std::optional<std::vector<model::byte_range>>> data() override {
        return std::nullopt;
    }
    [[nodiscard]] expected<std::vector<std::byte>> read(std::uint64_t offset,
                                                        std::uint64_t length) override {
        std::vector<std::byte> out(static_cast<std::size_t>(length));
        const auto got = file_->read(offset, out);
        if (!got) return fail(got.error());
        out.resize(*got);
        return out;
    }
    expected<void> start_read(std::uint64_t offset, std::span<std::byte> into,
                              copy_completion done) override {
        const std::size_t most = static_cast<std::size_t>(file_->piece().count());
        return file_->start_read(offset, into.first(std::min(most, into.size())), std::move(done));
    }

private:
    nfs_source(const model::nfs_url &url, const nfs::connect_options &options)
        : link_(url, options) {}

    detail::nfs_link link_;
    std::optional<nfs::file> file_;
    nfs::attributes about_;
};

class nfs_target final : public copy_target {
public:
    static expected<std::unique_ptr<nfs_target>> open(const model::nfs_url &url,
                                                      const nfs::connect_options &options) {
        std::unique_ptr<nfs_target> out(new nfs_target(url, options));
        if (auto made = out->link_.connect(); !made) return fail(std::move(made).error());
        return out;
    }

    [[nodiscard]] const std::string &name() const noexcept override { return link_.name(); }
    [[nodiscard]] std::optional<pollfd> wanted() const override { return link_.wanted(); }
    expected<void> service(short revents) override { return link_.service(revents); }
    expected<void> reconnect(const std::stop_token &) override {
        file_.reset();
        if (auto made = link_.connect(); !made) return made;
        return open_part(nfs::open_for::writing, 0);
    }

    [[nodiscard]] expected<bool> exists() override { return there(link_.url().path); }
    [[nodiscard]] expected<void> unused() override { return {}; }
    [[nodiscard]] expected<std::optional<copy_mark>> left_over() override {
        const auto part = there(part_);
        if (!part) return fail(part.error());
        if (!*part) return std::nullopt;
        const auto has_mark = there(mark_);
        if (!has_mark) return fail(has_mark.error());
        if (!*has_mark) return fail(unreadable_mark(name(), mark_));
        auto file = nfs::file::open(link_.on(), mark_, nfs::open_for::reading);
        if (!file) return fail(std::move(file).error());
        std::vector<std::byte> text(4096);
        const auto got = file->read(0, text);
        if (!got) return fail(got.error());
        auto mark = parse_mark({reinterpret_cast<const char *>(text.data()), *got});
        if (!mark) return fail(unreadable_mark(name(), mark_));
        return mark;
    }
    expected<void> begin(bool resume, std::uint32_t mode) override {
        return open_part(resume ? nfs::open_for::writing : nfs::open_for::creating, mode);
    }
    expected<void> set_size(bytes size) override { return file_->set_size(size); }
    [[nodiscard]] expected<bytes> free_room() override {
        const auto room = link_.on().free_room(folder_);
        if (!room) return fail(room.error());
        return room->available;
    }
    expected<void> start_write(std::uint64_t offset, std::span<const std::byte> from,
                               copy_completion done) override {
        const std::size_t most = static_cast<std::size_t>(file_->piece().count());
        return file_->start_write(offset, from.first(std::min(most, from.size())), std::move(done));
    }
    expected<void> start_read(std::uint64_t offset, std::span<std::byte> into,
                              copy_completion done) override {
        const std::size_t most = static_cast<std::size_t>(file_->piece().count());
        return file_->start_read(offset, into.first(std::min(most, into.size())), std::move(done));
    }
    expected<void> sync() override { return file_->sync(); }
    expected<void> write_mark(const copy_mark &mark) override {
        const std::string text = to_text(mark);
        auto file = nfs::file::open(link_.on(), mark_, nfs::open_for::writing);
        if (!file && file.error().kind == error_kind::not_found) {
            file = nfs::file::open(link_.on(), mark_, nfs::open_for::creating);
        }
        if (!file) return fail(std::move(file).error());
        if (auto put = file->write(0, std::as_bytes(std::span(text))); !put) return put;
        if (auto cut = file->set_size(bytes{text.size()}); !cut) return cut;
        if (auto synced = file->sync(); !synced) return synced;
        return file->close();
    }
    expected<void> publish(bool replace) override {
        if (auto closed = file_->close(); !closed) return closed;
        file_.reset();
        const nfs::context &on = link_.on();
        if (replace) {
            if (auto named = on.rename(part_, link_.url().path); !named) return named;
        } else {
            // Unlike RENAME, LINK does not replace a file that came meanwhile.
            if (auto named = on.link(part_, link_.url().path); !named) return named;
            if (auto gone = remove(part_); !gone) return gone;
        }
        return remove(mark_);
    }
    expected<void> discard() override {
        auto part = remove(part_);
        auto mark = remove(mark_);
        return part ? mark : part;
    }

private:
    nfs_target(const model::nfs_url &url, const nfs::connect_options &options)
        : link_(url, options) {
        const auto where = model::split_path(url.path);
        folder_ = where.folder;
        const std::string in = where.folder == "/" ? "/" : where.folder + '/';
        part_ = in + part_name(where.name);
        mark_ = in + mark_name(where.name);
    }

    expected<void> open_part(nfs::open_for how, std::uint32_t mode) {
        auto opened = nfs::file::open(link_.on(), part_, how, mode);
        if (!opened) return fail(std::move(opened).error());
        file_.emplace(std::move(*opened));
        return {};
    }
    [[nodiscard]] expected<bool> there(const std::string &path) const {
        const auto about = link_.on().stat(path);
        if (about) return true;
        if (about.error().kind == error_kind::not_found) return false;
        return fail(about.error());
    }
    [[nodiscard]] expected<void> remove(const std::string &path) const {
        auto gone = link_.on().remove(path);
        if (!gone && gone.error().kind == error_kind::not_found) return {};
        return gone;
    }

    detail::nfs_link link_;
    std::optional<nfs::file> file_;
    std::string folder_;
    std::string part_;
    std::string mark_;
};

} // namespace kvmig::run
