// SPDX-License-Identifier: MIT
#include <lab/guest/disk_block.hpp>
#include <lab/guest/disk_store.hpp>
#include <support/catch.hpp>
#include <support/temporary_directory.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

using namespace kvmig;
using namespace kvmig::lab::guest;

namespace {

const uuid first_boot = *uuid::parse("11111111-1111-4111-8111-111111111111");
const uuid second_boot = *uuid::parse("22222222-2222-4222-8222-222222222222");

/// A disk of `blocks` zeroed blocks in a file that is gone afterwards.
class disk_file {
public:
    explicit disk_file(std::uint64_t blocks) {
        std::ofstream{path_};
        std::filesystem::resize_file(path_, blocks * page_bytes);
    }

    [[nodiscard]] std::string path() const { return path_.string(); }
    [[nodiscard]] disk_store open(const uuid &boot, bytes offset = {},
                                  bytes size = bytes::gib(1)) const {
        auto store = disk_store::open(path(), offset, size, boot);
        INFO((store ? std::string{} : describe(store.error())));
        REQUIRE(store);
        return std::move(*store);
    }
    [[nodiscard]] std::vector<char> read(std::uint64_t block) const {
        std::vector<char> content(page_bytes);
        std::ifstream file{path_, std::ios::binary};
        file.seekg(static_cast<std::streamoff>(block * page_bytes));
        file.read(content.data(), page_bytes);
        return content;
    }
    void write(std::uint64_t block, const std::vector<char> &content) const {
        std::fstream file{path_, std::ios::binary | std::ios::in | std::ios::out};
        file.seekp(static_cast<std::streamoff>(block * page_bytes));
        file.write(content.data(), static_cast<std::streamsize>(content.size()));
    }

private:
    kvmig::test::temporary_directory folder_;
    std::filesystem::path path_ = folder_.path() / "disk";
};

disk_verdict check_all(disk_store &store) {
    disk_verdict verdict;
    for (std::uint64_t first = 0; first < store.size(); first += disk_store::batch) {
        REQUIRE(store.check(first, std::min(disk_store::batch, store.size() - first), verdict));
    }
    return verdict;
}

std::array<std::uint64_t, page_words> block_of(const block_stamp &stamp) {
    std::array<std::uint64_t, page_words> words{};
    encode_block(stamp, words);
    return words;
}

} // namespace

TEST_CASE("A block tells its index, its generation and the boot that wrote it") {
    const block_stamp stamp{77, 3, first_boot};
    const auto reading = decode_block(block_of(stamp));
    CHECK(reading.state == block_state::intact);
    CHECK(reading.stamp == stamp);
}

TEST_CASE("One flipped bit anywhere in a block shows") {
    const auto good = block_of({5, 1, first_boot});
    // The magic gone, the block is no agent's any more; all else is damage.
    for (std::size_t word = 0; word < page_words; ++word) {
        auto block = good;
        block[word] ^= std::uint64_t{1} << (word % 64);
        CHECK(decode_block(block).state ==
              (word == 0 ? block_state::foreign : block_state::damaged));
    }
}

TEST_CASE("Zeroes are a blank block, anything else without the mark a foreign one") {
    std::array<std::uint64_t, page_words> block{};
    CHECK(decode_block(block).state == block_state::blank);
    block.back() = 1;
    CHECK(decode_block(block).state == block_state::foreign);
}

TEST_CASE("A fresh disk is blank, and what is written on it is current") {
    const disk_file file{10};
    auto store = file.open(first_boot);
    CHECK(store.size() == 10);
    disk_verdict blank = check_all(store);
    CHECK(blank.blank == 10);
    CHECK(blank.good());

    REQUIRE(store.write(2, 3));
    REQUIRE(store.write(4, 1));
    const disk_verdict verdict = check_all(store);
    CHECK(verdict.checked == 10);
    CHECK(verdict.current == 3);
    CHECK(verdict.blank == 7);
    CHECK(verdict.good());
    CHECK(store.writes() == 4);
    CHECK(verdict.digest != blank.digest);
}

TEST_CASE("A damaged block is bad, whoever damaged it") {
    const disk_file file{8};
    auto store = file.open(first_boot);
    REQUIRE(store.write(0, 8));
    REQUIRE(store.damage(5));
    const disk_verdict verdict = check_all(store);
    CHECK(verdict.bad == 1);
    CHECK(verdict.first_bad == std::vector<std::uint64_t>{5});
    CHECK_FALSE(verdict.good());
}

TEST_CASE("A block that is as it was before the last write is bad") {
    const disk_file file{4};
    auto store = file.open(first_boot);
    REQUIRE(store.write(0, 4));
    REQUIRE(store.sync());
    const auto before = file.read(1);
    REQUIRE(store.write(0, 4));
    REQUIRE(store.sync());
    file.write(1, before);
    CHECK(check_all(store).first_bad == std::vector<std::uint64_t>{1});
}

