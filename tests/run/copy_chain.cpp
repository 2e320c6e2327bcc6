// SPDX-License-Identifier: MIT
// Copies of images that stand on others, judged by qemu-img.
#include <kvmig/run/copy.hpp>
#include <run/copy_files.hpp>
#include <support/nfs_server.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stop_token>
#include <string>
#include <vector>

using namespace kvmig;
using namespace kvmig::test::copying;
using kvmig::test::nfs_server;
using kvmig::test::temporary_directory;

namespace {

void make_overlay(const std::filesystem::path &folder, const std::string &name,
                  const std::string &below, const std::string &format, unsigned megabyte) {
    // As an administrator does, in the folder: QEMU looks for the base from there.
    const std::string script = "cd '" + folder.string() + "' && qemu-img create -q -f qcow2 -b '" +
                               below + "' -F " + format + " '" + name +
                               "' && qemu-io -c 'write -q -P " + std::to_string(megabyte + 1) +
                               " " + std::to_string(megabyte) + "M 2M' '" + name + "'";
    REQUIRE(test::run({"sh", "-c", script}) == 0);
}

/// `top.qcow2` on `middle.qcow2` on `base.raw`, all in `folder`; the names in them begin with
/// `prefix`.
void make_chain(const std::filesystem::path &folder, const std::string &prefix = {}) {
    make_file(folder / "base.raw", 16 * mib);
    put_noise(folder / "base.raw", 0, 8 * mib);
    make_overlay(folder, "middle.qcow2", prefix + "base.raw", "raw", 2);
    make_overlay(folder, "top.qcow2", prefix + "middle.qcow2", "qcow2", 6);
}

/// Whether the guest finds the same in both, and each image of the second chain is sound.
void check_chain(const std::filesystem::path &original, const std::filesystem::path &copy) {
    CHECK(test::run({"qemu-img", "compare", "-q", original.string(), copy.string()}) == 0);
    CHECK(test::run({"qemu-img", "check", "-q", copy.string()}) == 0);
    CHECK(test::run({"sh", "-c",
                     "qemu-img info --backing-chain '" + copy.string() + "' >/dev/null"}) == 0);
}

model::qcow2::header header_of(const std::filesystem::path &image) {
    std::ifstream in(image, std::ios::binary);
    std::vector<char> head(65536);
    in.read(head.data(), static_cast<std::streamsize>(head.size()));
    return must(model::qcow2::parse_header(std::as_bytes(std::span(head))));
}

run::copy_options with(run::backing_choice choice) {
    run::copy_options out;
    out.backing = choice;
    return out;
}

} // namespace

TEST_CASE("an image that stands on another is not copied without a word on that") {
    const temporary_directory folder;
    make_chain(folder.path());
    const auto image = (folder.path() / "top.qcow2").string();
    const auto copy = (folder.path() / "copy.qcow2").string();
    const auto refused = run::copy_image(image, copy);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == error_kind::invalid_argument);
    CHECK(refused.error().what.find("'middle.qcow2'") != std::string::npos);
    CHECK(refused.error().object == image);
    for (const char *choice : {"--backing copy", "--backing leave", "--rebase FILE"}) {
        CHECK(refused.error().remedy.find(choice) != std::string::npos);
    }
    CHECK_FALSE(std::filesystem::exists(copy));
    // Nothing to choose where it stands alone, or is said to be raw.
    must(run::copy_image((folder.path() / "base.raw").string(), copy));
    run::copy_options raw;
    raw.raw = true;
    const auto as_it_is = must(run::copy_image(image, (folder.path() / "raw").string(), raw));
    CHECK(as_it_is.format == "raw");
    CHECK(same(image, folder.path() / "raw"));
}

