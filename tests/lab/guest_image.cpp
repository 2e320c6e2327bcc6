// SPDX-License-Identifier: MIT
#include <lab/guest/cpio.hpp>
#include <lab/guest/guest_image.hpp>
#include <lab/guest/module_order.hpp>

#include <kvmig/host/command.hpp>
#include <support/catch.hpp>
#include <support/temporary_directory.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace kvmig;
using namespace kvmig::lab::guest;
namespace fs = std::filesystem;

namespace {

constexpr const char *busybox = "/bin/busybox";

void write(const fs::path &path, const std::string &content) {
    fs::create_directories(path.parent_path());
    std::ofstream{path, std::ios::binary} << content;
}

std::string read(const fs::path &path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

/// Busybox's word on an archive: what `cpio` prints with these options, in this folder.
std::string cpio(const std::vector<std::string> &options, const std::string &archive,
                 const fs::path &folder) {
    host::command cmd;
    cmd.argv = {busybox, "cpio"};
    cmd.argv.insert(cmd.argv.end(), options.begin(), options.end());
    cmd.input = archive;
    cmd.directory = folder;
    cmd.timeout = std::chrono::minutes{1};
    const auto result = host::run(cmd);
    REQUIRE(result);
    INFO(result->err);
    REQUIRE(result->status == 0);
    return result->out;
}

const std::string virtio_dep = "kernel/virtio/virtio_ring.ko: kernel/virtio/virtio.ko\n"
                               "kernel/virtio/virtio.ko:\n"
                               "kernel/net/virtio_net.ko: kernel/net/failover.ko "
                               "kernel/virtio/virtio_ring.ko kernel/virtio/virtio.ko\n"
                               "kernel/net/failover.ko:\n"
                               "kernel/char/virtio-rng.ko: kernel/virtio/virtio.ko\n";

/// A tree with the modules of `virtio_dep`, each with its own name as its content.
guest_image_inputs tree_in(const fs::path &folder, const std::string &kernel = "6.1.0-test") {
    const fs::path modules = folder / "lib/modules" / kernel;
    write(modules / "modules.dep", virtio_dep);
    write(modules / "modules.builtin", "kernel/fs/ext4.ko\n");
    for (const char *name : {"kernel/virtio/virtio_ring.ko", "kernel/virtio/virtio.ko",
                             "kernel/net/virtio_net.ko", "kernel/net/failover.ko"}) {
        write(modules / name, name);
    }
    guest_image_inputs inputs;
    inputs.agent = busybox; // static, as the agent is; sanitizers make a dynamic agent
    inputs.modules_root = folder;
    inputs.modules = {"virtio_net"};
    return inputs;
}

} // namespace

TEST_CASE("A cpio archive is read by others as it was written") {
    const kvmig::test::temporary_directory folder;
    cpio_writer writer;
    writer.add_directory("bin");
    writer.add_file("bin/odd", "abc", 0755); // no multiple of four
    writer.add_file("empty", "", 0600);
    const std::string binary("\0\1\2\xff\n", 5);
    writer.add_file("a-name-of-another-length", binary, 0644);
    writer.add_symlink("bin/link", "odd");
    const std::string archive = writer.finish();
    CHECK(archive.size() % 512 == 0);

    CHECK(cpio({"-t"}, archive, folder.path()) ==
          "bin\nbin/odd\nempty\na-name-of-another-length\nbin/link\n");
    cpio({"-i", "-d"}, archive, folder.path());
    CHECK(read(folder.path() / "bin/odd") == "abc");
    CHECK(fs::is_regular_file(folder.path() / "empty"));
    CHECK(fs::file_size(folder.path() / "empty") == 0);
    CHECK(read(folder.path() / "a-name-of-another-length") == binary);
    CHECK(fs::read_symlink(folder.path() / "bin/link") == "odd");
    CHECK((fs::status(folder.path() / "bin/odd").permissions() & fs::perms::owner_exec) !=
          fs::perms::none);
    CHECK((fs::status(folder.path() / "empty").permissions() & fs::perms::others_read) ==
          fs::perms::none);
}

TEST_CASE("A device is in the archive without a privilege to make one") {
    const kvmig::test::temporary_directory folder;
    cpio_writer writer;
    writer.add_character_device("console", 5, 1, 0600);
    const std::string archive = writer.finish();
    CHECK_THAT(cpio({"-t", "-v"}, archive, folder.path()), Catch::StartsWith("crw-------"));
    // Busybox does not list the numbers: fields 10 and 11 of the header, after the magic.
    CHECK(archive.substr(6 + 9 * 8, 16) == "0000000500000001");
}

TEST_CASE("A writer that has finished begins an archive anew") {
    cpio_writer writer;
    writer.add_file("a", "1", 0644);
    const auto first = writer.finish();
    writer.add_file("a", "1", 0644);
    CHECK(writer.finish() == first);
}

TEST_CASE("Modules come after those that they need, and none comes twice") {
    const auto order = module_order(virtio_dep, "", {"virtio_net", "virtio_rng", "virtio_ring"});
    REQUIRE(order);
    CHECK(*order == std::vector<std::string>{"kernel/net/failover.ko", "kernel/virtio/virtio.ko",
                                             "kernel/virtio/virtio_ring.ko",
                                             "kernel/net/virtio_net.ko",
                                             "kernel/char/virtio-rng.ko"});
}

TEST_CASE("What is built into the kernel needs no module") {
    const auto order = module_order(virtio_dep, "kernel/net/failover.ko\nkernel/net/tun.ko\n",
                                    {"tun", "failover", "virtio"});
    REQUIRE(order);
    CHECK(*order == std::vector<std::string>{"kernel/virtio/virtio.ko"});
}

TEST_CASE("Compressed modules have the names of plain ones") {
    const auto order = module_order("a/x-y.ko.xz: b/z.ko.xz\nb/z.ko.xz:\n", "", {"x_y"});
    REQUIRE(order);
    CHECK(*order == std::vector<std::string>{"b/z.ko.xz", "a/x-y.ko.xz"});
}

TEST_CASE("A module that the kernel does not have is named") {
    const auto missing = module_order(virtio_dep, "", {"virtio", "e1000e"});
    REQUIRE_FALSE(missing);
    CHECK(missing.error().kind == error_kind::not_found);
    CHECK_THAT(missing.error().what, Catch::Contains("'e1000e'"));
}

TEST_CASE("A circle of dependencies ends, and a broken list is an error") {
    const auto circle = module_order("a.ko: b.ko\nb.ko: a.ko\n", "", {"a"});
    REQUIRE(circle);
    CHECK(circle->size() == 2);
    const auto broken = module_order("kernel/a.ko\n", "", {"a"});
    REQUIRE_FALSE(broken);
    CHECK(broken.error().kind == error_kind::protocol);
}

TEST_CASE("The guest's image holds the agent as init, busybox, and the modules with their order") {
    const kvmig::test::temporary_directory folder;
    const auto inputs = tree_in(folder.path());
    const fs::path image = folder.path() / "guest.cpio";
    const auto built = build_guest_image(inputs, image);
    INFO((built ? std::string{} : describe(built.error())));
    REQUIRE(built);
    const fs::path root = folder.path() / "unpacked";
    fs::create_directory(root);
    // The console is a device, which only root may make.
    cpio({"-i", "-d", "init", "bin/*", "modules/*"}, read(image), root);
    CHECK(read(root / "init") == read(inputs.agent));
    CHECK(read(root / "bin/busybox") == read(busybox));
    CHECK(fs::read_symlink(root / "bin/sh") == "busybox");
    CHECK(read(root / "modules/order") ==
          "failover.ko\nvirtio.ko\nvirtio_ring.ko\nvirtio_net.ko\n");
    CHECK(read(root / "modules/virtio_net.ko") == "kernel/net/virtio_net.ko");
    CHECK_THAT(cpio({"-t"}, read(image), folder.path()), Catch::Contains("dev/console\n"));
}

TEST_CASE("The same inputs make the same image, and another input another digest") {
    const kvmig::test::temporary_directory folder;
    auto inputs = tree_in(folder.path());
    const fs::path image = folder.path() / "guest.cpio";
    REQUIRE(build_guest_image(inputs, image));
    const std::string first = read(image);
    const auto digest = guest_image_digest(inputs);
    REQUIRE(digest);
    CHECK(digest->size() == 64);
    // Times and the image that is there already change nothing.
    fs::last_write_time(folder.path() / "lib/modules/6.1.0-test/kernel/virtio/virtio.ko",
                        fs::file_time_type::clock::now() - std::chrono::hours{1});
    REQUIRE(build_guest_image(inputs, image));
    CHECK(read(image) == first);
    CHECK(guest_image_digest(inputs) == digest);

    SECTION("a module's content") {
        write(folder.path() / "lib/modules/6.1.0-test/kernel/virtio/virtio.ko", "other");
    }
    SECTION("the modules that are wanted") { inputs.modules = {"virtio"}; }
    const auto other = guest_image_digest(inputs);
    REQUIRE(other);
    CHECK(*other != *digest);
}

TEST_CASE("Compressed modules are unpacked into the image") {
    const kvmig::test::temporary_directory folder;
    auto inputs = tree_in(folder.path());
    const fs::path modules = folder.path() / "lib/modules/6.1.0-test";
    host::command gzip;
    gzip.argv = {busybox, "gzip", (modules / "kernel/virtio/virtio.ko").string()};
    REQUIRE(host::run(gzip)->status == 0);
    write(modules / "modules.dep", "kernel/virtio/virtio.ko.gz:\n");
    inputs.modules = {"virtio"};
    const fs::path image = folder.path() / "guest.cpio";
    REQUIRE(build_guest_image(inputs, image));
    cpio({"-i", "-d", "modules/*"}, read(image), folder.path());
    CHECK(read(folder.path() / "modules/virtio.ko") == "kernel/virtio/virtio.ko");
    CHECK(read(folder.path() / "modules/order") == "virtio.ko\n");

    SECTION("and one that is broken is an error, and leaves no image") {
        fs::remove(image);
        write(modules / "kernel/virtio/virtio.ko.gz", "not gzip");
        const auto built = build_guest_image(inputs, image);
        REQUIRE_FALSE(built);
        CHECK_THAT(built.error().object, Catch::Contains("virtio.ko.gz"));
        CHECK_FALSE(fs::exists(image));
    }
}

TEST_CASE("What the image lacks is named, with what to do about it") {
    const kvmig::test::temporary_directory folder;
    auto inputs = tree_in(folder.path());
    SECTION("the agent") { inputs.agent = folder.path() / "none"; }
    SECTION("a static agent") { inputs.agent = "/bin/ls"; }
    SECTION("an agent that is a program at all") {
        inputs.agent = folder.path() / "lib/modules/6.1.0-test/modules.dep";
    }
    SECTION("busybox") { inputs.busybox = folder.path() / "none"; }
    SECTION("the modules' tree") { inputs.modules_root = folder.path() / "none"; }
    SECTION("the kernel that was asked for") { inputs.kernel = "6.2.0"; }
    SECTION("one kernel among several") { (void)tree_in(folder.path(), "6.2.0"); }
    const auto built = build_guest_image(inputs, folder.path() / "guest.cpio");
    REQUIRE_FALSE(built);
    CHECK(built.error().kind == error_kind::environment);
    CHECK_FALSE(built.error().object.empty());
    CHECK_FALSE(built.error().remedy.empty());
    CHECK_FALSE(fs::exists(folder.path() / "guest.cpio"));
}

TEST_CASE("The kernel is found without being named when there is one, also below /usr") {
    const kvmig::test::temporary_directory folder;
    auto inputs = tree_in(folder.path());
    fs::create_directory(folder.path() / "usr");
    fs::rename(folder.path() / "lib", folder.path() / "usr/lib");
    fs::create_directory_symlink("usr/lib", folder.path() / "lib");
    CHECK(guest_image_digest(inputs));
    inputs.kernel = "6.1.0-test";
    CHECK(guest_image_digest(inputs));
}

TEST_CASE("The agent is found beside its program, else where it is installed with it") {
    const kvmig::test::temporary_directory tree;
    const fs::path program = tree.path() / "bin/kvmig";
    const fs::path installed = tree.path() / "libexec/kvmig/kvmig-guest-agent";
    const fs::path beside = tree.path() / "bin/kvmig-guest-agent";
    write(program, "program");

    const auto none = find_agent(program);
    REQUIRE_FALSE(none);
    CHECK(none.error().kind == error_kind::environment);
    CHECK_THAT(describe(none.error()),
               Catch::Contains(installed.string()) && Catch::Contains(beside.string()));

    write(installed, "agent");
    CHECK(find_agent(program).value() == installed);
    fs::create_symlink(program, tree.path() / "kvmig"); // as /usr/local/bin has them
    CHECK(find_agent(tree.path() / "kvmig").value() == installed);
    write(beside, "agent");
    CHECK(find_agent(program).value() == beside);
}
