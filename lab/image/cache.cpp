// SPDX-License-Identifier: MIT
#include <lab/image/as_root.hpp>
#include <lab/image/cache.hpp>
#include <lab/topology/files.hpp>
#include <lab/topology/lock.hpp>

#include <kvmig/host/command.hpp>

#include <array>
#include <fmt/format.h>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <openssl/evp.h>
#include <unistd.h>

namespace kvmig::lab {

namespace {

constexpr std::string_view manifest_name = "manifest.json";

class sha256 {
public:
    sha256() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
        EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
    }
    void add(std::string_view piece) {
        EVP_DigestUpdate(context_.get(), piece.data(), piece.size());
    }
    [[nodiscard]] std::string text() {
        std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
        unsigned size = 0;
        EVP_DigestFinal_ex(context_.get(), raw.data(), &size);
        std::string out;
        for (unsigned i = 0; i < size; ++i) out += fmt::format("{:02x}", raw[i]);
        return out;
    }

private:
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

/// Records each file's size, flushes the files, and closes the entry with the manifest.
expected<void> seal(const std::filesystem::path &directory) {
    nlohmann::json files = nlohmann::json::object();
    std::error_code code;
    for (const auto &entry : std::filesystem::recursive_directory_iterator{directory, code}) {
        if (!entry.is_regular_file() || entry.is_symlink()) continue;
        files[std::filesystem::relative(entry.path(), directory).string()] = entry.file_size();
    }
    if (code) {
        return fail(error_kind::io,
                    fmt::format("cannot list {}: {}", directory.string(), code.message()));
    }
    // One sync for the whole entry: it may hold thousands of small files.
    ::sync();
    return write_file(directory / manifest_name, nlohmann::json{{"files", files}}.dump(1));
}

/// Removes an entry, a half-made one too: without root, files of other owners may be in it.
expected<void> discard(const std::filesystem::path &entry) {
    auto removed = remove_tree(entry);
    if (removed || ::geteuid() == 0) return removed;
    host::command remove;
    remove.argv = as_root({"rm", "-rf", "--", entry.string()});
    if (auto said = host::output_of(remove); !said) return fail(std::move(said).error());
    return {};
}

/// What killed builds have left behind: nobody makes this kind of entry now, since its lock is
/// ours.
expected<void> sweep(const std::filesystem::path &cache, std::string_view kind) {
    std::error_code code;
    for (const auto &entry : std::filesystem::directory_iterator{cache, code}) {
        if (entry.path().filename().string().starts_with(fmt::format(".{}-", kind))) {
            if (auto removed = discard(entry.path()); !removed) return removed;
        }
    }
    return {};
}

} // namespace

std::string digest_of(const std::vector<std::string> &pieces) {
    sha256 sum;
    for (const std::string &piece : pieces) {
        sum.add(fmt::format("{}:", piece.size()));
        sum.add(piece);
    }
    return sum.text();
}

expected<std::string> digest_of_file(const std::filesystem::path &path) {
    std::ifstream file{path, std::ios::binary};
    if (!file) return fail(error_kind::io, fmt::format("cannot read {}", path.string()));
    sha256 sum;
    std::vector<char> buffer(1U << 20U);
    while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())),
           file.gcount() > 0) {
        sum.add({buffer.data(), static_cast<std::size_t>(file.gcount())});
    }
    if (file.bad()) return fail(error_kind::io, fmt::format("cannot read {}", path.string()));
    return sum.text();
}

bool is_whole(const std::filesystem::path &entry) {
    const auto text = read_file(entry / manifest_name);
    if (!text) return false;
    const auto manifest = nlohmann::json::parse(*text, nullptr, false);
    if (manifest.is_discarded() || !manifest.contains("files")) return false;
    for (const auto &[name, size] : manifest["files"].items()) {
        std::error_code code;
        if (std::filesystem::file_size(entry / name, code) != size || code) return false;
    }
    return true;
}

expected<std::filesystem::path> cached(const std::filesystem::path &cache, std::string_view kind,
                                       std::string_view digest, const entry_builder &build,
                                       const std::stop_token &stop) {
    const std::filesystem::path entry = cache / fmt::format("{}-{}", kind, digest.substr(0, 16));
    if (is_whole(entry)) return entry;
    if (auto made = make_directory(cache); !made) return fail(std::move(made).error());
    auto lock = file_lock::acquire(
        cache / fmt::format("{}.lock", kind), fmt::format("building {}", kind),
        [&](const std::string &holder) {
            fmt::print(stderr, "waiting for the cache of {}: {}\n", kind, holder);
        },
        stop);
    if (!lock) return fail(std::move(lock).error());
    if (is_whole(entry)) return entry;
    if (auto swept = sweep(cache, kind); !swept) return fail(std::move(swept).error());
    if (auto removed = discard(entry); !removed) return fail(std::move(removed).error());

    const std::filesystem::path temporary =
        cache / fmt::format(".{}-{}.{}", kind, digest.substr(0, 16), ::getpid());
    if (auto made = make_directory(temporary); !made) return fail(std::move(made).error());
    auto built = build(temporary);
    if (built) built = seal(temporary);
    if (built) built = rename_durably(temporary, entry);
    if (!built) {
        error failure = std::move(built).error();
        // Tools tell of a full disk in words of their own: it is looked at before tidying up.
        std::error_code code;
        const std::uintmax_t left = std::filesystem::space(cache, code).available;
        if (auto removed = discard(temporary); !removed) {
            failure.causes.push_back(std::move(removed).error());
        }
        if (left < std::uintmax_t{1} << 30U) {
            failure.causes.push_back(
                make_error(error_kind::io,
                           fmt::format("{} MiB are left where the cache is", left >> 20U))
                    .advise("free some, or set XDG_CACHE_HOME to a larger file system"));
        }
        return fail(std::move(failure));
    }
    return entry;
}

expected<void> prune(const std::filesystem::path &cache, std::string_view kind,
                     const std::set<std::filesystem::path> &keep, std::chrono::seconds age) {
    std::error_code code;
    for (const auto &entry : std::filesystem::directory_iterator{cache, code}) {
        // `kind-` and 16 digits: another kind may begin with this one's name.
        const std::string name = entry.path().filename().string();
        if (!name.starts_with(fmt::format("{}-", kind)) || name.size() != kind.size() + 17)
            continue;
        if (keep.contains(entry.path())) continue;
        const auto changed = entry.last_write_time(code);
        if (code || std::filesystem::file_time_type::clock::now() - changed < age) continue;
        if (auto removed = discard(entry.path()); !removed) return removed;
    }
    return {};
}

} // namespace kvmig::lab
