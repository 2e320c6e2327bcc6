// SPDX-License-Identifier: MIT
#include <host/kernel_tree.hpp>
#include <kvmig/host/apply_plan.hpp>
#include <kvmig/host/kernel_files.hpp>
#include <kvmig/host/revert_record.hpp>
#include <support/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <support/temporary_directory.hpp>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

/// What was in the file of the last fdatasync: what a power cut would leave.
std::string on_disk; // NOLINT(cert-err58-cpp)
bool power_is_watched = false;

} // namespace

/// In the place of the C library's, for this program.
extern "C" int fdatasync(int fd) {
    if (power_is_watched) {
        std::ifstream in("/proc/self/fd/" + std::to_string(fd), std::ios::binary);
        on_disk.assign(std::istreambuf_iterator<char>(in), {});
    }
    return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

using namespace kvmig;
using host::revert_record;
using kvmig::testing::answering_files;
using kvmig::testing::kernel_tree;
using kvmig::testing::ksm;

namespace {

tuning::change step(std::string path, std::string from, std::string to,
                    std::vector<std::string> moves_too = {}) {
    tuning::change out;
    out.what.name = std::move(path);
    out.from = std::move(from);
    out.to = std::move(to);
    out.moves_too = std::move(moves_too);
    return out;
}

/// KSM with other values than the kernel's defaults, and two files more.
std::map<std::string, std::string> texts() {
    return {{ksm + "run", "0\n"},
            {ksm + "pages_to_scan", "777\n"},
            {ksm + "sleep_millisecs", "33\n"},
            {ksm + "advisor_mode", "[none] scan-time\n"},
            {ksm + "advisor_max_cpu", "70\n"},
            {"/proc/sys/vm/dirty_ratio", "20"}, // no newline: kept so
            {"/proc/sys/vm/compact_memory", ""}};
}

tuning::plan whole_plan() {
    tuning::plan out;
    out.changes = {step("/proc/sys/vm/compact_memory", "", "1"),
                   step(ksm + "sleep_millisecs", "33", "20"),
                   step(ksm + "advisor_max_cpu", "70", "20"),
                   step(ksm + "advisor_mode", "none", "scan-time", {ksm + "pages_to_scan"}),
                   step(ksm + "run", "0", "1"),
                   step("/proc/sys/vm/dirty_ratio", "20", "40")};
    out.changes[0].trigger = true;
    return out;
}

revert_record record_of(const kernel_tree &tree, const std::string &boot = "boot") {
    auto opened = revert_record::open(host::revert_record_path(tree.root()), boot);
    REQUIRE(opened);
    return std::move(*opened);
}

/// Ends the process, without a word, at the moment whose turn it is.
class fate {
public:
    explicit fate(int moment) : left_(moment) {}
    bool struck() { return left_-- == 0; }
    void strike() {
        if (struck()) ::_exit(7);
    }

private:
    int left_;
};

struct doomed_files {
    answering_files files;
    const kernel_tree &tree;
    fate &end;

    [[nodiscard]] auto read(std::string_view path) const { return files.read(path); }
    [[nodiscard]] auto writable(std::string_view path) const { return files.writable(path); }
    [[nodiscard]] expected<void> write(std::string_view path, std::string_view text) const {
        end.strike();
        if (end.struck()) { // between emptying the file and filling it
            tree.put(path, "");
            ::_exit(7);
        }
        auto done = files.write(path, text);
        end.strike();
        return done;
    }
};

struct doomed_record {
    revert_record record;
    fate &end;

    [[nodiscard]] const auto &entries() const { return record.entries(); }
    [[nodiscard]] const auto &file() const { return record.file(); }
    [[nodiscard]] auto forget(std::size_t keep) {
        end.strike();
        return record.forget(keep);
    }
    [[nodiscard]] expected<void> append(host::revert_entry entry) {
        end.strike();
        if (end.struck()) { // with half of the line written
            std::ofstream(record.file(), std::ios::app | std::ios::binary)
                << entry.path.substr(0, entry.path.size() / 2);
            ::_exit(7);
        }
        auto done = record.append(std::move(entry));
        end.strike();
        return done;
    }
};

/// Runs `work` in another process, to be killed at that moment; true when it came to its end.
template <class Work> bool survives(int moment, Work work) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        fate end(moment);
        ::_exit(work(end) ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    REQUIRE((WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 7));
    return WEXITSTATUS(status) == 0;
}

bool apply_until(const kernel_tree &tree, fate &end) {
    auto opened = revert_record::open(host::revert_record_path(tree.root()), "boot");
    if (!opened) return false;
    doomed_files files{answering_files(tree), tree, end};
    doomed_record record{std::move(*opened), end};
    return host::apply(files, record, whole_plan()).has_value();
}

bool revert_until(const kernel_tree &tree, fate &end) {
    auto opened = revert_record::open(host::revert_record_path(tree.root()), "boot");
    if (!opened) return false;
    doomed_files files{answering_files(tree), tree, end};
    doomed_record record{std::move(*opened), end};
    return host::revert(files, record).has_value();
}

/// The trigger keeps no value in the kernel, as a file it does.
std::map<std::string, std::string> without_trigger(std::map<std::string, std::string> all) {
    all.erase("/proc/sys/vm/compact_memory");
    return all;
}

} // namespace

TEST_CASE("a plan is applied in order, and reverted byte for byte") {
    const kernel_tree tree(texts());
    const auto before = tree.all();
    answering_files files(tree);
    auto record = record_of(tree);
    REQUIRE(host::apply(files, record, whole_plan()));
    CHECK(tree.text("/proc/sys/vm/compact_memory") == "1\n");
    CHECK(tree.text(ksm + "run") == "1\n");
    CHECK(tree.text(ksm + "advisor_mode") == "none [scan-time]\n");
    CHECK(tree.text(ksm + "pages_to_scan") == "500\n"); // the advisor's doing
    CHECK(tree.text("/proc/sys/vm/dirty_ratio") == "40\n");

    const auto back = host::revert(files, record);
    REQUIRE(back);
    CHECK(back->restored.front() == "/proc/sys/vm/dirty_ratio");
    CHECK(without_trigger(tree.all()) == without_trigger(before));
    CHECK(record.entries().empty());
    // Once more: nothing to do.
    CHECK(host::revert(files, record)->restored.empty());
}

TEST_CASE("an advisor whose say was ended has it again, and pages_to_scan follows") {
    const kernel_tree tree(texts());
    tree.put(ksm + "advisor_mode", "none [scan-time]\n");
    tree.put(ksm + "pages_to_scan", "500\n");
    const auto before = tree.all();
    answering_files files(tree);
    auto record = record_of(tree);
    tuning::plan ended;
    ended.changes = {step(ksm + "advisor_mode", "scan-time", "none", {ksm + "pages_to_scan"}),
                     step(ksm + "pages_to_scan", "100", "300")};
    ended.changes[0].moves_back = true;
    REQUIRE(host::apply(files, record, ended));
    CHECK(tree.text(ksm + "pages_to_scan") == "300\n");
    REQUIRE(host::revert(files, record));
    CHECK(tree.all() == before);

    // And after a plan that gave it the say.
    const kernel_tree other(texts());
    const auto at_first = other.all();
    answering_files there(other);
    auto both = record_of(other);
    REQUIRE(host::apply(there, both, whole_plan()));
    REQUIRE(host::apply(there, both, ended));
    REQUIRE(host::revert(there, both));
    CHECK(without_trigger(other.all()) == without_trigger(at_first));
}

TEST_CASE("killed between any two writes, what was there is put back byte for byte") {
    int deaths = 0;
    for (int moment = 0;; ++moment) {
        INFO("moment " << moment);
        const kernel_tree tree(texts());
        const auto before = tree.all();
        const bool lived = survives(moment, [&](fate &end) { return apply_until(tree, end); });
        if (lived) {
            CHECK(tree.text("/proc/sys/vm/dirty_ratio") == "40\n");
            break;
        }
        ++deaths;
        answering_files files(tree);
        auto record = record_of(tree);
        REQUIRE(host::revert(files, record));
        CHECK(without_trigger(tree.all()) == without_trigger(before));
        CHECK(record.entries().empty());
    }
    // Six records and six writes, three moments each.
    CHECK(deaths == 36);
}

namespace {

/// Holds the power cut against every write: what was there must be on the disk before.
struct watched_files {
    answering_files files;
    const kernel_tree &tree;
    int *writes;

    [[nodiscard]] auto read(std::string_view path) const { return files.read(path); }
    [[nodiscard]] auto writable(std::string_view path) const { return files.writable(path); }
    [[nodiscard]] expected<void> write(std::string_view path, std::string_view text) const {
        if (path != "/proc/sys/vm/compact_memory") {
            ++*writes;
            const test::temporary_directory after;
            const auto file = after.path() / "tuning.revert";
            std::ofstream(file, std::ios::binary) << on_disk;
            const auto left = revert_record::open(file, "boot");
            REQUIRE(left);
            INFO(path);
            const auto &all = left->entries();
            CHECK(std::find(all.begin(), all.end(),
                            host::revert_entry{std::string(path), tree.text(path)}) != all.end());
            if (path == ksm + "advisor_mode") {
                CHECK(std::any_of(all.begin(), all.end(), [](const host::revert_entry &e) {
                    return e.path == ksm + "pages_to_scan";
                }));
            }
        }
        return files.write(path, text);
    }
};

} // namespace

TEST_CASE("before a file is written, what it held has reached the disk") {
    const kernel_tree tree(texts());
    int writes = 0;
    watched_files files{answering_files(tree), tree, &writes};
    auto record = record_of(tree);
    power_is_watched = true;
    const auto done = host::apply(files, record, whole_plan());
    power_is_watched = false;
    REQUIRE(done);
    CHECK(writes == 5);
}

TEST_CASE("killed while it puts back, the next one goes on") {
    int deaths = 0;
    for (int moment = 0;; ++moment) {
        INFO("moment " << moment);
        const kernel_tree tree(texts());
        const auto before = tree.all();
        {
            answering_files files(tree);
            auto record = record_of(tree);
            REQUIRE(host::apply(files, record, whole_plan()));
        }
        const bool lived = survives(moment, [&](fate &end) { return revert_until(tree, end); });
        answering_files files(tree);
        auto record = record_of(tree);
        REQUIRE(host::revert(files, record));
        CHECK(without_trigger(tree.all()) == without_trigger(before));
        if (lived) break;
        ++deaths;
    }
    CHECK(deaths > 10);
}

TEST_CASE("plans applied one after another are all reverted") {
    const kernel_tree tree(texts());
    const auto before = tree.all();
    answering_files files(tree);
    tuning::plan first;
    first.changes = {step(ksm + "pages_to_scan", "777", "300")};
    tuning::plan second;
    second.changes = {step(ksm + "pages_to_scan", "300", "64"), step(ksm + "run", "0", "1")};
    for (const tuning::plan &p : {first, second}) {
        auto record = record_of(tree);
        REQUIRE(host::apply(files, record, p));
    }
    auto record = record_of(tree);
    CHECK(record.entries().size() == 3);
    REQUIRE(host::revert(files, record));
    CHECK(tree.all() == before);
}

TEST_CASE("a file that cannot be written is named before anything is written") {
    const kernel_tree tree(texts());
    SECTION("read-only, for root too") {
        std::filesystem::permissions(tree.at("/proc/sys/vm/dirty_ratio"),
                                     std::filesystem::perms::owner_read);
    }
    SECTION("missing") { std::filesystem::remove(tree.at("/proc/sys/vm/dirty_ratio")); }
    const auto before = tree.all();
    answering_files files(tree);
    auto record = record_of(tree);
    const auto done = host::apply(files, record, whole_plan());
    REQUIRE_FALSE(done);
    CHECK(done.error().object == "/proc/sys/vm/dirty_ratio");
    CHECK(tree.all() == before);
    CHECK(record.entries().empty());
}

TEST_CASE("a host that changed since the plan was made is left alone") {
    const kernel_tree tree(texts());
    tree.put(ksm + "run", "2\n");
    const auto before = tree.all();
    answering_files files(tree);
    auto record = record_of(tree);
    const auto done = host::apply(files, record, whole_plan());
    REQUIRE_FALSE(done);
    CHECK(done.error().kind == error_kind::conflict);
    CHECK(done.error().object == ksm + "run");
    CHECK(tree.all() == before);
}

TEST_CASE("what is set through libvirt is not taken for a file") {
    const kernel_tree tree(texts());
    answering_files files(tree);
    auto record = record_of(tree);
    tuning::plan p;
    p.changes = {step("hard_limit", "0", "1")};
    p.changes[0].what = {tuning::target_kind::parameter, "hard_limit", "vm1"};
    CHECK(host::apply(files, record, p).error().kind == error_kind::invalid_argument);
}

TEST_CASE("what the kernel grants only in part is an error that says how far, and is put back") {
    const std::string pool =
        "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages";
    kernel_tree tree(texts());
    tree.put(pool, "10\n");
    const auto before = tree.all();
    answering_files files(tree);
    files.huge_pages = 300;
    auto record = record_of(tree);
    tuning::plan p;
    p.changes = {step(ksm + "run", "0", "1"), step(pool, "10", "512"),
                 step("/proc/sys/vm/dirty_ratio", "20", "40")};
    const auto done = host::apply(files, record, p);
    REQUIRE_FALSE(done);
    CHECK(done.error().what.find("step 2 of 3 failed") != std::string::npos);
    CHECK(done.error().object == pool);
    REQUIRE(done.error().causes.size() == 1);
    CHECK(done.error().causes[0].what == "holds '300' after '512' was written");
    CHECK(tree.all() == before);
    CHECK(record.entries().empty());
}

TEST_CASE("one file that cannot be put back does not keep the others, nor the record, away") {
    const kernel_tree tree(texts());
    answering_files files(tree);
    auto record = record_of(tree);
    REQUIRE(host::apply(files, record, whole_plan()));
    const auto sleep = tree.at(ksm + "sleep_millisecs");
    std::filesystem::remove(sleep);
    std::filesystem::create_directory(sleep); // cannot be read as a file
    const auto failed = host::revert(files, record);
    REQUIRE_FALSE(failed);
    REQUIRE(failed.error().causes.size() == 1);
    CHECK(failed.error().causes[0].object == ksm + "sleep_millisecs");
    CHECK(tree.text(ksm + "run") == "0\n");
    CHECK_FALSE(record.entries().empty());
    std::filesystem::remove(sleep);
    const auto again = host::revert(files, record);
    REQUIRE(again);
    CHECK(again->gone == std::vector<std::string>{ksm + "sleep_millisecs"});
    CHECK(record.entries().empty());
}

TEST_CASE("of a file that shows its choices the word chosen is put back") {
    const std::string enabled = "/sys/kernel/mm/transparent_hugepage/enabled";
    const kernel_tree tree({{enabled, "always [madvise] never\n"}});
    host::kernel_files files = tree.files();
    auto record = record_of(tree);
    tuning::plan p;
    p.changes = {step(enabled, "madvise", "always")};
    REQUIRE(host::apply(files, record, p));
    REQUIRE(host::revert(files, record));
    CHECK(tree.text(enabled) == "madvise\n"); // what a kernel takes
}

TEST_CASE("the record keeps any bytes") {
    const kernel_tree tree;
    const std::vector<host::revert_entry> all = {
        {"/a", ""}, {"/b", "0\n"}, {"/c", std::string("\0\t\n\\x\xff", 6)}, {"/d\td", "[x] y\n"}};
    {
        auto record = record_of(tree);
        for (const auto &entry : all) REQUIRE(record.append(entry));
    }
    CHECK(record_of(tree).entries() == all);
    REQUIRE(record_of(tree).forget(2));
    auto record = record_of(tree);
    CHECK(record.entries() == std::vector<host::revert_entry>(all.begin(), all.begin() + 2));
    REQUIRE(record.forget());
    CHECK(record.entries().empty());
    REQUIRE(record.append(all[1]));
}

TEST_CASE("a record cut anywhere keeps every line that is whole, and can be added to") {
    const kernel_tree tree;
    const auto file = host::revert_record_path(tree.root());
    std::string text;
    {
        auto record = record_of(tree);
        for (const char *path : {"/a", "/b", "/c"}) REQUIRE(record.append({path, "1\n"}));
        std::ifstream in(file, std::ios::binary);
        text.assign(std::istreambuf_iterator<char>(in), {});
    }
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        INFO(cut);
        std::ofstream(file, std::ios::binary | std::ios::trunc) << text.substr(0, cut);
        std::size_t lines = 0;
        for (const char c : text.substr(0, cut)) lines += c == '\n' ? 1 : 0;
        const std::size_t whole = lines == 0 ? 0 : lines - 1; // the first is the header
        {
            auto record = record_of(tree);
            CHECK(record.entries().size() == whole);
            REQUIRE(record.append({"/new", "2\n"}));
        }
        auto record = record_of(tree);
        REQUIRE(record.entries().size() == whole + 1);
        CHECK(record.entries().back().path == "/new");
    }
}

