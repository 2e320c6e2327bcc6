// SPDX-License-Identifier: MIT
// Images that QEMU itself made: a copy with only the used ranges is the same image to QEMU.
#include <kvmig/host/command.hpp>
#include <kvmig/model/qcow2.hpp>
#include <support/catch.hpp>
#include <support/temporary_directory.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace kvmig;
namespace qcow2 = model::qcow2;
using words = std::vector<std::string>;

namespace {

host::command command_of(words argv) {
    host::command cmd;
    cmd.argv = std::move(argv);
    cmd.timeout = std::chrono::minutes{2};
    return cmd;
}

/// What a tool said; a tool that fails fails the test.
std::string tool(words argv) {
    const auto said = host::output_of(command_of(std::move(argv)));
    if (!said) FAIL(describe(said.error()));
    return *said;
}

bool tools_are_here() {
    for (const char *name : {"qemu-img", "qemu-io"}) {
        if (host::output_of(command_of({name, "--version"}))) continue;
        WARN("SKIPPED: " << name << " is not installed (Debian: qemu-utils)");
        return false;
    }
    return true;
}

std::vector<std::byte> content(const std::filesystem::path &path) {
    std::vector<std::byte> bytes(std::filesystem::file_size(path));
    std::ifstream in{path, std::ios::binary};
    in.read(reinterpret_cast<char *>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    REQUIRE(in.gcount() == static_cast<std::streamsize>(bytes.size()));
    return bytes;
}

void write_file(const std::filesystem::path &path, const std::vector<std::byte> &bytes) {
    std::ofstream out{path, std::ios::binary};
    out.write(reinterpret_cast<const char *>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
    REQUIRE(out.flush().good());
}

qcow2::map map_file(const std::filesystem::path &path) {
    std::ifstream in{path, std::ios::binary};
    const std::uint64_t size = std::filesystem::file_size(path);
    const auto found = qcow2::map_of(
        [&](std::uint64_t offset, std::uint64_t length) -> expected<std::vector<std::byte>> {
            std::vector<std::byte> bytes(length);
            in.clear();
            in.seekg(static_cast<std::streamoff>(offset));
            in.read(reinterpret_cast<char *>(bytes.data()), static_cast<std::streamsize>(length));
            bytes.resize(static_cast<std::size_t>(in.gcount()));
            return bytes;
        },
        size);
    if (!found) FAIL(describe(found.error()));
    std::uint64_t end = 0;
    for (const auto &[offset, length] : found->used) {
        CHECK((end == 0 ? offset == 0 : offset > end));
        CHECK(length > 0);
        end = offset + length;
    }
    CHECK(end <= size);
    return *found;
}

/// A file of the size of `from` that has its bytes in `used` and `rest` elsewhere.
void copy_used(const std::filesystem::path &from, const std::filesystem::path &to,
               const std::vector<qcow2::range> &used, std::byte rest) {
    const auto all = content(from);
    std::vector<std::byte> out(all.size(), rest);
    for (const auto &[offset, length] : used) {
        std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(offset), length,
                    out.begin() + static_cast<std::ptrdiff_t>(offset));
    }
    write_file(to, out);
}

/// The clusters whose refcount is not 0, which is another way to the same answer. For refcounts
/// of 16 bits.
std::vector<qcow2::range> counted(const std::filesystem::path &path, const qcow2::header &head) {
    REQUIRE(head.refcount_order == 4);
    const auto bytes = content(path);
    const auto number = [&](std::uint64_t at, unsigned width) {
        std::uint64_t value = 0;
        for (unsigned i = 0; i < width; ++i, ++at) {
            value =
                value << 8U | (at < bytes.size() ? std::to_integer<std::uint64_t>(bytes[at]) : 0U);
        }
        return value;
    };
    const std::uint64_t size = head.cluster_size();
    std::vector<qcow2::range> out;
    for (std::uint64_t i = 0; i * size < bytes.size(); ++i) {
        const std::uint64_t block = number(head.refcount_table_offset + i / (size / 2) * 8, 8);
        if (block == 0 || number(block + i % (size / 2) * 2, 2) == 0) continue;
        const std::uint64_t length = std::min<std::uint64_t>(size, bytes.size() - i * size);
        if (!out.empty() && out.back().offset + out.back().length == i * size)
            out.back().length += length;
        else
            out.push_back({i * size, length});
    }
    return out;
}

/// A folder with an image in it, and the proof.
struct bench {
    test::temporary_directory directory;
    std::string image = (directory.path() / "image.qcow2").string();
    std::string copy = (directory.path() / "copy.qcow2").string();

    [[nodiscard]] std::string file(const char *name) const {
        return (directory.path() / name).string();
    }

    void create(const std::string &options, const std::string &size = "64M") const {
        words argv{"qemu-img", "create", "-q", "-f", "qcow2"};
        if (!options.empty()) argv.insert(argv.end(), {"-o", options});
        argv.insert(argv.end(), {image, size});
        tool(argv);
    }

    void io(const words &commands) const {
        words argv{"qemu-io", "-f", "qcow2"};
        for (const auto &one : commands) argv.insert(argv.end(), {"-c", one});
        argv.push_back(image);
        const std::string said = tool(argv);
        CHECK(said.find("failed") == std::string::npos);
    }

    /// Zeros and then rubbish where nothing is used: neither may be seen.
    qcow2::map prove(const words &snapshots = {}) const {
        const auto found = map_file(image);
        for (const std::byte rest : {std::byte{0}, std::byte{0xA5}}) {
            INFO("elsewhere " << std::to_integer<int>(rest));
            copy_used(image, copy, found.used, rest);
            tool({"qemu-img", "check", "-q", copy});
            CHECK(tool({"qemu-img", "compare", image, copy}) == "Images are identical.\n");
            for (const auto &name : snapshots) {
                for (const auto &[from, to] : {std::pair{image, "a"}, std::pair{copy, "b"}}) {
                    tool({"qemu-img", "convert", "-l", "snapshot.name=" + name, "-O", "raw", from,
                          file(to)});
                }
                CHECK(content(file("a")) == content(file("b")));
            }
        }
        return found;
    }
};

const words some_writes = {"write -P 1 0 200k",   "write -P 2 5M 1", "write -P 3 9M 3M",
                           "write -P 4 40M 64k",  "discard 10M 1M",  "write -z -u 40M 64k",
                           "write -P 5 64000k 1k"};

} // namespace

TEST_CASE("qcow2 used ranges: of every size of cluster and width of refcounts, each version") {
    if (!tools_are_here()) return;
    const std::string options =
        GENERATE("", "compat=0.10", "cluster_size=512", "cluster_size=4k", "cluster_size=2M",
                 "cluster_size=512,compat=0.10", "lazy_refcounts=on", "preallocation=metadata",
                 "preallocation=falloc,cluster_size=4k");
    INFO(options);
    const bench one;
    one.create(options);
    const auto empty = one.prove();
    CHECK(empty.used == counted(one.image, empty.header));
    CHECK(empty.allocated ==
          (options.find("preallocation") != std::string::npos ? 64U << 20U : 0U));
    one.io(some_writes);
    const auto found = one.prove();
    CHECK(found.used == counted(one.image, found.header));
    CHECK(found.header.lazy_refcounts() == (options == "lazy_refcounts=on"));
    CHECK(found.header.version == (options.find("0.10") != std::string::npos ? 2U : 3U));
    CHECK_FALSE(found.dirty);
    CHECK_FALSE(found.data_file);
}

TEST_CASE("qcow2 used ranges: refcounts of one bit and of 64") {
    if (!tools_are_here()) return;
    const std::string bits = GENERATE("1", "64");
    const bench one;
    one.create("refcount_bits=" + bits);
    one.io(some_writes);
    CHECK(std::uint64_t{1} << one.prove().header.refcount_order == std::stoul(bits));
}

TEST_CASE("qcow2 used ranges: allocated are the clusters that the guest wrote") {
    if (!tools_are_here()) return;
    const bench one;
    one.create("");
    one.io({"write 0 64k", "write 1M 1", "write 32M 128k"});
    CHECK(one.prove().allocated == 4 * 65536);
}

TEST_CASE("qcow2 used ranges: a cluster that reads zeros is left out though it has a place") {
    if (!tools_are_here()) return;
    const bench one;
    one.create("");
    one.io({"write -P 7 0 1M"});
    const auto before = one.prove();
    one.io({"write -z 128k 256k"});
    const auto after = one.prove();
    // QEMU keeps the place, and counts it.
    CHECK(counted(one.image, after.header) == before.used);
    CHECK(after.allocated == before.allocated - 256 * 1024);
}

TEST_CASE("qcow2 used ranges: compressed clusters") {
    if (!tools_are_here()) return;
    const std::string options =
        GENERATE("compression_type=zlib", "compression_type=zstd", "compat=0.10",
                 "cluster_size=512", "cluster_size=2M", "extended_l2=on");
    INFO(options);
    const bench one;
    // Blocks that compress to different lengths, so that some lie across two clusters.
    std::vector<std::byte> raw(std::size_t{6} << 20U);
    std::uint64_t seed = 1;
    for (std::size_t i = 0; i < raw.size(); ++i) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        const bool varied = i % 65536 < i / 65536 * 500;
        raw[i] = static_cast<std::byte>(varied ? seed >> 56U : 7U);
    }
    write_file(one.file("raw"), raw);
    tool({"qemu-img", "convert", "-q", "-c", "-O", "qcow2", "-o", options, one.file("raw"),
          one.image});
    const auto found = one.prove();
    CHECK(found.used == counted(one.image, found.header));
    CHECK(found.allocated > 0);
    CHECK((found.header.compressed_by == qcow2::compression::zstd) ==
          (options == "compression_type=zstd"));
    one.io({"write -P 9 100k 300k"});
    one.prove();
}

