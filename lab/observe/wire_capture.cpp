// SPDX-License-Identifier: MIT
#include <lab/observe/wire_capture.hpp>

#include <kvmig/host/descriptor.hpp>
#include <lab/guest/settings.hpp>
#include <lab/guest/system_error.hpp>
#include <lab/observe/background.hpp>

#include <array>
#include <cerrno>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <optional>
#include <poll.h>
#include <span>
#include <sys/socket.h>
#include <utility>

namespace kvmig::lab::observe {

namespace {

/// Offloading makes frames of up to 64 KiB and their head.
constexpr std::size_t longest_frame = std::size_t{256} << 10U;
/// For what arrives while this process waits for its turn.
constexpr int kernel_buffer = 64 << 20U;

} // namespace

class wire_capture::impl {
public:
    /// The parsed filter.
    struct pair_of_hosts {
        std::uint32_t one = 0;
        std::uint32_t other = 0;
        std::uint16_t first_port = 0;
        std::uint16_t last_port = 0;

        [[nodiscard]] bool wants(const tcp_segment &seen) const {
            const std::uint32_t a = seen.from.address;
            const std::uint32_t b = seen.to.address;
            return ((a == one && b == other) || (a == other && b == one)) &&
                   (in_range(seen.from.port) || in_range(seen.to.port));
        }
        [[nodiscard]] bool in_range(std::uint16_t port) const {
            return port >= first_port && port <= last_port;
        }
    };

    impl(host::descriptor socket, pair_of_hosts hosts, std::vector<std::string> markers)
        : socket_(std::move(socket)), hosts_(hosts), search_(std::move(markers)),
          buffer_(longest_frame) {
        thread_.begin([this] { run(); });
    }

    void end() { thread_.end(); }

    /// After `end`.
    [[nodiscard]] expected<wire_report> result() {
        if (failed_) return fail(*failed_);
        return search_.report();
    }

private:
    void run() {
        for (;;) {
            std::array<pollfd, 2> watched{
                {{thread_.asked_to_end(), POLLIN, 0}, {socket_.get(), POLLIN, 0}}};
            if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) {
                failed_ = guest::system_error(error_kind::io, "cannot wait for frames");
                return;
            }
            // What arrived before the end was asked for belongs to it.
            while (receive()) {
            }
            if (failed_ || watched[0].revents != 0) return;
        }
    }

    /// False when nothing more is waiting.
    bool receive() {
        const ssize_t count = ::recv(socket_.get(), buffer_.data(), buffer_.size(), 0);
        if (count < 0) {
            const int number = errno;
            if (number == EINTR) return true;
            if (number != EAGAIN) {
                failed_ = guest::system_error(error_kind::io, "cannot receive frames", number);
            }
            return false;
        }
        const auto segment =
            parse_segment(std::span{buffer_}.first(static_cast<std::size_t>(count)));
        if (segment && hosts_.wants(*segment)) search_.add(*segment);
        return true;
    }

    host::descriptor socket_;
    pair_of_hosts hosts_;
    wire_search search_;
    std::vector<std::uint8_t> buffer_;
    std::optional<error> failed_;
    background thread_; ///< last
};

expected<wire_capture> wire_capture::start(const wire_filter &what,
                                           std::vector<std::string> markers) {
    const auto one = guest::parse_ipv4(what.one);
    if (!one) return fail(one.error());
    const auto other = guest::parse_ipv4(what.other);
    if (!other) return fail(other.error());
    const unsigned index = ::if_nametoindex(what.device.c_str());
    if (index == 0) {
        return fail(guest::system_error(error_kind::not_found, "there is no such network device")
                        .about(what.device));
    }
    // Without a protocol nothing arrives before it is bound to the one device.
    host::descriptor socket{::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!socket) {
        return fail(guest::system_error(error_kind::environment, "cannot listen to frames here")
                        .about(what.device)
                        .advise("run as root, or as one who may open packet sockets"));
    }
    // More than the limit for everybody where that is allowed, and else as much as there is.
    if (::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kernel_buffer,
                     sizeof kernel_buffer) != 0) {
        ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &kernel_buffer, sizeof kernel_buffer);
    }
    sockaddr_ll place{};
    place.sll_family = AF_PACKET;
    place.sll_protocol = htons(ETH_P_ALL);
    place.sll_ifindex = static_cast<int>(index);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr *>(&place), sizeof place) != 0) {
        return fail(guest::system_error(error_kind::io, "cannot listen to a network device")
                        .about(what.device));
    }
    const impl::pair_of_hosts hosts{ntohl(one->s_addr), ntohl(other->s_addr), what.first_port,
                                    what.last_port};
    return wire_capture{std::make_unique<impl>(std::move(socket), hosts, std::move(markers))};
}

wire_capture::wire_capture(std::unique_ptr<impl> self) : self_(std::move(self)) {}
wire_capture::wire_capture(wire_capture &&) noexcept = default;
wire_capture &wire_capture::operator=(wire_capture &&) noexcept = default;
wire_capture::~wire_capture() = default;

expected<wire_report> wire_capture::stop() {
    self_->end();
    return self_->result();
}

} // namespace kvmig::lab::observe
