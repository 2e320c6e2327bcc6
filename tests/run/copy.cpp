// SPDX-License-Identifier: MIT
#include <kvmig/run/copy.hpp>
#include <run/copy_files.hpp>
#include <support/nfs_server.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <poll.h>
#include <set>
#include <stop_token>
#include <string>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace kvmig;
using kvmig::test::nfs_server;
using kvmig::test::temporary_directory;

using namespace kvmig::test::copying;

TEST_CASE("pieces follow the ranges and cross no boundary; zero grains are left out") {
    run::copy_pieces pieces({{10, 5}, {mib - 1, 2 * mib}});
    CHECK(pieces.total() == 5 + 2 * mib);
    CHECK(pieces.next() == model::byte_range{10, 5});
    CHECK(pieces.next() == model::byte_range{mib - 1, 1});
    CHECK(pieces.next() == model::byte_range{mib, mib});
    CHECK(pieces.next() == model::byte_range{2 * mib, mib - 1});
    CHECK_FALSE(pieces.next());

    run::copy_pieces later({{10, 5}, {mib - 1, 2 * mib}}, mib);
    CHECK(later.skipped() == 6);
    CHECK(later.next() == model::byte_range{mib, mib});
    CHECK_FALSE(run::copy_pieces({}).next());

    std::vector<std::byte> data(5 * run::copy_grain);
    CHECK(run::nonzero_parts(0, data).empty());
    data[run::copy_grain] = data[2 * run::copy_grain + 7] = std::byte{1};
    data.back() = std::byte{1};
    const std::vector<model::byte_range> parts{{run::copy_grain, 2 * run::copy_grain},
                                               {4 * run::copy_grain, run::copy_grain}};
    CHECK(run::nonzero_parts(0, data) == parts);
    // Grains are those of the file, whatever the piece begins with.
    const auto shifted = run::nonzero_parts(run::copy_grain - 1, data);
    const std::vector<model::byte_range> moved{{run::copy_grain, run::copy_grain},
                                               {3 * run::copy_grain, run::copy_grain},
                                               {5 * run::copy_grain, run::copy_grain - 1}};
    CHECK(shifted == moved);
}

TEST_CASE("a mark is read back as it was written, and not when it was cut short") {
    run::copy_mark mark;
    mark.of = {7, 8, bytes{1000}, -5, 1'700'000'000'000'000'001, ~0ULL};
    mark.done = 999;
    const std::string text = run::to_text(mark);
    CHECK(run::parse_mark(text) == mark);
    for (std::size_t length = 0; length < text.size(); ++length) {
        CHECK_FALSE(run::parse_mark(text.substr(0, length)));
    }
    mark.done = 1001; // beyond its own end
    CHECK_FALSE(run::parse_mark(run::to_text(mark)));
    CHECK_FALSE(run::parse_mark("kvmig-copy 1" + text.substr(12)));
}

TEST_CASE("the window grows with the round trip and stays small without one") {
    using namespace std::chrono_literals;
    // A link that serves one piece in `service`, with a round trip of `empty` beside it.
    const auto settled = [](auto empty, auto service) {
        nfs::window window;
        for (int i = 0; i < 1000; ++i) {
            const auto queue = service * static_cast<int>(window.size());
            window.answered(std::max<std::chrono::nanoseconds>(empty + service, queue));
        }
        return window.size();
    };
    CHECK(settled(20ms, 1ms) == nfs::window::most);
    CHECK(settled(0ms, 1ms) < nfs::window::most);
    CHECK(settled(0ms, 1ms) >= nfs::window::first_size);
    CHECK(nfs::window{3}.size() == 3);
}