TEST_CASE("a chain is copied whole: up to a server and down again, names in it kept") {
    KVMIG_NEEDS_NFS_SERVER();
    const nfs_server server;
    const temporary_directory folder;
    make_chain(folder.path());
    auto options = with(run::backing_choice::copy);
    options.verify = true;
    std::vector<run::copy_state> states;
    const auto up =
        must(run::copy_image((folder.path() / "top.qcow2").string(), server.url("vm1.qcow2"),
                             options, [&](const run::copy_state &now) { states.push_back(now); }));
    CHECK(test::names_in(server.data()) == names{"base.raw", "middle.qcow2", "vm1.qcow2"});
    check_chain(folder.path() / "top.qcow2", server.data() / "vm1.qcow2");
    CHECK(header_of(server.data() / "vm1.qcow2").backing_file == "middle.qcow2");
    CHECK(up.verified);
    REQUIRE(up.backing.size() == 2);
    CHECK(up.backing[0].to == server.url("middle.qcow2"));
    CHECK(up.backing[1].from == (folder.path() / "base.raw").string());
    CHECK(up.backing[1].size == bytes{16 * mib});
    CHECK_FALSE(up.backing[1].was_there);
    REQUIRE_FALSE(states.empty());
    CHECK(states.front().file == 1);
    CHECK(states.back().file == 3);
    CHECK(states.back().files == 3);

    const temporary_directory down;
    const auto back = must(
        run::copy_image(server.url("vm1.qcow2"), (down.path() / "vm1.qcow2").string(), options));
    check_chain(folder.path() / "top.qcow2", down.path() / "vm1.qcow2");
    CHECK(back.read.count() < 4 * mib); // of the top, only its own clusters

    // A second guest on the same base takes what is there.
    make_overlay(folder.path(), "second.qcow2", "base.raw", "raw", 11);
    const auto second = must(run::copy_image((folder.path() / "second.qcow2").string(),
                                             server.url("second.qcow2"), options));
    REQUIRE(second.backing.size() == 1);
    CHECK(second.backing[0].was_there);
    check_chain(folder.path() / "second.qcow2", server.data() / "second.qcow2");
}

TEST_CASE("absolute names and other folders become names in the folder of the copy") {
    const temporary_directory folder;
    const auto bases = folder.path() / "bases";
    const auto target = folder.path() / "target";
    std::filesystem::create_directory(bases);
    std::filesystem::create_directory(target);
    make_chain(bases, bases.string() + "/");
    make_overlay(folder.path(), "vm1.qcow2", "bases/top.qcow2", "qcow2", 9);
    std::filesystem::rename(bases / "base.raw", bases / "a:b.raw");
    REQUIRE(test::run({"qemu-img", "rebase", "-u", "-b", (bases / "a:b.raw").string(), "-F", "raw",
                       (bases / "middle.qcow2").string()}) == 0);

    must(run::copy_image((folder.path() / "vm1.qcow2").string(), (target / "vm1.qcow2").string(),
                         with(run::backing_choice::copy)));
    CHECK(test::names_in(target) == names{"a:b.raw", "middle.qcow2", "top.qcow2", "vm1.qcow2"});
    CHECK(header_of(target / "vm1.qcow2").backing_file == "top.qcow2");
    CHECK(header_of(target / "top.qcow2").backing_file == "middle.qcow2");
    // By itself that name would be one of a protocol "a".
    CHECK(header_of(target / "middle.qcow2").backing_file == "./a:b.raw");
    CHECK(header_of(target / "middle.qcow2").backing_format == "raw");
    check_chain(folder.path() / "vm1.qcow2", target / "vm1.qcow2");
    // The originals are as they were.
    CHECK(header_of(folder.path() / "vm1.qcow2").backing_file == "bases/top.qcow2");
}

