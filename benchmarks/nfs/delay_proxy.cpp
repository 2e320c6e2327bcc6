// SPDX-License-Identifier: MIT
// bench_nfs_delay LISTEN TARGET PORT… DELAY-MS: passes TCP connections on from LISTEN:PORT to
// TARGET:PORT, every byte DELAY-MS later than it came, in each direction: a longer round trip where
// the kernel has no netem.
#include <arpa/inet.h>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;

sockaddr_in address_of(const char *address, int port) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(static_cast<std::uint16_t>(port));
    if (inet_pton(AF_INET, address, &out.sin_addr) != 1) {
        throw std::runtime_error(std::string(address) + " is no IPv4 address");
    }
    return out;
}

double number(const char *text) {
    char *end = nullptr;
    const double out = std::strtod(text, &end);
    if (end == text || *end != '\0' || out < 0 || out > 65535) {
        throw std::runtime_error(std::string(text) + " is neither a port nor a delay");
    }
    return out;
}

/// Bytes on their way, in the order and at the distance in which they came.
class delayed_stream {
public:
    explicit delayed_stream(clock_type::duration delay) : delay_(delay) {}

    void put(std::vector<char> data) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return held_ < most; });
        held_ += data.size();
        queue_.emplace_back(clock_type::now() + delay_, std::move(data));
        changed_.notify_all();
    }
    void end() {
        const std::lock_guard lock(mutex_);
        ended_ = true;
        changed_.notify_all();
    }
    /// The next bytes, when their time has come; empty at the end.
    std::vector<char> take() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return !queue_.empty() || ended_; });
        if (queue_.empty()) return {};
        auto [due, data] = std::move(queue_.front());
        queue_.pop_front();
        held_ -= data.size();
        changed_.notify_all();
        changed_.wait_until(lock, due, [due = due] { return clock_type::now() >= due; });
        return std::move(data);
    }

private:
    static constexpr std::size_t most = 64U << 20U;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::pair<clock_type::time_point, std::vector<char>>> queue_;
    std::size_t held_ = 0;
    bool ended_ = false;
    clock_type::duration delay_;
};

void pass(int from, int to, clock_type::duration delay) {
    delayed_stream stream(delay);
    std::thread reader([&] {
        for (;;) {
            std::vector<char> data(256U << 10U);
            const auto got = recv(from, data.data(), data.size(), 0);
            if (got <= 0) break;
            data.resize(static_cast<std::size_t>(got));
            stream.put(std::move(data));
        }
        stream.end();
    });
    for (auto data = stream.take(); !data.empty(); data = stream.take()) {
        std::size_t sent = 0;
        while (sent < data.size()) {
            const auto put = send(to, data.data() + sent, data.size() - sent, MSG_NOSIGNAL);
            if (put <= 0) break;
            sent += static_cast<std::size_t>(put);
        }
        if (sent < data.size()) break;
    }
    shutdown(to, SHUT_WR);
    shutdown(from, SHUT_RD);
    reader.join();
}

void serve(int listener, sockaddr_in target, clock_type::duration delay) {
    for (;;) {
        const int client = accept(listener, nullptr, nullptr);
        if (client < 0) return;
        std::thread([=] {
            const int server = socket(AF_INET, SOCK_STREAM, 0);
            const int on = 1;
            for (const int fd : {client, server}) {
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            }
            // A server that is `secure` answers only to ports below 1024.
            for (int port = 1023; port > 512; --port) {
                sockaddr_in own = address_of("0.0.0.0", port);
                if (bind(server, reinterpret_cast<sockaddr *>(&own), sizeof own) == 0) break;
            }
            sockaddr_in to = target;
            if (connect(server, reinterpret_cast<sockaddr *>(&to), sizeof to) == 0) {
                std::thread back([=] { pass(server, client, delay); });
                pass(client, server, delay);
                back.join();
            } else {
                std::perror("bench_nfs_delay: connect");
            }
            close(client);
            close(server);
        }).detach();
    }
}

} // namespace

int main(int argc, char *argv[]) {
    if (argc < 5) {
        std::fprintf(stderr, "usage: bench_nfs_delay LISTEN TARGET PORT... DELAY-MS\n");
        return 2;
    }
    try {
        const auto delay = std::chrono::duration_cast<clock_type::duration>(
            std::chrono::duration<double, std::milli>(number(argv[argc - 1])));
        std::vector<std::thread> listeners;
        for (int i = 3; i < argc - 1; ++i) {
            const int port = static_cast<int>(number(argv[i]));
            const int fd = socket(AF_INET, SOCK_STREAM, 0);
            const int on = 1;
            setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
            sockaddr_in own = address_of(argv[1], port);
            if (bind(fd, reinterpret_cast<sockaddr *>(&own), sizeof own) != 0 ||
                listen(fd, 16) != 0) {
                std::perror(argv[i]);
                return 1;
            }
            listeners.emplace_back(serve, fd, address_of(argv[2], port), delay);
        }
        std::puts("ready");
        std::fflush(stdout);
        for (std::thread &one : listeners) one.join();
    } catch (const std::exception &problem) {
        std::fprintf(stderr, "bench_nfs_delay: %s\n", problem.what());
        return 1;
    }
    return 0;
}
