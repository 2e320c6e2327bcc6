// SPDX-License-Identifier: MIT
// What a host's disks tell of weights, by a fake of its shell.
#include <kvmig/run/host_disks.hpp>
#include <support/catch.hpp>

#include <stop_token>
#include <string>
#include <vector>

using namespace kvmig;
using tuning::weight_file;

namespace {

run::on_host fake_shell(int status, std::string out) {
    return {"kvm01",
            [status, out](const std::vector<std::string> &, const ports::heard_callback &,
                          const std::stop_token &) -> expected<ports::ran_program> {
                return ports::ran_program{status, out, "said so"};
            }};
}

const std::string some_disks = "/sys/block/loop0/queue/scheduler:[none]\n"
                               "/sys/block/sda/queue/scheduler:none [mq-deadline] bfq\n"
                               "/sys/block/vda/queue/scheduler:[none] mq-deadline\n"
                               "/sys/block/sda/dev:8:0\n/sys/block/vda/dev:252:0\n";

} // namespace

TEST_CASE("the disks of a host tell who heeds a weight") {
    const auto disks = run::read_host_disks(
        fake_shell(0, some_disks + "/sys/fs/cgroup/cgroup.controllers:cpu io\n"
                                   "/sys/fs/cgroup/io.cost.qos:252:0 enable=0 ctrl=auto\n"
                                   "/sys/fs/cgroup/io.cost.qos:8:0 enable=1 ctrl=user\n"));
    REQUIRE(disks);
    REQUIRE(disks->size() == 2);
    CHECK(disks->at(0).disk == "sda");
    CHECK(disks->at(0).scheduler == "none [mq-deadline] bfq");
    CHECK(disks->at(0).iocost);
    CHECK(disks->at(1).disk == "vda");
    CHECK_FALSE(disks->at(1).iocost);
    for (const auto &disk : *disks) CHECK(disk.file == weight_file::io_bfq);
}

TEST_CASE("without bfq, or without the unified hierarchy, another file is written") {
    const std::string plain = "/sys/block/vda/queue/scheduler:[none] mq-deadline\n";
    const std::string unified = "/sys/fs/cgroup/cgroup.controllers:io\n";
    const auto file = [](const std::string &said) {
        return run::parse_host_disks(said, "").at(0).file;
    };
    CHECK(file(plain + unified) == weight_file::io_weight);
    CHECK(file(plain) == weight_file::blkio_weight);
    CHECK(file(some_disks) == weight_file::blkio_bfq);
    CHECK(run::parse_host_disks("/r:oot" + plain, "/r:oot").size() == 1);
    CHECK(run::parse_host_disks("nonsense\n\n:", "").empty());
}

TEST_CASE("a host whose disks cannot be read is named; a file that is missing is no failure") {
    CHECK(run::read_host_disks(fake_shell(2, some_disks))->size() == 2);
    for (const int status : {255, 127}) {
        const auto failed = run::read_host_disks(fake_shell(status, ""));
        REQUIRE_FALSE(failed);
        CHECK(failed.error().host == "kvm01");
    }
}
