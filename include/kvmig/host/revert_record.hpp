// SPDX-License-Identifier: MIT
/// What was there before a host was tuned, written to disk before each write, so that it can be put
/// back whenever the writer was killed.
///
/// A file of lines. The first: `kvmig.revert/1` and the boot's id. The others: path, bytes that
/// were there, and a sum over both, separated by tabs. A last line that is cut short announced a
/// write that had not begun, and is dropped.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/host/descriptor.hpp>
#include <kvmig/host/journal_files.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace kvmig::host {

/// One file as it was before it was written.
struct revert_entry {
    /// A file's, as `kernel_files` takes it; or the key of a domain's setting.
    std::string path;
    std::string before; ///< its bytes

    friend bool operator==(const revert_entry &, const revert_entry &) = default;
};

namespace detail {

[[nodiscard]] inline std::string revert_escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || c == '\\' || byte >= 0x7F)
            out += fmt::format("\\{:02x}", byte);
        else
            out += c;
    }
    return out;
}

[[nodiscard]] inline std::optional<std::string> revert_unescaped(std::string_view text) {
    const auto digit = [](char c) -> unsigned {
        if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
        if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
        return 16;
    };
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            out += text[i];
            continue;
        }
        if (i + 2 >= text.size()) return std::nullopt;
        const unsigned high = digit(text[i + 1]);
        const unsigned low = digit(text[i + 2]);
        if (high > 15 || low > 15) return std::nullopt;
        out += static_cast<char>(static_cast<unsigned char>(high * 16 + low));
        i += 2;
    }
    return out;
}

/// FNV-1a: tells a line that was cut or overwritten from a whole one.
[[nodiscard]] constexpr std::uint64_t revert_sum(std::string_view text) noexcept {
    std::uint64_t sum = 14695981039346656037U;
    for (const char c : text) {
        sum ^= static_cast<unsigned char>(c);
        sum *= 1099511628211U;
    }
    return sum;
}

[[nodiscard]] inline std::string revert_line(std::string_view text) {
    return fmt::format("{}\t{:016x}\n", text, revert_sum(text));
}

/// The text of a whole line, without its sum.
[[nodiscard]] inline std::optional<std::string_view> revert_content(std::string_view line) {
    const auto tab = line.rfind('\t');
    if (tab == std::string_view::npos) return std::nullopt;
    const std::string_view content = line.substr(0, tab);
    if (line.substr(tab + 1) != fmt::format("{:016x}", revert_sum(content))) return std::nullopt;
    return content;
}

} // namespace detail

/// Where the record of the host below `root` is kept: settings are of the machine, whoever makes
/// them, and so is their record.
[[nodiscard]] inline std::filesystem::path revert_record_path(const std::filesystem::path &root) {
    return root / "var" / "lib" / "kvmig" / "tuning.revert";
}

/// The record, held by one process at a time.
class revert_record {
public:
    /// Opens it, making it where it is missing. What was recorded in another boot is dropped, since
    /// the kernel has forgotten it too; it stays in the file until the first `append` or `forget`.
    /// Fails with `conflict` while another process holds it, with `io` when it is damaged in the
    /// middle, naming the file, and with `environment` when it belongs to a boot and `boot_id` is
    /// empty: whether that is this boot cannot be told.
    [[nodiscard]] static expected<revert_record> open(const std::filesystem::path &file,
                                                      std::string boot_id) {
        if (auto made = make_private_folder(file.parent_path()); !made) {
            return fail(std::move(made.error()));
        }
        descriptor fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR));
        if (!fd) return fail(problem(errno, "opening the revert record", file));
        struct flock lock {};
        lock.l_type = F_WRLCK;
        lock.l_whence = SEEK_SET;
        if (::fcntl(fd.get(), F_OFD_SETLK, &lock) != 0) {
            if (errno != EAGAIN && errno != EACCES) {
                return fail(problem(errno, "locking the revert record", file));
            }
            return fail(make_error(error_kind::conflict, "another process is tuning this host")
                            .about(file.string())
                            .advise("wait for it (fuser " + file.string() + " names it)"));
        }
        revert_record out(std::move(fd), file, std::move(boot_id));
        if (auto read = out.load(); !read) return fail(std::move(read.error()));
        if (!file.parent_path().empty()) {
            if (auto synced = detail::sync_folder(file.parent_path()); !synced) {
                return fail(std::move(synced.error()));
            }
        }
        return out;
    }

    /// What was written, oldest first.
    [[nodiscard]] const std::vector<revert_entry> &entries() const noexcept { return entries_; }
    /// Entries of another boot that were dropped when it was opened.
    [[nodiscard]] std::size_t dropped() const noexcept { return dropped_; }
    /// Where the record is kept.
    [[nodiscard]] const std::filesystem::path &file() const noexcept { return file_; }

    /// Adds one; when it returns, it is on the disk.
    [[nodiscard]] expected<void> append(revert_entry entry) {
        std::string text;
        if (size_ == 0) {
            if (::ftruncate(fd_.get(), 0) != 0) { // of what another boot left
                return fail(problem(errno, "clearing the revert record", file_));
            }
            text = detail::revert_line(header(boot_id_));
        }
        text += detail::revert_line(detail::revert_escaped(entry.path) + '\t' +
                                    detail::revert_escaped(entry.before));
        for (std::size_t done = 0; done < text.size();) {
            const ssize_t put = ::pwrite(fd_.get(), text.data() + done, text.size() - done,
                                         static_cast<off_t>(size_ + done));
            if (put < 0 && errno == EINTR) continue;
            if (put < 0) return fail(problem(errno, "writing the revert record", file_));
            done += static_cast<std::size_t>(put);
        }
        if (::fdatasync(fd_.get()) != 0) {
            return fail(problem(errno, "writing out the revert record", file_));
        }
        size_ += text.size();
        entries_.push_back(std::move(entry));
        return {};
    }

    /// Forgets all but the first `keep`, which is on the disk when it returns.
    [[nodiscard]] expected<void> forget(std::size_t keep = 0) {
        std::size_t size = 0;
        if (keep != 0) {
            size = detail::revert_line(header(boot_id_)).size();
            for (std::size_t i = 0; i < keep; ++i) {
                size += detail::revert_line(detail::revert_escaped(entries_[i].path) + '\t' +
                                            detail::revert_escaped(entries_[i].before))
                            .size();
            }
        }
        if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0 || ::fdatasync(fd_.get()) != 0) {
            return fail(problem(errno, "clearing the revert record", file_));
        }
        size_ = size;
        entries_.resize(keep);
        return {};
    }