TEST_CASE("A written block that is zeroes, another's, or in the wrong place is bad") {
    const disk_file file{6};
    auto store = file.open(first_boot);
    REQUIRE(store.write(0, 6));
    REQUIRE(store.sync());
    file.write(1, std::vector<char>(page_bytes, '\0'));
    file.write(2, std::vector<char>(page_bytes, 'x'));
    file.write(3, file.read(4));
    CHECK(check_all(store).first_bad == std::vector<std::uint64_t>{1, 2, 3});
}

TEST_CASE("A block in the wrong place is bad even where nothing was written in this boot") {
    const disk_file file{6};
    {
        auto store = file.open(first_boot);
        REQUIRE(store.write(0, 3));
        REQUIRE(store.sync());
    }
    file.write(5, file.read(0));
    auto store = file.open(second_boot);
    const disk_verdict verdict = check_all(store);
    CHECK(verdict.first_bad == std::vector<std::uint64_t>{5});
    CHECK(verdict.earlier == 3);
}

TEST_CASE("Blocks of this very boot that this boot never wrote are bad") {
    const disk_file file{2};
    {
        auto store = file.open(first_boot);
        REQUIRE(store.write(0, 1));
        REQUIRE(store.sync());
    }
    auto store = file.open(first_boot);
    CHECK(check_all(store).first_bad == std::vector<std::uint64_t>{0});
}

TEST_CASE("After a reboot the same blocks have the same digest, and are an earlier boot's") {
    const disk_file file{100};
    std::uint64_t digest = 0;
    {
        auto store = file.open(first_boot);
        REQUIRE(store.write(0, 64));
        REQUIRE(store.write(10, 20));
        REQUIRE(store.sync());
        digest = check_all(store).digest;
    }
    auto store = file.open(second_boot);
    const disk_verdict after = check_all(store);
    CHECK(after.good());
    CHECK(after.earlier == 64);
    CHECK(after.blank == 36);
    CHECK(after.digest == digest);

    SECTION("and a block that vanished changes the digest, though nothing is bad") {
        file.write(63, std::vector<char>(page_bytes, '\0'));
        const disk_verdict verdict = check_all(store);
        CHECK(verdict.bad == 0);
        CHECK(verdict.digest != digest);
    }
    SECTION("and what the new boot writes over them is current") {
        REQUIRE(store.write(0, 10));
        const disk_verdict verdict = check_all(store);
        CHECK(verdict.good());
        CHECK(verdict.current == 10);
        CHECK(verdict.earlier == 54);
    }
}

TEST_CASE("The pattern keeps to its range of the disk") {
    const disk_file file{1024};
    const std::vector<char> neighbour(page_bytes, 'n');
    file.write(255, neighbour);
    file.write(512, neighbour);
    auto store = file.open(first_boot, bytes::mib(1), bytes::mib(1));
    CHECK(store.size() == 256);
    for (std::uint64_t first = 0; first < 256; first += disk_store::batch) {
        REQUIRE(store.write(first, disk_store::batch));
    }
    REQUIRE(store.sync());
    CHECK(check_all(store).current == 256);
    CHECK(file.read(255) == neighbour);
    CHECK(file.read(512) == neighbour);
    CHECK(file.read(256) != std::vector<char>(page_bytes, '\0'));
}

TEST_CASE("A disk that is too small or not there is an error that names it") {
    const disk_file file{3};
    const auto small = disk_store::open(file.path(), bytes::mib(1), bytes::mib(1), first_boot);
    REQUIRE_FALSE(small);
    CHECK(small.error().kind == error_kind::invalid_argument);
    CHECK(small.error().object == file.path());
    const auto missing = disk_store::open(file.path() + ".none", {}, bytes::mib(1), first_boot);
    REQUIRE_FALSE(missing);
    CHECK(missing.error().kind == error_kind::not_found);
    CHECK(missing.error().object == file.path() + ".none");
}

TEST_CASE("A write that failed leaves it open whether the block is old or new") {
    const disk_file file{4};
    auto store = file.open(first_boot);
    REQUIRE(store.write(0, 4));
    REQUIRE(store.sync());
    const auto old = file.read(3);
    // The file ends where it ended, and the limit forbids to write a byte beyond block 2.
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    rlimit tight = before;
    tight.rlim_cur = 3 * page_bytes;
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &tight) == 0);
    const auto failed = store.write(3, 1);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    std::signal(SIGXFSZ, handler);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().kind == error_kind::io);
    CHECK(failed.error().system == EFBIG);

    CHECK(check_all(store).good()); // the old content
    std::array<std::uint64_t, page_words> words = block_of({3, 2, first_boot});
    std::vector<char> tried(page_bytes);
    std::memcpy(tried.data(), words.data(), page_bytes);
    file.write(3, tried);
    CHECK(check_all(store).good()); // the new one
    words = block_of({3, 3, first_boot});
    std::memcpy(tried.data(), words.data(), page_bytes);
    file.write(3, tried);
    CHECK(check_all(store).bad == 1); // one that was never tried

    REQUIRE(store.write(3, 1)); // generation 3, since 2 may have been used
    CHECK(check_all(store).good());
    file.write(3, old);
    CHECK(check_all(store).bad == 1);
}
