// SPDX-License-Identifier: MIT
// `kvmig tune disk`, `cpu` and `memory`, over libvirt's test driver.
#include <lab/cli_call.hpp>
#include <lab/tuned_host.hpp>
#include <support/catch.hpp>

#include <kvmig/libvirt/connection.hpp>
#include <kvmig/libvirt/domain.hpp>
#include <kvmig/libvirt/domain_blkiotune.hpp>
#include <kvmig/libvirt/domain_limits.hpp>
#include <kvmig/libvirt/domain_pins.hpp>
#include <kvmig/libvirt/run_mark.hpp>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

using namespace kvmig;
using lab::cli::exit_status;

namespace {

constexpr const char *driver_uri = "test:///default";

// The test driver refuses a limit without a burst, which QEMU takes.

/// A domain of the test driver, which lives as long as a connection to it, and a host to record on.
class tuned_guest : public test::tuned_host {
public:
    tuned_guest() { boot(); }
    /// The host anew: libvirt counts its runs from the beginning again.
    void boot() {
        of_.clear();
        auto on = libvirt::connection::open(driver_uri);
        REQUIRE(on);
        auto of = libvirt::domain::define(
            *on, "<domain type='test'><name>tuned</name>"
                 "<uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>"
                 "<memory unit='MiB'>1024</memory><vcpu>2</vcpu><os><type>hvm</type></os><devices>"
                 "<disk type='file'><source file='/a'/><target dev='vda' bus='virtio'/></disk>"
                 "<disk type='file'><source file='/b'/><target dev='vdb' bus='virtio'/></disk>"
                 "</devices></domain>");
        REQUIRE(of);
        REQUIRE(of->start());
        of_.push_back(std::move(*of));
    }
    ~tuned_guest() {
        static_cast<void>(guest().destroy());
        static_cast<void>(guest().undefine());
    }
    tuned_guest(const tuned_guest &) = delete;
    tuned_guest &operator=(const tuned_guest &) = delete;

    [[nodiscard]] const libvirt::domain &guest() const { return of_.front(); }

    [[nodiscard]] test::outcome set(std::vector<std::string> arguments) const {
        arguments.insert(arguments.end(), {"--connect", driver_uri});
        return tune(std::move(arguments));
    }
    [[nodiscard]] tuning::iotune disk(const char *name, unsigned flags) const {
        const auto told = libvirt::read_iotune(guest(), name, flags);
        REQUIRE(told);
        return *told;
    }
    [[nodiscard]] tuning::memtune memory(unsigned flags) const {
        const auto told = libvirt::read_memtune(guest(), flags);
        REQUIRE(told);
        return *told;
    }

private:
    std::vector<libvirt::domain> of_; // one
};

constexpr unsigned of_now = VIR_DOMAIN_AFFECT_LIVE;
constexpr unsigned of_later = VIR_DOMAIN_AFFECT_CONFIG;

/// Arguments of `kvmig tune`, and what is said of them before anything is written.
struct refused {
    std::vector<std::string> arguments;
    exit_status status;
    const char *says;
};

void check_refused(const tuned_guest &host, const std::vector<refused> &all) {
    for (const refused &each : all) {
        INFO(each.says);
        const auto said = host.set(each.arguments);
        CHECK(said.status == each.status);
        CHECK_THAT(said.messages, Catch::Contains(each.says));
    }
    CHECK_FALSE(std::filesystem::exists(host.root() / "var"));
}

} // namespace