TEST_CASE("a record that is damaged in the middle is an error that names it") {
    const kernel_tree tree;
    const auto file = host::revert_record_path(tree.root());
    {
        auto record = record_of(tree);
        for (const char *path : {"/a", "/b"}) REQUIRE(record.append({path, "1\n"}));
    }
    std::fstream(file, std::ios::in | std::ios::out | std::ios::binary) << "shopping";
    const auto opened = revert_record::open(file, "boot");
    REQUIRE_FALSE(opened);
    CHECK(opened.error().kind == error_kind::io);
    CHECK(opened.error().object == file);
    CHECK_FALSE(opened.error().remedy.empty());
}

TEST_CASE("what another boot recorded is dropped: the kernel has forgotten it too") {
    const kernel_tree tree;
    REQUIRE(record_of(tree, "before").append({"/a", "1\n"}));
    {
        auto record = record_of(tree, "after");
        CHECK(record.entries().empty());
        CHECK(record.dropped() == 1);
    }
    // Until something else is recorded it is not lost: whoever looks may be mistaken in the boot.
    CHECK(record_of(tree, "before").entries().size() == 1);
    REQUIRE(record_of(tree, "after").append({"/b", "2\n"}));
    CHECK(record_of(tree, "after").entries() == std::vector<host::revert_entry>{{"/b", "2\n"}});
    CHECK(record_of(tree, "before").dropped() == 1);
}

