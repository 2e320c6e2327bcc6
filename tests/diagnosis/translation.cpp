// SPDX-License-Identifier: MIT
#include <diagnosis/support.hpp>

#include <cstdint>
#include <fstream>
#include <iterator>

using namespace kvmig;
using namespace kvmig::diagnosis;
using namespace kvmig::diagnosis::test;

namespace {

/// A compiled catalogue with these messages, in either byte order.
std::string make_mo(const std::vector<std::pair<std::string, std::string>> &messages,
                    bool big_endian = false) {
    const auto word = [&](std::size_t value) {
        std::string bytes;
        for (std::size_t i = 0; i < 4; ++i) {
            const std::size_t shift = (big_endian ? 3 - i : i) * 8;
            bytes += static_cast<char>(value >> shift & 0xFFU);
        }
        return bytes;
    };
    const std::size_t tables = 28;
    const std::size_t strings = tables + messages.size() * 16;
    std::string originals;
    std::string translations;
    std::string data;
    for (const auto &[from, to] : messages) {
        originals += word(from.size()) + word(strings + data.size());
        data += from + '\0';
        translations += word(to.size()) + word(strings + data.size());
        data += to + '\0';
    }
    return word(0x950412DEU) + word(0) + word(messages.size()) + word(tables) +
           word(tables + messages.size() * 8) + word(0) + word(strings) + originals + translations +
           data;
}

translator translating(const std::vector<std::pair<std::string, std::string>> &messages) {
    translator made;
    REQUIRE(made.add(make_mo(messages)));
    made.finish();
    return made;
}

std::string read_file(const std::string &path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace

TEST_CASE("a translated message is led back, its values set in") {
    const translator german = translating(
        {{"unable to connect to server at '%s:%s'", "Verbindung zum Server »%s:%s« gescheitert"},
         {"No route to host", "Keine Route zum Zielrechner"},
         {"error: ", "Fehler: "}});
    const auto line = german.original(
        "Verbindung zum Server »kvm02:49152« gescheitert: Keine Route zum Zielrechner");
    REQUIRE(line);
    CHECK(*line == "unable to connect to server at 'kvm02:49152': No route to host");
    CHECK(first_id(diagnose(*line)) == "KVM-NET-001");
    CHECK_FALSE(german.original("unable to connect to server at 'kvm02:49152'"));
    CHECK_FALSE(german.original("Guten Tag"));
}

TEST_CASE("values go to their places where a language orders them otherwise") {
    const translator backwards = translating(
        {{"domain '%s' already exists with uuid %s", "uuid %2$s gehört schon der Domäne %1$s"},
         {"cannot migrate domain with %1$d snapshots", "%1$d Snapshots verhindern die Migration"}});
    CHECK(backwards.original("uuid 4711 gehört schon der Domäne vm1") ==
          "domain 'vm1' already exists with uuid 4711");
    CHECK(backwards.original("2 Snapshots verhindern die Migration") ==
          "cannot migrate domain with 2 snapshots");
}

TEST_CASE("a catalogue is read in either byte order, with plural forms") {
    for (const bool big_endian : {false, true}) {
        const std::string plural("%d file\0%d files", 16);
        const std::string forms("%d Datei\0%d Dateien", 19);
        const std::string mo = make_mo({{"", "Language: de"}, {plural, forms}}, big_endian);
        const auto messages = parse_mo(mo);
        REQUIRE(messages);
        REQUIRE(messages->size() == 2);
        CHECK((*messages)[0].original == "%d file");
        CHECK((*messages)[1].translation == "%d Dateien");
        CHECK((*messages)[1].original == "%d files");
    }
}

TEST_CASE("a damaged catalogue is an error that says where") {
    const std::string good = make_mo({{"one message", "eine Nachricht"}});
    for (std::size_t size = 0; size < good.size() - 1; ++size) {
        const auto messages = parse_mo(std::string_view(good).substr(0, size));
        INFO("cut to " << size << " bytes");
        REQUIRE_FALSE(messages);
        CHECK(messages.error().kind == error_kind::protocol);
        CHECK(messages.error().what.find("at byte") != std::string::npos);
    }
    CHECK_FALSE(parse_mo(std::string(64, 'x')));
    std::string huge = good;
    huge[8] = huge[9] = huge[10] = '\x7F'; // a count that no file could hold
    CHECK_FALSE(parse_mo(huge));
}

TEST_CASE("formats that cannot be read, or could be anything, are left out") {
    const translator odd = translating({{"%s", "%s"},
                                        {"a %", "ein %"},
                                        {"%s%s is there now", "%s%s ist jetzt da"},
                                        {"short %s", "kurz %s"},
                                        {"100 % of %s", "100 % von %s und mehr"}});
    CHECK_FALSE(odd.original("irgend etwas"));
}

TEST_CASE("libvirt's installed catalogues lead real translations back") {
    struct known {
        std::string_view language, original, id;
        std::vector<std::string> values;
    };
    const std::vector<known> cases = {
        {"zh_CN", "unable to connect to server at '%s:%s'", "KVM-NET-017", {"kvm02", "49152"}},
        {"zh_CN", "domain '%s' already exists with uuid %s", "KVM-IDN-001", {"vm1", "4711-4712"}},
        {"zh_CN", "network '%s' is not active", "KVM-NIC-002", {"default"}},
        {"de", "no domain with matching name '%s'", "KVM-IDN-006", {"vm1"}},
        {"de", "network '%s' is not active", "KVM-NIC-002", {"default"}},
        {"fr", "network '%s' is not active", "KVM-NIC-002", {"default"}}};
    std::size_t tried = 0;
    for (const known &one : cases) {
        const std::string mo =
            read_file("/usr/share/locale/" + std::string(one.language) + "/LC_MESSAGES/libvirt.mo");
        if (mo.empty()) continue;
        const auto messages = parse_mo(mo);
        REQUIRE(messages);
        std::string shown;
        for (const translated_message &message : *messages) {
            if (message.original != one.original) continue;
            const auto parts = detail::parse_format(message.translation);
            REQUIRE(parts);
            for (const auto &part : *parts) {
                shown += part.argument == 0 ? part.literal : one.values[part.argument - 1];
            }
        }
        if (shown.empty()) continue; // this release words it otherwise
        translator language;
        REQUIRE(language.add(mo));
        language.finish();
        INFO(one.language << ": " << shown);
        const auto led = language.original(shown);
        REQUIRE(led);
        CHECK(first_id(diagnose(*led)) == one.id);
        CHECK(first_id(diagnose(shown)).empty());
        ++tried;
    }
    if (tried == 0) WARN("SKIPPED: no catalogue of libvirt is installed (Debian: libvirt-l10n)");
}
