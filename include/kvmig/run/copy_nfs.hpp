// SPDX-License-Identifier: MIT
/// The ends of an image copy on an NFS server.
#pragma once

#include <kvmig/model/nfs_url.hpp>
#include <kvmig/nfs/context.hpp>
#include <kvmig/nfs/file.hpp>
#include <kvmig/nfs/small_file.hpp>
#include <kvmig/run/copy_end.hpp>
#include <kvmig/run/copy_lock.hpp>
#include <kvmig/run/copy_mark.hpp>

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
    [[nodiscard]] const nfs::connect_options &options() const noexcept { return options_; }
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

/// What both ends have of their connection.
template <class End> class nfs_end : public End {
public:
    nfs_end(const model::nfs_url &url, const nfs::connect_options &options) : link_(url, options) {}

    [[nodiscard]] const std::string &name() const noexcept final { return link_.name(); }
    [[nodiscard]] std::optional<pollfd> wanted() const final { return link_.wanted(); }
    expected<void> service(short revents) final { return link_.service(revents); }
    expected<void> start_read(std::uint64_t offset, std::span<std::byte> into,
                              copy_completion done) final {
        return file_->start_read(offset, into, std::move(done));
    }

protected:
    expected<void> open_file(const std::string &path, nfs::open_for how, std::uint32_t mode = 0) {
        auto opened = nfs::file::open(link_.on(), path, how, mode);
        if (!opened) return fail(std::move(opened).error());
        file_.emplace(std::move(*opened));
        return {};
    }

    nfs_link link_; // NOLINT(cppcoreguidelines-non-private-member-variables-in-classes)
    std::optional<nfs::file>
        file_; // NOLINT(cppcoreguidelines-non-private-member-variables-in-classes)
};

} // namespace detail

/// A file on a server.
class nfs_source final : public detail::nfs_end<copy_source> {
public:
    /// Opens it for reading; errors name the address.
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

    expected<void> reconnect(const std::stop_token &) override {
        file_.reset();
        if (auto made = link_.connect(); !made) return made;
        return open_file(link_.url().path, nfs::open_for::reading);
    }
    /// Its permission bits.
    [[nodiscard]] std::uint32_t mode() const noexcept override { return about_.mode & 07777U; }
    [[nodiscard]] bytes used() const noexcept override { return about_.used; }
    /// By file system, inode, size and time of change.
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

private:
    nfs_source(const model::nfs_url &url, const nfs::connect_options &options)
        : nfs_end(url, options) {}

    nfs::attributes about_;
};

/// A file on a server, under its part's name until it is whole.
class nfs_target final : public detail::nfs_end<copy_target> {
public:
    /// `url` is that of the final name.
    static expected<std::unique_ptr<nfs_target>> open(const model::nfs_url &url,
                                                      const nfs::connect_options &options) {
        std::unique_ptr<nfs_target> out(new nfs_target(url, options));
        if (auto made = out->link_.connect(); !made) return fail(std::move(made).error());
        return out;
    }

    expected<void> reconnect(const std::stop_token &) override {
        file_.reset();
        if (auto made = link_.connect(); !made) return made;
        return open_file(part_, nfs::open_for::writing);
    }

    [[nodiscard]] expected<bool> exists() override { return there(link_.url().path); }
    [[nodiscard]] expected<void> unused() override {
        const auto about = link_.on().stat(link_.url().path);
        if (!about && about.error().kind == error_kind::not_found) return {};
        if (!about) return fail(about.error());
        const image_identity there{about->fsid, about->inode, about->size, about->modified,
                                   about->changed};
        const auto seen = detail::look_for_locks(link_.url(), there, link_.options());
        if (seen.use == model::image_use::free) return {};
        return fail(make_error(error_kind::conflict, "a running QEMU has the target open")
                        .about(link_.name())
                        .advise("name another target, or shut the guest down"));
    }
    expected<void> begin(bool resume, std::uint32_t mode) override {
        return open_file(part_, resume ? nfs::open_for::writing : nfs::open_for::creating, mode);
    }
    /// Makes the part so long.
    expected<void> set_size(bytes size) override { return file_->set_size(size); }
    /// What its file system has left.
    [[nodiscard]] expected<bytes> free_room() override {
        const auto room = link_.on().free_room(folder_);
        if (!room) return fail(room.error());
        return room->available;
    }
    /// Starts a WRITE.
    expected<void> start_write(std::uint64_t offset, std::span<const std::byte> from,
                               copy_completion done) override {
        return file_->start_write(offset, from, std::move(done));
    }
    expected<void> sync() override { return file_->sync(); }
    /// Keeps it in a file beside the part.
    expected<void> write_mark(const copy_mark &mark) override {
        auto file = nfs::file::open(link_.on(), mark_, nfs::open_for::writing);
        if (!file && file.error().kind == error_kind::not_found) {
            file = nfs::file::open(link_.on(), mark_, nfs::open_for::creating);
        }
        if (!file) return fail(std::move(file).error());
        return nfs::write_whole(*std::move(file), to_text(mark));
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

protected:
    /// Whether a part is there.
    [[nodiscard]] expected<bool> has_part() override { return there(part_); }
    [[nodiscard]] expected<std::string> mark_text() override {
        auto text = nfs::read_small(link_.on(), mark_, mark_most);
        if (!text) return fail(std::move(text).error());
        return text->value_or("");
    }

private:
    nfs_target(const model::nfs_url &url, const nfs::connect_options &options)
        : nfs_end(url, options) {
        const auto where = model::split_path(url.path);
        folder_ = where.folder;
        const std::string in = where.folder == "/" ? "/" : where.folder + '/';
        part_ = in + part_name(where.name);
        mark_ = in + mark_name(where.name);
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

    std::string folder_;
    std::string part_;
    std::string mark_;
};

} // namespace kvmig::run
