// SPDX-License-Identifier: MIT
/// One login to a host for several commands: a login costs far more than a command does, most of
/// all on a host that is busy.
#pragma once

#include <kvmig/host/command.hpp>
#include <kvmig/host/remote_command.hpp>
#include <kvmig/model/connection_uri.hpp>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <stop_token>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace kvmig::host {

/// An SSH connection that stays open while this lives, for commands that are given its `words`
/// (ssh_config(5), ControlMaster). Where there is none, they log in by themselves, and tell what
/// keeps them from it. A process that dies leaves it to end by itself, half a minute later.
class shared_login {
public:
    /// To the host of a libvirt URI, when that leads there over SSH; otherwise, and when logging in
    /// fails, there is nothing to share.
    [[nodiscard]] static shared_login to(const std::string &uri, const std::stop_token &stop = {}) {
        shared_login out;
        const auto parsed = model::connection_uri::parse(uri);
        if (!parsed || !parsed->remote() || parsed->transport != "ssh") return out;
        const auto end = ssh_end_of(uri);
        if (!end) return out;
        std::error_code none;
        std::string folder = (std::filesystem::temp_directory_path(none) / "kvmig-XXXXXX").string();
        if (none || folder.size() > most_of_a_path || ::mkdtemp(folder.data()) == nullptr) {
            return out;
        }
        out.folder_ = folder;
        out.ssh_ = batch_ssh(*end);
        out.login_ = login_of(*end);
        command open;
        open.argv = out.ssh_;
        for (const char *word : {"-T", "-f", "-N", "-o", "ConnectTimeout=10", "-o",
                                 "ControlMaster=yes", "-o", "ControlPersist=30", "-S"}) {
            open.argv.emplace_back(word);
        }
        open.argv.push_back(out.socket());
        open.argv.push_back(out.login_);
        open.timeout = std::chrono::seconds{30};
        const auto done = run(open, stop);
        out.open_ = done && done->status == 0;
        return out;
    }

    /// What ssh is to be told to go over it; nothing where there is nothing to share.
    [[nodiscard]] std::vector<std::string> words() const {
        if (!open_) return {};
        return {"-S", socket()};
    }

    /// Takes it over.
    shared_login(shared_login &&other) noexcept { swap(other); }
    /// Takes it over, and ends what was held as `other` is destroyed.
    shared_login &operator=(shared_login &&other) noexcept {
        swap(other);
        return *this;
    }
    shared_login(const shared_login &) = delete;
    shared_login &operator=(const shared_login &) = delete;
    ~shared_login() {
        if (open_) {
            command close;
            close.argv = ssh_;
            for (const std::string &word :
                 {std::string("-S"), socket(), std::string("-O"), std::string("exit"), login_}) {
                close.argv.push_back(word);
            }
            close.timeout = std::chrono::seconds{10};
            static_cast<void>(run(close)); // it ends by itself too
        }
        std::error_code none;
        if (!folder_.empty()) std::filesystem::remove_all(folder_, none);
    }

private:
    shared_login() = default;
    void swap(shared_login &other) noexcept {
        std::swap(folder_, other.folder_);
        std::swap(ssh_, other.ssh_);
        std::swap(login_, other.login_);
        std::swap(open_, other.open_);
    }
    [[nodiscard]] std::string socket() const { return folder_ + "/ssh"; }

    /// A socket's path has 107 bytes, of which ssh wants 17 for itself while it makes it.
    static constexpr std::size_t most_of_a_path = 80;

    std::string folder_;
    std::vector<std::string> ssh_;
    std::string login_;
    bool open_ = false;
};

} // namespace kvmig::host