TEST_CASE("qcow2 used ranges: subclusters that are not allocated stay behind") {
    if (!tools_are_here()) return;
    const std::string options =
        GENERATE("extended_l2=on,cluster_size=128k", "extended_l2=on,cluster_size=16k",
                 "extended_l2=on,cluster_size=2M");
    INFO(options);
    const bench one;
    tool({"qemu-img", "create", "-q", "-f", "raw", one.file("below"), "64M"});
    one.create(options + ",backing_fmt=raw,backing_file=" + one.file("below"));
    one.io({"write -P 1 0 1k", "write -P 2 3M 256k", "write -P 3 20M 4k", "write -z 20484k 8k"});
    const auto found = one.prove();
    CHECK(found.header.extended_l2());
    std::uint64_t sum = 0;
    for (const auto &part : counted(one.image, found.header)) sum += part.length;
    std::uint64_t used = 0;
    for (const auto &part : found.used) used += part.length;
    CHECK(used < sum);
}

TEST_CASE("qcow2 used ranges: what was only reserved for subclusters stays behind") {
    if (!tools_are_here()) return;
    const bench one;
    one.create("extended_l2=on,preallocation=metadata");
    CHECK(one.prove().allocated == 0);
    one.io(some_writes);
    CHECK(one.prove().allocated > 0);
}

