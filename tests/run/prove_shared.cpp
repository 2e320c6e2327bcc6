// SPDX-License-Identifier: MIT
// Against a real NFS server, folders of this machine, and libvirt's test driver, which knows pools
// and volumes but no content.
#include <kvmig/run/prove_shared.hpp>
#include <kvmig/run/shared_place_libvirt.hpp>
#include <kvmig/run/shared_place_local.hpp>
#include <support/nfs_server.hpp>
#include <support/node.hpp>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace kvmig;
using namespace std::chrono_literals;
using kvmig::test::nfs_server;
using model::shared_verdict;
using model::token_writing;

namespace {

/// For places that show at once what they have.
const run::prove_options impatient{.deadline = 200ms, .interval = 10ms};

model::nfs_url url(const std::string &text) {
    auto read = model::parse_nfs_url(text);
    REQUIRE(read);
    return *std::move(read);
}
run::nfs_place on_server(const std::filesystem::path &folder) {
    return run::nfs_place(url("nfs://" + std::string(nfs_server::address) + folder.string()));
}
run::local_place here(const std::filesystem::path &folder) {
    return run::local_place(folder.string(), "here");
}

std::string all_of(const run::shared_proof &proof) {
    std::string out = std::string(to_string(proof.answer.verdict)) + '\n';
    for (const auto *texts : {&proof.answer.seen, &proof.swept, &proof.left}) {
        for (const std::string &each : *texts) out += each + '\n';
    }
    return out;
}

/// The host's clocks, the one of the day `ahead` of its time.
struct shifted_clock {
    std::chrono::hours ahead{0};
    [[nodiscard]] ports::utc_time utc() const { return ports::system_clock{}.utc() + ahead; }
    [[nodiscard]] ports::steady_time steady() const { return ports::system_clock{}.steady(); }
};

error with_errno(int number) {
    error out = make_error(error_kind::io, "errno " + std::to_string(number));
    out.system = number;
    return out;
}

/// A place in memory, with everything that can go wrong with one.
struct fake_place {
    std::map<std::string, std::string> *files;
    std::string host = "fake";
    std::string path = "/srv/images";
    int describe_errno = 0;
    int write_errno = 0;
    bool write_leaves_file = false; ///< a write that fails has made the file
    int read_errno = 0;
    int remove_errno = 0;
    int busy_looks = 0;                ///< so many looks fail
    int blind_looks = 0;               ///< so many looks do not see what is there
    bool garbled = false;              ///< shows another content than was written
    bool throws = false;               ///< in `read`
    bool dies = false;                 ///< so does the process, in `read`
    std::stop_source *stops = nullptr; ///< asked to stop, in `read`
    int looks = 0;
    bool closed = false;

    [[nodiscard]] model::shared_place_facts called() const {
        model::shared_place_facts out;
        out.name = host + ':' + path;
        out.host = host;
        out.path = path;
        return out;
    }
    expected<model::shared_place_facts> describe(const std::string &) {
        if (describe_errno == ENOENT) return fail(error_kind::not_found, "no such folder");
        if (describe_errno != 0) return fail(with_errno(describe_errno));
        return called();
    }
    expected<void> write(const std::string &name, const std::string &content) {
        if (write_errno == 0 || write_leaves_file) REQUIRE(files->emplace(name, content).second);
        if (write_errno != 0) return fail(with_errno(write_errno));
        return {};
    }
    expected<std::optional<std::string>> read(const std::string &name) {
        ++looks;
        if (dies) ::raise(SIGKILL);
        if (throws) throw std::runtime_error("read");
        if (stops != nullptr) stops->request_stop();
        if (read_errno != 0) return fail(with_errno(read_errno));
        if (looks <= busy_looks) return fail(error_kind::failed, "the pool is busy");
        const auto found = files->find(name);
        if (found == files->end() || looks <= blind_looks) return std::nullopt;
        return std::optional(found->second + (garbled ? "x" : ""));
    }
    expected<std::vector<std::string>> tokens() {
        std::vector<std::string> out;
        for (const auto &[token, content] : *files) {
            if (model::parse_token_name(token)) out.push_back(token);
        }
        return out;
    }
    expected<void> remove(const std::string &name) {
        if (remove_errno != 0) return fail(with_errno(remove_errno));
        if (files->erase(name) == 0) return fail(error_kind::not_found, "no such file");
        return {};
    }
    expected<void> close() {
        closed = true;
        return {};
    }
};

} // namespace