TEST_CASE("tune disk: shown, set for now and for later, and put back") {
    const tuned_guest host;
    const auto none = host.disk("vda", of_now);
    CHECK_THAT(host.set({"disk", "tuned", "vda"}).answer,
               Catch::Contains("tuned vda (live): no limits"));

    const auto dry = host.set({"disk", "tuned", "vda", "--total-iops-sec", "500", "--dry-run"});
    CHECK(dry.status == exit_status::done);
    CHECK_THAT(dry.answer, Catch::Contains("total_iops_sec of tuned vda (live)  0 -> 500") &&
                               Catch::Contains("risk"));
    CHECK(host.disk("vda", of_now) == none);
    CHECK_FALSE(std::filesystem::exists(host.root() / "var"));

    const auto said = host.set({"disk", "tuned", "vda", "--total-iops-sec", "500",
                                "--total-iops-sec-max", "900", "--live", "--config", "--json"});
    CHECK(said.status == exit_status::done);
    const auto answer = nlohmann::json::parse(said.answer);
    CHECK(answer.at("schema") == "kvmig.tune/1");
    CHECK(answer.at("changes").size() == 4);
    CHECK(answer.at("changes").at(0).at("kind") == "parameter");
    for (const unsigned where : {of_now, of_later}) {
        const auto now = host.disk("vda", where);
        CHECK(now[tuning::io_limit::total_iops].avg == 500);
        CHECK(now[tuning::io_limit::total_iops].max == 900);
    }
    // What is not named stays.
    CHECK(host.set({"disk", "tuned", "vda", "--total-bytes-sec", "4096", "--total-bytes-sec-max",
                    "8192", "--config"})
              .status == exit_status::done);
    CHECK(host.disk("vda", of_later)[tuning::io_limit::total_iops].avg == 500);
    CHECK_THAT(
        host.set({"disk", "tuned", "vda", "--config"}).answer,
        Catch::Contains("tuned vda (config): total_bytes_sec=4096 total_bytes_sec_max=8192"));

    CHECK_THAT(host.tune({"--revert", "--dry-run"}).messages, Catch::Contains("3 would be"));
    const auto back = host.tune({"--revert"});
    CHECK(back.status == exit_status::done);
    CHECK_THAT(back.answer, Catch::Contains("iotune vda config"));
    for (const unsigned where : {of_now, of_later})
        CHECK_FALSE(host.disk("vda", where)[tuning::io_limit::total_iops].avg != 0);
    CHECK_THAT(host.tune({"--revert"}).messages, Catch::Contains("0 put back"));
}

TEST_CASE("tune disk: what QEMU would refuse, or nobody could put back, is told before") {
    const tuned_guest host;
    check_refused(
        host,
        {
            {{"disk", "tuned", "vda", "--read-iops-sec", "500", "--read-iops-sec-max", "100"},
             exit_status::usage,
             "the burst 100 is below read_iops_sec, 500"},
            {{"disk", "tuned", "vda", "--read-iops-sec", "5", "--total-iops-sec", "5"},
             exit_status::usage,
             "cannot stand beside"},
            {{"disk", "tuned", "vda", "--read-iops-sec", "many"}, exit_status::usage, "'many'"},
            {{"disk", "tuned", "vdz", "--read-iops-sec", "5"},
             exit_status::failed,
             "it has vda, vdb"},
            {{"disk", "tuned", "--read-iops-sec", "5"}, exit_status::usage, "it has vda, vdb"},
            {{"disk", "nobody", "vda"}, exit_status::failed, "nobody"},
        });
    CHECK(host.set({"disk", "tuned", "vda", "--read-iops-sec", "5", "--read-iops-sec-max", "5"})
              .status == exit_status::done);
    const auto said = host.set({"disk", "tuned", "vda", "--group-name", "slow"});
    CHECK(said.status == exit_status::failed);
    CHECK_THAT(said.messages, Catch::Contains("cannot be put back"));
    REQUIRE(host.guest().destroy());
    const auto off = host.set({"disk", "tuned", "vda", "--live"});
    CHECK(off.status == exit_status::usage);
    CHECK_THAT(off.messages, Catch::Contains("does not run"));
    // Of a run that has ended nothing is left to be put back.
    REQUIRE(host.guest().start());
    CHECK_THAT(host.tune({"--revert"}).answer, Catch::Contains("is no longer there"));
}

TEST_CASE("tune --revert leaves alone a run that has the number of the one that was tuned") {
    tuned_guest host;
    REQUIRE(host.set({"memory", "tuned", "--soft-limit", "512M"}).status == exit_status::done);
    const auto number = virDomainGetID(host.guest().raw());
    host.boot();
    REQUIRE(virDomainGetID(host.guest().raw()) == number);
    tuning::memtune of_this_run;
    of_this_run.soft_limit = bytes::mib(256);
    REQUIRE(libvirt::write_memtune(host.guest(), of_this_run, of_now));
    const auto back = host.tune({"--revert"});
    CHECK(back.status == exit_status::done);
    CHECK_THAT(back.answer, Catch::Contains("is no longer there"));
    CHECK(host.memory(of_now) == of_this_run);
}

