// SPDX-License-Identifier: MIT
#include <lab/report/kept_runs.hpp>

#include <kvmig/host/journal_database.hpp>
#include <kvmig/host/journal_files.hpp>
#include <lab/report/run_json.hpp>
#include <lab/report/saved_run.hpp>
#include <lab/topology/files.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

namespace kvmig::lab {

namespace {

namespace fs = std::filesystem;
using host::journal_database;

constexpr std::string_view indexing = "reading the index of kept runs";

/// A run.json, and by what it is told from the one that it was before.
struct run_file {
    fs::path path;
    std::int64_t size = 0;
    std::int64_t changed = 0;
};

expected<std::map<std::string, run_file>> list_files(const fs::path &results) {
    std::map<std::string, run_file> out;
    std::error_code code;
    fs::directory_iterator folders(results, code);
    if (code == std::errc::no_such_file_or_directory) return out;
    for (; !code && folders != fs::directory_iterator(); folders.increment(code)) {
        run_file one{folders->path() / "run.json"};
        std::error_code gone; // or not there yet
        one.size = static_cast<std::int64_t>(fs::file_size(one.path, gone));
        if (!gone) one.changed = fs::last_write_time(one.path, gone).time_since_epoch().count();
        if (!gone) out.emplace(folders->path().filename().string(), std::move(one));
    }
    if (!code) return out;
    return fail(make_error(error_kind::io, "listing the kept runs: " + code.message())
                    .about(results.string()));
}

run_result without_samples(run_result run) {
    for (scenario_result &each : run.scenarios) {
        each.samples = nlohmann::json::object();
        each.proofs.clear();
    }
    return run;
}

/// The table of the index, in a file or, without one, in memory.
class run_index {
public:
    static expected<run_index> open(const std::string &file) {
        if (file != in_memory) {
            auto made = host::open_private_file(file);
            if (!made) return fail(std::move(made).error());
        }
        auto database = journal_database::open(file);
        if (!database) return fail(std::move(database).error());
        run_index out(*std::move(database));
        auto version = out.database_.prepare("PRAGMA user_version", indexing);
        if (!version) return fail(std::move(version).error());
        auto row = version->step(indexing);
        if (!row) return fail(std::move(row).error());
        if (version->number(0) != 0 && version->number(0) != layout) {
            return fail(error_kind::unsupported, "an index of another version");
        }
        auto table = out.database_.run(
            fmt::format("CREATE TABLE IF NOT EXISTS runs (name TEXT PRIMARY KEY, size INTEGER NOT "
                        "NULL, changed INTEGER NOT NULL, run TEXT NOT NULL) STRICT; "
                        "PRAGMA user_version = {}",
                        layout),
            indexing);
        if (!table) return fail(std::move(table).error());
        return out;
    }

    /// Those of `files` that are known as they are now; what else is in the index leaves it.
    expected<std::map<std::string, run_result>>
    known(const std::map<std::string, run_file> &files) {
        std::map<std::string, run_result> out;
        std::vector<std::string> stale;
        auto all = database_.prepare("SELECT name, size, changed, run FROM runs", indexing);
        if (!all) return fail(std::move(all).error());
        for (;;) {
            auto row = all->step(indexing);
            if (!row) return fail(std::move(row).error());
            if (!*row) break;
            std::string name = all->text(0);
            const auto file = files.find(name);
            if (file == files.end() || file->second.size != all->number(1) ||
                file->second.changed != all->number(2)) {
                stale.push_back(std::move(name));
                continue;
            }
            auto run = parse_run(all->text(3), name);
            if (!run) return fail(std::move(run).error());
            out.emplace(std::move(name), *std::move(run));
        }
        for (const std::string &each : stale) {
            auto remove = database_.prepare("DELETE FROM runs WHERE name = ?", indexing);
            if (!remove) return fail(std::move(remove).error());
            if (auto done = remove->bind(each).step(indexing); !done) {
                return fail(std::move(done).error());
            }
        }
        return out;
    }

    expected<void> add(const std::string &name, const run_file &file, const run_result &run) {
        auto insert = database_.prepare("INSERT INTO runs VALUES (?, ?, ?, ?)", indexing);
        if (!insert) return fail(std::move(insert).error());
        const std::string text = to_json(run).dump();
        insert->bind(name).bind(file.size).bind(file.changed).bind(text);
        if (auto done = insert->step(indexing); !done) return fail(std::move(done).error());
        return {};
    }

    [[nodiscard]] const journal_database &database() const noexcept { return database_; }

    static constexpr const char *in_memory = ":memory:";

private:
    /// Of the table, and of what is kept of a run: the next one makes all indexes anew.
    static constexpr std::int64_t layout = 1;

    explicit run_index(journal_database database) : database_(std::move(database)) {}

    journal_database database_;
};

/// All runs, with the index in `file` brought up to date; it fails for the index's sake alone.
expected<kept_runs> read_by_index(const std::string &file,
                                  const std::map<std::string, run_file> &files) {
    auto index = run_index::open(file);
    if (!index) return fail(std::move(index).error());
    auto transaction = host::journal_transaction::begin(index->database(), indexing);
    if (!transaction) return fail(std::move(transaction).error());
    auto known = index->known(files);
    if (!known) return fail(std::move(known).error());
    kept_runs out;
    for (const auto &[name, place] : files) {
        if (auto run = known->find(name); run != known->end()) {
            out.runs.push_back({name, std::move(run->second)});
            continue;
        }
        auto run = read_run(place.path.string());
        if (!run) {
            out.broken.push_back(std::move(run).error());
            continue;
        }
        kept_run one{name, without_samples(*std::move(run))};
        if (auto added = index->add(name, place, one.run); !added) {
            return fail(std::move(added).error());
        }
        out.runs.push_back(std::move(one));
    }
    if (auto done = transaction->commit(indexing); !done) return fail(std::move(done).error());
    return out;
}

} // namespace

expected<kept_runs> read_kept_runs(const fs::path &state) {
    auto files = list_files(state / "results");
    if (!files) return fail(std::move(files).error());
    const std::string file = (state / "history.sqlite").string();
    // With nothing kept, nothing is made.
    auto out = files->empty() ? kept_runs{} : read_by_index(file, *files);
    if (!out && out.error().kind != error_kind::timed_out) {
        std::error_code ignored; // where it cannot be removed it is gone without
        fs::remove(file, ignored);
        fs::remove(file + "-journal", ignored);
        out = read_by_index(file, *files);
    }
    if (!out) out = read_by_index(run_index::in_memory, *files);
    if (!out) return out;
    std::sort(out->runs.begin(), out->runs.end(), [](const kept_run &a, const kept_run &b) {
        const auto key = [](const kept_run &one) {
            const auto &environment = one.run.environment;
            return std::pair(environment.is_object() ? environment.value("time", "") : "",
                             one.name);
        };
        return key(a) > key(b);
    });
    return out;
}

} // namespace kvmig::lab