TEST_CASE("a folder of a server is shared by whom reaches it, by whatever way") {
    KVMIG_NEEDS_NFS_SERVER();
    const nfs_server server;
    std::ofstream(server.data() / "vm1.raw") << "image";
    auto first = on_server(server.data());
    auto second = on_server(server.data());
    run::prove_options how = impatient;
    how.deadline = 60s; // seen long before, or this fails
    how.image = "vm1.raw";
    auto proof = run::prove_shared(first, second, how, run::nfs_witness(url(server.url())));
    INFO(all_of(proof));
    CHECK(proof.answer.verdict == shared_verdict::shared);
    CHECK(proof.answer.in_export ==
          std::string(nfs_server::address) + ":" + server.data().string());
    CHECK_THAT(all_of(proof), Catch::Contains("the image is the same"));
    CHECK(proof.left.empty());
    CHECK(test::names_in(server.data()) == std::set<std::string>{"vm1.raw"});

    // What lies on the server's disk there is the folder that it exports.
    auto local = here(server.data());
    proof = run::prove_shared(local, first, how);
    INFO(all_of(proof));
    CHECK(proof.answer.verdict == shared_verdict::shared);
    CHECK_THAT(all_of(proof), Catch::Contains("the image is the same")); // by its inode too
    CHECK(proof.evidence.a.facts.image->inode.has_value());
    CHECK(proof.evidence.b.facts.image == proof.evidence.a.facts.image);
    CHECK(test::names_in(server.data()) == std::set<std::string>{"vm1.raw"});
}

TEST_CASE("another export of one server is told, by what it is called and by the server itself") {
    KVMIG_NEEDS_NFS_SERVER();
    const test::temporary_directory other;
    const nfs_server server({{other.path(), "/other"}});
    auto first = on_server(server.data());
    auto second = on_server(other.path());
    auto proof = run::prove_shared(first, second, impatient);
    INFO(all_of(proof));
    CHECK(proof.answer.verdict == shared_verdict::same_server_other_export);

    // Two folders of a host: only the server knows which of them are its own.
    auto one = here(server.data());
    auto two = here(other.path());
    proof = run::prove_shared(one, two, impatient, run::nfs_witness(url(server.url())));
    INFO(all_of(proof));
    CHECK(proof.answer.verdict == shared_verdict::same_server_other_export);
    CHECK(proof.evidence.a.found_in ==
          std::string(nfs_server::address) + ":" + server.data().string());
    CHECK(proof.evidence.b.found_in ==
          std::string(nfs_server::address) + ":" + other.path().string());
    CHECK(test::names_in(server.data()).empty());
    CHECK(test::names_in(other.path()).empty());

    // A folder in an export, and the one of the same name in the other.
    std::filesystem::create_directory(server.data() / "pool");
    std::filesystem::create_directory(other.path() / "pool");
    auto deep = here(other.path() / "pool");
    auto same = here(other.path() / "pool");
    proof = run::prove_shared(deep, same, impatient, run::nfs_witness(url(server.url("pool"))));
    INFO(all_of(proof));
    CHECK(proof.answer.verdict == shared_verdict::shared);
    CHECK(proof.answer.in_export ==
          std::string(nfs_server::address) + ":" + (other.path() / "pool").string());
}

TEST_CASE("a read-only export is shared with whom writes to it, and told to be read-only") {
    KVMIG_NEEDS_NFS_SERVER();
    const test::temporary_directory folder;
    const nfs_server server({{folder.path(), "/fixed", "RO"}});
    auto local = here(folder.path());
    auto fixed = on_server(folder.path());
    auto proof = run::prove_shared(local, fixed, impatient);
    INFO(all_of(proof));
    CHECK(proof.answer.verdict == shared_verdict::read_only);
    CHECK(proof.evidence.b.wrote == token_writing::read_only);
    CHECK(proof.evidence.b.sees == model::token_sight::seen);
    CHECK(proof.left.empty());
    CHECK(test::names_in(folder.path()).empty());

    auto again = on_server(folder.path());
    proof = run::prove_shared(fixed, again, impatient);
    CHECK(proof.answer.verdict == shared_verdict::read_only);
}

TEST_CASE("a server that is gone, and a folder that is not there, are told") {
    KVMIG_NEEDS_NFS_SERVER();
    nfs_server server;
    const test::temporary_directory folder;
    auto local = here(folder.path());
    auto none = on_server(server.data() / "none");
    auto proof = run::prove_shared(local, none, impatient);
    INFO(all_of(proof));
    CHECK(proof.answer.verdict == shared_verdict::not_shared);
    CHECK(proof.evidence.b.state == model::place_state::missing);

    server.process().end();
    auto gone = on_server(server.data());
    proof = run::prove_shared(local, gone, impatient);
    INFO(all_of(proof));
    CHECK(proof.answer.verdict == shared_verdict::unknown);
    CHECK(proof.evidence.b.state == model::place_state::failed);
    CHECK_FALSE(proof.evidence.b.problem.empty());
    CHECK(test::names_in(folder.path()).empty());
}

