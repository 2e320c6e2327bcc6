// SPDX-License-Identifier: MIT
#include <lab/cli/console.hpp>

#include <cstdio>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace kvmig::lab::cli {

namespace {

/// Columns of the terminal; 80 where it does not tell.
std::size_t width() {
    winsize size{};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
    return size.ws_col;
}

} // namespace

console::console() : terminal_(::isatty(STDERR_FILENO) == 1) {}

console::~console() {
    if (terminal_ && !last_.empty()) fmt::print(stderr, "\r\x1b[K");
}

void console::show(std::string_view text) {
    const std::scoped_lock lock{mutex_};
    if (text == last_) return;
    last_ = text;
    if (terminal_) {
        fmt::print(stderr, "\r\x1b[K{}", text.substr(0, width() - 1));
        std::fflush(stderr);
    } else {
        fmt::print(stderr, "{}\n", text);
    }
}

std::function<void(std::string_view)> console::teller() {
    return [this](std::string_view text) { show(text); };
}

} // namespace kvmig::lab::cli
