// SPDX-License-Identifier: MIT
#include <lab/guest/protocol.hpp>
#include <support/catch.hpp>

#include <limits>

using namespace kvmig;
using namespace kvmig::lab::guest;
using nlohmann::json;

namespace {

const uuid boot = *uuid::parse("123e4567-e89b-42d3-a456-426614174000");

std::string without_newline(std::string line) {
    REQUIRE_FALSE(line.empty());
    REQUIRE(line.back() == '\n');
    line.pop_back();
    REQUIRE(line.find('\n') == std::string::npos);
    return line;
}

guest_status some_status() {
    guest_status status;
    status.name = "vm1";
    status.boot_id = boot;
    status.kernel = "6.1.0";
    status.uptime = std::chrono::seconds{12};
    status.monotonic = std::chrono::seconds{11};
    status.memory = {pages{24576}, pages{24000},    5, 6, page_rate{2000},
                     pages{8192},  write_mode::page};
    status.disk = {"/dev/vda", bytes::mib(1), 256, true, 7, 8, 9, "cannot write: no space"};
    status.stalls.add(std::chrono::milliseconds{3}, std::chrono::seconds{4});
    status.stalls.add(std::chrono::milliseconds{300}, std::chrono::seconds{5});
    status.heartbeat = {100, 1};
    status.sessions = {2, 1, 50};
    status.pci = {"1af4:1041", "1af4:1042"};
    status.faults = {"one", "two"};
    return status;
}

template <class T> void comes_back(const T &value) {
    const auto back = from_message<T>(json::parse(json(value).dump()));
    INFO((back ? std::string{} : describe(back.error())));
    REQUIRE(back);
    CHECK(*back == value);
}

} // namespace

TEST_CASE("What one side encodes, the other decodes to the same") {
    comes_back(some_status());
    comes_back(guest_status{});
    comes_back(greeting{"vm1", boot});
    comes_back(workload_change{});
    comes_back(workload_change{page_rate{1}, pages{2}, write_mode::page, 3});
    comes_back(block_range{});
    comes_back(block_range{1, 2});
    comes_back(damage_request{3});
    comes_back(memory_verdict{10, 2, {3, 4}, false});
    comes_back(disk_verdict{1, 2, 3, 4, 5, 6, {7, 8}, std::numeric_limits<std::uint64_t>::max()});
    comes_back(some_status().stalls);
}

TEST_CASE("A request is one line, and comes back whole") {
    const request sent{42, action::verify_disk, block_range{1, 2}};
    const auto got = decode_request(without_newline(encode(sent)));
    REQUIRE(got);
    CHECK(got->id == 42);
    CHECK(got->what == action::verify_disk);
    CHECK(from_message<block_range>(got->with) == block_range{1, 2});
}

TEST_CASE("Every action has a name of its own that is understood") {
    for (int number = 0; number <= static_cast<int>(action::damage_disk); ++number) {
        const request sent{1, static_cast<action>(number), json::object()};
        const auto got = decode_request(without_newline(encode(sent)));
        INFO(to_string(sent.what));
        REQUIRE(got);
        CHECK(got->what == sent.what);
    }
}

TEST_CASE("A reply brings the result or the error, with kind, place and remedy") {
    const auto good = decode_reply(without_newline(encode(reply{7, json{{"a", 1}}})));
    REQUIRE(good);
    CHECK(good->id == 7);
    CHECK(std::get<json>(good->result) == json{{"a", 1}});

    const error refusal =
        make_error(error_kind::refused, "no \"such\"\nluck").about("/dev/vda").advise("try later");
    const auto bad = decode_reply(without_newline(encode(reply{8, refusal})));
    REQUIRE(bad);
    CHECK(bad->id == 8);
    CHECK(std::get<error>(bad->result) == refusal);
}

TEST_CASE("An error's text that is no UTF-8 still gives a line") {
    const auto got = decode_reply(
        without_newline(encode(reply{1, make_error(error_kind::io, "disk \xff\xfe gone")})));
    REQUIRE(got);
    CHECK(std::get<error>(got->result).what.find("gone") != std::string::npos);
}

TEST_CASE("A line that is no request is refused with what is wrong") {
    const auto refused = [](const std::string &line, const std::string &because) {
        const auto got = decode_request(line);
        INFO(line.substr(0, 100));
        REQUIRE_FALSE(got);
        CHECK(got.error().kind == error_kind::protocol);
        CHECK_THAT(describe(got.error()), Catch::Contains(because));
    };
    refused("", "not a JSON object");
    refused("hello", "not a JSON object");
    refused("[1,2]", "not a JSON object");
    refused("{\"id\":1", "not a JSON object");
    refused(R"({"do":"status"})", "lacks 'id'");
    refused(R"({"id":1})", "lacks 'do'");
    refused(R"({"id":-1,"do":"status"})", "wrong value for 'id': -1");
    refused(R"({"id":"1","do":"status"})", "wrong value for 'id'");
    refused(R"({"id":1.5,"do":"status"})", "wrong value for 'id'");
    refused(R"({"id":1,"do":7})", "wrong value for 'do'");
    refused(R"({"id":1,"do":"reboot"})", "cannot do 'reboot'");
    refused(R"({"id":1,"do":"reboot"})", "set_workload"); // what it can do instead
    refused(R"({"id":1,"do":"status","wiht":{}})", "'wiht' that is not known");
    refused(std::string(longest_line + 1, ' '), "longer than");
}

