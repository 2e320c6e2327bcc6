// SPDX-License-Identifier: MIT
#include <kvmig/migration/option_rules.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace kvmig;
using namespace kvmig::migration;

namespace {

flag nth(std::size_t place) { return static_cast<flag>(1U << place); }

std::vector<std::string> told(const options &o) {
    std::vector<std::string> out;
    for (const objection &each : validate(o)) out.push_back(each.what);
    return out;
}

bool tells(const options &o, const std::string &part) {
    const auto all = told(o);
    return std::any_of(all.begin(), all.end(),
                       [&](const std::string &what) { return what.find(part) != what.npos; });
}

/// Flags that complete `base` so that nothing is wrong with it but what the test adds.
options with(flag_set flags) { return options{.flags = flags}; }

} // namespace

TEST_CASE("flags have libvirt's places and names") {
    CHECK(flag_names.size() == 21);
    CHECK(to_string(flag::live) == "live");
    CHECK(to_string(flag::unsafe) == "unsafe");
    CHECK(to_string(flag::zerocopy) == "zerocopy");
    CHECK(std::set(flag_names.begin(), flag_names.end()).size() == flag_names.size());
    const flag_set some{flag::zerocopy, flag::live};
    CHECK(some.bits() == ((1U << 20) | 1U));
    CHECK(some.text() == "live, zerocopy");
    CHECK(flag_set(some).set(flag::live, false) == flag_set{flag::zerocopy});
}

// What the rules should say of every pair, written down apart from the rules: for the pair
// {a, b} alone, the objections about flags. Each row is read from libvirt's comments and checks.
TEST_CASE("every pair of flags gets exactly the objections that libvirt's rules give") {
    using pair = std::set<flag>;
    const std::set<pair> excluded = {
        {flag::live, flag::offline},
        {flag::tunnelled, flag::parallel},
        {flag::tunnelled, flag::offline},
        {flag::tunnelled, flag::postcopy},
        {flag::tunnelled, flag::non_shared_disk},
        {flag::tunnelled, flag::non_shared_inc},
        {flag::non_shared_disk, flag::non_shared_inc},
        {flag::offline, flag::non_shared_disk},
        {flag::offline, flag::non_shared_inc},
        {flag::postcopy, flag::paused},
    };
    const auto missing = [](flag a, flag b) {
        // How many needs of `a` are unmet when only `b` stands beside it.
        switch (a) {
        case flag::tunnelled: return b == flag::peer2peer ? 0 : 1;
        case flag::zerocopy: return b == flag::parallel ? 0 : 1;
        case flag::offline: return b == flag::persist_dest ? 0 : 1;
        case flag::postcopy: return b == flag::live ? 0 : 1;
        case flag::postcopy_resume:
            return (b == flag::postcopy ? 0 : 1) + (b == flag::change_protection ? 0 : 1);
        case flag::non_shared_synchronous_writes:
            return b == flag::non_shared_disk || b == flag::non_shared_inc ? 0 : 1;
        case flag::rdma_pin_all: return 1; // needs a migrate_uri, which is no flag
        default: return 0;
        }
    };
    std::size_t pairs = 0;
    for (std::size_t i = 0; i < flag_names.size(); ++i) {
        for (std::size_t j = i + 1; j < flag_names.size(); ++j) {
            const flag a = nth(i);
            const flag b = nth(j);
            INFO(to_string(a) << " and " << to_string(b));
            const auto found = told(with({a, b}));
            const int wanted =
                (excluded.count({a, b}) != 0 ? 1 : 0) + missing(a, b) + missing(b, a);
            CHECK(static_cast<int>(found.size()) == wanted);
            const std::string words = std::string(to_string(a)) + " and " +
                                      std::string(to_string(b)) + " exclude each other";
            const std::string turned = std::string(to_string(b)) + " and " +
                                       std::string(to_string(a)) + " exclude each other";
            const bool said = std::count(found.begin(), found.end(), words) +
                                  std::count(found.begin(), found.end(), turned) ==
                              1;
            CHECK(said == (excluded.count({a, b}) != 0));
            ++pairs;
        }
    }
    CHECK(pairs == 210);
}