TEST_CASE("what a killed prober left is swept by the next, once it is old") {
    KVMIG_NEEDS_NFS_SERVER();
    const nfs_server server;
    std::map<std::string, std::string> memory;
    const pid_t prober = ::fork();
    if (prober == 0) {
        auto local = here(server.data());
        fake_place killer{&memory};
        killer.dies = true;
        static_cast<void>(run::prove_shared(local, killer, impatient));
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(prober, &status, 0) == prober);
    REQUIRE(WIFSIGNALED(status));
    const auto left = test::names_in(server.data());
    REQUIRE(left.size() == 1);
    // Whatever else looks like one is not touched.
    std::ofstream(server.data() / ".kvmig-token-mine") << "";

    auto first = on_server(server.data());
    auto second = here(server.data());
    auto proof = run::prove_shared(first, second, impatient); // its prober may live
    INFO(all_of(proof));
    CHECK(proof.answer.verdict == shared_verdict::shared);
    CHECK(proof.swept.empty());
    CHECK(test::names_in(server.data()).contains(*left.begin()));

    proof = run::prove_shared(first, second, impatient, {}, shifted_clock{2h});
    INFO(all_of(proof));
    CHECK(proof.answer.verdict == shared_verdict::shared);
    CHECK(proof.swept == std::vector{proof.evidence.a.facts.name + ": " + *left.begin()});
    CHECK(proof.left.empty());
    CHECK(test::names_in(server.data()) == std::set<std::string>{".kvmig-token-mine"});
}

TEST_CASE("folders of this machine are looked at as they are") {
    const test::temporary_directory folder;
    const test::temporary_directory other;
    auto one = here(folder.path());
    auto two = here(folder.path().string() + "/");
    auto apart = here(other.path());
    CHECK(run::prove_shared(one, two, impatient).answer.verdict == shared_verdict::shared);
    const auto proof = run::prove_shared(one, apart, impatient);
    INFO(all_of(proof));
    CHECK(proof.answer.verdict == shared_verdict::not_shared);
    CHECK(test::names_in(folder.path()).empty());
    CHECK(test::names_in(other.path()).empty());

    // Others may read a token, whatever the umask.
    const auto before = ::umask(077);
    const std::string token = model::token_name({{}, "0123456789abcdef"});
    REQUIRE(one.write(token, "x"));
    ::umask(before);
    const auto mode = std::filesystem::status(folder.path() / token).permissions();
    CHECK(mode == std::filesystem::perms(0644));
    CHECK_FALSE(one.write(token, "y")); // no name is used twice
    CHECK(one.read(token).value() == "x");
    CHECK(one.tokens().value() == std::vector{token});
    REQUIRE(one.remove(token));
    CHECK(one.remove(token).error().kind == error_kind::not_found);
}

TEST_CASE("a mount is found by the longest mount point, the last of equal ones") {
    const std::string lines =
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        "40 22 0:40 / /srv/images rw shared:9 master:2 - nfs4 nfs:/export rw,vers=4.2\n"
        "41 22 0:41 / /srv/im rw - tmpfs none rw\n"
        "42 22 0:42 / /srv/a\\040b rw - nfs [2001:db8::1]:/x\\040y rw\n"
        "43 40 0:43 / /srv/images rw - nfs4 nfs:/over rw\n";
    const auto found = [&](const std::string &folder) {
        std::istringstream in(lines);
        return run::find_mount(in, folder);
    };
    using mount = run::local_mount;
    CHECK(found("/srv/images") == mount{"nfs4", "nfs:/over", ""});
    CHECK(found("/srv/images/a/b") == mount{"nfs4", "nfs:/over", "/a/b"});
    CHECK(found("/srv/images2") == mount{"ext4", "/dev/sda1", "/srv/images2"});
    CHECK(found("/srv/a b/c") == mount{"nfs", "[2001:db8::1]:/x y", "/c"});
    CHECK(found("/") == mount{"ext4", "/dev/sda1", ""});
    std::istringstream nothing("");
    CHECK_FALSE(run::find_mount(nothing, "/"));
}

