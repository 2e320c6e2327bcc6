// SPDX-License-Identifier: MIT
// What the tests of the journal share: a place for it, a record, and transitions.
#pragma once

#include <kvmig/migration/machine.hpp>
#include <kvmig/ports/journal.hpp>
#include <support/catch.hpp>
#include <support/temporary_directory.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <vector>

namespace kvmig::test {

/// A folder of its own for a test, gone when it ends.
class scratch {
public:
    [[nodiscard]] const std::filesystem::path &path() const { return at_.path(); }
    [[nodiscard]] std::filesystem::path journal() const {
        return path() / "state" / "journal.sqlite";
    }

private:
    test::temporary_directory at_;
};

inline ports::utc_time moment(std::int64_t ns) {
    return ports::utc_time(std::chrono::nanoseconds(ns));
}

inline ports::migration_record record(std::uint8_t last_byte = 1) {
    ports::migration_record out;
    out.before.kind = migration::kind::block;
    out.before.undefine_source = true;
    out.domain = "vm'1 \"ä\" ; --";
    std::array<std::uint8_t, 16> raw{};
    raw[15] = last_byte;
    out.domain_uuid = uuid(raw);
    out.source_uri = "qemu+ssh://kvm01.example/system";
    out.destination_uri = "qemu+ssh://kvm02.example/system";
    out.options = "live persist_dest\nbandwidth=20";
    out.detail = std::string("with\0a zero", 11);
    out.opened = moment(1'700'000'000'123'456'789);
    return out;
}

/// The transitions that these events lead to.
inline std::vector<ports::journal_entry> entries(migration::kind k,
                                                 std::initializer_list<migration::event> events) {
    migration::machine m(k);
    std::vector<ports::journal_entry> out;
    std::int64_t at = 1'700'000'001'000'000'000;
    for (const migration::event e : events) {
        const auto t = m.step(e);
        REQUIRE(t);
        out.push_back({*t, moment(++at), "because of " + std::string(to_string(e))});
    }
    return out;
}

inline constexpr std::initializer_list<migration::event> whole_move = {
    migration::event::prepare_requested, migration::event::move_requested,
    migration::event::disk_phase,        migration::event::memory_phase,
    migration::event::guest_stopped,     migration::event::job_completed,
    migration::event::source_released};

} // namespace kvmig::test
