// SPDX-License-Identifier: MIT
// Files that are whole or not there.
#include <lab/topology/files.hpp>
#include <support/catch.hpp>
#include <support/temporary_directory.hpp>

#include <filesystem>

using namespace kvmig;

TEST_CASE("a file is written under a bare name into the folder we are in") {
    const test::temporary_directory folder;
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(folder.path());
    const auto written = lab::write_file("run.json", "whole");
    const auto moved = lab::rename_durably("run.json", "old.json");
    std::filesystem::current_path(before);
    CHECK(written);
    CHECK(moved);
    CHECK(*lab::read_file(folder.path() / "old.json") == "whole");
}
