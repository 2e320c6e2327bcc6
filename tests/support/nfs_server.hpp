// SPDX-License-Identifier: MIT
/// A real NFS server (nfs-ganesha) for tests: in a network and mount namespace that the test
/// program enters, so that nothing of it is seen outside and nothing is left.
#pragma once

#include <support/catch.hpp>
#include <support/temporary_directory.hpp>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <poll.h>
#include <sched.h>
#include <stdexcept>
#include <string>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace kvmig::test {

/// A program that ends with this one; stopped, continued and killed as a test wants it.
class child {
public:
    explicit child(std::vector<std::string> words) {
        std::vector<char *> argv;
        for (std::string &word : words) argv.push_back(word.data());
        argv.push_back(nullptr);
        pid_ = ::fork();
        if (pid_ < 0) throw std::runtime_error("fork");
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::execvp(argv[0], argv.data());
            ::_exit(127);
        }
    }
    ~child() { end(); }
    child(const child &) = delete;
    child &operator=(const child &) = delete;

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    void signal(int number) const { REQUIRE(::kill(pid_, number) == 0); }
    /// Every thread stands when it returns.
    void stop() const {
        signal(SIGSTOP);
        int status = 0;
        REQUIRE(::waitpid(pid_, &status, WUNTRACED) == pid_);
    }
    void go_on() const { signal(SIGCONT); }
    [[nodiscard]] bool runs() const {
        int status = 0;
        return pid_ > 0 && ::waitpid(pid_, &status, WNOHANG) == 0;
    }
    void end() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(std::exchange(pid_, -1), nullptr, 0);
    }

private:
    pid_t pid_ = -1;
};

/// The status of a program that ran to its end.
inline int run(std::vector<std::string> words) {
    std::vector<char *> argv;
    for (std::string &word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::execvp(argv[0], argv.data());
        ::_exit(127);
    }
    int status = -1;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// Whether a server can run here: root, nfs-ganesha with its VFS module, rpcbind. Else why not.
inline std::string no_nfs_server() {
    if (::geteuid() != 0) return "a namespace for the NFS server needs root";
    for (const char *path : {"/usr/bin/ganesha.nfsd", "/sbin/rpcbind"}) {
        if (!std::filesystem::exists(path)) {
            return std::string(path) + " is missing: apt-get install nfs-ganesha "
                                       "nfs-ganesha-vfs rpcbind";
        }
    }
    return {};
}

/// Until the shell's `condition` holds; fails with `otherwise`, and what `log` holds, when the
/// program ends first or the watchdog does.
inline void until(const child &program, const std::string &condition, const std::string &otherwise,
                  const std::filesystem::path &log = {}) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(120);
    while (run({"sh", "-c", condition}) != 0) {
        if (!program.runs() || std::chrono::steady_clock::now() > limit) {
            std::ifstream in(log);
            FAIL(otherwise << "\n" << std::string(std::istreambuf_iterator<char>(in), {}));
        }
        ::poll(nullptr, 0, 20);
    }
}

