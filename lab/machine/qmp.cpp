// SPDX-License-Identifier: MIT
#include <lab/machine/qmp.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <random>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace kvmig::lab {

namespace {

using clock = std::chrono::steady_clock;

/// Waits until `fd` can be read; false at the deadline or when asked to stop.
expected<void> await_readable(int fd, clock::time_point deadline, const std::stop_token &stop,
                              const std::string &name) {
    const host::descriptor stopped{::eventfd(0, EFD_CLOEXEC)};
    const std::stop_callback on_stop{stop, [raw = stopped.get()] { ::eventfd_write(raw, 1); }};
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now());
        if (left.count() <= 0) {
            return fail(error_kind::timed_out, fmt::format("{} does not answer", name));
        }
        std::array<pollfd, 2> fds{{{fd, POLLIN, 0}, {stopped.get(), POLLIN, 0}}};
        const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(left.count()));
        if (ready < 0 && errno != EINTR) {
            return fail(error_kind::io, fmt::format("poll {}: {}", name, std::strerror(errno)));
        }
        if (ready <= 0) continue;
        if (fds[1].revents != 0) return fail(error_kind::cancelled, "stopped on request");
        return {};
    }
}

/// A Unix socket's address holds 108 bytes, and users' directories may be longer: the directory is
/// opened and named through `/proc/self/fd`.
expected<host::descriptor> connect_socket(const std::filesystem::path &path) {
    const host::descriptor directory{
        ::open(path.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    const std::string reached =
        fmt::format("/proc/self/fd/{}/{}", directory.get(), path.filename().string());
    host::descriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    reached.copy(static_cast<char *>(address.sun_path), sizeof address.sun_path - 1);
    if (!directory || !socket ||
        ::connect(socket.get(), reinterpret_cast<const sockaddr *>(&address), sizeof address) !=
            0) {
        error err =
            make_error(error_kind::unreachable, fmt::format("cannot connect to {}: {}",
                                                            path.string(), std::strerror(errno)));
        err.system = errno;
        return fail(std::move(err));
    }
    return socket;
}

} // namespace

expected<void> qmp_client::send(const std::string &text, int fd) {
    std::string_view rest{text};
    while (!rest.empty()) {
        iovec piece{const_cast<char *>(rest.data()), rest.size()};
        msghdr message{};
        message.msg_iov = &piece;
        message.msg_iovlen = 1;
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
        if (fd >= 0) {
            message.msg_control = control.data();
            message.msg_controllen = control.size();
            cmsghdr *header = CMSG_FIRSTHDR(&message);
            header->cmsg_level = SOL_SOCKET;
            header->cmsg_type = SCM_RIGHTS;
            header->cmsg_len = CMSG_LEN(sizeof(int));
            std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
        }
        const ssize_t count = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) {
            return fail(error_kind::unreachable,
                        fmt::format("{}: cannot send: {}", name_, std::strerror(errno)));
        }
        rest.remove_prefix(static_cast<std::size_t>(count));
        fd = -1;
    }
    return {};
}

expected<nlohmann::json> qmp_client::receive(clock::time_point deadline) {
    for (;;) {
        if (const auto end = pending_.find('\n'); end != std::string::npos) {
            std::string line = pending_.substr(0, end);
            pending_.erase(0, end + 1);
            // qemu-ga marks the start of a delimited answer with 0xFF.
            if (const auto delimiter = line.rfind('\xff'); delimiter != std::string::npos) {
                line.erase(0, delimiter + 1);
            }
            if (line.find_first_not_of(" \r\t") == std::string::npos) continue;
            auto message = nlohmann::json::parse(line, nullptr, false);
            if (message.is_discarded() || !message.is_object()) {
                return fail(error_kind::protocol,
                            fmt::format("{} answers what is no JSON object: {}", name_, line));
            }
            return message;
        }
        if (auto ready = await_readable(socket_.get(), deadline, stop_, name_); !ready) {
            return fail(std::move(ready).error());
        }
        std::array<char, 16384> buffer{};
        const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) {
            return fail(error_kind::unreachable, fmt::format("{} closed the connection", name_));
        }
        pending_.append(buffer.data(), static_cast<std::size_t>(count));
    }
}

