// SPDX-License-Identifier: MIT
// Images copied by the real rsync, between two folders that stand in for two hosts.
#include <fakes/far_host.hpp>
#include <kvmig/run/copied_images.hpp>
#include <kvmig/run/plan_images.hpp>
#include <support/catch.hpp>

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <stop_token>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace kvmig;
using fakes::far_host;
using run::copied_images;

namespace {

constexpr std::uint64_t mebibyte = 1048576;

model::domain guest_with(std::vector<std::pair<std::string, std::string>> images) {
    model::domain out;
    out.name = "vm1";
    for (const auto &[path, format] : images) {
        model::disk disk;
        disk.target = "vda";
        disk.source.kind = model::source_kind::file;
        disk.source.format = format;
        disk.source.path = path;
        out.disks.push_back(disk);
    }
    return out;
}

run::copy_plan plan_of(const far_host &far, const model::domain &guest) {
    auto plan = run::plan_images(far_host::host("here"), guest, {far.rule()});
    REQUIRE(plan);
    plan->login = "far";
    return *std::move(plan);
}

struct copying {
    explicit copying(const far_host &far, run::copy_plan plan)
        : images(far_host::host("here"), far_host::host("there"), std::move(plan), far.ssh(),
                 far.reach().patience) {}
    copied_images images;
};

void call(std::vector<std::string> argv) {
    host::command cmd;
    cmd.argv = std::move(argv);
    const auto said = host::output_of(cmd);
    INFO((said ? "" : describe(said.error())));
    REQUIRE(said);
}

void qemu_img(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "qemu-img");
    call(std::move(arguments));
}

} // namespace

TEST_CASE("a sparse image comes as it is, and gets its name only when it has proven equal") {
    const far_host far;
    const std::string from = far.make("it's a \"disk\".raw", 40 * mebibyte);
    std::filesystem::permissions(from, std::filesystem::perms::owner_read);
    const auto plan = plan_of(far, guest_with({{from, "raw"}}));
    REQUIRE(plan.images.size() == 1);
    CHECK(plan.images[0].sparse());
    copying on(far, plan);
    const auto prepared = on.images.prepare();
    INFO((prepared ? "" : describe(prepared.error())));
    REQUIRE(prepared);
    using std::filesystem::perms;
    CHECK(std::filesystem::status(plan.part_of(plan.images[0])).permissions() ==
          (perms::owner_read | perms::owner_write));

    std::vector<ports::copy_progress> told;
    const auto copied = on.images.copy([&](const auto &now) { told.push_back(now); }, {});
    INFO((copied ? "" : describe(copied.error())));
    REQUIRE(copied);
    REQUIRE(told.size() > 2);
    CHECK(told.back().done == bytes::mib(40));
    CHECK(told.back().total == bytes::mib(40));
    const std::string to = plan.images[0].destination;
    CHECK_FALSE(std::filesystem::exists(to));

    const auto proof = on.images.prove();
    INFO((proof ? "" : describe(proof.error())));
    REQUIRE(proof);
    CHECK_THAT(*proof, Catch::Contains(to) && Catch::Contains("SHA-256"));
    CHECK(far_host::read(from) == far_host::read(to));
    CHECK(far_host::allocated(to) < mebibyte);
    CHECK(std::filesystem::status(to).permissions() == std::filesystem::perms::owner_read);
    REQUIRE(on.images.prove()); // again, as after a crash

    CHECK(far.files_there() == 2);
    REQUIRE(on.images.keep());
    REQUIRE(on.images.keep());
    CHECK(far.files_there() == 1);
}

TEST_CASE("a whole backing chain is copied, each image by the format that is told of it") {
    const far_host far;
    const auto here = [&](const char *name) { return (far.here() / name).string(); };
    static_cast<void>(far.make("base.raw", 2 * mebibyte));
    qemu_img({"create", "-q", "-f", "qcow2", "-b", "base.raw", "-F", "raw", here("middle.qcow2")});
    qemu_img(
        {"create", "-q", "-f", "qcow2", "-b", "middle.qcow2", "-F", "qcow2", here("top.qcow2")});
    const auto plan = plan_of(far, guest_with({{here("top.qcow2"), "qcow2"}}));
    REQUIRE(plan.images.size() == 3);
    CHECK(plan.images[2].source == here("base.raw"));
    CHECK(plan.images[2].format == "raw");
    copying on(far, plan);
    REQUIRE(on.images.prepare());
    REQUIRE(on.images.copy({}, {}));
    REQUIRE(on.images.prove());
    REQUIRE(on.images.keep());
    CHECK(far.files_there() == 3);
    qemu_img({"compare", here("top.qcow2"), plan.images[0].destination});
}

