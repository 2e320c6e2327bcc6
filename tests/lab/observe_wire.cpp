// SPDX-License-Identifier: MIT
#include <lab/observe/wire_search.hpp>
#include <support/catch.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using namespace kvmig::lab::observe;

namespace {

constexpr tcp_end kvm01{0xC000020B, 40000};
constexpr tcp_end kvm02{0xC000020C, 49152};

void put(std::vector<std::uint8_t> &out, std::uint64_t value, unsigned size) {
    while (size-- > 0) out.push_back(static_cast<std::uint8_t>(value >> (8 * size)));
}

/// An Ethernet frame with IPv4 and TCP, each with `options` bytes of options.
std::vector<std::uint8_t> frame(std::uint32_t sequence, std::string_view payload,
                                std::uint8_t flags = 0x10, unsigned options = 0) {
    std::vector<std::uint8_t> out(12, 0x52);
    put(out, 0x0800, 2);
    const unsigned head = 20 + options;
    put(out, 0x40U | head / 4, 1);
    put(out, 0, 1);
    put(out, 2 * head + payload.size(), 2);
    put(out, 0x12344000, 4); // any identification; not to be fragmented
    put(out, 0x40060000, 4); // time to live, TCP, no checksum
    put(out, kvm01.address, 4);
    put(out, kvm02.address, 4);
    out.insert(out.end(), options, 1);
    put(out, kvm01.port, 2);
    put(out, kvm02.port, 2);
    put(out, sequence, 4);
    put(out, 0, 4);
    put(out, (head / 4) << 4U, 1);
    put(out, flags, 1);
    put(out, 0, 6);
    out.insert(out.end(), options, 1);
    for (const char c : payload) out.push_back(static_cast<std::uint8_t>(c));
    return out;
}

/// Frames put through parser and search.
class wire {
public:
    explicit wire(std::vector<std::string> markers) : search_(std::move(markers)) {}
    void open(std::uint32_t sequence) { add(frame(sequence, "", 0x02)); }
    void say(std::uint32_t sequence, std::string_view text) { add(frame(sequence, text)); }
    wire_report report() { return search_.report(); }

private:
    void add(const std::vector<std::uint8_t> &bytes) {
        const auto segment = parse_segment(bytes);
        REQUIRE(segment);
        search_.add(*segment);
    }
    wire_search search_;
};

} // namespace

TEST_CASE("A segment is read from its frame, whatever options and padding there are") {
    for (const unsigned options : {0U, 4U, 12U, 40U}) {
        auto bytes = frame(7, "payload", 0x18, options);
        bytes.insert(bytes.end(), 6, 0); // padding to Ethernet's least length
        const auto segment = parse_segment(bytes);
        REQUIRE(segment);
        CHECK(segment->from == kvm01);
        CHECK(segment->to == kvm02);
        CHECK(segment->to.text() == "192.0.2.12:49152");
        CHECK(segment->sequence == 7);
        CHECK_FALSE(segment->opens);
        CHECK(std::string(segment->payload.begin(), segment->payload.end()) == "payload");
    }
    CHECK(parse_segment(frame(0, "", 0x02))->opens);
}

TEST_CASE("What is no whole segment of TCP over IPv4 is nothing") {
    const auto whole = frame(7, "payload");
    for (std::size_t size = 0; size < whole.size(); ++size) {
        INFO(size);
        CHECK_FALSE(parse_segment(std::span{whole}.first(size)));
    }
    const auto changed = [&](std::size_t at, std::uint8_t value) {
        auto bytes = whole;
        bytes[at] = value;
        return parse_segment(bytes).has_value();
    };
    CHECK(changed(0, 0));
    CHECK_FALSE(changed(13, 0x06)); // ARP
    CHECK_FALSE(changed(14, 0x65)); // IPv6
    CHECK_FALSE(changed(14, 0x44)); // a head of 16 bytes
    CHECK_FALSE(changed(20, 0x20)); // more fragments
    CHECK_FALSE(changed(21, 1));    // a later fragment
    CHECK_FALSE(changed(23, 17));   // UDP
    CHECK_FALSE(changed(46, 0x40)); // a TCP head of 16 bytes
    CHECK_FALSE(changed(46, 0xF0)); // one beyond the frame
}

TEST_CASE("A marker is found whole, and across two and more segments") {
    wire on({"MARKER", "other"});
    on.open(99);
    on.say(100, "..MARKER..MAR");
    on.say(113, "K");
    on.say(114, "ERMARKER");
    const auto seen = on.report();
    CHECK(seen.found == std::vector<std::uint64_t>{3, 0});
    CHECK(seen.markers_found() == 1);
    CHECK(seen.carried() == 22);
    CHECK(seen.missing() == 0);
    REQUIRE(seen.streams.size() == 1);
    CHECK(seen.streams[0].begins == "..MARKER..MARKER");
    CHECK(seen.streams[0].from == kvm01);
}

TEST_CASE("Segments out of order, sent again, and overlapping count once") {
    wire on({"MARKER"});
    on.open(0xFFFFFFFD); // and across the end of TCP's numbers
    on.say(0xFFFFFFFE, "aMAR");
    on.say(5, "MARKER");
    on.say(0xFFFFFFFE, "aMAR");
    on.say(0xFFFFFFFF, "MARKER");
    CHECK(on.report().found == std::vector<std::uint64_t>{2});
    CHECK(on.report().carried() == 13);
    CHECK(on.report().missing() == 0);
}

TEST_CASE("Bytes that never come are told, and nothing is found across them") {
    wire on({"MARKER"});
    on.say(1000, "xMAR"); // the connection stood before it was listened to
    on.say(1005, "KER MARKER");
    const auto seen = on.report();
    CHECK(seen.missing() == 1);
    CHECK(seen.carried() == 14);
    CHECK(seen.found == std::vector<std::uint64_t>{1});
}

TEST_CASE("A port that is used again begins a stream anew") {
    wire on({"MARKER"});
    on.open(10);
    on.say(11, "MAR");
    on.open(5000);
    on.say(5001, "KERMARKER");
    const auto seen = on.report();
    CHECK(seen.found == std::vector<std::uint64_t>{1});
    CHECK(seen.carried() == 12);
    CHECK(seen.missing() == 0);
}

TEST_CASE("What waits for lost bytes does not grow without end") {
    wire on({"MARKER"});
    on.open(0);
    const std::string piece(65000, 'x');
    std::uint32_t sequence = 2; // byte 1 is lost
    for (std::size_t sent = 0; sent <= wire_search::most_waiting; sent += piece.size()) {
        on.say(sequence, piece);
        sequence += static_cast<std::uint32_t>(piece.size());
    }
    on.say(sequence, "MARKER");
    const auto seen = on.report();
    CHECK(seen.missing() == 1);
    CHECK(seen.found == std::vector<std::uint64_t>{1});
}