TEST_CASE("every flag alone gets the objections of its own needs") {
    const std::vector<std::pair<flag, std::vector<std::string>>> needs = {
        {flag::tunnelled, {"tunnelled needs peer2peer"}},
        {flag::offline, {"offline needs persist_dest"}},
        {flag::postcopy, {"postcopy needs live"}},
        {flag::zerocopy, {"zerocopy needs parallel"}},
        {flag::postcopy_resume,
         {"postcopy_resume needs postcopy", "postcopy_resume needs change_protection"}},
        {flag::non_shared_synchronous_writes,
         {"non_shared_synchronous_writes needs non_shared_disk, non_shared_inc"}},
        {flag::rdma_pin_all, {"rdma_pin_all is given without what it tunes"}},
    };
    for (std::size_t i = 0; i < flag_names.size(); ++i) {
        INFO(flag_names[i]);
        const auto row = std::find_if(needs.begin(), needs.end(),
                                      [&](const auto &each) { return each.first == nth(i); });
        CHECK(told(with({nth(i)})) ==
              (row == needs.end() ? std::vector<std::string>{} : row->second));
    }
}

TEST_CASE("combinations that libvirt takes get no objection") {
    const flag_set good = GENERATE(
        flag_set{}, flag_set{flag::live},
        flag_set{flag::live, flag::peer2peer, flag::tunnelled, flag::persist_dest},
        flag_set{flag::offline, flag::persist_dest, flag::undefine_source},
        flag_set{flag::live, flag::postcopy, flag::parallel, flag::tls},
        flag_set{flag::live, flag::postcopy, flag::postcopy_resume, flag::change_protection},
        flag_set{flag::live, flag::non_shared_inc, flag::non_shared_synchronous_writes},
        flag_set{flag::live, flag::non_shared_disk, flag::parallel, flag::zerocopy},
        flag_set{flag::live, flag::auto_converge, flag::compressed, flag::abort_on_error,
                 flag::unsafe, flag::paused});
    INFO(good.text());
    CHECK(told(with(good)).empty());
}

TEST_CASE("all objections are told at once, and make one error") {
    options o = with({flag::live, flag::offline, flag::tunnelled, flag::parallel});
    o.auto_converge_initial = 0;
    const auto found = told(o);
    CHECK(found ==
          std::vector<std::string>{
              "live and offline exclude each other", "tunnelled and parallel exclude each other",
              "tunnelled and offline exclude each other", "tunnelled needs peer2peer",
              "offline needs persist_dest", "auto_converge.initial is given without what it tunes",
              "auto_converge.initial is 0"});
    const error err = refusal(validate(o));
    CHECK(err.kind == error_kind::invalid_argument);
    CHECK(err.what == "the migration options cannot work: 7 reasons");
    REQUIRE(err.causes.size() == 7);
    for (const error &cause : err.causes) CHECK_FALSE(cause.remedy.empty());
}