TEST_CASE("an image is never followed further than its definition says") {
    const far_host far;
    const std::string raw = (far.here() / "guest.raw").string();
    // What a guest could write into its raw disk: a header that names a file of the host.
    qemu_img({"create", "-q", "-u", "-f", "qcow2", "-b", "/etc/shadow", "-F", "raw", raw, "1M"});
    CHECK(plan_of(far, guest_with({{raw, "raw"}})).images.size() == 1);
    CHECK(plan_of(far, guest_with({{raw, ""}})).images.size() == 1);
}

TEST_CASE("what cannot be copied is refused while it is planned") {
    const far_host far;
    const std::string path = (far.here() / "top.qcow2").string();
    const auto planned = [&](const model::domain &guest) {
        const auto plan = run::plan_images(far_host::host("here"), guest, {far.rule()});
        REQUIRE_FALSE(plan);
        return describe(plan.error());
    };
    SECTION("an image that is not there") {
        CHECK_THAT(planned(guest_with({{path, "raw"}})), Catch::Contains("No such file"));
    }
    SECTION("a format with unknown dependencies") {
        static_cast<void>(far.make("top.qcow2", mebibyte));
        CHECK_THAT(planned(guest_with({{path, "vmdk"}})), Catch::Contains("vmdk"));
    }
    SECTION("a chain with absolute names that a rule would change") {
        const std::string base = far.make("base.raw", mebibyte);
        qemu_img({"create", "-q", "-f", "qcow2", "-b", base, "-F", "raw", path});
        CHECK_THAT(planned(guest_with({{path, "qcow2"}})),
                   Catch::Contains("written in it") && Catch::Contains("rebase -u"));
    }
    SECTION("a disk on a server") {
        auto guest = guest_with({{path, "raw"}});
        guest.disks[0].source.kind = model::source_kind::network;
        CHECK_THAT(planned(guest), Catch::Contains("vda"));
    }
    SECTION("a TPM") {
        auto guest = guest_with({});
        guest.tpms.push_back({"emulator"});
        CHECK_THAT(planned(guest), Catch::Contains("TPM"));
    }
    SECTION("a folder") {
        CHECK_THAT(planned(guest_with({{far.here().string(), "raw"}})),
                   Catch::Contains("neither a file nor a block device"));
    }
}

TEST_CASE("a taken name is refused, and what is there stays as it is") {
    const far_host far;
    const std::string from = far.make("vm1.raw", mebibyte);
    const auto plan = plan_of(far, guest_with({{from, "raw"}}));
    std::ofstream(far.there() / "vm1.raw") << "another guest's";
    copying on(far, plan);
    const auto prepared = on.images.prepare();
    REQUIRE_FALSE(prepared);
    CHECK(prepared.error().kind == error_kind::conflict);
    CHECK_THAT(describe(prepared.error()),
               Catch::Contains("is there already") && Catch::Contains("there"));
    REQUIRE(on.images.remove());
    CHECK(far_host::read(far.there() / "vm1.raw") == "another guest's");
    CHECK(far.files_there() == 1);
}

TEST_CASE("a name that is taken while the copy goes on is not written over") {
    const far_host far;
    const std::string from = far.make("vm1.raw", mebibyte);
    copying on(far, plan_of(far, guest_with({{from, "raw"}})));
    REQUIRE(on.images.prepare());
    REQUIRE(on.images.copy({}, {}));
    std::ofstream(far.there() / "vm1.raw") << "another guest's";
    CHECK_FALSE(on.images.prove());
    REQUIRE(on.images.remove());
    CHECK(far_host::read(far.there() / "vm1.raw") == "another guest's");
    CHECK(far.files_there() == 1);
}

TEST_CASE("too little room, and a missing folder, are refused before a byte moves") {
    const far_host far;
    const std::string from = far.make("vm1.raw", mebibyte);
    auto plan = plan_of(far, guest_with({{from, "raw"}}));
    SECTION("room") {
        plan.images[0].allocated = bytes{std::uint64_t{1} << 60U};
        const auto prepared = copying(far, plan).images.prepare();
        REQUIRE_FALSE(prepared);
        CHECK(prepared.error().kind == error_kind::environment);
        CHECK_THAT(prepared.error().what, Catch::Contains("1152921504606846976 bytes"));
    }
    SECTION("folder") {
        plan.images[0].destination = (far.there() / "no/such/vm1.raw").string();
        const auto prepared = copying(far, plan).images.prepare();
        REQUIRE_FALSE(prepared);
        CHECK(prepared.error().kind == error_kind::not_found);
    }
    CHECK(far.files_there() == 0);
}