TEST_CASE("an image comes whole to a server and back, with its holes, mode and checksum") {
    KVMIG_NEEDS_NFS_SERVER();
    const nfs_server server;
    const temporary_directory folder;
    const auto image = folder.path() / "image";
    make_file(image, 40 * mib + 123);
    put_noise(image, 5 * mib + 70'000, 3 * mib);
    put_noise(image, 40 * mib, 123, 2);
    std::filesystem::permissions(image, std::filesystem::perms(0640));

    run::copy_options options;
    options.verify = true;
    std::vector<run::copy_state> states;
    const auto up =
        must(run::copy_image(image.string(), server.url("copy"), options,
                             [&](const run::copy_state &now) { states.push_back(now); }));
    CHECK(same(image, server.data() / "copy"));
    CHECK(test::names_in(server.data()) == names{"copy"});
    CHECK(blocks_of(server.data() / "copy") <= blocks_of(image) + 2 * run::copy_grain);
    CHECK((std::filesystem::status(server.data() / "copy").permissions() ==
           std::filesystem::perms(0640)));
    CHECK(up.size == bytes{40 * mib + 123});
    CHECK(up.format == "raw");
    CHECK(up.verified);
    CHECK(up.checksum.size() == 32);
    REQUIRE_FALSE(states.empty());
    CHECK(states.back().verifying);
    CHECK(states.back().done == states.back().total);

    const auto down = must(run::copy_image(server.url("copy"), (folder.path() / "back").string()));
    CHECK(same(image, folder.path() / "back"));
    CHECK(test::names_in(folder.path()) == names{"back", "image"});
    CHECK(blocks_of(folder.path() / "back") <= blocks_of(image) + 2 * run::copy_grain);
    CHECK(down.written.count() < 5 * mib);
    CHECK_FALSE(down.verified);

    const auto over = must(run::copy_image(server.url("copy"), server.url("second")));
    CHECK(same(image, server.data() / "second"));
    CHECK(over.checksum == down.checksum); // the same pieces, as NFS tells no holes

    const auto empty = folder.path() / "empty";
    make_file(empty, 0);
    must(run::copy_image(empty.string(), server.url("empty"), options));
    CHECK(std::filesystem::file_size(server.data() / "empty") == 0);
}

TEST_CASE("of a qcow2 image on a server only what is allocated travels") {
    KVMIG_NEEDS_NFS_SERVER();
    const nfs_server server;
    const temporary_directory folder;
    const std::string image = server.path("image.qcow2");
    REQUIRE(test::run({"qemu-img", "create", "-q", "-f", "qcow2", image, "1G"}) == 0);
    REQUIRE(test::run({"qemu-io", "-c", "write -q -P 7 0 4M", "-c", "write -q -P 9 700M 4M",
                       image}) == 0);
    // Room that the image no longer uses.
    REQUIRE(test::run({"qemu-io", "-c", "discard -q 0 3M", "-d", "unmap", image}) == 0);
    std::filesystem::resize_file(image, 64 * mib);

    const auto copy = folder.path() / "copy.qcow2";
    const auto done = must(run::copy_image(server.url("image.qcow2"), copy.string()));
    CHECK(done.format == "qcow2");
    CHECK(done.read.count() < 8 * mib);
    CHECK(test::run({"qemu-img", "check", "-q", copy.string()}) == 0);
    CHECK(test::run({"qemu-img", "compare", "-q", image, copy.string()}) == 0);

    // What only begins like one travels as it is, and that is told.
    std::ofstream(server.data() / "odd") << "QFI\xfb and then something else";
    const auto odd = must(run::copy_image(server.url("odd"), (folder.path() / "odd").string()));
    CHECK(same(server.data() / "odd", folder.path() / "odd"));
    const bool told = std::any_of(odd.notes.begin(), odd.notes.end(), [](const std::string &note) {
        return note.find("qcow2 tables cannot be read") != std::string::npos;
    });
    CHECK(told);
}

TEST_CASE("a target that is there is refused, or replaced in one step") {
    KVMIG_NEEDS_NFS_SERVER();
    const nfs_server server;
    const temporary_directory folder;
    const auto image = folder.path() / "image";
    make_file(image, mib);
    put_noise(image, 0, mib);
    const std::array<std::pair<std::string, std::filesystem::path>, 2> targets{
        {{server.url("there"), server.data() / "there"},
         {(folder.path() / "there").string(), folder.path() / "there"}}};
    for (const auto &[url, path] : targets) {
        std::ofstream(path) << "old";
        const auto refused = run::copy_image(image.string(), url);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().kind == error_kind::conflict);
        CHECK(refused.error().remedy.find("--replace") != std::string::npos);
        CHECK(std::filesystem::file_size(path) == 3);

        run::copy_options options;
        options.replace = true;
        must(run::copy_image(image.string(), url, options));
        CHECK(same(image, path));
    }
    CHECK(test::names_in(server.data()) == names{"there"});
    CHECK(test::names_in(folder.path()) == names{"image", "there"});
}

