// SPDX-License-Identifier: MIT
/// Progress for people, on stderr: one live line on a terminal, plain lines into a pipe.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace kvmig::lab::cli {

/// Owns the live line; clears it when destroyed. May be told from several threads.
class console {
public:
    console();
    ~console();
    console(const console &) = delete;
    console &operator=(const console &) = delete;

    /// Shows `text`: over the live line on a terminal, as a line of its own elsewhere. The same
    /// text twice in a row is told once.
    void show(std::string_view text);

    /// `show` as a function, for those who only tell.
    [[nodiscard]] std::function<void(std::string_view)> teller();

private:
    std::mutex mutex_;
    std::string last_;
    bool terminal_ = false;
};

} // namespace kvmig::lab::cli
