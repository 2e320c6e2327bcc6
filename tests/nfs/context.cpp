// SPDX-License-Identifier: MIT
#include <kvmig/model/nfs_url.hpp>
#include <kvmig/nfs/context.hpp>
#include <kvmig/nfs/exports.hpp>
#include <kvmig/nfs/file.hpp>
#include <support/nfs_server.hpp>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <poll.h>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <sys/mount.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace kvmig;
using kvmig::test::nfs_server;

namespace {

template <class T> T must(expected<T> value) {
    if (!value) FAIL(describe(value.error()));
    return std::move(*value);
}
void must(const expected<void> &value) {
    if (!value) FAIL(describe(value.error()));
}

nfs::context connect(const std::string &url, nfs::connect_options options = {}) {
    return must(nfs::context::connect(must(model::parse_nfs_url(url)), options));
}

std::string text_of(const std::filesystem::path &path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::span<const std::byte> as_bytes(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}

} // namespace

TEST_CASE("an export is mounted, and its files are seen as the server has them") {
    KVMIG_NEEDS_NFS_SERVER();
    const nfs_server server;
    std::ofstream(server.data() / "b") << "twelve bytes";
    std::filesystem::create_directory(server.data() / "a");
    std::filesystem::permissions(server.data() / "b", std::filesystem::perms(0640));
    REQUIRE(::chown((server.data() / "b").c_str(), 107, 64055) == 0);

    const auto nfs = connect(server.url("b"));
    CHECK(nfs.mounted() == server.data().string());
    CHECK(nfs.is_listed());
    CHECK(nfs.piece() == bytes::mib(1));

    struct stat real {};
    REQUIRE(::stat((server.data() / "b").c_str(), &real) == 0);
    const auto seen = must(nfs.stat(server.path("b")));
    CHECK(seen.is_file());
    CHECK(seen.mode == real.st_mode);
    CHECK(seen.size == bytes{12});
    CHECK(seen.uid == 107);
    CHECK(seen.gid == 64055);
    CHECK(seen.inode == real.st_ino);
    CHECK(seen.modified == real.st_mtim.tv_sec * 1'000'000'000 + real.st_mtim.tv_nsec);

    const auto names = must(nfs.list(server.data().string()));
    REQUIRE(names.size() == 2);
    CHECK(names[0].name == "a");
    CHECK(names[0].about.is_folder());
    CHECK(names[1].name == "b");
    CHECK(names[1].about.size == bytes{12});
    CHECK(must(nfs.free_room(server.data().string())).available > bytes{0});
}

TEST_CASE("files are made, written, synced, renamed, owned and removed") {
    KVMIG_NEEDS_NFS_SERVER();
    const nfs_server server;
    const auto nfs = connect(server.url());
    const std::string path = server.path("new");

    auto file = must(nfs::file::open(nfs, path, nfs::open_for::creating, 0644));
    must(file.write(0, as_bytes("hello")));
    must(file.write(100'000, as_bytes("far")));
    must(file.sync());
    must(file.close());
    const std::string text = text_of(path);
    REQUIRE(text.size() == 100'003);
    CHECK(text.substr(0, 5) == "hello");
    CHECK(text.substr(100'000) == "far");
    CHECK((must(nfs.stat(path)).mode & 07777U) == 0644);

    must(nfs.set_mode(path, 0600));
    must(nfs.set_owner(path, 107, 64055));
    must(nfs.set_size(path, bytes{5}));
    const auto after = must(nfs.stat(path));
    CHECK((after.mode & 07777U) == 0600);
    CHECK(after.uid == 107);
    CHECK(after.size == bytes{5});

    must(nfs.link(path, server.path("second")));
    CHECK(must(nfs.stat(path)).links == 2);
    const auto taken = nfs.link(path, server.path("second"));
    REQUIRE_FALSE(taken);
    CHECK(taken.error().kind == error_kind::conflict);
    CHECK(taken.error().system == EEXIST);

    must(nfs.rename(path, server.path("third")));
    must(nfs.remove(server.path("second")));
    const auto left = must(nfs.list(server.data().string()));
    REQUIRE(left.size() == 1);
    CHECK(left[0].name == "third");
    CHECK(text_of(server.data() / "third") == "hello");

    must(nfs.make_folder(server.path("folder")));
    CHECK(must(nfs.stat(server.path("folder"))).is_folder());
    must(nfs.remove_folder(server.path("folder")));
}

TEST_CASE("a read ends at the end of the file; a write of many pieces is whole") {
    KVMIG_NEEDS_NFS_SERVER();
    const nfs_server server;
    const auto nfs = connect(server.url());
    std::string text(5'000'001, '\0');
    for (std::size_t i = 0; i < text.size(); ++i)
        text[i] = static_cast<char>(i * 2654435761U >> 13U);

    auto file = must(nfs::file::open(nfs, server.path("big"), nfs::open_for::creating));
    must(file.write(0, as_bytes(text)));
    must(file.close());
    CHECK(text_of(server.data() / "big") == text);

    auto again = must(nfs::file::open(nfs, server.path("big"), nfs::open_for::reading));
    std::string got(6'000'000, 'x');
    const auto count =
        must(again.read(1, std::as_writable_bytes(std::span(got.data(), got.size()))));
    CHECK(count == text.size() - 1);
    CHECK(got.substr(0, count) == text.substr(1));
    CHECK(must(again.read(text.size(), std::as_writable_bytes(std::span(got.data(), 10)))) == 0);
}

TEST_CASE("errors name the file, the server and the protocol's status") {
    KVMIG_NEEDS_NFS_SERVER();
    const kvmig::test::temporary_directory readonly;
    std::ofstream(readonly.path() / "there") << "x";
    const kvmig::test::temporary_directory squashed;
    std::ofstream(squashed.path() / "secret") << "x";
    std::filesystem::permissions(squashed.path() / "secret", std::filesystem::perms(0600));
    std::filesystem::permissions(squashed.path(), std::filesystem::perms(0755));
    nfs_server server({{readonly.path(), "/readonly", "RO"},
                       {squashed.path(), "/squashed", "RW", "Root_Squash"}});
    const auto nfs = connect(server.url());

    const auto missing = nfs.stat(server.path("nothing"));
    REQUIRE_FALSE(missing);
    CHECK(missing.error().kind == error_kind::not_found);
    CHECK(missing.error().object == server.path("nothing"));
    CHECK(missing.error().host == nfs_server::address);
    CHECK(missing.error().system == ENOENT);
    CHECK(missing.error().what.find("NFS3ERR_NOENT") != std::string::npos);

    std::ofstream(server.data() / "there") << "x";
    const auto taken = nfs::file::open(nfs, server.path("there"), nfs::open_for::creating);
    REQUIRE_FALSE(taken);
    CHECK(taken.error().kind == error_kind::conflict);

    const auto outside = nfs.stat("/etc/passwd");
    REQUIRE_FALSE(outside);
    CHECK(outside.error().kind == error_kind::invalid_argument);
    CHECK(outside.error().what.find(server.data().string()) != std::string::npos);

    const auto ro = connect("nfs://192.0.2.1" + readonly.path().string());
    const auto refused =
        nfs::file::open(ro, (readonly.path() / "new").string(), nfs::open_for::creating);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().system == EROFS);
    CHECK(refused.error().kind == error_kind::refused);
    CHECK(refused.error().remedy.find("exportfs") != std::string::npos);

    const auto squash = connect("nfs://192.0.2.1" + squashed.path().string());
    const std::string secret = (squashed.path() / "secret").string();
    auto denied = nfs::file::open(squash, secret, nfs::open_for::reading);
    REQUIRE_FALSE(denied);
    CHECK(denied.error().system == EACCES);
    CHECK(denied.error().remedy.find("root_squash") != std::string::npos);

    SECTION("a file that is gone is stale") {
        auto open = must(nfs::file::open(nfs, server.path("there"), nfs::open_for::reading));
        std::filesystem::remove(server.data() / "there");
        std::byte one{};
        const auto stale = open.read(0, std::span(&one, 1));
        REQUIRE_FALSE(stale);
        CHECK(stale.error().system == ESTALE);
        CHECK(stale.error().what.find("NFS3ERR_STALE") != std::string::npos);
        CHECK(stale.error().remedy.find("fsid=") != std::string::npos);
    }
}

TEST_CASE("a full file system is told by its name, from a pipelined write too") {
    KVMIG_NEEDS_NFS_SERVER();
    kvmig::test::enter_nfs_namespace();
    const kvmig::test::temporary_directory folder;
    REQUIRE(::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=2m,mode=777") == 0);
    {
        nfs_server server({{folder.path(), "/small"}});
        const auto nfs = connect("nfs://192.0.2.1" + folder.path().string());
        auto file =
            must(nfs::file::open(nfs, (folder.path() / "big").string(), nfs::open_for::creating));
        const std::vector<std::byte> block(bytes::mib(1).count(), std::byte{7});
        std::vector<expected<std::size_t>> ends;
        for (std::uint64_t i = 0; i < 4; ++i) {
            must(file.start_write(i * block.size(), block,
                                  [&](expected<std::size_t> end) { ends.push_back(end); }));
        }
        must(nfs.connection().wait([&] { return ends.size() == 4; }));
        std::size_t full = 0;
        for (const auto &end : ends) {
            if (end) continue;
            ++full;
            CHECK(end.error().system == ENOSPC);
            CHECK(end.error().what.find("at byte ") != std::string::npos);
        }
        CHECK(full >= 2);
    }
    CHECK(::umount2(folder.path().c_str(), MNT_DETACH) == 0);
}

TEST_CASE("a server that stops answering ends in an error, and so does every later call") {
    KVMIG_NEEDS_NFS_SERVER();
    nfs_server server;
    std::ofstream(server.data() / "file") << "x";
    nfs::connect_options options;
    options.patience = std::chrono::seconds(1);
    const auto nfs = connect(server.url(), options);
    auto file = must(nfs::file::open(nfs, server.path("file"), nfs::open_for::reading));
    server.process().stop();

    std::byte one{};
    const auto silent = file.read(0, std::span(&one, 1));
    REQUIRE_FALSE(silent);
    CHECK(silent.error().kind == error_kind::timed_out);
    CHECK(silent.error().object == server.path("file"));
    CHECK(silent.error().what.find("no answer for 1 s") != std::string::npos);
    server.process().go_on();

    const auto later = nfs.stat(server.path("file"));
    REQUIRE_FALSE(later);
    CHECK(later.error().kind == error_kind::timed_out);
    // A new connection does.
    CHECK(must(connect(server.url()).stat(server.path("file"))).size == bytes{1});

    SECTION("while connecting, too") {
        server.process().stop();
        const auto url = must(model::parse_nfs_url(server.url()));
        const auto never = nfs::context::connect(url, options);
        server.process().go_on();
        REQUIRE_FALSE(never);
        CHECK(never.error().kind == error_kind::timed_out);
        CHECK(never.error().remedy.find("showmount -e 192.0.2.1") != std::string::npos);
    }
}

TEST_CASE("a server that dies is told at once, without a signal") {
    KVMIG_NEEDS_NFS_SERVER();
    nfs_server server;
    const auto nfs = connect(server.url());
    auto file = must(nfs::file::open(nfs, server.path("f"), nfs::open_for::creating));
    must(file.write(0, as_bytes("x")));
    server.process().end();
    for (int i = 0; i < 3; ++i) {
        const auto gone = file.write(0, as_bytes("y"));
        REQUIRE_FALSE(gone);
        CHECK(gone.error().kind == error_kind::unreachable);
    }
    const auto closed = file.close();
    REQUIRE_FALSE(closed);
    CHECK(closed.error().kind == error_kind::unreachable);

    const auto url = must(model::parse_nfs_url(server.url()));
    const auto refused = nfs::context::connect(url);
    REQUIRE_FALSE(refused);
    server.start();
    CHECK(must(connect(server.url()).stat(server.path("f"))).is_file());
}

TEST_CASE("a connection that is lost is not told by an answer of before") {
    KVMIG_NEEDS_NFS_SERVER();
    nfs_server server;
    const auto nfs = connect(server.url());
    auto file = must(nfs::file::open(nfs, server.path("f"), nfs::open_for::creating));
    must(file.write(0, as_bytes("x")));
    // libnfs keeps this text until the next status of NFS.
    REQUIRE(nfs.stat(server.path("missing")).error().kind == error_kind::not_found);
    server.process().end();
    std::optional<error> gone;
    SECTION("of a commit") { gone = file.sync().error(); }
    SECTION("of a write") { gone = file.write(0, as_bytes("y")).error(); }
    SECTION("of a new size") { gone = file.set_size(bytes{9}).error(); }
    SECTION("of a read") {
        std::byte one{};
        gone = file.read(0, std::span(&one, 1)).error();
    }
    SECTION("of reads and writes under way") {
        std::byte one{};
        std::size_t told = 0;
        const auto keep = [&](expected<std::size_t> end) {
            ++told;
            REQUIRE_FALSE(end);
            CHECK(end.error().kind == error_kind::unreachable);
            gone = std::move(end).error();
        };
        must(file.start_write(0, as_bytes("y"), keep));
        must(file.start_read(0, std::span(&one, 1), keep));
        must(file.start_write(0, as_bytes("z"), keep));
        while (!file.connection().lost()) {
            pollfd waits = file.connection().wanted();
            REQUIRE(::poll(&waits, 1, 60'000) == 1);
            static_cast<void>(file.connection().service(waits.revents));
        }
        CHECK(told == 3);
    }
    REQUIRE(gone);
    INFO(describe(*gone));
    CHECK(gone->kind == error_kind::unreachable);
    CHECK(gone->object == server.path("f"));
    CHECK(gone->what.find("NOENT") == std::string::npos);
    server.start();
    CHECK(must(connect(server.url()).stat(server.path("f"))).is_file());
}

TEST_CASE("a server that asks for patience after its start is asked again") {
    KVMIG_NEEDS_NFS_SERVER();
    using other_server = test::other_nfs_server;
    const other_server server(other_server::grace::of_8_seconds);
    std::stop_source enough;
    auto on = connect("nfs://" + std::string(other_server::address) + server.data().string(),
                      {.waits_until = enough.get_token()});
    auto file =
        must(nfs::file::open(on, (server.data() / "file").string(), nfs::open_for::creating));
    // Not before something was seen of it: begun once, the call is refused.
    const auto once = [&] {
        std::optional<nfs::answer_text> refused;
        bool done = false;
        must(on.connection().start(
            [&](nfs_context *nfs, nfs_cb cb, void *about) {
                return ::nfs_truncate_async(nfs, "/file", 4, cb, about);
            },
            [&](int status, void *, const nfs::answer_text &failed) {
                done = true;
                if (status < 0) refused = failed;
            }));
        must(on.connection().wait([&done] { return done; }));
        return refused;
    };
    const auto refused = once();
    REQUIRE(refused);
    CHECK(nfs::asks_for_patience(*refused));
    CHECK(nfs::failure("x", "y", "z", *refused).kind == error_kind::unreachable);

    SECTION("until it is ready") {
        must(file.set_size(bytes{5}));
        CHECK(std::filesystem::file_size(server.data() / "file") == 5);
        CHECK_FALSE(once());
    }
    SECTION("but not once its owner wants to stop") {
        enough.request_stop();
        const auto refused_still = file.set_size(bytes{5});
        REQUIRE_FALSE(refused_still);
        CHECK(refused_still.error().what.find("NFS3ERR_JUKEBOX") != std::string::npos);
        CHECK_FALSE(on.connection().lost());
    }
    SECTION("but not by who was told to stop") {
        std::stop_source stop;
        stop.request_stop();
        const auto stopped = file.write(0, as_bytes("data"), stop.get_token());
        REQUIRE_FALSE(stopped);
        CHECK(stopped.error().kind == error_kind::cancelled);
    }
}

TEST_CASE("what is asked to stop stops, and says so") {
    KVMIG_NEEDS_NFS_SERVER();
    nfs_server server;
    std::ofstream(server.data() / "file") << "x";
    const auto nfs = connect(server.url());
    auto file = must(nfs::file::open(nfs, server.path("file"), nfs::open_for::reading));
    server.process().stop();
    std::stop_source source;
    source.request_stop();
    std::byte one{};
    const auto stopped = file.read(0, std::span(&one, 1), source.get_token());
    server.process().go_on();
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().kind == error_kind::cancelled);
}

TEST_CASE("mountd tells what is exported; a path in no export is refused with the list") {
    KVMIG_NEEDS_NFS_SERVER();
    const nfs_server server;
    const auto listed = must(nfs::exports_of(nfs_server::address));
    REQUIRE(listed.size() == 1);
    CHECK(listed[0].path == server.data().string());

    const auto url = must(model::parse_nfs_url("nfs://192.0.2.1/nowhere/vm.img"));
    const auto outside = nfs::context::connect(url);
    REQUIRE_FALSE(outside);
    CHECK(outside.error().kind == error_kind::not_found);
    CHECK(outside.error().what.find(server.data().string()) != std::string::npos);

    const auto nobody = nfs::exports_of("192.0.2.77", std::chrono::seconds(1));
    REQUIRE_FALSE(nobody);
    CHECK((nobody.error().kind == error_kind::unreachable ||
           nobody.error().kind == error_kind::timed_out));
    const auto unnamed = nfs::exports_of("no-such-host.invalid");
    REQUIRE_FALSE(unnamed);
    CHECK(unnamed.error().kind == error_kind::unreachable);
}

TEST_CASE("NFSv4 carries small files") {
    KVMIG_NEEDS_NFS_SERVER();
    const nfs_server server;
    const std::string base = "nfs://192.0.2.1/data/token?version=4";
    const auto nfs = connect(base);
    CHECK_FALSE(nfs.is_listed());
    auto file = must(nfs::file::open(nfs, "/data/token", nfs::open_for::creating));
    must(file.write(0, as_bytes("a token")));
    must(file.sync());
    must(file.close());
    CHECK(text_of(server.data() / "token") == "a token");
    // A write that libnfs 4 cannot encode in one.
    auto longer = must(nfs::file::open(nfs, "/data/longer", nfs::open_for::creating));
    const std::string text(10'000, 'l');
    must(longer.write(0, as_bytes(text)));
    must(longer.close());
    CHECK(text_of(server.data() / "longer") == text);
}

TEST_CASE("contexts of several threads do not disturb each other") {
    KVMIG_NEEDS_NFS_SERVER();
    const nfs_server server;
    std::vector<std::optional<error>> failed(4);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < failed.size(); ++i) {
        threads.emplace_back([&, i] {
            const auto url = model::parse_nfs_url(server.url());
            const auto nfs = nfs::context::connect(*url);
            if (!nfs) {
                failed[i] = nfs.error();
                return;
            }
            const std::string path = server.path("thread" + std::to_string(i));
            auto file = nfs::file::open(*nfs, path, nfs::open_for::creating);
            const std::string text(100'000, static_cast<char>('a' + i));
            if (!file) {
                failed[i] = file.error();
            } else if (auto written = file->write(0, as_bytes(text)); !written) {
                failed[i] = written.error();
            }
        });
    }
    for (std::thread &one : threads) one.join();
    for (std::size_t i = 0; i < failed.size(); ++i) {
        if (failed[i]) FAIL_CHECK(describe(*failed[i]));
        CHECK(text_of(server.data() / ("thread" + std::to_string(i))) ==
              std::string(100'000, static_cast<char>('a' + i)));
    }
}