TEST_CASE("images that a QEMU uses are neither copied nor replaced") {
    KVMIG_NEEDS_NFS_SERVER();
    const nfs_server server;
    const temporary_directory folder;
    const auto image = folder.path() / "image";
    make_file(image, mib);
    const auto ready = folder.path() / "ready";
    const test::child qemu({"qemu-storage-daemon", "--pidfile", ready.string(), "--blockdev",
                            "driver=file,node-name=disk,filename=" + image.string(), "--nbd-server",
                            "addr.type=unix,addr.path=" + (folder.path() / "nbd").string(),
                            "--export", "type=nbd,id=e,node-name=disk,writable=on"});
    while (qemu.runs() && !std::filesystem::exists(ready)) ::poll(nullptr, 0, 10);
    REQUIRE(qemu.runs());

    const auto torn = run::copy_image(image.string(), server.url("copy"));
    REQUIRE_FALSE(torn);
    CHECK(torn.error().kind == error_kind::conflict);
    CHECK(torn.error().what.find("running QEMU writes") != std::string::npos);

    std::ofstream(server.data() / "other") << "x";
    run::copy_options options;
    options.replace = true;
    const auto replaced = run::copy_image(server.url("other"), image.string(), options);
    REQUIRE_FALSE(replaced);
    CHECK(replaced.error().kind == error_kind::conflict);
    CHECK(std::filesystem::file_size(image) == mib);

    options.in_use_too = true;
    must(run::copy_image(image.string(), server.url("copy"), options));
    CHECK(same(image, server.data() / "copy"));
}

TEST_CASE("a full target is told before, where it can be foreseen, and undone where not") {
    KVMIG_NEEDS_NFS_SERVER();
    kvmig::test::enter_nfs_namespace();
    const temporary_directory small;
    REQUIRE(::mount("tmpfs", small.path().c_str(), "tmpfs", 0, "size=4m,mode=777") == 0);
    {
        nfs_server server({{small.path(), "/small"}});
        const temporary_directory folder;
        const auto image = folder.path() / "image";
        make_file(image, 8 * mib);
        put_noise(image, 0, 8 * mib);
        const std::string url = "nfs://192.0.2.1" + small.path().string() + "/copy";
        const auto foreseen = run::copy_image(image.string(), url);
        REQUIRE_FALSE(foreseen);
        CHECK(foreseen.error().kind == error_kind::environment);
        CHECK(foreseen.error().what.find("8 MiB are needed, 4 MiB are free") != std::string::npos);
        CHECK(test::names_in(small.path()).empty());

        // A source that has holes says too little: half of it is zero, where no hole is.
        make_file(small.path() / "taken", 0);
        put_noise(small.path() / "taken", 0, 2 * mib);
        const auto three = folder.path() / "three";
        make_file(three, 3 * mib);
        put_noise(three, 0, 3 * mib);
        run::copy_options options;
        const auto full = run::copy_image(three.string(), url, options);
        REQUIRE_FALSE(full);
        CHECK(test::names_in(small.path()) == names{"taken"});
    }
    CHECK(::umount2(small.path().c_str(), MNT_DETACH) == 0);
}

