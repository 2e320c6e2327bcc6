// SPDX-License-Identifier: MIT
#include <lab/image/cache.hpp>
#include <lab/topology/files.hpp>
#include <support/catch.hpp>
#include <support/temporary_directory.hpp>

using namespace kvmig;
using namespace kvmig::lab;

namespace {

/// A builder that writes one file and counts its calls.
struct counting_builder {
    int calls = 0;
    entry_builder function() {
        return [this](const std::filesystem::path &directory) {
            ++calls;
            return write_file(directory / "content", "whole");
        };
    }
};

const std::string digest(64, 'a');

} // namespace

TEST_CASE("an entry is made once") {
    const test::temporary_directory folder;
    counting_builder builder;
    const auto first = cached(folder.path(), "thing", digest, builder.function(), {});
    const auto second = cached(folder.path(), "thing", digest, builder.function(), {});
    REQUIRE(first);
    CHECK(second == first);
    CHECK(builder.calls == 1);
    CHECK(read_file(*first / "content") == "whole");
}

TEST_CASE("an entry whose file was cut short is made anew") {
    const test::temporary_directory folder;
    counting_builder builder;
    const auto entry = cached(folder.path(), "thing", digest, builder.function(), {});
    REQUIRE(entry);
    std::filesystem::resize_file(*entry / "content", 2);
    CHECK_FALSE(is_whole(*entry));
    REQUIRE(cached(folder.path(), "thing", digest, builder.function(), {}));
    CHECK(builder.calls == 2);
    CHECK(read_file(*entry / "content") == "whole");
}

TEST_CASE("what a killed build left behind is no entry, and is swept") {
    const test::temporary_directory folder;
    const auto left = folder.path() / ".thing-0123456789abcdef.1";
    REQUIRE(make_directory(left));
    REQUIRE(write_file(left / "content", "half"));
    counting_builder builder;
    REQUIRE(cached(folder.path(), "thing", digest, builder.function(), {}));
    CHECK(builder.calls == 1);
    CHECK_FALSE(std::filesystem::exists(left));
}

TEST_CASE("a build that fails leaves nothing and tells why") {
    const test::temporary_directory folder;
    const auto entry =
        cached(folder.path(), "thing", digest,
               [](const std::filesystem::path &directory) -> expected<void> {
                   if (auto written = write_file(directory / "content", "half"); !written)
                       return written;
                   return fail(error_kind::io, "No space left on device");
               },
               {});
    REQUIRE_FALSE(entry);
    CHECK(entry.error().what == "No space left on device");
    for (const auto &left : std::filesystem::directory_iterator{folder.path()}) {
        CHECK(left.path().filename() == "thing.lock");
    }
}

TEST_CASE("a digest tells pieces apart that join to the same text") {
    CHECK(digest_of({"ab", "c"}) != digest_of({"a", "bc"}));
    CHECK(digest_of({"abc"}) != digest_of({"abc", ""}));
    // FIPS 180-2, "abc", as a file.
    const test::temporary_directory folder;
    REQUIRE(write_file(folder.path() / "abc", "abc"));
    CHECK(digest_of_file(folder.path() / "abc") ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("pruning takes old entries of one kind, and keeps what is used") {
    const test::temporary_directory folder;
    const auto make = [&](const std::string &name) {
        REQUIRE(make_directory(folder.path() / name));
        return folder.path() / name;
    };
    const auto used = make("image-x-0123456789abcdef");
    const auto unused = make("image-x-fedcba9876543210");
    const auto other = make("image-x-y-0123456789abcdef");
    REQUIRE(prune(folder.path(), "image-x", {used}, std::chrono::hours{1}));
    CHECK(std::filesystem::exists(unused)); // still young
    REQUIRE(prune(folder.path(), "image-x", {used}, std::chrono::seconds{0}));
    CHECK_FALSE(std::filesystem::exists(unused));
    CHECK(std::filesystem::exists(used));
    CHECK(std::filesystem::exists(other));
}