TEST_CASE("qcow2 used ranges: an external data file is named, and its clusters are not here") {
    if (!tools_are_here()) return;
    const std::string options = GENERATE("", ",data_file_raw=on", ",extended_l2=on");
    INFO(options);
    const bench one;
    one.create("data_file=" + one.file("data") + options);
    one.io(some_writes);
    const auto found = one.prove();
    CHECK(found.data_file == one.file("data"));
    CHECK(found.allocated == 0);
    CHECK(found.header.raw_external() == (options == ",data_file_raw=on"));
    CHECK(found.used == counted(one.image, found.header));
}

TEST_CASE("qcow2 used ranges: internal snapshots, the shared and the own") {
    if (!tools_are_here()) return;
    const std::string options = GENERATE("", "compat=0.10", "cluster_size=512", "extended_l2=on");
    INFO(options);
    const bench one;
    one.create(options);
    words names;
    for (int i = 0; i < 4; ++i) {
        const auto n = std::to_string(i);
        one.io({"write -P 1" + n + " " + n + "M 600k", "write -P 2" + n + " 30M 64k"});
        names.push_back("state " + n);
        tool({"qemu-img", "snapshot", "-c", names.back(), one.image});
    }
    one.io({"write -P 99 0 40M"});
    tool({"qemu-img", "snapshot", "-d", names[1], one.image});
    names.erase(names.begin() + 1);
    const auto found = one.prove(names);
    CHECK(found.header.snapshots == 3);
    if (!found.header.extended_l2()) CHECK(found.used == counted(one.image, found.header));
}

TEST_CASE("qcow2 used ranges: persistent bitmaps") {
    if (!tools_are_here()) return;
    const std::string options = GENERATE("", "cluster_size=512");
    const bench one;
    one.create(options);
    tool({"qemu-img", "bitmap", "--add", one.image, "first"});
    tool({"qemu-img", "bitmap", "--add", "-g", "512", one.image, "a bitmap of a longer name"});
    one.io(some_writes); // noted in both
    const auto found = one.prove();
    REQUIRE(found.header.bitmaps);
    CHECK(found.header.bitmaps->count == 2);
    CHECK(found.used == counted(one.image, found.header));
}

TEST_CASE("qcow2 used ranges: a LUKS header, which is needed to open the image") {
    if (!tools_are_here()) return;
    const bench one;
    const words secret{"--object", "secret,id=s,data=a-pass-phrase"};
    words create{"qemu-img", "create", "-q", "-f", "qcow2"};
    create.insert(create.end(), secret.begin(), secret.end());
    create.insert(
        create.end(),
        {"-o", "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10", one.image, "16M"});
    // qemu-img counts its own CPU time to choose the work that a pass phrase costs, and on a busy
    // machine may find none.
    auto created = host::output_of(command_of(create));
    for (int more = 9; !created && more > 0; --more) {
        if (describe(created.error()).find("accurate CPU usage") == std::string::npos) break;
        created = host::output_of(command_of(create));
    }
    if (!created) FAIL(describe(created.error()));
    const auto opened = [](const std::string &path) {
        return "driver=qcow2,encrypt.key-secret=s,file.filename=" + path;
    };
    words write{"qemu-io"};
    write.insert(write.end(), secret.begin(), secret.end());
    write.insert(write.end(), {"-c", "write -P 3 2M 3M", "--image-opts", opened(one.image)});
    tool(write);
    const auto found = map_file(one.image);
    CHECK(found.header.crypt == qcow2::encryption::luks);
    REQUIRE(found.header.encryption_header);
    CHECK(found.used == counted(one.image, found.header));
    copy_used(one.image, one.copy, found.used, std::byte{0xA5});
    words compare{"qemu-img", "compare"};
    compare.insert(compare.end(), secret.begin(), secret.end());
    compare.insert(compare.end(), {"--image-opts", opened(one.image), opened(one.copy)});
    CHECK(tool(compare) == "Images are identical.\n");
}

