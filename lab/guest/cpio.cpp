// SPDX-License-Identifier: MIT
#include <lab/guest/cpio.hpp>

#include <fmt/format.h>
#include <iterator>
#include <stdexcept>
#include <sys/stat.h>
#include <utility>

namespace kvmig::lab::guest {

namespace {

void pad_to(std::string &text, std::size_t multiple) {
    text.append((multiple - text.size() % multiple) % multiple, '\0');
}

} // namespace

void cpio_writer::add(std::string_view path, std::uint32_t mode, std::uint32_t links,
                      std::string_view content, std::uint32_t major, std::uint32_t minor) {
    if (content.size() > UINT32_MAX) throw std::length_error("a cpio entry holds less than 4 GiB");
    // Magic; inode, mode, uid, gid, links, mtime, size, device (2), special device (2), name's
    // size, checksum: 8 hexadecimal digits each.
    fmt::format_to(std::back_inserter(archive_),
                   "070701{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}"
                   "{:08x}",
                   ++inode_, mode, 0, 0, links, 0, content.size(), 0, 0, major, minor,
                   path.size() + 1, 0);
    archive_ += path;
    archive_ += '\0';
    pad_to(archive_, 4);
    archive_ += content;
    pad_to(archive_, 4);
}

void cpio_writer::add_directory(std::string_view path, std::uint32_t permissions) {
    add(path, S_IFDIR | permissions, 2, {});
}

void cpio_writer::add_file(std::string_view path, std::string_view content,
                           std::uint32_t permissions) {
    add(path, S_IFREG | permissions, 1, content);
}

void cpio_writer::add_symlink(std::string_view path, std::string_view target) {
    add(path, S_IFLNK | 0777, 1, target);
}

void cpio_writer::add_character_device(std::string_view path, std::uint32_t major,
                                       std::uint32_t minor, std::uint32_t permissions) {
    add(path, S_IFCHR | permissions, 1, {}, major, minor);
}

std::string cpio_writer::finish() {
    inode_ = UINT32_MAX; // the trailer's is 0
    add("TRAILER!!!", 0, 1, {});
    inode_ = 0;
    pad_to(archive_, 512);
    return std::exchange(archive_, {});
}

} // namespace kvmig::lab::guest