TEST_CASE("tune: a run is marked once, and not for a plan that is only shown") {
    const tuned_guest host;
    const auto mark = [&] { return libvirt::read_run_mark(host.guest()).value(); };
    REQUIRE(host.set({"memory", "tuned", "--soft-limit", "512M", "--dry-run"}).status ==
            exit_status::done);
    CHECK(mark() == std::nullopt);
    REQUIRE(host.set({"memory", "tuned", "--soft-limit", "512M"}).status == exit_status::done);
    const auto first = mark();
    CHECK(first);
    REQUIRE(host.set({"memory", "tuned", "--soft-limit", "256M"}).status == exit_status::done);
    CHECK(mark() == first);
    CHECK(host.tune({"--revert"}).status == exit_status::done);
    CHECK(host.memory(of_now) == tuning::memtune{});
}

TEST_CASE("tune memory: hazards told, set, and put back") {
    const tuned_guest host;
    const auto said = host.set({"memory", "tuned", "--hard-limit", "1G", "--config"});
    CHECK(said.status == exit_status::done);
    CHECK_THAT(said.answer, Catch::Contains("hard_limit of tuned (config)  unlimited -> 1048576") &&
                                Catch::Contains("OOM killer") &&
                                Catch::Contains("note: hard_limit 1024 MiB"));
    CHECK(host.memory(of_later).hard_limit == bytes::gib(1));
    CHECK(host.set({"memory", "tuned", "--soft-limit", "512M", "--config"}).status ==
          exit_status::done);
    CHECK(host.memory(of_later).hard_limit == bytes::gib(1));
    CHECK_THAT(host.set({"memory", "tuned", "--config"}).answer,
               Catch::Contains("tuned (config): hard_limit=1048576 soft_limit=524288"));
    const auto below = host.set({"memory", "tuned", "--swap-hard-limit", "512M", "--config"});
    CHECK(below.status == exit_status::usage);
    CHECK_THAT(below.messages, Catch::Contains("524288 KiB is below hard_limit, 1048576 KiB"));
    CHECK(host.set({"memory", "tuned", "--hard-limit", "unlimited", "--config"}).status ==
          exit_status::done);
    CHECK(host.memory(of_later).hard_limit == std::nullopt);
    CHECK(host.tune({"--revert"}).status == exit_status::done);
    CHECK(host.memory(of_later) == tuning::memtune{});
}

TEST_CASE("tune cpu: shown with advice, pinned for now and for later, and put back") {
    // The driver's host has the CPUs 0, 2 and 4 online, and tells of 16 where nothing is pinned.
    const tuned_guest host;
    const auto shown = host.set({"cpu", "tuned", "--config"});
    CHECK(shown.status == exit_status::done);
    CHECK_THAT(shown.answer, Catch::Contains("tuned (config): vcpu0=any vcpu1=any emulator=any"));
    const auto pins = [&](unsigned flags) {
        return libvirt::read_cpu_pins(host.guest(), flags).value();
    };
    const auto before = pins(of_now);
    // The domain may stand last.
    const auto dry = host.set({"cpu", "--dry-run", "--vcpupin", "0:2", "tuned"});
    CHECK_THAT(dry.answer, Catch::Contains("vcpu0 of tuned (live)  0-15 -> 2") &&
                               Catch::Contains("names every CPU"));
    CHECK(pins(of_now) == before);
    CHECK_FALSE(std::filesystem::exists(host.root() / "var"));

    const auto said = host.set({"cpu", "tuned", "--vcpupin", "0:2", "--vcpupin", "1:2,4",
                                "--emulatorpin", "0", "--live", "--config", "--json"});
    CHECK(said.status == exit_status::done);
    const auto answer = nlohmann::json::parse(said.answer);
    CHECK(answer.at("changes").size() == 6);
    CHECK_THAT(answer.at("notes").dump(), Catch::Contains("a destination needs the same CPU"));
    for (const unsigned where : {of_now, of_later}) {
        CHECK(pins(where).vcpus.at(0) == tuning::cpu_set{2});
        CHECK(pins(where).vcpus.at(1) == tuning::cpu_set{2, 4});
        CHECK(pins(where).emulator == tuning::cpu_set{0});
    }
    CHECK(host.set({"cpu", "tuned", "--vcpupin", "1:any", "--config"}).status == exit_status::done);
    CHECK(pins(of_later).vcpus.at(1) == std::nullopt);
    CHECK(pins(of_later).vcpus.at(0) == tuning::cpu_set{2});
    const auto back = host.tune({"--revert"});
    CHECK(back.status == exit_status::done);
    CHECK_THAT(back.answer, Catch::Contains("cputune config"));
    CHECK(pins(of_now) == before);
    CHECK(pins(of_later).vcpus.at(0) == std::nullopt);
    CHECK(pins(of_later).emulator == std::nullopt);
}

