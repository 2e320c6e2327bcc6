// SPDX-License-Identifier: MIT
#include <kvmig/run/local_worker.hpp>
#include <support/catch.hpp>

#include <cstddef>
#include <future>
#include <memory>
#include <poll.h>
#include <thread>
#include <vector>

using namespace kvmig;
using run::local_worker;

namespace {

/// Serves until nothing is under way.
void serve_all(local_worker &worker) {
    while (auto wanted = worker.wanted()) {
        REQUIRE(::poll(&*wanted, 1, 60'000) == 1); // a watchdog
        worker.serve();
    }
}

} // namespace

TEST_CASE("local work is done elsewhere, in order, and called back here") {
    local_worker worker;
    CHECK_FALSE(worker.wanted());
    const auto here = std::this_thread::get_id();
    std::vector<std::thread::id> done_in;
    std::vector<std::size_t> told;
    bool all_here = true;
    for (std::size_t i = 1; i <= 100; ++i) {
        const auto submitted = worker.submit(
            [&, i]() -> expected<std::size_t> {
                done_in.push_back(std::this_thread::get_id());
                if (i == 50) return fail(error_kind::io, "the disk is gone");
                return i;
            },
            [&](expected<std::size_t> end) {
                all_here = all_here && std::this_thread::get_id() == here;
                told.push_back(end ? *end : 0);
            });
        REQUIRE(submitted);
    }
    serve_all(worker);
    CHECK(all_here);
    REQUIRE(told.size() == 100);
    for (std::size_t i = 0; i < told.size(); ++i) CHECK(told[i] == (i == 49 ? 0 : i + 1));
    for (const auto &each : done_in) CHECK((each == done_in.front() && each != here));
    // Once more, after it was idle.
    REQUIRE(worker.submit([] { return expected<std::size_t>(7); },
                          [&](expected<std::size_t> end) { told.push_back(*end); }));
    serve_all(worker);
    CHECK(told.back() == 7);
}

TEST_CASE("what has begun is waited for, the rest is dropped, and nobody is called back") {
    const auto alive = std::make_shared<int>(0);
    int calls = 0;
    int begun = 0;
    std::promise<void> first_begun;
    std::promise<void> go_on;
    auto worker = std::make_unique<local_worker>();
    const auto submit = [&](local_worker::work act) {
        REQUIRE(worker->submit(std::move(act),
                               [&calls, alive](const expected<std::size_t> &) { ++calls; }));
    };
    submit([&]() -> expected<std::size_t> {
        ++begun;
        first_begun.set_value();
        go_on.get_future().wait();
        return 1;
    });
    first_begun.get_future().wait();
    {
        // The first ends once the others have been dropped.
        const std::shared_ptr<int> dropped(new int, [&go_on](const int *it) {
            delete it;
            go_on.set_value();
        });
        for (int i = 0; i < 9; ++i) {
            submit([&begun, dropped]() -> expected<std::size_t> {
                ++begun;
                return 1;
            });
        }
    }
    const bool settled = GENERATE(true, false);
    if (settled) {
        worker->settle();
        CHECK_FALSE(worker->wanted());
        worker->serve();
        CHECK(alive.use_count() == 1);
        // And works on.
        submit([] { return expected<std::size_t>(1); });
        serve_all(*worker);
        CHECK(calls == 1);
    }
    worker.reset();
    CHECK(begun == 1);
    CHECK(calls == (settled ? 1 : 0));
    CHECK(alive.use_count() == 1);
}
