// SPDX-License-Identifier: MIT
#include <lab/observe/guest_client.hpp>

#include <lab/guest/system_error.hpp>
#include <lab/observe/connection.hpp>

#include <array>
#include <cerrno>
#include <poll.h>
#include <string_view>
#include <sys/socket.h>
#include <utility>
#include <variant>

namespace kvmig::lab::observe {

namespace {

using clock = std::chrono::steady_clock;

/// A reply may hold more than a request; still it ends somewhere.
constexpr std::size_t longest_reply = guest::longest_line;

} // namespace

guest_client::guest_client(std::string address, host::descriptor socket,
                           std::chrono::milliseconds patience, std::stop_token stop)
    : address_(std::move(address)), socket_(std::move(socket)), patience_(patience),
      stop_(std::move(stop)) {}

expected<guest_client> guest_client::connect(const std::string &address, std::uint16_t port,
                                             std::chrono::milliseconds patience,
                                             std::stop_token stop) {
    const auto deadline = clock::now() + patience;
    const stop_descriptor stopped{stop};
    auto socket = connect_to(address, port, deadline, stopped);
    if (!socket) return fail(socket.error());
    guest_client client{address + ':' + std::to_string(port), std::move(*socket), patience,
                        std::move(stop)};
    const auto line = client.read_line(deadline);
    if (!line) return fail(line.error());
    auto hello = guest::decode_greeting(*line);
    if (!hello) return fail(std::move(hello.error()).about(client.address_));
    client.greeting_ = std::move(*hello);
    return client;
}

expected<void> guest_client::send(const std::string &text, clock::time_point deadline) {
    const stop_descriptor stopped{stop_};
    std::string_view left = text;
    while (!left.empty()) {
        const ssize_t count = ::send(socket_.get(), left.data(), left.size(), MSG_NOSIGNAL);
        if (count >= 0) {
            left.remove_prefix(static_cast<std::size_t>(count));
        } else if (errno == EAGAIN) {
            if (auto ready = wait_for(socket_.get(), POLLOUT, deadline, stopped, "the guest");
                !ready) {
                return fail(std::move(ready.error()).about(address_));
            }
        } else if (errno != EINTR) {
            return fail(guest::system_error(error_kind::unreachable, "the guest cannot be asked")
                            .about(address_));
        }
    }
    return {};
}

expected<std::string> guest_client::read_line(clock::time_point deadline) {
    const stop_descriptor stopped{stop_};
    std::array<char, 4096> part{};
    while (true) {
        if (const auto end = buffer_.find('\n'); end != std::string::npos) {
            std::string line = buffer_.substr(0, end);
            buffer_.erase(0, end + 1);
            return line;
        }
        if (buffer_.size() > longest_reply) {
            return fail(make_error(error_kind::protocol, "the guest's answer does not end")
                            .about(address_));
        }
        if (auto ready = wait_for(socket_.get(), POLLIN, deadline, stopped, "the guest's answer");
            !ready) {
            return fail(std::move(ready.error()).about(address_));
        }
        const ssize_t count = ::recv(socket_.get(), part.data(), part.size(), 0);
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (count < 0) {
            return fail(guest::system_error(error_kind::unreachable, "the guest does not answer")
                            .about(address_));
        }
        if (count == 0) {
            return fail(make_error(error_kind::unreachable, "the guest closed the connection")
                            .about(address_));
        }
        buffer_.append(part.data(), static_cast<std::size_t>(count));
    }
}

expected<nlohmann::json> guest_client::ask(guest::action what, nlohmann::json with) {
    const std::string name{to_string(what)};
    if (!socket_) {
        return fail(make_error(error_kind::unreachable, "cannot ask the guest for '" + name +
                                                            "': the connection failed before")
                        .about(address_)
                        .advise("connect anew"));
    }
    const auto deadline = clock::now() + patience_;
    // A late answer would be taken for the next one's: the connection ends with its first failure.
    const auto give_up = [&](error err) {
        socket_.reset();
        const error_kind kind = err.kind;
        return fail(make_error(kind, "asking the guest for '" + name + "' failed")
                        .about(address_)
                        .because(std::move(err)));
    };
    const guest::request question{++asked_, what, std::move(with)};
    if (auto sent = send(encode(question), deadline); !sent) return give_up(sent.error());
    const auto line = read_line(deadline);
    if (!line) return give_up(line.error());
    auto answer = guest::decode_reply(*line);
    if (!answer) return give_up(answer.error());
    if (auto *refusal = std::get_if<error>(&answer->result)) {
        refusal->host = greeting_.name;
        if (answer->id == question.id) return fail(std::move(*refusal));
        return give_up(std::move(*refusal));
    }
    if (answer->id != question.id) {
        return give_up(make_error(error_kind::protocol, "the guest answered " +
                                                            std::to_string(answer->id) + ", not " +
                                                            std::to_string(question.id)));
    }
    return std::get<nlohmann::json>(std::move(answer->result));
}

template <class T> expected<T> guest_client::ask_for(guest::action what, nlohmann::json with) {
    const auto answer = ask(what, std::move(with));
    if (!answer) return fail(answer.error());
    return guest::from_message<T>(*answer);
}

expected<guest::guest_status> guest_client::status() {
    return ask_for<guest::guest_status>(guest::action::status);
}
expected<guest::guest_status> guest_client::ready() {
    return ask_for<guest::guest_status>(guest::action::ready);
}
expected<guest::guest_status> guest_client::set_workload(const guest::workload_change &change) {
    return ask_for<guest::guest_status>(guest::action::set_workload, change);
}
expected<guest::stall_histogram> guest_client::reset_stalls() {
    return ask_for<guest::stall_histogram>(guest::action::reset_stalls);
}
expected<guest::memory_verdict> guest_client::verify_memory() {
    return ask_for<guest::memory_verdict>(guest::action::verify_memory);
}
expected<guest::disk_verdict> guest_client::write_disk(const guest::block_range &range) {
    return ask_for<guest::disk_verdict>(guest::action::write_disk, range);
}
expected<guest::disk_verdict> guest_client::verify_disk(const guest::block_range &range) {
    return ask_for<guest::disk_verdict>(guest::action::verify_disk, range);
}

namespace {
expected<void> without_content(const expected<nlohmann::json> &answer) {
    if (!answer) return fail(answer.error());
    return {};
}
} // namespace

expected<void> guest_client::sync() { return without_content(ask(guest::action::sync)); }
expected<void> guest_client::shutdown() { return without_content(ask(guest::action::shutdown)); }
expected<void> guest_client::damage_memory(std::uint64_t page) {
    return without_content(ask(guest::action::damage_memory, guest::damage_request{page}));
}
expected<void> guest_client::damage_disk(std::uint64_t block) {
    return without_content(ask(guest::action::damage_disk, guest::damage_request{block}));
}

} // namespace kvmig::lab::observe
