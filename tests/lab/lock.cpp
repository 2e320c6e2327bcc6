// SPDX-License-Identifier: MIT
#include <lab/topology/lock.hpp>
#include <support/catch.hpp>
#include <support/temporary_directory.hpp>

#include <future>

using namespace kvmig;
using namespace kvmig::lab;

TEST_CASE("a lock tells who holds it, and passes on when it is let go") {
    const test::temporary_directory folder;
    const auto path = folder.path() / "lock";
    std::optional<file_lock> first;
    {
        auto taken =
            file_lock::acquire(path, "first", [](const std::string &) { FAIL("it was free"); }, {});
        REQUIRE(taken);
        first = std::move(*taken);
    }
    CHECK(file_lock::holder(path).find("first (process ") == 0);
    std::promise<std::string> told;
    auto second = std::async(std::launch::async, [&] {
        return file_lock::acquire(path, "second",
                                  [&](const std::string &holder) { told.set_value(holder); }, {});
    });
    CHECK(told.get_future().get().find("first") == 0);
    first.reset();
    const auto got = second.get();
    REQUIRE(got);
    CHECK(file_lock::holder(path).find("second") == 0);
}

TEST_CASE("a wait for a lock ends when it is asked to stop") {
    const test::temporary_directory folder;
    const auto path = folder.path() / "lock";
    const auto held = file_lock::acquire(path, "holder", [](const std::string &) {}, {});
    REQUIRE(held);
    std::stop_source source;
    const auto waited = file_lock::acquire(
        path, "waiter", [&](const std::string &) { source.request_stop(); }, source.get_token());
    REQUIRE_FALSE(waited);
    CHECK(waited.error().kind == error_kind::cancelled);
}

TEST_CASE("a free lock has no holder") {
    const test::temporary_directory folder;
    CHECK(file_lock::holder(folder.path() / "lock").empty());
    {
        REQUIRE(file_lock::acquire(folder.path() / "lock", "gone", [](const std::string &) {}, {}));
    }
    CHECK(file_lock::holder(folder.path() / "lock").empty());
}