TEST_CASE("tuning a feature needs the feature") {
    using change = std::function<void(options &)>;
    const auto [name, tune,
                feature] = GENERATE(Catch::Generators::table<std::string, change, change>({
        {"bandwidth.postcopy", [](options &o) { o.postcopy_bandwidth = byte_rate::mib(1); },
         [](options &o) { o.flags.set(flag::postcopy); }},
        {"auto_converge.initial", [](options &o) { o.auto_converge_initial = 20; },
         [](options &o) { o.flags.set(flag::auto_converge); }},
        {"auto_converge.increment", [](options &o) { o.auto_converge_increment = 10; },
         [](options &o) { o.flags.set(flag::auto_converge); }},
        {"parallel.connections", [](options &o) { o.parallel_connections = 2; },
         [](options &o) { o.flags.set(flag::parallel); }},
        {"tls.destination", [](options &o) { o.tls_destination = "kvm02"; },
         [](options &o) { o.flags.set(flag::tls); }},
        {"persistent_xml", [](options &o) { o.persistent_xml = "<domain/>"; },
         [](options &o) { o.flags.set(flag::persist_dest); }},
        {"migrate_disks", [](options &o) { o.migrate_disks = {"vda"}; },
         [](options &o) { o.flags.set(flag::non_shared_disk); }},
        {"migrate_disks_detect_zeroes", [](options &o) { o.migrate_disks_detect_zeroes = {"vda"}; },
         [](options &o) { o.flags.set(flag::non_shared_inc); }},
        {"disks_port", [](options &o) { o.disks_port = 49200; },
         [](options &o) { o.flags.set(flag::non_shared_inc); }},
        {"disks_uri", [](options &o) { o.disks_uri = "tcp://192.0.2.1"; },
         [](options &o) { o.flags.set(flag::non_shared_disk); }},
        {"compression", [](options &o) { o.compression = {"xbzrle"}; },
         [](options &o) { o.flags.set(flag::compressed); }},
        {"compression zlib",
         [](options &o) {
             o.flags.set(flag::compressed);
             o.compression = {"zlib"};
         },
         [](options &o) { o.flags.set(flag::parallel); }},
        {"compression zstd",
         [](options &o) {
             o.flags.set(flag::compressed);
             o.compression = {"zstd"};
         },
         [](options &o) { o.flags.set(flag::parallel); }},
        {"compression.mt.level", [](options &o) { o.compression_mt_level = 1; },
         [](options &o) {
             o.flags.set(flag::compressed);
             o.compression = {"mt"};
         }},
        {"compression.mt.threads", [](options &o) { o.compression_mt_threads = 1; },
         [](options &o) {
             o.flags.set(flag::compressed);
             o.compression = {"mt"};
         }},
        {"compression.mt.dthreads", [](options &o) { o.compression_mt_dthreads = 1; },
         [](options &o) {
             o.flags.set(flag::compressed);
             o.compression = {"mt"};
         }},
        {"compression.xbzrle.cache",
         [](options &o) { o.compression_xbzrle_cache = bytes::mib(64); },
         [](options &o) {
             o.flags.set(flag::compressed);
             o.compression = {"xbzrle"};
         }},
        {"compression.zlib.level", [](options &o) { o.compression_zlib_level = 1; },
         [](options &o) {
             o.flags.set(flag::compressed).set(flag::parallel);
             o.compression = {"zlib"};
         }},
        {"compression.zstd.level", [](options &o) { o.compression_zstd_level = 1; },
         [](options &o) {
             o.flags.set(flag::compressed).set(flag::parallel);
             o.compression = {"zstd"};
         }},
    }));
    INFO(name);
    options o;
    tune(o);
    CHECK(told(o) == std::vector<std::string>{name + " is given without what it tunes"});
    feature(o);
    CHECK(told(o).empty());
}

TEST_CASE("the tunnel takes no parameter that names another way") {
    using change = std::function<void(options &)>;
    const auto [name, set] = GENERATE(Catch::Generators::table<std::string, change>({
        {"migrate_uri", [](options &o) { o.migrate_uri = "tcp://192.0.2.1"; }},
        {"listen_address", [](options &o) { o.listen_address = "0.0.0.0"; }},
        {"disks_port", [](options &o) { o.disks_port = 49200; }},
        {"disks_uri", [](options &o) { o.disks_uri = "tcp://192.0.2.1"; }},
        {"migrate_disks", [](options &o) { o.migrate_disks = {"vda"}; }},
        {"migrate_disks_detect_zeroes",
         [](options &o) { o.migrate_disks_detect_zeroes = {"vda"}; }},
    }));
    INFO(name);
    options o = with({flag::live, flag::peer2peer, flag::tunnelled});
    CHECK(told(o).empty());
    set(o);
    CHECK(tells(o, "tunnelled and " + name + " exclude each other"));
}