TEST_CASE("a cancelled copy leaves nothing under its name, and is taken up where it came to") {
    KVMIG_NEEDS_NFS_SERVER();
    const nfs_server server;
    const temporary_directory folder;
    const auto image = folder.path() / "image";
    make_file(image, 64 * mib);
    put_noise(image, 0, 64 * mib);
    const std::array<std::pair<std::string, std::filesystem::path>, 2> ways{
        {{image.string(), server.data()}, {server.url("image"), folder.path() / "down"}}};
    std::filesystem::copy_file(image, server.data() / "image");
    std::filesystem::create_directory(folder.path() / "down");

    for (const auto &[from, into] : ways) {
        const std::string to =
            into == server.data() ? server.url("copy") : (into / "copy").string();
        run::copy_options options;
        options.mark_every = bytes::mib(8);
        options.window = 2; // so that little is under way when it stops
        std::stop_source stop;
        const auto cut = run::copy_image(
            from, to, options,
            [&](const run::copy_state &now) {
                if (now.done.count() > 30 * mib) stop.request_stop();
            },
            stop.get_token());
        REQUIRE_FALSE(cut);
        CHECK(cut.error().kind == error_kind::cancelled);
        CHECK(cut.error().remedy.find("--resume") != std::string::npos);
        CHECK_FALSE(std::filesystem::exists(into / "copy"));
        CHECK(std::filesystem::exists(into / ".copy.kvmig-part"));

        const auto refused = run::copy_image(from, to, options);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().kind == error_kind::conflict);

        options.earlier = run::earlier_part::resume;
        options.verify = true;
        const auto whole = must(run::copy_image(from, to, options));
        CHECK(whole.resumed.count() >= 24 * mib);
        CHECK(whole.read.count() <= 40 * mib);
        CHECK(whole.verified);
        CHECK(whole.checksum.empty());
        CHECK(same(image, into / "copy"));
        CHECK_FALSE(std::filesystem::exists(into / ".copy.kvmig-part"));
        CHECK_FALSE(std::filesystem::exists(into / ".copy.kvmig-mark"));
    }
}

TEST_CASE("a broken copy is not taken up with another source, nor with a damaged mark") {
    KVMIG_NEEDS_NFS_SERVER();
    const nfs_server server;
    const temporary_directory folder;
    const auto image = folder.path() / "image";
    make_file(image, 16 * mib);
    put_noise(image, 0, 16 * mib);
    run::copy_options options;
    options.mark_every = bytes::mib(2);
    std::stop_source stop;
    REQUIRE_FALSE(run::copy_image(
        image.string(), server.url("copy"), options,
        [&](const run::copy_state &now) {
            if (now.done.count() > 8 * mib) stop.request_stop();
        },
        stop.get_token()));
    options.earlier = run::earlier_part::resume;

    SECTION("another source") {
        put_noise(image, 0, 1000, 3);
        const auto other = run::copy_image(image.string(), server.url("copy"), options);
        REQUIRE_FALSE(other);
        CHECK(other.error().kind == error_kind::conflict);
        CHECK(other.error().remedy.find("--fresh") != std::string::npos);
        CHECK(std::filesystem::exists(server.data() / ".copy.kvmig-part"));
    }
    SECTION("a damaged mark") {
        std::ofstream(server.data() / ".copy.kvmig-mark") << "kvmig-copy 2 7";
        const auto damaged = run::copy_image(image.string(), server.url("copy"), options);
        REQUIRE_FALSE(damaged);
        CHECK(damaged.error().what.find(".copy.kvmig-mark") != std::string::npos);
    }
    options.earlier = run::earlier_part::drop;
    must(run::copy_image(image.string(), server.url("copy"), options));
    CHECK(same(image, server.data() / "copy"));
    CHECK(test::names_in(server.data()) == names{"copy"});
}

