// SPDX-License-Identifier: MIT
// Recorded and documented messages to their causes, look-alikes apart, healthy logs to nothing.
#include <diagnosis/support.hpp>

#include <filesystem>

using namespace kvmig;
using namespace kvmig::diagnosis;
using namespace kvmig::diagnosis::test;

TEST_CASE("every documented message leads to its cause") {
    for (const auto &row : read_rows("documented.tsv")) {
        REQUIRE(row.size() == 2);
        INFO(row[1]);
        CHECK(first_id(diagnose(row[1])) == row[0]);
    }
}

TEST_CASE("what virsh said in the lab's failures leads to the cause that was broken") {
    for (const auto &row : read_rows("recorded.tsv")) {
        REQUIRE(row.size() == 4);
        std::string words;
        for (std::size_t at = 0; at < row[3].size(); ++at) {
            const bool escaped = row[3][at] == '\\' && at + 1 < row[3].size();
            words += escaped && row[3][at + 1] == 'n' ? '\n' : row[3][escaped ? at + 1 : at];
            if (escaped) ++at;
        }
        INFO(row[1] << ", libvirt " << row[2] << ": " << words);
        CHECK(first_id(diagnose(words)) == row[0]);
    }
}

TEST_CASE("every message of the sources leads to its entry, and the others to none") {
    for (const auto &row : read_rows("messages.tsv")) {
        REQUIRE(row.size() == 5);
        INFO(row[1] << ' ' << row[2] << ' ' << row[3] << ": " << row[4]);
        CHECK(first_id(diagnose(row[4])) == (row[0] == "-" ? "" : row[0]));
    }
}

TEST_CASE("messages that look alike are told apart") {
    for (const auto &row : read_rows("lookalikes.tsv")) {
        REQUIRE(row.size() == 2);
        INFO(row[1]);
        const report found = diagnose(row[1]);
        CHECK(first_id(found) == row[0]);
        CHECK(found.causes.size() == 1);
    }
}

TEST_CASE("healthy logs lead to nothing") {
    std::size_t files = 0;
    for (const auto &file : std::filesystem::directory_iterator(corpus_path("noise"))) {
        const std::string name = file.path().filename().string();
        std::string text = read_corpus("noise/" + name);
        INFO(name);
        CHECK(ids(diagnose(text)) == "");
        // As one long journal, beyond what is searched for wrapped messages.
        std::string longer;
        while (longer.size() <= wrap_limit) longer += text;
        CHECK(ids(diagnose(longer)) == "");
        ++files;
    }
    CHECK(files >= 5);
}

TEST_CASE("a failure is found in the middle of a healthy log, with its line") {
    std::string log;
    while (log.size() <= wrap_limit) log += read_corpus("noise/virtqemud-journal.log");
    const auto lines = static_cast<std::size_t>(std::count(log.begin(), log.end(), '\n'));
    const std::string after = log;
    log += "May 20 10:06:00 kvm01 libvirtd[901]: unable to connect to server at 'kvm02:49152': No "
           "route to host\n";
    log += after;
    const report found = diagnose(log);
    REQUIRE(ids(found) == "KVM-NET-001");
    CHECK(found.causes[0].seen == 1);
    CHECK(found.causes[0].evidence[0].line == lines + 1);
    CHECK(log.substr(found.causes[0].evidence[0].offset, 17) == "unable to connect");
}