TEST_CASE("a destination without rsync, or without a way to it, is refused with the remedy") {
    const far_host far;
    const std::string from = far.make("vm1.raw", mebibyte);
    const auto plan = plan_of(far, guest_with({{from, "raw"}}));
    far.write_script("echo 'rsync: not found' >&2; exit 127");
    auto prepared = copying(far, plan).images.prepare();
    REQUIRE_FALSE(prepared);
    CHECK(prepared.error().kind == error_kind::environment);
    CHECK(prepared.error().host == "there");
    far.write_script("echo 'Permission denied (publickey).' >&2; exit 255");
    prepared = copying(far, plan).images.prepare();
    REQUIRE_FALSE(prepared);
    CHECK_THAT(describe(prepared.error()),
               Catch::Contains("Permission denied") && Catch::Contains("by key"));
}

TEST_CASE("a copy whose link broke goes on from where it was") {
    const far_host far;
    const std::string path = (far.here() / "vm1.raw").string();
    call({"dd", "if=/dev/urandom", "of=" + path, "bs=1M", "count=8", "status=none"});
    far.break_after(4 * mebibyte);
    copying on(far, plan_of(far, guest_with({{path, "raw"}})));
    REQUIRE(on.images.prepare());
    const auto copied = on.images.copy({}, {});
    INFO((copied ? "" : describe(copied.error())));
    REQUIRE(copied);
    CHECK(far.broke());
    REQUIRE(on.images.prove());
    CHECK(far_host::read(path) == far_host::read(far.there() / "vm1.raw"));
}

TEST_CASE("a link that stays broken ends the copy, and nothing of it is left") {
    const far_host far;
    const std::string from = far.make("vm1.raw", mebibyte);
    copied_images images(far_host::host("here"), far_host::host("there"),
                         plan_of(far, guest_with({{from, "raw"}})), far.ssh(),
                         {std::chrono::milliseconds{50}, std::chrono::milliseconds{1}});
    REQUIRE(images.prepare());
    far.write_script("echo 'Connection reset by peer' >&2; exit 255");
    const auto copied = images.copy({}, {});
    REQUIRE_FALSE(copied);
    CHECK(copied.error().kind == error_kind::unreachable);
    REQUIRE(images.remove());
    CHECK(far.files_there() == 0);
    REQUIRE(images.remove());
}

TEST_CASE("a copy that is called off can be taken up by another") {
    const far_host far;
    const std::string from = far.make("vm1.raw", 64 * mebibyte);
    const auto plan = plan_of(far, guest_with({{from, "raw"}}));
    std::stop_source stopping;
    {
        copying on(far, plan);
        REQUIRE(on.images.prepare());
        const auto copied = on.images.copy(
            [&](const auto &now) {
                if (now.done.count() > 0) stopping.request_stop();
            },
            stopping.get_token());
        // It may have come to its end before it heard.
        CHECK((copied || copied.error().kind == error_kind::cancelled));
    }
    const auto read = run::copy_plan_from_text(to_text(plan));
    REQUIRE(read);
    copying on(far, *read);
    REQUIRE(on.images.copy({}, {}));
    REQUIRE(on.images.prove());
    CHECK(far_host::read(from) == far_host::read(far.there() / "vm1.raw"));
}

TEST_CASE("a copy that is not equal proves nothing, and is removed") {
    const far_host far;
    const std::string from = far.make("vm1.raw", mebibyte);
    const auto plan = plan_of(far, guest_with({{from, "raw"}}));
    copying on(far, plan);
    REQUIRE(on.images.prepare());
    REQUIRE(on.images.copy({}, {}));
    {
        std::fstream spoilt(plan.part_of(plan.images[0]),
                            std::ios::in | std::ios::out | std::ios::binary);
        spoilt.seekp(500000);
        spoilt << "x";
    }
    const auto proof = on.images.prove();
    REQUIRE_FALSE(proof);
    CHECK_THAT(proof.error().what, Catch::Contains("is not equal"));
    REQUIRE(on.images.remove());
    CHECK(far.files_there() == 0);
}

TEST_CASE("an image that another guest writes to is not copied") {
    const far_host far;
    const std::string from = far.make("vm1.raw", mebibyte);
    copying on(far, plan_of(far, guest_with({{from, "raw"}})));
    REQUIRE(on.images.prepare());
    { // Who reads it does no harm.
        const host::descriptor reads{::open(from.c_str(), O_RDONLY | O_CLOEXEC)};
        CHECK(on.images.copy({}, {}));
    }
    const host::descriptor writes{::open(from.c_str(), O_RDWR | O_CLOEXEC)};
    const auto copied = on.images.copy({}, {});
    REQUIRE_FALSE(copied);
    CHECK(copied.error().kind == error_kind::conflict);
    CHECK_THAT(
        describe(copied.error()),
        Catch::Contains("in use, though the guest is off: process " + std::to_string(::getpid())));
}