TEST_CASE("an image goes from one server to another, with its holes") {
    KVMIG_NEEDS_NFS_SERVER();
    const nfs_server server;
    const test::other_nfs_server other;
    make_file(server.data() / "image", 32 * mib);
    put_noise(server.data() / "image", 3 * mib, 5 * mib);
    run::copy_options options;
    options.verify = true;
    const auto done = must(run::copy_image(server.url("image"), other.url("image"), options));
    CHECK(done.verified);
    CHECK(done.written == bytes::mib(5));
    CHECK(same(server.data() / "image", other.data() / "image"));
    CHECK(test::names_in(other.data()) == names{"image"});
    CHECK(test::names_in(server.data()) == names{"image"});
}

TEST_CASE("a copy to a server that asks for patience waits until it is ready") {
    KVMIG_NEEDS_NFS_SERVER();
    using other_server = test::other_nfs_server;
    const temporary_directory folder;
    const auto image = folder.path() / "image";
    make_file(image, 8 * mib);
    put_noise(image, 1 * mib, 5 * mib);
    const other_server other(other_server::grace::of_8_seconds);
    const auto done = must(run::copy_image(image.string(), other.url("image"), {}));
    CHECK(done.written == bytes::mib(5));
    CHECK(same(image, other.data() / "image"));
    CHECK(test::names_in(other.data()) == names{"image"});
}

TEST_CASE("a source that changes meanwhile is no copy") {
    KVMIG_NEEDS_NFS_SERVER();
    const nfs_server server;
    const temporary_directory folder;
    const auto image = folder.path() / "image";
    make_file(image, 16 * mib);
    put_noise(image, 0, 16 * mib);
    bool once = false;
    const auto changed =
        run::copy_image(image.string(), server.url("copy"), {}, [&](const run::copy_state &) {
            if (!std::exchange(once, true)) put_noise(image, 0, 100, 9);
        });
    REQUIRE_FALSE(changed);
    CHECK(changed.error().what.find("changed while it was copied") != std::string::npos);
    CHECK(test::names_in(server.data()).empty());
}

TEST_CASE("a server that restarts meanwhile costs a reconnection, and no byte") {
    KVMIG_NEEDS_NFS_SERVER();
    nfs_server server;
    const temporary_directory folder;
    const auto image = folder.path() / "image";
    make_file(image, 48 * mib);
    put_noise(image, 0, 48 * mib);
    std::filesystem::copy_file(image, server.data() / "image");
    const auto down = (folder.path() / "down").string();
    const std::array<std::pair<std::string, std::string>, 2> ways{
        {{image.string(), server.url("up")}, {server.url("image"), down}}};
    for (const auto &[from, to] : ways) {
        run::copy_options options;
        options.mark_every = bytes::mib(8);
        bool once = false;
        const auto done = must(run::copy_image(from, to, options, [&](const run::copy_state &now) {
            if (now.done.count() > 20 * mib && !std::exchange(once, true)) {
                server.process().end();
                server.start();
            }
        }));
        CHECK(done.reconnects >= 1);
    }
    CHECK(same(image, server.data() / "up"));
    CHECK(same(image, down));
}

TEST_CASE("a server that stays away is given up, and the copy can be taken up later") {
    KVMIG_NEEDS_NFS_SERVER();
    nfs_server server;
    const temporary_directory folder;
    make_file(server.data() / "image", 48 * mib);
    put_noise(server.data() / "image", 0, 48 * mib);
    const auto to = (folder.path() / "copy").string();
    run::copy_options options;
    options.reconnect_for = std::chrono::seconds(0);
    options.window = 2; // so that little is under way when it goes
    const auto gone =
        run::copy_image(server.url("image"), to, options, [&](const run::copy_state &now) {
            if (now.done.count() > 20 * mib) server.process().end();
        });
    REQUIRE_FALSE(gone);
    CHECK(gone.error().kind == error_kind::unreachable);
    CHECK(gone.error().remedy.find("--resume") != std::string::npos);
    CHECK(test::names_in(folder.path()) == names{".copy.kvmig-mark", ".copy.kvmig-part"});

    server.start();
    options.earlier = run::earlier_part::resume;
    const auto whole = must(run::copy_image(server.url("image"), to, options));
    CHECK(whole.resumed.count() > 10 * mib);
    CHECK(same(server.data() / "image", to));
}