TEST_CASE("both tokens are written before anyone looks, and looked for until they are seen") {
    std::map<std::string, std::string> shared;
    fake_place one{&shared};
    fake_place two{&shared};
    two.blind_looks = 3; // an NFS client that trusts its memory
    run::prove_options how = impatient;
    how.deadline = 60s;
    const auto proof = run::prove_shared(one, two, how);
    CHECK(proof.answer.verdict == shared_verdict::shared);
    CHECK(one.looks == 1);
    CHECK(two.looks == 4);
    CHECK(shared.empty());
    CHECK(one.closed);
    CHECK(two.closed);

    // A pool that another works on just now is no answer yet.
    fake_place busy{&shared};
    busy.busy_looks = 2;
    const auto later = run::prove_shared(one, busy, how);
    CHECK(later.answer.verdict == shared_verdict::shared);
    CHECK(busy.looks == 3);
    // Whom nobody reaches is not waited for.
    fake_place gone{&shared};
    gone.read_errno = ESTALE;
    CHECK(run::prove_shared(one, gone, how).answer.verdict == shared_verdict::stale);
    CHECK(gone.looks == 1);
}

TEST_CASE("every way in which a proof fails is told, and nothing is left") {
    std::map<std::string, std::string> shared;
    std::map<std::string, std::string> apart;
    fake_place one{&shared};
    fake_place two{&shared};
    shared_verdict expected_verdict = shared_verdict::unknown;
    SECTION("the same path on each host's own disk") {
        two.files = &apart;
        expected_verdict = shared_verdict::same_path_other_content;
    }
    SECTION("no such folder") {
        two.describe_errno = ENOENT;
        expected_verdict = shared_verdict::not_shared;
    }
    SECTION("a stale mount, at once") {
        two.describe_errno = ESTALE;
        expected_verdict = shared_verdict::stale;
    }
    SECTION("a stale mount, when written to") {
        two.write_errno = ESTALE;
        expected_verdict = shared_verdict::stale;
    }
    SECTION("a stale mount, when looked at") {
        one.read_errno = ESTALE;
        expected_verdict = shared_verdict::stale;
    }
    SECTION("a client that shows something old") {
        two.blind_looks = 1'000'000;
        expected_verdict = shared_verdict::stale;
    }
    SECTION("another content than was written") {
        two.garbled = true;
        expected_verdict = shared_verdict::stale;
    }
    SECTION("a mount that may not be written to") {
        two.write_errno = GENERATE(EROFS, EACCES, EPERM);
        expected_verdict = shared_verdict::read_only;
    }
    SECTION("a full disk, which leaves an empty file") {
        two.write_errno = ENOSPC;
        two.write_leaves_file = true;
    }
    SECTION("a failing disk") { two.read_errno = EIO; }
    SECTION("a host that does not answer") { two.describe_errno = ETIMEDOUT; }
    const auto proof = run::prove_shared(one, two, impatient);
    INFO(all_of(proof));
    CHECK(proof.answer.verdict == expected_verdict);
    CHECK(shared.empty());
    CHECK(apart.empty());
    CHECK(proof.left.empty());
    CHECK(one.closed);
    CHECK(two.closed);
}

TEST_CASE("a token that its own side cannot remove is removed by the other, or told") {
    std::map<std::string, std::string> shared;
    fake_place one{&shared};
    fake_place two{&shared};
    two.remove_errno = EIO;
    auto proof = run::prove_shared(one, two, impatient);
    INFO(all_of(proof));
    CHECK(proof.answer.verdict == shared_verdict::shared);
    CHECK(shared.empty());
    CHECK(proof.left.empty());

    one.remove_errno = EIO;
    proof = run::prove_shared(one, two, impatient);
    INFO(all_of(proof));
    CHECK(proof.answer.verdict == shared_verdict::shared);
    REQUIRE(shared.size() == 2);
    REQUIRE(proof.left.size() == 2);
    for (const auto &[token, content] : shared) {
        CHECK_THAT(proof.left[0] + proof.left[1],
                   Catch::Contains("the token " + token + " could not be removed: errno 5"));
    }

    // Nor can the next one, when they are old.
    proof = run::prove_shared(one, two, impatient, {}, shifted_clock{2h});
    CHECK(proof.swept.empty());
    CHECK(proof.left.size() == 6);
}