TEST_CASE("Deep nesting and strange bytes are refused, not obeyed") {
    CHECK_FALSE(decode_request(std::string(10'000, '[')));
    CHECK_FALSE(decode_request(std::string("\0\0\0", 3)));
    CHECK_FALSE(decode_request("{\"id\":1,\"do\":\"sta\xfftus\"}"));
}

TEST_CASE("A workload that makes no sense is refused") {
    const auto refused = [](const char *text, const std::string &because) {
        const auto got = from_message<workload_change>(json::parse(text));
        INFO(text);
        REQUIRE_FALSE(got);
        CHECK_THAT(describe(got.error()), Catch::Contains(because));
    };
    refused("7", "is not an object");
    refused(R"({"rate":-5})", "'rate': -5");
    refused(R"({"rate":"fast"})", "'rate'");
    refused(R"({"working_set":1.5})", "'working_set'");
    refused(R"({"mode":"pages"})", "'pages'");
    refused(R"({"rte":5})", "'rte' that is not known");
}

TEST_CASE("A reply that is neither a result nor an error, or both, is refused") {
    const std::string line =
        GENERATE(R"({"id":1})", R"({"id":1,"ok":{},"error":{}})", R"({"id":1,"ok":null})",
                 R"({"ok":{}})", R"({"id":1,"error":{"kind":"io"}})", R"({"id":1,"error":"no"})");
    INFO(line);
    const auto got = decode_reply(line);
    REQUIRE_FALSE(got);
    CHECK(got.error().kind == error_kind::protocol);
}

TEST_CASE("A status that lacks anything is refused, and names what") {
    const json whole = some_status();
    for (const auto &[name, value] : whole.items()) {
        json part = whole;
        part.erase(name);
        const auto got = from_message<guest_status>(part);
        REQUIRE_FALSE(got);
        CHECK_THAT(got.error().what, Catch::Contains("'" + name + "'"));
    }
    for (const char *group : {"memory", "disk", "stalls", "heartbeat", "sessions"}) {
        for (const auto &[name, value] : whole[group].items()) {
            json part = whole;
            part[group][name] = json::array({json::object()});
            const auto got = from_message<guest_status>(part);
            INFO(group << '.' << name);
            REQUIRE_FALSE(got);
            CHECK(got.error().kind == error_kind::protocol);
        }
    }
}

TEST_CASE("A guest that speaks another protocol is told apart by its greeting") {
    const auto got = decode_greeting(
        R"({"hello":"kvmig.guest/2","name":"vm1","boot_id":"123e4567-e89b-42d3-a456-426614174000"})");
    REQUIRE_FALSE(got);
    CHECK_THAT(got.error().what, Catch::Contains("kvmig.guest/2"));
    CHECK_FALSE(got.error().remedy.empty());
}

TEST_CASE("A heartbeat comes back as it was sent") {
    const heartbeat beat{123456789012, std::chrono::nanoseconds{987654321}, boot, "vm1"};
    const auto datagram = encode(beat);
    CHECK(datagram.size() == 43);
    CHECK(std::string(datagram.begin(), datagram.begin() + 8) == "kvmigHB1");
    // Little-endian, wherever it is read.
    CHECK(datagram[8] == (123456789012 & 0xFF));
    CHECK(decode_heartbeat(datagram) == beat);
}

TEST_CASE("A datagram that is no heartbeat is none") {
    const auto good = encode(heartbeat{1, std::chrono::nanoseconds{2}, boot, "vm1"});
    for (std::size_t size = 0; size <= heartbeat_head; ++size) {
        CHECK_FALSE(decode_heartbeat(std::span{good}.first(size)));
    }
    auto other = good;
    other[0] = 'K';
    CHECK_FALSE(decode_heartbeat(other));
    auto longer = good;
    longer.resize(longest_heartbeat + 1, 'x');
    CHECK_FALSE(decode_heartbeat(longer));
    auto negative = good;
    negative[23] = 0x80; // the clock's highest bit
    CHECK_FALSE(decode_heartbeat(negative));
}

TEST_CASE("An answer of the echo session comes back as it was sent") {
    const echo_answer answer{std::numeric_limits<std::uint64_t>::max(), 5, boot};
    CHECK(decode_echo_answer(encode(answer)) == answer);
}