/// Enters the namespace, once a program: `lo`, 192.0.2.1 and 192.0.2.2, a /run of its own, rpcbind.
inline void enter_nfs_namespace() {
    static bool entered = false;
    if (std::exchange(entered, true)) return;
    REQUIRE(::unshare(CLONE_NEWNET | CLONE_NEWNS) == 0);
    REQUIRE(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
    REQUIRE(::mount("tmpfs", "/run", "tmpfs", 0, "mode=755") == 0);
    // Where ganesha keeps what NFSv4 clients may recover.
    std::filesystem::create_directories("/var/lib/nfs");
    REQUIRE(::mount("tmpfs", "/var/lib/nfs", "tmpfs", 0, "mode=755") == 0);
    for (const char *folder : {"/run/rpcbind", "/run/ganesha", "/var/lib/nfs/ganesha"}) {
        std::filesystem::create_directory(folder);
    }
    REQUIRE(run({"ip", "link", "set", "lo", "up"}) == 0);
    // A server bound to 127.0.0.1 alone fails to start.
    REQUIRE(run({"ip", "link", "add", "nfs0", "type", "bridge"}) == 0);
    for (const char *address : {"192.0.2.1/24", "192.0.2.2/24"}) {
        REQUIRE(run({"ip", "address", "add", address, "dev", "nfs0"}) == 0);
    }
    REQUIRE(run({"ip", "link", "set", "nfs0", "up"}) == 0);
    // It changes its user, and with that forgets to end with its parent: the first process of a
    // namespace of its own takes it along.
    static const child rpcbind(
        {"unshare", "--pid", "--fork", "--kill-child", "--", "sh", "-c", "rpcbind -w -f & wait"});
    until(rpcbind, "rpcinfo -p 127.0.0.1 >/dev/null 2>&1", "rpcbind did not start");
}

/// What a server exports.
struct export_setting {
    std::filesystem::path path;
    std::string pseudo; ///< its path under NFSv4
    std::string access = "RW";
    std::string squash = "No_Root_Squash";
};

class nfs_server {
public:
    static constexpr const char *address = "192.0.2.1";

    /// Exports a folder of its own, `/data` under NFSv4, and `more` beside it.
    explicit nfs_server(std::vector<export_setting> more = {}) {
        enter_nfs_namespace();
        std::filesystem::create_directory(data());
        std::filesystem::permissions(data(), std::filesystem::perms::all);
        more.insert(more.begin(), {data(), "/data"});
        std::ofstream conf(folder_.path() / "ganesha.conf");
        conf << "NFS_CORE_PARAM { Enable_NLM=false; Enable_RQUOTA=false; Protocols=3,4; Bind_addr="
             << address << "; }\nNFSv4 { Graceless=true; RecoveryBackend=fs; }\n"
             << "LOG { Default_Log_Level=WARN; }\n";
        int id = 1;
        for (const export_setting &one : more) {
            conf << "EXPORT { Export_Id=" << id++ << "; Path=" << one.path.string()
                 << "; Pseudo=" << one.pseudo << "; Access_Type=" << one.access
                 << "; Squash=" << one.squash << "; SecType=sys; FSAL { Name=VFS; } }\n";
        }
        conf.close();
        start();
    }

    /// The exported folder, on the server's side.
    [[nodiscard]] std::filesystem::path data() const { return folder_.path() / "data"; }
    [[nodiscard]] std::string url(const std::string &name = {}) const {
        return "nfs://" + std::string(address) + data().string() + (name.empty() ? "" : "/" + name);
    }
    [[nodiscard]] std::string path(const std::string &name) const {
        return (data() / name).string();
    }
    [[nodiscard]] child &process() { return *ganesha_; }

    /// Until it answers; a server that ends shows its log.
    void start() {
        const auto log = folder_.path() / "log";
        ganesha_ = std::make_unique<child>(std::vector<std::string>{
            "ganesha.nfsd", "-F", "-f", (folder_.path() / "ganesha.conf").string(), "-L",
            log.string(), "-p", "/run/ganesha.pid"});
        until(*ganesha_,
              "rpcinfo -t 192.0.2.1 100003 3 >/dev/null 2>&1 && "
              "rpcinfo -t 192.0.2.1 100005 3 >/dev/null 2>&1",
              "nfs-ganesha did not start", log);
    }

private:
    temporary_directory folder_;
    std::unique_ptr<child> ganesha_;
};

/// A second server, 192.0.2.3, in a network and mount namespace of its own with its own rpcbind:
/// two cannot share one.
class other_nfs_server {
public:
    static constexpr const char *address = "192.0.2.3";

    /// How long it may be in the grace period after its start, for a client of NFSv4 that it
    /// remembers: clients of NFSv3 are asked to come back later.
    enum class grace : bool { none, of_8_seconds };

    explicit other_nfs_server(grace after_start = grace::none) {
        enter_nfs_namespace();
        std::filesystem::create_directory(data());
        std::filesystem::permissions(data(), std::filesystem::perms::all);
        const std::string conf = (folder_.path() / "ganesha.conf").string();
        const bool in_grace = after_start == grace::of_8_seconds;
        std::ofstream(conf) << "NFS_CORE_PARAM { Enable_NLM=false; Enable_RQUOTA=false; "
                               "Protocols=3,4; Bind_addr="
                            << address << "; }\nNFSv4 { RecoveryBackend=fs; "
                            << (in_grace ? "Grace_Period=8; Lease_Lifetime=4;" : "Graceless=true;")
                            << " }\nEXPORT { Export_Id=1; Path=" << data().string()
                            << "; Pseudo=/data; Access_Type=RW; Squash=No_Root_Squash; "
                               "SecType=sys; FSAL { Name=VFS; } }\n"
                            << "LOG { Default_Log_Level=WARN; }\n";
        const std::string log = (folder_.path() / "log").string();
        const std::string linked = (folder_.path() / "linked").string();
        REQUIRE(::mkfifo(linked.c_str(), 0600) == 0);
        server_ = std::make_unique<child>(std::vector<std::string>{
            "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--", "sh", "-c",
            "mount -t tmpfs none /run && mkdir /run/rpcbind /run/ganesha && "
            "mount -t tmpfs none /var/lib/nfs && mkdir -p " +
                std::string(in_grace ? "'/var/lib/nfs/ganesha/v4recov/node0/192.0.2.9-(4:test)'"
                                     : "/var/lib/nfs/ganesha") +
                " && read linked <" + linked +
                " && "
                "ip link set lo up && ip address add " +
                std::string(address) +
                "/24 dev other0 && ip link set other0 up && rpcbind -w && "
                "exec ganesha.nfsd -F -f " +
                conf + " -L " + log + " -p /run/ganesha.pid"});
        const std::string pid = std::to_string(server_->pid());
        until(*server_,
              "test \"$(readlink /proc/" + pid + "/ns/net)\" != \"$(readlink " +
                  "/proc/self/ns/net)\"",
              "the namespace was not made");
        REQUIRE(run({"ip", "link", "add", "other0", "netns", pid, "type", "veth", "peer", "name",
                     "other1"}) == 0);
        REQUIRE(run({"ip", "link", "set", "other1", "master", "nfs0", "up"}) == 0);
        std::ofstream(linked) << "yes\n";
        until(*server_,
              "rpcinfo -t 192.0.2.3 100003 3 >/dev/null 2>&1 && "
              "rpcinfo -t 192.0.2.3 100005 3 >/dev/null 2>&1",
              "the other nfs-ganesha did not start", log);
    }

    ~other_nfs_server() {
        server_->end();
        // The kernel takes a namespace, and the link into it, away some time after its last
        // process.
        run({"ip", "link", "delete", "other1"});
    }
    other_nfs_server(const other_nfs_server &) = delete;
    other_nfs_server &operator=(const other_nfs_server &) = delete;

    /// The exported folder, on the server's side.
    [[nodiscard]] std::filesystem::path data() const { return folder_.path() / "data"; }
    [[nodiscard]] std::string url(const std::string &name) const {
        return "nfs://" + std::string(address) + data().string() + "/" + name;
    }

private:
    temporary_directory folder_;
    std::unique_ptr<child> server_;
};

/// Leaves the case, loudly, where no server can run.
#define KVMIG_NEEDS_NFS_SERVER()                                                                   \
    do {                                                                                           \
        if (const std::string why = ::kvmig::test::no_nfs_server(); !why.empty()) {                \
            WARN("SKIPPED: " << why);                                                              \
            return;                                                                                \
        }                                                                                          \
    } while (false)

} // namespace kvmig::test