TEST_CASE("numbers outside their range are refused at both ends") {
    using change = std::function<void(options &, int)>;
    const auto [name, set, least,
                most] = GENERATE(Catch::Generators::table<std::string, change, int, int>({
        {"compression.mt.level", [](options &o, int n) { o.compression_mt_level = n; }, 0, 9},
        {"compression.mt.threads", [](options &o, int n) { o.compression_mt_threads = n; }, 1, 255},
        {"compression.mt.dthreads", [](options &o, int n) { o.compression_mt_dthreads = n; }, 1,
         255},
        {"auto_converge.initial", [](options &o, int n) { o.auto_converge_initial = n; }, 1, 99},
        {"auto_converge.increment", [](options &o, int n) { o.auto_converge_increment = n; }, 1,
         99},
        {"parallel.connections", [](options &o, int n) { o.parallel_connections = n; }, 1, 255},
        {"disks_port", [](options &o, int n) { o.disks_port = n; }, 1, 65535},
    }));
    options o = with(
        {flag::live, flag::compressed, flag::auto_converge, flag::parallel, flag::non_shared_disk});
    o.compression = {"mt"};
    for (const int good : {least, most}) {
        INFO(name << " = " << good);
        set(o, good);
        CHECK(told(o).empty());
    }
    for (const int bad : {least - 1, most + 1}) {
        INFO(name << " = " << bad);
        set(o, bad);
        CHECK(told(o) == std::vector<std::string>{name + " is " + std::to_string(bad)});
    }
}

TEST_CASE("levels of zlib and zstd have ranges of their own") {
    options o = with({flag::live, flag::compressed, flag::parallel});
    o.compression = {"zstd"};
    o.compression_zstd_level = 20;
    CHECK(told(o).empty());
    o.compression_zstd_level = 21;
    CHECK(told(o) == std::vector<std::string>{"compression.zstd.level is 21"});
    o.compression_zstd_level.reset();
    o.compression = {"zlib"};
    o.compression_zlib_level = 10;
    CHECK(told(o) == std::vector<std::string>{"compression.zlib.level is 10"});
}

TEST_CASE("compression methods are known, named once, and one of them with parallel") {
    options o = with({flag::live, flag::compressed});
    o.compression = {"xbzrle", "mt"};
    CHECK(told(o).empty());
    o.compression = {"xbzrle", "mt", "xbzrle"};
    CHECK(told(o) == std::vector<std::string>{"compression names 'xbzrle' twice"});
    o.compression = {"lzo"};
    CHECK(told(o) == std::vector<std::string>{"compression names 'lzo', which is no method"});
    o.flags.set(flag::parallel);
    o.compression = {"zlib", "zstd"};
    CHECK(told(o) ==
          std::vector<std::string>{"compression zlib and compression zstd exclude each other"});
}

TEST_CASE("rates are whole MiB per second") {
    options o = with({flag::live, flag::postcopy});
    o.bandwidth = byte_rate::mib(1);
    o.postcopy_bandwidth = byte_rate::mib(1000);
    CHECK(told(o).empty());
    o.bandwidth = byte_rate{0}; // libvirt would read it as "no limit"
    CHECK(tells(o, "bandwidth is 0 bytes/s"));
    o.bandwidth = byte_rate{(1U << 20) + 1};
    CHECK(tells(o, "bandwidth is 1048577 bytes/s"));
    o.bandwidth.reset();
    o.bandwidth_avail_switchover = byte_rate{1000};
    CHECK(tells(o, "bandwidth.avail.switchover is 1000 bytes/s"));
}

TEST_CASE("disks are named once and not empty") {
    options o = with({flag::live, flag::non_shared_disk});
    o.migrate_disks = {"vda", "vdb"};
    CHECK(told(o).empty());
    o.migrate_disks = {"vda", "vda"};
    CHECK(told(o) == std::vector<std::string>{"migrate_disks names 'vda' twice"});
    o.migrate_disks = {""};
    CHECK(told(o) == std::vector<std::string>{"migrate_disks holds an empty name"});
}

