// SPDX-License-Identifier: MIT
// Hosts of one's own: the file that names them, and what runs on them.
#include <kvmig/xml/storage.hpp>
#include <lab/cli/subcommands.hpp>
#include <lab/cli_call.hpp>
#include <lab/scenario/belongings.hpp>
#include <lab/scenario/guest_domain.hpp>
#include <lab/scenario/runner.hpp>
#include <lab/topology/files.hpp>
#include <lab/topology/inventory.hpp>
#include <support/catch.hpp>
#include <support/node.hpp>
#include <support/temporary_directory.hpp>

#include <cstdlib>
#include <fmt/format.h>
#include <set>

using namespace kvmig;
using namespace kvmig::lab;

namespace {

const std::string good_inventory = R"([[host]]
uri = "qemu+ssh://root@kvm1.example.org/system"
peer_uri = "qemu+ssh://root@10.0.0.1/system"
migration_address = "10.0.0.1"

[[host]]
uri = "qemu+ssh://root@kvm2.example.org/system"

[store]
pool = "images"
local_pool = "default"

[guest]
bridge = "br0"
address = "192.0.2.150/25"
)";

/// The inventory with the first `from` in it replaced.
std::string but(std::string_view from, std::string_view to) {
    std::string text = good_inventory;
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

/// What is said of an inventory that cannot be used.
std::string objection(const std::string &text) {
    const auto read = parse_inventory(text, "hosts.toml");
    REQUIRE_FALSE(read);
    CHECK(read.error().kind == error_kind::invalid_argument);
    return describe(read.error());
}

} // namespace

TEST_CASE("an inventory is read as it is written") {
    const auto read = parse_inventory(good_inventory, "hosts.toml");
    if (!read) FAIL(describe(read.error()));
    CHECK(read->hosts[0].uri == "qemu+ssh://root@kvm1.example.org/system");
    CHECK(read->hosts[0].peer_uri == "qemu+ssh://root@10.0.0.1/system");
    CHECK(read->hosts[0].migration_address == "10.0.0.1");
    CHECK(read->hosts[1].uri == "qemu+ssh://root@kvm2.example.org/system");
    CHECK(read->hosts[1].peer_uri.empty());
    CHECK(read->pool == "images");
    CHECK(read->local_pool == "default");
    REQUIRE(read->guest);
    CHECK(read->guest->interface_kind == "bridge");
    CHECK(read->guest->interface_source == "br0");
    CHECK(read->guest->address == "192.0.2.150");
    CHECK(read->guest->prefix == 25);
    CHECK(read->guest->probe.empty());

    const auto other = parse_inventory(
        but("bridge = \"br0\"", "network = \"lan\"\nprobe = \"192.0.2.200\""), "hosts.toml");
    REQUIRE(other);
    CHECK(other->guest->interface_kind == "network");
    CHECK(other->guest->interface_source == "lan");
    CHECK(other->guest->probe == "192.0.2.200");
}

TEST_CASE("an error in an inventory names file, place and key, and what would be right") {
    struct row {
        std::string_view from, to;
        std::vector<std::string> said;
    };
    const row rows[] = {
        {"pool = \"images\"", "pool \"images\"", {"hosts.toml:10:6", "toml.io"}},
        {"peer_uri", "peer_url", {"hosts.toml:3:1", "peer_url", "uri, peer_uri"}},
        {"[store]",
         "[stores]",
         {"hosts.toml:9:", "stores", "host, store, guest", "no table [store]"}},
        {"local_pool = \"default\"",
         "",
         {"hosts.toml:9:1", "lacks the key 'local_pool'", "add local_pool"}},
        {"\"default\"", "7", {"hosts.toml:11:14", "'local_pool' of [store] is no text"}},
        {"\"default\"", "\"images\"", {"'images' cannot be both pools"}},
        {"qemu+ssh://root@kvm2",
         "qemu+tls://kvm2",
         {"hosts.toml:7:7", "qemu+tls://kvm2", "qemu+ssh://USER@HOST/system"}},
        {"qemu+ssh://root@kvm2", "kvm2", {"hosts.toml:7:7", "cannot parse the URI"}},
        {"kvm2", "kvm1", {"hosts.toml:6:1", "same uri"}},
        {"kvm2.example.org/system", "kvm2.example.org/session", {"hosts.toml:7:7", "over SSH"}},
        {"/25", "", {"hosts.toml:15:11", "192.0.2.150", "192.0.2.150/24"}},
        {"/25", "/31", {"the length from 8 to 30"}},
        {"192.0.2.150/25", "store/25", {"'store/25'"}},
        {"bridge = \"br0\"", "", {"hosts.toml:13:1", "either a bridge or a network"}},
        {"bridge = \"br0\"",
         "bridge = \"br0\"\nnetwork = \"lan\"",
         {"either a bridge or a network"}},
        {"bridge = \"br0\"",
         "bridge = \"br0\"\nprobe = \"me\"",
         {"hosts.toml:15:9", "'me' is no IPv4 address"}},
        {"[[host]]", "", {"hosts.toml:", "not two"}},
    };
    for (const row &each : rows) {
        INFO(each.from << " -> " << each.to);
        const std::string said = objection(but(each.from, each.to));
        for (const std::string &word : each.said) CHECK_THAT(said, Catch::Contains(word));
    }
}