TEST_CASE("tune disk: a weight is set although nobody heeds it, which is told, and put back") {
    tuned_guest host;
    host.put("/sys/block/sda/queue/scheduler", "[mq-deadline] bfq none\n");
    host.put("/sys/fs/cgroup/cgroup.controllers", "cpu io memory\n");
    const auto weights = [&](unsigned flags) {
        return libvirt::read_blkiotune(host.guest(), flags).value();
    };
    const auto said = host.set({"disk", "tuned", "--weight", "500", "--live", "--config"});
    CHECK(said.status == exit_status::done);
    CHECK_THAT(said.answer, Catch::Contains("weight of tuned (live)  0 -> 500") &&
                                Catch::Contains("no effect") &&
                                Catch::Contains("sda has mq-deadline"));
    for (const unsigned where : {of_now, of_later}) CHECK(weights(where).weight == 500);
    host.put("/sys/block/sda/queue/scheduler", "mq-deadline [bfq] none\n");
    const auto heeded = host.set({"disk", "tuned", "--device-weights", "/dev/sda,300", "--config"});
    CHECK(heeded.status == exit_status::done);
    CHECK_THAT(heeded.answer, !Catch::Contains("no effect"));
    CHECK(weights(of_later).device_weight.at("/dev/sda") == 300);
    CHECK(weights(of_later).weight == 500);
    CHECK_THAT(host.set({"disk", "tuned", "vda", "--config"}).answer,
               Catch::Contains("tuned (config): weight=500 device_weight=/dev/sda,300"));
    for (const unsigned where : {of_now, of_later}) {
        CHECK(host.set({"disk", "tuned", "--device-read-iops-sec", "/dev/sda,50",
                        where == of_now ? "--live" : "--config"})
                  .status == exit_status::done);
        CHECK(weights(where).device_read_iops_sec.at("/dev/sda") == 50);
    }
    CHECK(host.tune({"--revert"}).status == exit_status::done);
    for (const unsigned where : {of_now, of_later}) {
        CHECK(weights(where) == tuning::blkiotune{});
    }
}

TEST_CASE("tune cpu and weights: bad input is named before anything is written") {
    const tuned_guest host;
    check_refused(
        host,
        {
            {{"cpu", "tuned", "--vcpupin", "0:1"},
             exit_status::usage,
             "CPU 1 of '1' is not online"},
            {{"cpu", "tuned", "--vcpupin", "2:0"}, exit_status::usage, "there is no vCPU 2"},
            {{"cpu", "tuned", "--vcpupin", "0"}, exit_status::usage, "'0' is no pin of a vCPU"},
            {{"cpu", "tuned", "--vcpupin", "0:0", "--vcpupin", "0:2"},
             exit_status::usage,
             "pinned twice"},
            {{"cpu", "tuned", "--emulatorpin", "x"}, exit_status::usage, "'x' is no set of CPUs"},
            {{"disk", "tuned", "--weight", "5"},
             exit_status::usage,
             "a weight of 5 is out of range"},
            {{"disk", "tuned", "--device-weights", "sda,5"}, exit_status::usage, "'sda,5'"},
            {{"disk", "tuned", "--device-write-iops-sec", "/dev/sda,-5"},
             exit_status::usage,
             "'/dev/sda,-5'"},
            {{"disk", "tuned", "--device-weights", "/dev/sda,300", "--live"},
             exit_status::failed,
             "could not be put back"},
        });
    CHECK(libvirt::read_run_mark(host.guest()).value() == std::nullopt);
}

TEST_CASE("tune --revert puts back files and domains, and each although the other fails") {
    const tuned_guest host;
    CHECK(host.tune({"profile", "virtual-host"}).status == exit_status::done);
    CHECK(host.set({"memory", "tuned", "--soft-limit", "512M", "--config"}).status ==
          exit_status::done);
    const auto swappiness = host.at("/proc/sys/vm/swappiness");
    std::filesystem::remove(swappiness);
    std::filesystem::create_directory(swappiness); // cannot be read
    const auto half = host.tune({"--revert"});
    CHECK(half.status == exit_status::failed);
    CHECK_THAT(half.messages, Catch::Contains("swappiness"));
    CHECK(host.memory(of_later) == tuning::memtune{});
    std::filesystem::remove(swappiness);
    host.put("/proc/sys/vm/swappiness", "10\n");
    CHECK(host.tune({"--revert"}).status == exit_status::done);
    CHECK(host.text("/proc/sys/vm/swappiness") == "60\n");
}