TEST_CASE("a migration URI is checked before libvirt sees it") {
    options o;
    for (const char *good : {"tcp://192.0.2.1", "tcp://kvm02.example:49152",
                             "tcp://[2001:db8::1]:49152", "tcp:kvm02:49152", "tcp:kvm02",
                             "rdma://192.0.2.1", "unix:///run/migrate.sock", "tcp://kvm02/"}) {
        INFO(good);
        o.migrate_uri = good;
        CHECK(told(o).empty());
    }
    const auto [bad, what] = GENERATE(Catch::Generators::table<std::string, std::string>({
        {"kvm02", "it has no scheme"},
        {"", "it has no scheme"},
        {"http://kvm02", "there is no scheme 'http'"},
        {"qemu+ssh://kvm02/system", "there is no scheme 'qemu+ssh'"},
        {"tcp://", "it names no host"},
        {"tcp://:49152", "it names no host"},
        {"tcp://kvm02:", "no port"},
        {"tcp://kvm02:x", "'x' is no port"},
        {"rdma:kvm02", "'//' is missing"},
        {"unix://relative", "it holds no path"},
        {"unix:/run/x", "it holds no path"},
        {"unix:///", "it holds no path"},
    }));
    o.migrate_uri = bad;
    INFO(bad);
    const auto found = told(o);
    REQUIRE(found.size() == 1);
    CHECK_THAT(found[0], Catch::StartsWith("migrate_uri '" + bad + "': "));
    CHECK_THAT(found[0], Catch::Contains(what));
}

TEST_CASE("a URI for disks is tcp or unix, and stands instead of a port") {
    options o = with({flag::live, flag::non_shared_disk});
    o.disks_uri = "unix:///run/nbd.sock";
    CHECK(told(o).empty());
    o.disks_port = 49200;
    CHECK(told(o) == std::vector<std::string>{"disks_port and disks_uri exclude each other"});
    o.disks_port.reset();
    o.disks_uri = "rdma://kvm02";
    CHECK(tells(o, "disks_uri 'rdma://kvm02': there is no scheme 'rdma' here"));
    o.disks_uri = "tcp:kvm02:1";
    CHECK(tells(o, "'//' is missing"));
}

TEST_CASE("TLS over a unix socket needs a name, and disks go by TCP then") {
    options o = with({flag::live, flag::tls, flag::non_shared_disk});
    o.migrate_uri = "unix:///run/migrate.sock";
    CHECK(told(o) ==
          std::vector<std::string>{"tls over a unix socket needs the name in the destination's "
                                   "certificate"});
    o.tls_destination = "kvm02.example";
    CHECK(told(o).empty());
    o.disks_uri = "unix:///run/nbd.sock";
    CHECK(told(o) == std::vector<std::string>{"tls and disks_uri over unix exclude each other"});
}

TEST_CASE("memory is pinned for RDMA only") {
    options o = with({flag::live, flag::rdma_pin_all});
    o.migrate_uri = "rdma://192.0.2.1";
    CHECK(told(o).empty());
    o.migrate_uri = "tcp://192.0.2.1";
    CHECK(told(o).size() == 1);
}

TEST_CASE("a destination URI belongs to peer-to-peer, and is checked") {
    options o = with({flag::live, flag::peer2peer});
    o.destination_uri = "qemu+tls://kvm02.example/system";
    CHECK(told(o).empty());
    o.destination_uri = "qemu+ssh://192.168.30.132:/system";
    CHECK(tells(o, "destination_uri: cannot parse the URI"));
    o.flags.set(flag::peer2peer, false);
    o.destination_uri = "qemu+tls://kvm02.example/system";
    CHECK(tells(o, "destination_uri is given without what it tunes"));
}