TEST_CASE("qcow2 used ranges: an image that was not closed, whose refcounts lag behind") {
    if (!tools_are_here()) return;
    const bench one;
    one.create("lazy_refcounts=on");
    const auto ended = host::run(command_of({"qemu-io", "-f", "qcow2", "-c", "write -P 1 0 3M",
                                             "-c", "flush", "-c", "sigraise 9", one.image}));
    REQUIRE(ended);
    REQUIRE(ended->status == 128 + 9);
    const auto found = map_file(one.image);
    CHECK(found.dirty);
    CHECK(found.allocated == 3U << 20U);
    copy_used(one.image, one.copy, found.used, std::byte{0});
    CHECK(tool({"qemu-img", "compare", one.image, one.copy}) == "Images are identical.\n");
    tool({"qemu-img", "check", "-q", "-r", "all", one.copy});
    CHECK(tool({"qemu-img", "compare", one.image, one.copy}) == "Images are identical.\n");
}

TEST_CASE("qcow2 used ranges: the proof sees a range that is missing") {
    if (!tools_are_here()) return;
    const bench one;
    one.create("");
    one.io({"write -P 1 0 64k", "write -P 2 32M 64k", "write -P 3 20M 64k", "discard 32M 64k"});
    const auto found = map_file(one.image);
    REQUIRE(found.used.size() == 2); // the discarded cluster lies between
    copy_used(one.image, one.copy, {found.used.front()}, std::byte{0});
    const auto compared = host::run(command_of({"qemu-img", "compare", one.image, one.copy}));
    REQUIRE(compared);
    CHECK(compared->status == 1);
}

TEST_CASE("qcow2 with_backing: QEMU reads the new file, and writes the same cluster") {
    if (!tools_are_here()) return;
    const std::string options =
        GENERATE("", "compat=0.10", "extended_l2=on", "cluster_size=512", "compression_type=zstd");
    INFO(options);
    const bench one;
    for (const char *name : {"one.raw", "another.raw"})
        tool({"qemu-img", "create", "-q", "-f", "raw", one.file(name), "64M"});
    tool({"qemu-img", "create", "-q", "-f", "qcow2", one.file("x"), "64M"});
    const std::string comma = options.empty() ? "" : ",";
    one.create(options + comma + "backing_fmt=raw,backing_file=" + one.file("one.raw"));
    one.io({"write -P 4 1M 1M"});
    const auto cluster = [&one](const std::string &path) {
        auto bytes = content(path);
        bytes.resize(map_file(one.image).header.cluster_size());
        return bytes;
    };
    const auto first = cluster(one.image);
    CHECK(*qcow2::with_backing(first, one.file("one.raw"), "raw") == first);
    using change = std::pair<std::string, std::string>;
    for (const auto &[name, format] :
         {change{one.file("another.raw"), "raw"}, change{"x", "qcow2"}, change{"", ""}}) {
        INFO(name << " " << format);
        const auto made = qcow2::with_backing(first, name, format);
        REQUIRE(made);
        auto all = content(one.image);
        std::copy(made->begin(), made->end(), all.begin());
        write_file(one.copy, all);
        const std::string seen = tool({"qemu-img", "info", "-U", one.copy});
        CHECK((seen.find("backing file: " + name) != std::string::npos) == !name.empty());
        CHECK((seen.find("backing file format: " + format) != std::string::npos) == !name.empty());
        if (name.empty()) CHECK(seen.find("backing file") == std::string::npos);
        tool({"qemu-img", "check", "-q", one.copy});
        std::filesystem::copy_file(one.image, one.file("rebased"),
                                   std::filesystem::copy_options::overwrite_existing);
        words rebase{"qemu-img", "rebase", "-u", "-f", "qcow2", "-b", name};
        if (!format.empty()) rebase.insert(rebase.end(), {"-F", format});
        rebase.push_back(one.file("rebased"));
        tool(rebase);
        CHECK(*made == cluster(one.file("rebased")));
    }
}