TEST_CASE("a copier that is killed at any moment leaves nothing under the final name") {
    KVMIG_NEEDS_NFS_SERVER();
    const nfs_server server;
    const temporary_directory folder;
    const auto image = folder.path() / "image";
    make_file(image, 32 * mib);
    put_noise(image, 0, 32 * mib);
    unsigned cut = 0;
    for (const std::uint64_t after : {0U, 3U, 11U, 22U}) {
        const pid_t pid = ::fork();
        REQUIRE(pid >= 0);
        if (pid == 0) {
            run::copy_options options;
            options.mark_every = bytes::mib(4);
            options.window = 2;
            options.earlier = run::earlier_part::resume;
            const auto done = run::copy_image(image.string(), server.url("copy"), options,
                                              [&](const run::copy_state &now) {
                                                  if (now.done.count() > after * mib)
                                                      ::raise(SIGKILL);
                                              });
            ::_exit(done ? 0 : 1);
        }
        int status = 0;
        REQUIRE(::waitpid(pid, &status, 0) == pid);
        if (WIFSIGNALED(status)) ++cut;
        CHECK_FALSE(std::filesystem::exists(server.data() / "copy"));
    }
    CHECK(cut == 4);
    run::copy_options options;
    options.earlier = run::earlier_part::resume;
    const auto whole = must(run::copy_image(image.string(), server.url("copy"), options));
    // Killed above 22 MiB. Two marks are 4 MiB apart, and what was under way: two pieces read, two
    // that wait, two written.
    CHECK(whole.resumed.count() >= 12 * mib);
    CHECK(same(image, server.data() / "copy"));
    CHECK(test::names_in(server.data()) == names{"copy"});
}

TEST_CASE("verifying finds a byte that differs") {
    KVMIG_NEEDS_NFS_SERVER();
    const nfs_server server;
    const temporary_directory folder;
    const auto image = folder.path() / "image";
    make_file(image, 4 * mib);
    put_noise(image, 0, 4 * mib);
    run::copy_options options;
    options.verify = true;
    bool once = false;
    const auto differs = run::copy_image(
        image.string(), server.url("copy"), options, [&](const run::copy_state &now) {
            // All is written: what follows is the reading back.
            if (now.done == now.total && !std::exchange(once, true)) {
                put_noise(server.data() / ".copy.kvmig-part", 3 * mib + 5, 1, 77);
            }
        });
    REQUIRE_FALSE(differs);
    CHECK(differs.error().what.find("differs from what was read, at byte 3145728") !=
          std::string::npos);
    CHECK_FALSE(std::filesystem::exists(server.data() / "copy"));
}

TEST_CASE("ends that cannot be are refused by name") {
    const temporary_directory folder;
    const auto missing = run::copy_image((folder.path() / "none").string(), "x");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().kind == error_kind::not_found);
    const auto directory = run::copy_image(folder.path().string(), "x");
    REQUIRE_FALSE(directory);
    CHECK(directory.error().what.find("no regular file") != std::string::npos);
    make_file(folder.path() / "a", 1);
    const auto wrong = run::copy_image((folder.path() / "a").string(), "nfs://h");
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().kind == error_kind::invalid_argument);
    const auto four = run::copy_image((folder.path() / "a").string(), "nfs://h/a/b?version=4");
    REQUIRE_FALSE(four);
    CHECK(four.error().kind == error_kind::unsupported);
}