TEST_CASE("direct needs to know where to, and is not peer-to-peer") {
    options o;
    o.direct = true;
    CHECK(told(o) == std::vector<std::string>{"direct is given without migrate_uri"});
    o.migrate_uri = "tcp://192.0.2.1";
    CHECK(told(o).empty());
    o.flags.set(flag::peer2peer);
    CHECK(told(o) == std::vector<std::string>{"direct and peer2peer exclude each other"});
}

TEST_CASE("what a daemon is too old or too new for is told with its version and host") {
    const auto said = [](const options &o, model::version libvirt) {
        std::vector<std::string> out;
        for (const auto &each : validate_for(o, libvirt, "kvm02")) out.push_back(each.what);
        return out;
    };
    options o = with({flag::live, flag::compressed, flag::parallel});
    o.compression = {"zlib"};
    o.compression_zlib_level = 3;
    o.migrate_disks_detect_zeroes = {"vda"};
    o.bandwidth_avail_switchover = byte_rate::mib(100);
    CHECK(said(o, {9, 0, 0}) ==
          std::vector<std::string>{
              "compression zlib came with libvirt 9.4.0, and kvm02 has 9.0.0",
              "compression.zlib.level came with libvirt 9.4.0, and kvm02 has 9.0.0",
              "migrate_disks_detect_zeroes came with libvirt 10.9.0, and kvm02 has 9.0.0",
              "bandwidth.avail.switchover came with libvirt 11.1.0, and kvm02 has 9.0.0"});
    CHECK(said(o, {9, 4, 0}).size() == 2);
    CHECK(said(o, {10, 9, 0}).size() == 1);
    CHECK(said(o, {11, 1, 0}).empty());

    options older = with({flag::live, flag::compressed, flag::parallel});
    older.compression = {"xbzrle", "mt"};
    CHECK(said(older, {9, 0, 0}).empty());
    CHECK(said(older, {11, 3, 0}) ==
          std::vector<std::string>{
              "compression xbzrle and parallel exclude each other from libvirt 11.0, and kvm02 "
              "has 11.3.0",
              "compression mt and parallel exclude each other from libvirt 11.0, and kvm02 has "
              "11.3.0"});

    options flags =
        with({flag::zerocopy, flag::postcopy_resume, flag::non_shared_synchronous_writes});
    flags.disks_uri = "tcp://192.0.2.1";
    CHECK(said(flags, {6, 7, 0}).size() == 4);
    CHECK(said(flags, {8, 0, 0}).size() == 2);
    CHECK(said(flags, {8, 5, 0}).empty());
}

TEST_CASE(
    "devices of the host are set aside of a guest that runs, each for one of the other host") {
    using model::pci_address;
    const pci_address a{0, 0, 5, 0};
    const pci_address b{0, 0, 6, 0};
    const pci_address c{0, 0, 7, 0};
    auto o = with({flag::live});
    o.host_devices.set_aside = true;
    CHECK(told(o).empty());
    o.host_devices.at_destination = {{a, a}, {b, c}};
    CHECK(told(o).empty());
    o.host_devices.at_destination = {{a, b}, {b, a}};
    CHECK(told(o).empty());
    o.host_devices.at_destination = {{a, b}, {c, a}, {a, c}};
    CHECK(told(o) == std::vector<std::string>{
                         "host_devices.at_destination names the source's 0000:00:05.0 twice"});
    o.host_devices.at_destination = {{a, b}, {c, b}};
    CHECK(told(o) == std::vector<std::string>{
                         "host_devices.at_destination names the destination's 0000:00:06.0 twice"});
    o.host_devices.at_destination = {{a, b}, {a, b}};
    CHECK(told(o).size() == 2);
    o.host_devices = {.set_aside = false, .at_destination = {{a, b}}};
    CHECK(tells(o, "host_devices.at_destination is given without"));
    o = with({flag::offline, flag::persist_dest});
    o.host_devices.set_aside = true;
    CHECK(told(o) ==
          std::vector<std::string>{"host_devices.set_aside and offline exclude each other"});
}