private:
    revert_record(descriptor fd, std::filesystem::path file, std::string boot_id)
        : fd_(std::move(fd)), file_(std::move(file)), boot_id_(std::move(boot_id)) {}

    [[nodiscard]] static std::string header(const std::string &boot_id) {
        return "kvmig.revert/1\t" + detail::revert_escaped(boot_id);
    }

    [[nodiscard]] static error problem(int number, const std::string &what,
                                       const std::filesystem::path &file) {
        return detail::journal_file_error(number, what, file);
    }

    [[nodiscard]] expected<std::string> whole() const {
        std::string text;
        std::array<char, 4096> part{};
        while (true) {
            const ssize_t got =
                ::pread(fd_.get(), part.data(), part.size(), static_cast<off_t>(text.size()));
            if (got == 0) return text;
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return fail(problem(errno, "reading the revert record", file_));
            text.append(part.data(), static_cast<std::size_t>(got));
        }
    }

    [[nodiscard]] expected<void> load() {
        const auto text = whole();
        if (!text) return fail(text.error());
        bool first = true;
        bool ours = true;
        for (std::size_t at = 0; at < text->size();) {
            const auto end = text->find('\n', at);
            const bool last = end == std::string::npos || end + 1 == text->size();
            const auto content =
                end == std::string::npos
                    ? std::nullopt
                    : detail::revert_content(std::string_view(*text).substr(at, end - at));
            const bool good = content && take(*content, first, ours);
            if (!good && last) break; // cut short
            if (!good) {
                return fail(make_error(error_kind::io, fmt::format("the revert record is damaged "
                                                                   "at byte {}",
                                                                   at))
                                .about(file_.string())
                                .advise("its lines are readable; put back by hand what they name, "
                                        "and remove it"));
            }
            first = false;
            at = end + 1;
            size_ = at;
        }
        if (!ours && boot_id_.empty()) {
            return fail(make_error(error_kind::environment,
                                   "the record is of a boot, and this host does not tell its own")
                            .about(file_.string())
                            .advise("mount proc: /proc/sys/kernel/random/boot_id tells the boot"));
        }
        if (!ours) {
            dropped_ = entries_.size();
            entries_.clear();
            size_ = 0;
            return {};
        }
        if (size_ == text->size()) return {};
        if (::ftruncate(fd_.get(), static_cast<off_t>(size_)) != 0) {
            return fail(problem(errno, "repairing the revert record", file_));
        }
        return {};
    }

    /// One line; false when it is none.
    [[nodiscard]] bool take(std::string_view content, bool first, bool &ours) {
        if (first) {
            if (!content.starts_with("kvmig.revert/1\t")) return false;
            ours = content == header(boot_id_);
            return true;
        }
        const auto tab = content.find('\t');
        if (tab == std::string_view::npos) return false;
        auto path = detail::revert_unescaped(content.substr(0, tab));
        auto before = detail::revert_unescaped(content.substr(tab + 1));
        if (!path || !before) return false;
        entries_.push_back({std::move(*path), std::move(*before)});
        return true;
    }

    descriptor fd_;
    std::filesystem::path file_;
    std::string boot_id_;
    std::size_t size_ = 0; ///< of what is whole
    std::size_t dropped_ = 0;
    std::vector<revert_entry> entries_;
};

} // namespace kvmig::host