TEST_CASE("nothing is left when the probe is stopped, or something throws") {
    std::map<std::string, std::string> shared;
    std::map<std::string, std::string> apart;
    fake_place one{&shared};
    fake_place two{&apart};
    std::stop_source stop;
    run::prove_options how = impatient;
    how.deadline = 60min;
    how.interval = 60min;
    how.stop = stop.get_token();
    two.stops = &stop;
    auto proof = run::prove_shared(one, two, how);
    INFO(all_of(proof));
    CHECK(proof.answer.verdict == shared_verdict::unknown); // it was not looked for to the end
    CHECK(shared.empty());
    CHECK(apart.empty());
    // Stopped before it begins, it writes nothing.
    proof = run::prove_shared(one, two, how);
    CHECK(proof.evidence.a.wrote == token_writing::untried);

    two.stops = nullptr;
    two.throws = true;
    CHECK_THROWS_AS(run::prove_shared(one, two, impatient), std::runtime_error);
    CHECK(shared.empty());
    CHECK(apart.empty());
}

namespace {

std::set<std::string> active_pools(const libvirt::connection &on) {
    std::set<std::string> out;
    const auto all = libvirt::storage_pool::list_active(on);
    REQUIRE(all);
    for (const auto &each : *all) out.insert(each.name());
    return out;
}

} // namespace

TEST_CASE("a host's folder is reached by a pool of its own, which goes when the probe ends") {
    const auto on = test::node();
    const auto before = active_pools(on);
    const auto now = ports::system_clock{}.utc();
    std::map<std::string, std::string> memory;
    fake_place other{&memory};
    {
        run::libvirt_place place(on, "/srv/images/", now);
        const auto told = place.describe("");
        REQUIRE(told);
        CHECK(told->path == "/srv/images");
        CHECK(told->name == on.hostname() + ":/srv/images");
        CHECK(told->type == "dir");
        CHECK(told->pool.empty()); // nobody but the probe knows it
        CHECK(active_pools(on).size() == before.size() + 1);
    }
    CHECK(active_pools(on) == before);

    // The test driver takes no content: a volume is made, cannot be filled, and is removed.
    run::libvirt_place place(on, "/srv/images", now);
    const auto proof = run::prove_shared(place, other, impatient);
    INFO(all_of(proof));
    // It was asked whether it has the other's token, and has not.
    CHECK(proof.answer.verdict == shared_verdict::same_path_other_content);
    CHECK(proof.evidence.a.wrote == token_writing::failed);
    CHECK(proof.left.empty());
    CHECK(memory.empty());
    CHECK(active_pools(on) == before);
}

TEST_CASE("a host's own pool over the folder is used, and stays") {
    const auto on = test::node();
    const auto before = active_pools(on);
    const auto standing = libvirt::storage_pool::lookup(on, "default-pool");
    REQUIRE(standing);
    const auto told = xml::parse_storage_pool(*standing->xml());
    REQUIRE(told);
    std::map<std::string, std::string> memory;
    fake_place other{&memory};
    run::libvirt_place place(on, told->target_path, ports::system_clock{}.utc());
    const auto volumes = standing->volumes()->size();
    const auto proof = run::prove_shared(place, other, impatient);
    INFO(all_of(proof));
    CHECK(proof.evidence.a.facts.pool == "default-pool");
    CHECK(active_pools(on) == before);
    CHECK(standing->volumes()->size() == volumes);
}

TEST_CASE("a pool that a killed prober left is stopped by the next, once it is old") {
    const auto on = test::node();
    const auto now = ports::system_clock{}.utc();
    const auto before = active_pools(on).size();
    const auto left = [&](std::chrono::minutes age) {
        model::storage_pool pool;
        pool.name = model::token_name(
            {std::chrono::floor<std::chrono::seconds>(now) - age, "0123456789abcdef"},
            run::token_pool_prefix);
        pool.target_path = "/srv/" + std::to_string(age.count());
        REQUIRE(libvirt::storage_pool::create_transient(on, xml::build_storage_pool(pool)));
        return pool.name;
    };
    const std::string young = left(59min);
    const std::string old = left(60min);
    run::libvirt_place place(on, "/srv/images", now);
    REQUIRE(place.describe(""));
    CHECK(active_pools(on).contains(young));
    CHECK_FALSE(active_pools(on).contains(old));
    // One that another prober has over this folder is used, and left to it.
    run::libvirt_place beside(on, "/srv/59", now);
    REQUIRE(beside.describe(""));
    REQUIRE(beside.close());
    CHECK(active_pools(on).contains(young));
    // When the other ends in between, this one goes on with a pool of its own.
    run::libvirt_place after(on, "/srv/59", now);
    REQUIRE(after.describe(""));
    REQUIRE(libvirt::storage_pool::lookup(on, young)->destroy());
    CHECK(after.tokens().has_value());
    CHECK(after.describe("")->pool.empty());
    CHECK(active_pools(on).size() == before + 2); // this one's, and that of `place`
}