TEST_CASE("where the boot cannot be told, what was recorded is neither put back nor lost") {
    const kernel_tree tree;
    REQUIRE(record_of(tree, "some").append({"/a", "1\n"}));
    const auto blind = host::revert_record::open(host::revert_record_path(tree.root()), "");
    REQUIRE_FALSE(blind);
    CHECK(blind.error().kind == error_kind::environment);
    CHECK(record_of(tree, "some").entries().size() == 1);
}

TEST_CASE("one process at a time tunes a host") {
    const kernel_tree tree;
    const auto file = host::revert_record_path(tree.root());
    const auto first = record_of(tree);
    const auto second = revert_record::open(file, "boot");
    REQUIRE_FALSE(second);
    CHECK(second.error().kind == error_kind::conflict);
    CHECK(second.error().object == file);
}

TEST_CASE("files are read, written whole and found by pattern below the root") {
    const kernel_tree tree({{"/sys/a/cpu0/x", "1\n"}, {"/sys/a/cpu10/x", "2\n"}, {"/sys/a/b", ""}});
    const auto files = tree.files();
    CHECK(**files.read("/sys/a/cpu0/x") == "1\n");
    CHECK_FALSE(files.read("/sys/a/none")->has_value());
    CHECK_FALSE(files.read("/sys/a/b/below")->has_value()); // b is no directory
    CHECK(files.read("/sys/a").error().object == "/sys/a");
    REQUIRE(files.write("/sys/a/cpu0/x", "7"));
    CHECK(tree.text("/sys/a/cpu0/x") == "7");
    CHECK_FALSE(files.write("/sys/a/new", "7")); // never makes a file
    CHECK_FALSE(std::filesystem::exists(tree.at("/sys/a/new")));
    CHECK(files.matching("/sys/a/cpu*/x") ==
          std::vector<std::string>{"/sys/a/cpu0/x", "/sys/a/cpu10/x"});
    CHECK(files.matching("/sys/a/b") == std::vector<std::string>{"/sys/a/b"});
    CHECK(files.matching("/sys/*/cpu*") == std::vector<std::string>{"/sys/a/cpu0", "/sys/a/cpu10"});
    CHECK(files.matching("/none/*").empty());
    CHECK(files.writable("/sys/a/none").error().kind == error_kind::unsupported);
}