TEST_CASE("all that is wrong with an inventory is told at once") {
    const std::string said =
        objection("[[host]]\n[[host]]\nuri = 1\n[store]\n[guest]\nrouter = 1\n");
    for (const char *word : {"lacks the key 'uri'", "'uri' of [[host]] is no text", "'pool'",
                             "'local_pool'", "'router'", "either a bridge", "'address'"}) {
        CHECK_THAT(said, Catch::Contains(word));
    }
    CHECK_THAT(objection(""), Catch::Contains("0 tables [[host]]") && Catch::Contains("[store]") &&
                                  Catch::Contains("[guest]"));
}

TEST_CASE("on hosts of one's own runs only what leaves them as they were") {
    std::set<std::string_view> able;
    for (const scenario &each : all_scenarios()) {
        if (each.only_in_lab.empty()) able.insert(each.id);
        if (each.family == "failure") CHECK(each.only_in_lab == "it breaks a host");
    }
    CHECK(able == std::set<std::string_view>{"cold-shared", "live-shared", "live-block",
                                             "live-incremental", "live-cancel", "live-speed",
                                             "live-downtime", "live-converge", "live-media"});
    // Nobody has said so of a scenario that says nothing.
    CHECK_FALSE(scenario{"new", "live", "a new one", false, {}}.only_in_lab.empty());
}

TEST_CASE("what needs the lab's own machines is skipped elsewhere, and nothing is done for it") {
    bool ran = false;
    unsigned cleaned = 0;
    const auto prove = [&](scenario_context &context) -> expected<void> {
        ran = true;
        context.out.prove("it ran where it was told to", context.where.pool == "mine", "mine");
        return {};
    };
    const scenario tame{"tame", "live", "", false, prove, any_hosts};
    const scenario wild{"wild", "live", "", false, prove, "it breaks a host"};
    venue at;
    at.where.pool = "mine";
    at.clean = [&](const progress &, const std::stop_token &) -> expected<void> {
        ++cleaned;
        return {};
    };
    at.environment = [](const std::stop_token &) -> expected<nlohmann::json> {
        return nlohmann::json::object();
    };
    at.collect_logs = [](const std::filesystem::path &) { return std::vector<error>(); };
    const test::temporary_directory folder;
    const auto run = [&](const scenario &which) {
        ran = false;
        cleaned = 0;
        auto done = run_scenarios(
            at, {.scenarios = {&which}, .part = {}}, folder.path(), [](std::string_view) {},
            [](auto &, auto *) {}, {});
        REQUIRE(done);
        return done->scenarios.at(0);
    };
    CHECK(run(tame).result == outcome::passed);
    CHECK(ran);
    CHECK(cleaned == 1);
    const scenario_result skipped = run(wild);
    CHECK(skipped.result == outcome::skipped);
    CHECK_THAT(skipped.reason, Catch::Contains("it breaks a host"));
    CHECK_FALSE(ran);
    CHECK(cleaned == 0);
    at.lab = lab_paths{"here", folder.path()};
    CHECK(run(wild).result == outcome::passed);
    CHECK(ran);
}

TEST_CASE("a guest on hosts of one's own bears the lab's prefix, and stands where it is told to") {
    auto where = parse_inventory(but("bridge = \"br0\"", "network = \"lan\""), "hosts.toml");
    REQUIRE(where);
    where->prefix = "kvmig-lab-1a2b3c4d-";
    where->guest->probe = "192.0.2.200";
    where->guest->kernel = "/srv/vmlinuz.img";
    where->guest->initramfs = "/srv/initramfs.img";
    const guest_domain guest = placed(usual_guest(), *where);
    CHECK(guest.name == "kvmig-lab-1a2b3c4d-vm1");
    CHECK(guest.settings.address.host == "192.0.2.150");
    CHECK(guest.settings.address.prefix == 25);
    const std::string xml = domain_xml(guest);
    for (const char *word :
         {"<name>kvmig-lab-1a2b3c4d-vm1</name>", "<kernel>/srv/vmlinuz.img</kernel>",
          "<initrd>/srv/initramfs.img</initrd>", "<source network=\"lan\" />",
          "<mac address=\"52:54:00:00:02:96\" />", "kvmig.name=kvmig-lab-1a2b3c4d-vm1",
          "kvmig.probe=192.0.2.200", "<serial type=\"pty\">"}) {
        CHECK_THAT(xml, Catch::Contains(word));
    }
    const guest_domain nested = placed(usual_guest(), nested_site());
    CHECK(domain_xml(nested) == domain_xml(usual_guest()));
}

