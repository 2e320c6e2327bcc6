// SPDX-License-Identifier: MIT
#include <lab/topology/files.hpp>

#include <kvmig/host/descriptor.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kvmig::lab {

namespace {

unexpected failure(std::string_view doing, const std::filesystem::path &path, int number) {
    error err = make_error(error_kind::io, fmt::format("cannot {} {}: {}", doing, path.string(),
                                                       std::strerror(number)));
    err.system = number;
    if (number == ENOSPC) err.remedy = "free some space on the file system that holds it";
    return fail(std::move(err));
}

} // namespace

expected<void> write_file(const std::filesystem::path &path, std::string_view text, unsigned mode) {
    const std::filesystem::path temporary = path.string() + fmt::format(".{}.tmp", ::getpid());
    host::descriptor file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
                                 static_cast<mode_t>(mode))};
    if (!file) return failure("create", temporary, errno);
    const auto give_up = [&](std::string_view doing) {
        const int number = errno;
        ::unlink(temporary.c_str());
        return failure(doing, temporary, number);
    };
    if (::fchmod(file.get(), static_cast<mode_t>(mode)) != 0) return give_up("set the mode of");
    while (!text.empty()) {
        const ssize_t count = ::write(file.get(), text.data(), text.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return give_up("write");
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    if (::fsync(file.get()) != 0) return give_up("flush");
    if (::rename(temporary.c_str(), path.c_str()) != 0) return give_up("rename");
    return flush(path.parent_path());
}

expected<std::string> read_file(const std::filesystem::path &path) {
    const host::descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file) return failure("read", path, errno);
    std::string text;
    for (std::array<char, 65536> piece{};;) {
        const ssize_t count = ::read(file.get(), piece.data(), piece.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return failure("read", path, errno);
        if (count == 0) return text;
        text.append(piece.data(), static_cast<std::size_t>(count));
    }
}

expected<void> make_directory(const std::filesystem::path &path) {
    std::error_code code;
    std::filesystem::create_directories(path, code);
    if (code) return failure("create the directory", path, code.value());
    std::filesystem::permissions(path, std::filesystem::perms::owner_all, code);
    if (code) return failure("set the mode of", path, code.value());
    return {};
}

expected<void> remove_tree(const std::filesystem::path &path) {
    std::error_code code;
    std::filesystem::remove_all(path, code);
    if (code) return failure("remove", path, code.value());
    return {};
}

expected<void> rename_durably(const std::filesystem::path &from, const std::filesystem::path &to) {
    std::error_code code;
    std::filesystem::rename(from, to, code);
    if (code) return failure(fmt::format("rename {} to", from.string()), to, code.value());
    return flush(to.parent_path());
}

expected<void> flush(const std::filesystem::path &path) {
    // The folder of a bare name is the one we are in.
    const host::descriptor file{::open(path.empty() ? "." : path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file) return failure("open", path, errno);
    if (::fsync(file.get()) != 0) return failure("flush", path, errno);
    return {};
}

} // namespace kvmig::lab