TEST_CASE("a copy stands on what --rebase names, or on what it stood on before") {
    KVMIG_NEEDS_NFS_SERVER();
    const nfs_server server;
    const temporary_directory folder;
    make_file(folder.path() / "base.raw", 16 * mib);
    put_noise(folder.path() / "base.raw", 0, 8 * mib);
    make_overlay(folder.path(), "top.qcow2", "base.raw", "raw", 6);
    const auto image = (folder.path() / "top.qcow2").string();

    SECTION("rebased onto a file that is there") {
        std::filesystem::copy_file(folder.path() / "base.raw", server.data() / "golden.raw");
        auto options = with(run::backing_choice::rebase);
        options.new_backing = {"golden.raw", ""};
        options.verify = true;
        const auto done = must(run::copy_image(image, server.url("vm1.qcow2"), options));
        CHECK(done.verified);
        CHECK(header_of(server.data() / "vm1.qcow2").backing_file == "golden.raw");
        CHECK(header_of(server.data() / "vm1.qcow2").backing_format == "raw");
        check_chain(image, server.data() / "vm1.qcow2");
        REQUIRE(done.notes.size() == 1);
        CHECK(done.notes[0].find("'golden.raw' in place of 'base.raw'") != std::string::npos);
    }
    SECTION("onto one that is missing, of another format, or with a name that does not fit") {
        auto options = with(run::backing_choice::rebase);
        options.new_backing = {"missing.raw", ""};
        const auto missing = run::copy_image(image, server.url("vm1.qcow2"), options);
        REQUIRE_FALSE(missing);
        CHECK(missing.error().kind == error_kind::not_found);
        CHECK(missing.error().what.find("'missing.raw'") != std::string::npos);

        options.new_backing = {"base.raw", "qcow2"};
        const auto format = run::copy_image(image, (folder.path() / "vm1.qcow2").string(), options);
        REQUIRE_FALSE(format);
        CHECK(format.error().what.find("cannot be read as qcow2") != std::string::npos);

        options.new_backing = {"nbd://host/" + std::string(1020, 'x'), "raw"};
        const auto fit = run::copy_image(image, server.url("vm1.qcow2"), options);
        REQUIRE_FALSE(fit);
        CHECK(fit.error().what.find("at most 1023") != std::string::npos);
        CHECK(fit.error().object == image);
        CHECK(test::names_in(server.data()).empty());

        const auto alone =
            run::copy_image((folder.path() / "base.raw").string(), server.url("vm1.raw"), options);
        REQUIRE_FALSE(alone);
        CHECK(alone.error().what.find("stands on no other") != std::string::npos);
    }
    SECTION("left as it was, and told whether that is there") {
        const auto left =
            must(run::copy_image(image, server.url("vm1.qcow2"), with(run::backing_choice::leave)));
        REQUIRE(left.notes.size() == 1);
        CHECK(left.notes[0].find("'base.raw', which is not there yet") != std::string::npos);
        CHECK(same(image, server.data() / "vm1.qcow2"));
        std::filesystem::copy_file(folder.path() / "base.raw", server.data() / "base.raw");
        const auto there =
            must(run::copy_image(image, server.url("vm2.qcow2"), with(run::backing_choice::leave)));
        CHECK(there.notes[0].find("'base.raw', which is there") != std::string::npos);
        check_chain(image, server.data() / "vm2.qcow2");
    }
}

