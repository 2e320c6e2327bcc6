// SPDX-License-Identifier: MIT
// The agent's program itself, run as an ordinary process and watched from outside.
#include <lab/guest_agent_process.hpp>

#include <lab/observe/connection.hpp>
#include <lab/observe/guest_client.hpp>
#include <lab/observe/heartbeat_probe.hpp>
#include <lab/observe/tcp_session.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <future>
#include <netinet/in.h>
#include <poll.h>
#include <span>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <type_traits>
#include <vector>

using namespace kvmig;
using namespace kvmig::lab::observe;
using kvmig::lab::test::agent_process;
using kvmig::lab::test::scratch_disk;
using kvmig::lab::test::watchdog;
using namespace std::chrono_literals;
namespace guest = kvmig::lab::guest;

namespace {

template <class T> T must(expected<T> result) {
    INFO((result ? std::string{} : describe(result.error())));
    REQUIRE(result);
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

guest_client client_of(const agent_process &agent) {
    return must(guest_client::connect("127.0.0.1", agent.control_port, watchdog));
}

tcp_session session_with(const agent_process &agent,
                         std::chrono::milliseconds patience = watchdog) {
    return must(tcp_session::start({.address = "127.0.0.1",
                                    .port = agent.echo_port,
                                    .pace = 5ms,
                                    .connect_timeout = watchdog,
                                    .patience = patience}));
}

void wait_for_writes(guest_client &client, std::uint64_t pages_more, std::uint64_t blocks_more) {
    const auto before = must(client.status());
    const auto deadline = std::chrono::steady_clock::now() + watchdog;
    while (true) {
        const auto now = must(client.status());
        if (now.memory.writes >= before.memory.writes + pages_more &&
            now.disk.writes >= before.disk.writes + blocks_more) {
            return;
        }
        REQUIRE(std::chrono::steady_clock::now() < deadline);
    }
}

/// One line to the control port and its answer, past the typed client.
std::string raw_answer(const agent_process &agent, const std::string &line) {
    const stop_descriptor never{std::stop_token{}};
    const auto deadline = std::chrono::steady_clock::now() + watchdog;
    const auto socket = must(connect_to("127.0.0.1", agent.control_port, deadline, never));
    std::string_view left = line;
    while (!left.empty()) {
        must(wait_for(socket.get(), POLLOUT, deadline, never, "the agent"));
        const ssize_t count = ::send(socket.get(), left.data(), left.size(), MSG_NOSIGNAL);
        REQUIRE(count > 0);
        left.remove_prefix(static_cast<std::size_t>(count));
    }
    std::string text;
    std::array<char, 4096> part{};
    const auto lines = [&] { return std::count(text.begin(), text.end(), '\n'); };
    while (lines() < 2) { // the greeting is the first
        must(wait_for(socket.get(), POLLIN, deadline, never, "the agent"));
        const ssize_t count = ::recv(socket.get(), part.data(), part.size(), 0);
        if (count <= 0) break;
        text.append(part.data(), static_cast<std::size_t>(count));
    }
    return text.substr(text.find('\n') + 1);
}

} // namespace

TEST_CASE("The agent fills, dirties and checks its memory, and says so") {
    agent_process agent{{"--name=vm1", "--memory=16", "--working_set=4", "--rate=20000"}};
    agent.wait_until_ready();
    auto client = client_of(agent);
    CHECK(client.greeting().name == "vm1");
    const auto ready = must(client.ready());
    CHECK(ready.memory.size == pages{4096});
    CHECK(ready.memory.filled == pages{4096});
    CHECK(ready.memory.working_set == pages{1024});
    CHECK(ready.boot_id == client.greeting().boot_id);
    CHECK(ready.faults.empty());
    CHECK(ready.uptime > 0s);

    wait_for_writes(client, 2048, 0); // twice round the working set
    const auto verdict = must(client.verify_memory());
    CHECK(verdict.good());
    CHECK(verdict.checked == 4096);

    SECTION("and the workload can be changed while it runs") {
        const auto changed = must(client.set_workload({.rate = page_rate{30000},
                                                       .working_set = pages{4096},
                                                       .mode = guest::write_mode::page,
                                                       .disk_rate = std::nullopt}));
        CHECK(changed.memory.rate == page_rate{30000});
        CHECK(changed.memory.working_set == pages{4096});
        CHECK(changed.memory.mode == guest::write_mode::page);
        wait_for_writes(client, 5000, 0);
        CHECK(must(client.verify_memory()).good());
        must(client.set_workload({.rate = page_rate{0},
                                  .working_set = std::nullopt,
                                  .mode = std::nullopt,
                                  .disk_rate = std::nullopt}));
        const auto still = must(client.status()).memory.writes;
        CHECK(must(client.verify_memory()).good());
        CHECK(must(client.status()).memory.writes == still);
    }
    SECTION("and the verdict stands on its console too") {
        CHECK(agent.wait_for_output("kvmig: memory good, 4096 checked, 0 bad"));
    }
}

TEST_CASE("A page that was damaged on purpose makes the agent's verdict bad") {
    agent_process agent{{"--memory=4", "--test_hooks"}};
    agent.wait_until_ready();
    auto client = client_of(agent);
    must(client.damage_memory(must(client.ready()).memory.size.count() - 1));
    const auto verdict = must(client.verify_memory());
    CHECK_FALSE(verdict.good());
    CHECK(verdict.bad == 1);
    CHECK(verdict.first_bad == std::vector<std::uint64_t>{1023});
    CHECK(agent.wait_for_output("kvmig: memory BAD, 1024 checked, 1 bad"));
    const auto beyond = client.damage_memory(1024);
    REQUIRE_FALSE(beyond);
    CHECK(beyond.error().kind == error_kind::invalid_argument);
}

TEST_CASE("The agent writes its disk, at a rate and at one go, and checks it") {
    const scratch_disk disk{4U << 20U};
    agent_process agent{{"--memory=1", "--disk=" + disk.path(), "--disk_rate=500", "--test_hooks"}};
    agent.wait_until_ready();
    auto client = client_of(agent);
    CHECK(must(client.ready()).disk.blocks == 1024);
    wait_for_writes(client, 0, 50);
    must(client.set_workload(
        {.rate = std::nullopt, .working_set = std::nullopt, .mode = std::nullopt, .disk_rate = 0}));
    const auto some = must(client.verify_disk());
    CHECK(some.good());
    CHECK(some.checked == 1024);
    CHECK(some.current >= 50);
    CHECK(some.current + some.blank == 1024);

    const auto all = must(client.write_disk());
    CHECK(all.good());
    CHECK(all.current == 1024);
    CHECK(must(client.verify_disk()).digest == all.digest);
    const auto part = must(client.write_disk({1000, 24}));
    CHECK(part.checked == 24);
    CHECK(must(client.verify_disk()).digest != all.digest);
    must(client.sync());

    must(client.damage_disk(512));
    const auto damaged = must(client.verify_disk());
    CHECK(damaged.bad == 1);
    CHECK(damaged.first_bad == std::vector<std::uint64_t>{512});
    CHECK(agent.wait_for_output("kvmig: disk BAD, 1024 checked, 1 bad"));

    const auto beyond = client.verify_disk({1000, 25});
    REQUIRE_FALSE(beyond);
    CHECK(beyond.error().kind == error_kind::invalid_argument);
}

TEST_CASE("What one boot wrote to the disk, the next one finds") {
    const scratch_disk disk{1U << 20U};
    std::uint64_t digest = 0;
    {
        agent_process agent{{"--memory=1", "--disk=" + disk.path(),
                             "--boot_id=11111111-1111-4111-8111-111111111111"}};
        agent.wait_until_ready();
        auto client = client_of(agent);
        digest = must(client.write_disk()).digest;
        must(client.shutdown());
        CHECK(agent.wait_for_end() == 0);
    }
    agent_process agent{
        {"--memory=1", "--disk=" + disk.path(), "--boot_id=22222222-2222-4222-8222-222222222222"}};
    agent.wait_until_ready();
    auto client = client_of(agent);
    const auto verdict = must(client.verify_disk());
    CHECK(verdict.good());
    CHECK(verdict.earlier == 256);
    CHECK(verdict.digest == digest);
}

TEST_CASE("The heart beats at its pace and in order, until the agent ends") {
    auto probe = must(heartbeat_probe::start("127.0.0.1", 0));
    agent_process agent{{"--name=beating", "--memory=1",
                         "--probe=127.0.0.1:" + std::to_string(probe.port()),
                         "--boot_id=11111111-1111-4111-8111-111111111111"}};
    const auto key = must(probe.wait_for_beat("beating", probe.started(), watchdog));
    CHECK(key.boot_id.text() == "11111111-1111-4111-8111-111111111111");
    const auto from = std::chrono::steady_clock::now();
    must(probe.wait_for_beat("beating", from + 500ms, watchdog));
    const auto series = probe.series(key);
    CHECK(series.counts().received >= 2);
    CHECK(series.counts().lost == 0);
    CHECK(series.counts().conflicts == 0);
    CHECK(series.arrivals().front().sequence == 0); // the probe was there first
    for (std::size_t i = 1; i < series.arrivals().size(); ++i) {
        CHECK(series.arrivals()[i].sequence == i);
        CHECK(series.arrivals()[i].monotonic > series.arrivals()[i - 1].monotonic);
        CHECK(series.arrivals()[i].at >= series.arrivals()[i - 1].at);
    }

    SECTION("a stopped guest leaves a gap in which its numbers do not go on") {
        const auto stopped = std::chrono::steady_clock::now();
        agent.pause();
        must(probe.wait_for_silence("beating", 300ms, watchdog));
        agent.resume();
        const auto resumed = std::chrono::steady_clock::now();
        must(probe.wait_for_beat("beating", resumed, watchdog));
        const auto gap = probe.series(key).longest_gap(stopped, std::chrono::steady_clock::now());
        REQUIRE(gap);
        CHECK(gap->length() >= 300ms);
        CHECK(gap->lost == 0);
    }
    SECTION("an ended one is silent, and the wait for it says so") {
        agent.kill(SIGTERM);
        CHECK(agent.wait_for_end() == 0);
        must(probe.wait_for_silence("beating", 100ms, watchdog));
        const auto waited = probe.wait_for_beat("beating", std::chrono::steady_clock::now(), 50ms);
        REQUIRE_FALSE(waited);
        CHECK(waited.error().kind == error_kind::timed_out);
        CHECK(waited.error().object == "beating");
    }
    SECTION("a wait can be cancelled") {
        std::stop_source stop;
        stop.request_stop();
        const auto waited = probe.wait_for_beat("nobody", from, watchdog, stop.get_token());
        REQUIRE_FALSE(waited);
        CHECK(waited.error().kind == error_kind::cancelled);
    }
}

TEST_CASE("The probe counts what is no heartbeat, and goes on") {
    auto probe = must(heartbeat_probe::start("127.0.0.1", 0));
    const host::descriptor socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(probe.port());
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto send = [&](std::span<const std::uint8_t> datagram) {
        REQUIRE(::sendto(socket.get(), datagram.data(), datagram.size(), 0,
                         reinterpret_cast<const sockaddr *>(&where),
                         sizeof where) == static_cast<ssize_t>(datagram.size()));
    };
    const std::vector<std::uint8_t> noise(300, 'x');
    send(noise);
    send({});
    send(encode(guest::heartbeat{0, 1ns, uuid{}, "someone"}));
    must(probe.wait_for_beat("someone", probe.started(), watchdog));
    CHECK(probe.strangers() == 2);
    CHECK(probe.heard() == std::vector<beat_key>{{"someone", uuid{}}});
    CHECK(probe.overflown() == 0);
}

TEST_CASE("A probe whose port is taken says so") {
    auto probe = must(heartbeat_probe::start("127.0.0.1", 0));
    const auto second = heartbeat_probe::start("127.0.0.1", probe.port());
    REQUIRE_FALSE(second);
    CHECK(second.error().system == EADDRINUSE);
    CHECK_FALSE(second.error().remedy.empty());
}

TEST_CASE("A TCP session lives as long as the guest, and is the same one all along") {
    agent_process agent{{"--memory=1", "--boot_id=11111111-1111-4111-8111-111111111111"}};
    agent.wait_until_ready();
    auto session = session_with(agent);
    must(session.wait_for_answer(std::chrono::steady_clock::now(), watchdog));
    must(session.wait_for_answer(std::chrono::steady_clock::now() + 100ms, watchdog));

    SECTION("it outlives a stop of the guest") {
        agent.pause();
        const auto held = std::chrono::steady_clock::now();
        const auto waited = session.wait_for_answer(held, 300ms);
        REQUIRE_FALSE(waited);
        CHECK(waited.error().kind == error_kind::timed_out);
        CHECK(session.report().waiting >= 200ms);
        agent.resume();
        must(session.wait_for_answer(std::chrono::steady_clock::now(), watchdog));
        const auto report = session.stop();
        CHECK(report.alive());
        CHECK(report.longest.took >= 200ms);
        CHECK(report.answered == report.round_trips.size());
        CHECK(report.boot_id.text() == "11111111-1111-4111-8111-111111111111");
        const auto json = to_json(report, report.connected);
        CHECK(json["round_trips"].size() == report.answered);
        CHECK_FALSE(json.contains("broken"));
    }
    SECTION("it tells when and why it broke") {
        const auto before = std::chrono::steady_clock::now();
        agent.kill(SIGKILL);
        const auto waited =
            session.wait_for_answer(std::chrono::steady_clock::now() + watchdog, watchdog);
        REQUIRE_FALSE(waited);
        CHECK(waited.error().kind == error_kind::unreachable);
        const auto report = session.stop();
        CHECK_FALSE(report.alive());
        REQUIRE(report.broken);
        CHECK(report.broken->when >= before);
        CHECK(report.broken->why == waited.error());
        CHECK(to_json(report, before).contains("broken"));
    }
    SECTION("the guest counts each session apart") {
        auto second = session_with(agent);
        must(second.wait_for_answer(std::chrono::steady_clock::now(), watchdog));
        CHECK(second.stop().alive());
        CHECK(session.stop().alive());
        auto client = client_of(agent);
        CHECK(must(client.status()).sessions.accepted == 2);
    }
}

TEST_CASE("A session that gets no answer breaks when its patience ends") {
    agent_process agent{{"--memory=1"}};
    agent.wait_until_ready();
    auto session = session_with(agent, 200ms);
    agent.pause();
    const auto waited =
        session.wait_for_answer(std::chrono::steady_clock::now() + watchdog, watchdog);
    agent.resume();
    REQUIRE_FALSE(waited);
    CHECK(waited.error().kind == error_kind::timed_out);
    CHECK(session.stop().broken);
}

TEST_CASE("A session that is answered by somebody who had not held it is broken") {
    // What a guest that lost its connection's state would say: the right numbers, a wrong count.
    const host::descriptor listener{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof where;
    REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr *>(&where), size) == 0);
    REQUIRE(::listen(listener.get(), 1) == 0);
    REQUIRE(::getsockname(listener.get(), reinterpret_cast<sockaddr *>(&where), &size) == 0);
    auto session = must(
        tcp_session::start({.address = "127.0.0.1", .port = ntohs(where.sin_port), .pace = 5ms}));
    const host::descriptor peer{::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    REQUIRE(peer);
    const auto answer = encode(guest::echo_answer{0, 7, uuid{}});
    REQUIRE(::send(peer.get(), answer.data(), answer.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(answer.size()));
    const auto waited =
        session.wait_for_answer(std::chrono::steady_clock::now() + watchdog, watchdog);
    REQUIRE_FALSE(waited);
    CHECK(waited.error().kind == error_kind::protocol);
    CHECK_THAT(waited.error().what, Catch::Contains("as number 7"));
}

TEST_CASE("Where nobody listens, session and client say whom they could not reach") {
    std::uint16_t port = 0;
    {
        agent_process agent{{"--memory=1"}};
        agent.wait_until_ready();
        port = agent.control_port;
    }
    const auto client = guest_client::connect("127.0.0.1", port, watchdog);
    REQUIRE_FALSE(client);
    CHECK(client.error().kind == error_kind::unreachable);
    CHECK(client.error().object == "127.0.0.1:" + std::to_string(port));
    const auto session = tcp_session::start({.address = "127.0.0.1", .port = port});
    REQUIRE_FALSE(session);
    CHECK(session.error().kind == error_kind::unreachable);
    const auto name = guest_client::connect("vm1.example");
    REQUIRE_FALSE(name);
    CHECK(name.error().kind == error_kind::invalid_argument);
}

TEST_CASE("The stalls inside are counted, and begin anew when asked") {
    agent_process agent{{"--memory=1", "--stall_period=2000"}};
    agent.wait_until_ready();
    auto client = client_of(agent);
    agent.pause();
    // The agent cannot answer now; that it does not is the sign that it stands.
    auto impatient = guest_client::connect("127.0.0.1", agent.control_port, 300ms);
    CHECK_FALSE(impatient);
    agent.resume();
    // Its threads go on in any order: the one that counts may be later than the one that answers.
    const auto deadline = std::chrono::steady_clock::now() + watchdog;
    while (must(client.status()).stalls.longest < 200ms) {
        REQUIRE(std::chrono::steady_clock::now() < deadline);
    }
    const auto counted = must(client.reset_stalls());
    CHECK(counted.longest >= 200ms);
    CHECK(counted.count > 0);
    const auto after = must(client.status()).stalls;
    CHECK(after.since > counted.since);
    CHECK(after.since >= counted.longest_at);
}

TEST_CASE("A client whose guest stops answering is told, and does not go on with old answers") {
    agent_process agent{{"--memory=1"}};
    agent.wait_until_ready();
    auto client = must(guest_client::connect("127.0.0.1", agent.control_port, 300ms));
    agent.pause();
    const auto late = client.status();
    REQUIRE_FALSE(late);
    CHECK(late.error().kind == error_kind::timed_out);
    agent.resume();
    const auto next = client.verify_memory();
    REQUIRE_FALSE(next);
    CHECK(next.error().kind == error_kind::unreachable);
    CHECK(must(client_of(agent).verify_memory()).good());
}

TEST_CASE("What the agent cannot do it refuses, and goes on") {
    agent_process agent{{"--memory=1"}};
    agent.wait_until_ready();
    auto client = client_of(agent);
    const auto disk = client.verify_disk();
    REQUIRE_FALSE(disk);
    CHECK(disk.error().kind == error_kind::environment);
    CHECK_THAT(disk.error().remedy, Catch::Contains("kvmig.disk"));
    const auto damage = client.damage_memory(0);
    REQUIRE_FALSE(damage);
    CHECK(damage.error().kind == error_kind::refused);
    const auto large = client.set_workload({.rate = page_rate{7},
                                            .working_set = pages{257},
                                            .mode = std::nullopt,
                                            .disk_rate = std::nullopt});
    REQUIRE_FALSE(large);
    CHECK(large.error().kind == error_kind::invalid_argument);
    CHECK(must(client.status()).memory.rate == page_rate{0}); // nothing of it was taken
    CHECK(must(client.verify_memory()).good());
}

TEST_CASE("Lines that are no requests are answered with an error, on any connection") {
    agent_process agent{{"--memory=1"}};
    agent.wait_until_ready();
    CHECK_THAT(raw_answer(agent, "hello\n"), Catch::Contains("\"kind\":\"protocol\""));
    CHECK_THAT(raw_answer(agent, "\n"), Catch::Contains("\"kind\":\"protocol\""));
    CHECK_THAT(raw_answer(agent, "{\"id\":3,\"do\":\"fly\"}\n"), Catch::Contains("cannot do"));
    CHECK_THAT(raw_answer(agent, "{\"id\":3,\"do\":\"set_workload\",\"with\":{\"rte\":1}}\n"),
               Catch::Contains("rte"));
    CHECK_THAT(raw_answer(agent, std::string(guest::longest_line + 5000, 'x')),
               Catch::Contains("longer than"));
    CHECK(must(client_of(agent).status()).name == "guest");
}

TEST_CASE("Several clients are served at once") {
    agent_process agent{{"--memory=8", "--rate=1000"}};
    agent.wait_until_ready();
    std::vector<std::future<bool>> verdicts;
    for (int i = 0; i < 4; ++i) {
        verdicts.push_back(std::async(std::launch::async, [&agent] {
            auto client = guest_client::connect("127.0.0.1", agent.control_port, watchdog);
            if (!client) return false;
            const auto verdict = client->verify_memory();
            return verdict && verdict->good();
        }));
    }
    for (auto &verdict : verdicts) CHECK(verdict.get());
}

TEST_CASE("Asked by a client, the agent ends; without its disk it says so and serves on") {
    agent_process agent{{"--memory=1", "--disk=/no/such/disk"}};
    agent.wait_until_ready();
    auto client = client_of(agent);
    const auto faults = must(client.status()).faults;
    REQUIRE(faults.size() == 1);
    CHECK_THAT(faults[0], Catch::Contains("/no/such/disk"));
    const auto ready = client.ready();
    REQUIRE_FALSE(ready);
    CHECK(ready.error().object == "/no/such/disk");
    must(client.shutdown());
    CHECK(agent.wait_for_end() == 0);
}

TEST_CASE("Memory that the machine does not have is a fault, not a crash") {
    agent_process agent{{"--memory=1048576"}}; // 1 TiB
    agent.wait_until_ready();
    auto client = client_of(agent);
    const auto ready = client.ready();
    REQUIRE_FALSE(ready);
    CHECK(ready.error().kind == error_kind::environment);
    CHECK_THAT(must(client.status()).faults.at(0), Catch::Contains("kvmig.memory"));
}

TEST_CASE("A setting that is wrong ends the agent's process with the reason") {
    agent_process agent{{"--rate=fast"}};
    CHECK(agent.wait_for_end() == 2);
    CHECK_THAT(agent.output(), Catch::Contains("'fast' is no value for the guest's 'rate'"));
}