TEST_CASE("the prefix is chosen once for a user, and is refused when it was spoilt") {
    const test::temporary_directory folder;
    ::setenv("XDG_STATE_HOME", folder.path().c_str(), 1);
    const auto first = own_prefix();
    REQUIRE(first);
    CHECK(first->starts_with("kvmig-lab-"));
    CHECK(first->size() == std::string("kvmig-lab-12345678-").size());
    CHECK(own_prefix() == first);
    const auto file = folder.path() / "kvmig/inventory/owner";
    REQUIRE(write_file(file, ""));
    const auto spoilt = own_prefix();
    REQUIRE_FALSE(spoilt);
    CHECK_THAT(describe(spoilt.error()), Catch::Contains("owner") && Catch::Contains("remove it"));
    ::unsetenv("XDG_STATE_HOME");
}

TEST_CASE("of all that hosts have, only what bears the lab's prefix is removed") {
    const auto node = test::node(); // as both hosts
    site where;
    where.hosts[0].uri = where.hosts[1].uri = "test:///default";
    where.pool = "default-pool";
    where.local_pool = "local";
    model::storage_pool local;
    local.name = where.local_pool;
    local.target_path = "/var/lib/local";
    const auto pool = libvirt::storage_pool::define(node, xml::build_storage_pool(local));
    REQUIRE(pool);
    REQUIRE(pool->start());
    for (const char *name :
         {"kvmig-lab-1a2b3c4d-vm1", "kvmig-lab-1a2b3c4d-kernel", "kvmig-lab-ffffffff-vm1", "vm1"}) {
        const auto domain = libvirt::domain::define(
            node, fmt::format("<domain type='test'><name>{}</name><memory>65536</memory>"
                              "<os><type>hvm</type></os></domain>",
                              name));
        REQUIRE(domain);
        REQUIRE(domain->start());
        model::storage_volume volume;
        volume.name = name;
        volume.capacity = bytes::mib(1);
        REQUIRE(pool->create_volume(xml::build_storage_volume(volume)));
    }
    const auto all = [&] { return belongings(*hosts::connect(where)).value(); };
    const std::set<std::string> before = all();

    // What is no prefix must never be taken for one that everything has.
    for (const char *prefix : {"", "kvmig-lab-", "vm"}) {
        site wrong = where;
        wrong.prefix = prefix;
        const auto removed = remove_belongings(*hosts::connect(wrong), {});
        REQUIRE_FALSE(removed);
        CHECK(removed.error().kind == error_kind::invalid_argument);
    }
    CHECK(all() == before);

    site mine = where;
    mine.prefix = "kvmig-lab-1a2b3c4d-";
    REQUIRE(remove_belongings(*hosts::connect(mine), {"kvmig-lab-1a2b3c4d-kernel"}));
    std::set<std::string> left = before;
    const std::string host = node.hostname();
    left.erase(host + ": domain kvmig-lab-1a2b3c4d-vm1");
    left.erase(host + ": domain kvmig-lab-1a2b3c4d-kernel");
    left.erase(host + ": volume kvmig-lab-1a2b3c4d-vm1 in local");
    CHECK(left.size() == before.size() - 3);
    CHECK(all() == left);
    const auto others = belongings_of_others(node, mine);
    REQUIRE(others);
    CHECK(*others == std::vector{host + ": domain kvmig-lab-ffffffff-vm1",
                                 host + ": volume kvmig-lab-ffffffff-vm1 in local"});
    // The node is one for all tests of this program.
    site rest = where;
    for (const char *prefix : {"kvmig-lab-1a2b3c4d-", "kvmig-lab-ffffffff-"}) {
        rest.prefix = prefix;
        REQUIRE(remove_belongings(*hosts::connect(rest), {}));
    }
    const auto guest = libvirt::domain::lookup(node, "vm1");
    REQUIRE(guest);
    REQUIRE(guest->destroy());
    REQUIRE(guest->undefine());
    REQUIRE(pool->volume("vm1")->remove());
    REQUIRE(pool->destroy());
    REQUIRE(pool->undefine());
}

TEST_CASE("lab run --inventory refuses what cannot be before it looks at any host") {
    const test::temporary_directory folder;
    ::setenv("XDG_STATE_HOME", folder.path().c_str(), 1);
    const auto file = (folder.path() / "hosts.toml").string();
    REQUIRE(write_file(file, but("peer_uri", "peer_url")));
    const auto say = [](std::vector<std::string> arguments) {
        return test::call(lab::cli::add_lab, std::move(arguments)).messages;
    };
    CHECK_THAT(say({"lab", "run", "--inventory", file, "live-shared"}),
               Catch::Contains("peer_url"));
    CHECK_THAT(say({"lab", "inventory", file}), Catch::Contains("peer_url"));
    CHECK_THAT(say({"lab", "run", "--inventory", file, "fail-*"}),
               Catch::Contains("on the lab's own machines only"));
    CHECK_THAT(say({"lab", "inventory", file + "x"}), Catch::Contains("hosts.tomlx"));
    ::unsetenv("XDG_STATE_HOME");
}