TEST_CASE("chains that cannot be copied are refused before anything is written") {
    const temporary_directory folder;
    const auto target = folder.path() / "target";
    std::filesystem::create_directory(target);
    make_chain(folder.path());
    const auto top = folder.path() / "top.qcow2";
    const auto rebase = [&](const char *image, const std::string &onto) {
        REQUIRE(test::run({"qemu-img", "rebase", "-u", "-b", onto, "-F", "qcow2",
                           (folder.path() / image).string()}) == 0);
    };
    std::string told;
    error_kind kind = error_kind::unsupported;
    SECTION("a loop") {
        rebase("middle.qcow2", "top.qcow2");
        told = "'top.qcow2', which stands on it in turn";
        kind = error_kind::invalid_argument;
    }
    SECTION("a loop by another name of the file") {
        std::filesystem::create_symlink(top, folder.path() / "again.qcow2");
        rebase("middle.qcow2", "again.qcow2");
        told = "stands on it in turn";
        kind = error_kind::invalid_argument;
    }
    SECTION("a file that is missing") {
        std::filesystem::remove(folder.path() / "base.raw");
        told = "'base.raw', cannot be copied";
        kind = error_kind::not_found;
    }
    SECTION("a description in JSON") {
        rebase(
            "middle.qcow2",
            "json:{\"driver\":\"raw\",\"file\":{\"driver\":\"file\",\"filename\":\"base.raw\"}}");
        told = "which is no plain file";
    }
    SECTION("a format that is not told") {
        const auto image = must(host::image_file::open(top, O_RDWR));
        std::vector<std::byte> head(65536);
        REQUIRE(must(image.read(0, head)) == head.size());
        REQUIRE(image.write(0, must(model::qcow2::with_backing(head, "middle.qcow2", ""))));
        told = "does not tell the format of 'middle.qcow2'";
    }
    SECTION("a format that is not known") {
        REQUIRE(
            test::run({"qemu-img", "convert", "-O", "vmdk", (folder.path() / "base.raw").string(),
                       (folder.path() / "base.vmdk").string()}) == 0);
        REQUIRE(test::run({"qemu-img", "rebase", "-u", "-b", "base.vmdk", "-F", "vmdk",
                           (folder.path() / "middle.qcow2").string()}) == 0);
        told = "of the format vmdk";
    }
    SECTION("data in another file") {
        REQUIRE(test::run({"qemu-img", "create", "-q", "-f", "qcow2", "-o",
                           "data_file=" + (folder.path() / "data").string(),
                           (folder.path() / "outside.qcow2").string(), "16M"}) == 0);
        rebase("middle.qcow2", "outside.qcow2");
        told = "keeps its data in another file";
    }
    SECTION("two images of one name") {
        std::filesystem::create_directory(folder.path() / "other");
        std::filesystem::rename(folder.path() / "middle.qcow2",
                                folder.path() / "other" / "copy.qcow2");
        std::filesystem::rename(folder.path() / "base.raw", folder.path() / "other" / "base.raw");
        rebase("top.qcow2", "other/copy.qcow2");
        told = "two images of the chain would be called 'copy.qcow2'";
        kind = error_kind::conflict;
    }
    const auto refused = run::copy_image(top.string(), (target / "copy.qcow2").string(),
                                         with(run::backing_choice::copy));
    REQUIRE_FALSE(refused);
    INFO(describe(refused.error()));
    CHECK(refused.error().kind == kind);
    CHECK(refused.error().what.find(told) != std::string::npos);
    CHECK(test::names_in(target).empty());
}

TEST_CASE("an image with an external data file is refused by itself too") {
    const temporary_directory folder;
    const auto image = (folder.path() / "outside.qcow2").string();
    REQUIRE(test::run({"qemu-img", "create", "-q", "-f", "qcow2", "-o",
                       "data_file=" + (folder.path() / "data").string(), image, "16M"}) == 0);
    const auto refused = run::copy_image(image, (folder.path() / "copy").string());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == error_kind::unsupported);
    CHECK(refused.error().remedy.find("qemu-img convert") != std::string::npos);
}

TEST_CASE("what has a backing file's name and is another image stays, and stops the copy") {
    const temporary_directory folder;
    const auto target = folder.path() / "target";
    std::filesystem::create_directory(target);
    make_chain(folder.path());
    make_file(target / "base.raw", 16 * mib);
    auto options = with(run::backing_choice::copy);
    options.replace = true; // of the copy alone: others may stand on that base
    const auto content = run::copy_image((folder.path() / "top.qcow2").string(),
                                         (target / "top.qcow2").string(), options);
    REQUIRE_FALSE(content);
    CHECK(content.error().kind == error_kind::conflict);
    CHECK(content.error().what.find("with another content") != std::string::npos);
    CHECK(content.error().object == (target / "base.raw").string());
    std::filesystem::resize_file(target / "base.raw", mib);
    const auto size = run::copy_image((folder.path() / "top.qcow2").string(),
                                      (target / "top.qcow2").string(), options);
    REQUIRE_FALSE(size);
    CHECK(size.error().what.find("of another size") != std::string::npos);
    CHECK(test::names_in(target) == names{"base.raw"});
}