expected<qmp_client> qmp_client::connect(const std::filesystem::path &path, dialect kind,
                                         std::chrono::milliseconds watchdog, std::stop_token stop) {
    auto socket = connect_socket(path);
    if (!socket) return fail(std::move(socket).error());
    return over(*std::move(socket), path.filename().string(), kind, watchdog, std::move(stop));
}

expected<qmp_client> qmp_client::over(host::descriptor socket, std::string name, dialect kind,
                                      std::chrono::milliseconds watchdog, std::stop_token stop) {
    // Commands are short; where they do not fit into the socket's buffer, the write waits.
    ::fcntl(socket.get(), F_SETFL, ::fcntl(socket.get(), F_GETFL) & ~O_NONBLOCK);
    qmp_client client{std::move(socket), std::move(name), watchdog, std::move(stop)};
    const auto deadline = clock::now() + watchdog;
    if (kind == dialect::monitor) {
        auto greeting = client.receive(deadline);
        if (!greeting) return fail(std::move(greeting).error());
        if (!greeting->contains("QMP")) {
            return fail(error_kind::protocol,
                        fmt::format("{} does not greet as QEMU does", client.name_));
        }
        if (auto ready = client.execute("qmp_capabilities"); !ready) {
            return fail(std::move(ready).error());
        }
        return client;
    }
    // An earlier client may have left half an answer in the channel: ask for a number of our own
    // and skip everything before it.
    const std::uint32_t id = std::random_device{}() & 0x7FFFFFFFU;
    const nlohmann::json sync = {{"execute", "guest-sync-delimited"}, {"arguments", {{"id", id}}}};
    if (auto sent = client.send("\xff" + sync.dump() + "\n", -1); !sent) {
        return fail(std::move(sent).error());
    }
    for (;;) {
        auto answer = client.receive(deadline);
        if (!answer) return fail(std::move(answer).error());
        if (const auto found = answer->find("return"); found != answer->end() && *found == id) {
            return client;
        }
    }
}

expected<nlohmann::json> qmp_client::execute(std::string_view command, nlohmann::json arguments,
                                             int fd) {
    nlohmann::json request = {{"execute", command}};
    if (!arguments.empty()) request["arguments"] = std::move(arguments);
    if (auto sent = send(request.dump() + "\n", fd); !sent) return fail(std::move(sent).error());
    const auto deadline = clock::now() + watchdog_;
    for (;;) {
        auto message = receive(deadline);
        if (!message) return message;
        if (message->contains("event")) {
            events_.push_back(std::move(*message));
            continue;
        }
        if (const auto problem = message->find("error"); problem != message->end()) {
            return fail(error_kind::failed, fmt::format("{} refuses {}: {} ({})", name_, command,
                                                        problem->value("desc", "no reason given"),
                                                        problem->value("class", "no class")));
        }
        if (const auto answer = message->find("return"); answer != message->end()) {
            return std::move(*answer);
        }
        return fail(error_kind::protocol,
                    fmt::format("{} answers {} with {}", name_, command, message->dump()));
    }
}

expected<nlohmann::json>
qmp_client::await_event(const std::function<bool(const nlohmann::json &)> &wanted,
                        std::chrono::milliseconds watchdog) {
    const auto deadline = clock::now() + watchdog;
    for (;;) {
        while (!events_.empty()) {
            nlohmann::json event = std::move(events_.front());
            events_.pop_front();
            if (wanted(event)) return event;
        }
        auto message = receive(deadline);
        if (!message) return message;
        if (message->contains("event")) events_.push_back(std::move(*message));
    }
}

} // namespace kvmig::lab