TEST_CASE("the top has its name last, and a chain that broke off is taken up again") {
    KVMIG_NEEDS_NFS_SERVER();
    const nfs_server server;
    const temporary_directory folder;
    make_chain(folder.path());
    const auto image = (folder.path() / "top.qcow2").string();
    auto options = with(run::backing_choice::copy);
    options.mark_every = bytes::mib(1);

    for (const unsigned file : {1U, 2U, 3U}) {
        std::stop_source stop;
        const auto cut = run::copy_image(
            image, server.url("vm1.qcow2"), options,
            [&](const run::copy_state &now) {
                CHECK_FALSE(std::filesystem::exists(server.data() / "vm1.qcow2"));
                if (now.file == file && !now.verifying) stop.request_stop();
            },
            stop.get_token());
        REQUIRE_FALSE(cut);
        INFO(describe(cut.error()));
        CHECK(cut.error().kind == error_kind::cancelled);
        CHECK_FALSE(std::filesystem::exists(server.data() / "vm1.qcow2"));
        CHECK(std::filesystem::exists(server.data() / "base.raw") == (file > 1));
        CHECK(std::filesystem::exists(server.data() / "middle.qcow2") == (file > 2));
        options.earlier = run::earlier_part::resume;
    }
    const auto whole = must(run::copy_image(image, server.url("vm1.qcow2"), options));
    REQUIRE(whole.backing.size() == 2);
    CHECK(whole.backing[0].was_there);
    CHECK(whole.backing[1].was_there);
    check_chain(image, server.data() / "vm1.qcow2");
    CHECK(test::names_in(server.data()) == names{"base.raw", "middle.qcow2", "vm1.qcow2"});
}

TEST_CASE("a part that was begun with another backing file is not taken up") {
    const temporary_directory folder;
    make_chain(folder.path());
    make_overlay(folder.path(), "big.qcow2", "base.raw", "raw", 4);
    REQUIRE(test::run({"qemu-io", "-c", "write -q -P 3 6M 10M",
                       (folder.path() / "big.qcow2").string()}) == 0);
    const auto target = folder.path() / "target";
    std::filesystem::create_directory(target);
    for (const char *name : {"one.raw", "two.raw"}) {
        std::filesystem::copy_file(folder.path() / "base.raw", target / name);
    }
    auto options = with(run::backing_choice::rebase);
    options.new_backing = {"one.raw", ""};
    options.mark_every = bytes::mib(1);
    std::stop_source stop;
    const auto image = (folder.path() / "big.qcow2").string();
    const auto copy = (target / "big.qcow2").string();
    REQUIRE_FALSE(run::copy_image(
        image, copy, options,
        [&](const run::copy_state &now) {
            if (now.done.count() > 4 * mib) stop.request_stop();
        },
        stop.get_token()));
    REQUIRE(std::filesystem::exists(target / ".big.qcow2.kvmig-part"));
    options.earlier = run::earlier_part::resume;
    options.new_backing = {"two.raw", ""};
    const auto other = run::copy_image(image, copy, options);
    REQUIRE_FALSE(other);
    CHECK(other.error().kind == error_kind::conflict);
    CHECK(other.error().what.find("what the copy is to stand on") != std::string::npos);
    options.new_backing = {"one.raw", ""};
    const auto whole = must(run::copy_image(image, copy, options));
    CHECK(whole.resumed > bytes{0});
    CHECK(header_of(copy).backing_file == "one.raw");
    check_chain(image, copy);
}
