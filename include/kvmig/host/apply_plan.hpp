// SPDX-License-Identifier: MIT
/// Applies a plan to a host's files, and puts back what was there.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/host/kernel_files.hpp>
#include <kvmig/host/revert_record.hpp>
#include <kvmig/tuning/plan.hpp>
#include <kvmig/tuning/value.hpp>

#include <cstddef>
#include <fmt/format.h>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::host {

/// What putting back came to.
struct revert_result {
    std::vector<std::string> restored = {}; ///< written, the last change first
    std::vector<std::string> gone = {};     ///< files that are no longer there
};

namespace detail {

/// The value in a file's text; empty where there is no file.
[[nodiscard]] inline std::string value_in(const std::optional<std::string> &text) {
    return text ? std::string(tuning::chosen(*text)) : std::string{};
}

/// What to write so that the file reads as it did: of a file that shows choices, the word chosen.
[[nodiscard]] inline std::string text_to_restore(std::string_view before) {
    const std::string_view word = tuning::chosen(before);
    return word == tuning::trimmed(before) ? std::string(before) : std::string(word) + '\n';
}

/// Puts back all entries but the first `keep`, the newest first, and forgets them when that has
/// been done in full. One that fails does not keep the others from being put back.
template <class Files, class Record>
[[nodiscard]] expected<revert_result> put_back(Files &files, Record &record, std::size_t keep) {
    revert_result out;
    std::vector<error> failed;
    const std::vector<revert_entry> entries(record.entries().begin(), record.entries().end());
    for (std::size_t i = entries.size(); i > keep; --i) {
        const revert_entry &entry = entries[i - 1];
        const auto now = files.read(entry.path);
        if (!now) {
            failed.push_back(now.error());
            continue;
        }
        if (!*now) {
            out.gone.push_back(entry.path);
            continue;
        }
        // Untouched yet, or put back along with another: some files refuse the value they show.
        if (**now == entry.before) continue;
        if (auto written = files.write(entry.path, text_to_restore(entry.before)); !written) {
            failed.push_back(std::move(written.error()));
            continue;
        }
        const auto after = files.read(entry.path);
        if (!after || value_in(*after) != tuning::chosen(entry.before)) {
            failed.push_back(
                make_error(error_kind::failed, fmt::format("holds '{}' after '{}' was put back",
                                                           after ? value_in(*after) : std::string{},
                                                           tuning::chosen(entry.before)))
                    .about(entry.path));
            continue;
        }
        out.restored.push_back(entry.path);
    }
    if (!failed.empty()) {
        error err =
            make_error(error_kind::failed, fmt::format("{} of {} files could not be put back",
                                                       failed.size(), entries.size() - keep))
                .about(record.file().string())
                .advise("the record is kept: mend the cause, and revert again");
        err.causes = std::move(failed);
        return fail(std::move(err));
    }
    if (auto forgotten = record.forget(keep); !forgotten) {
        return fail(std::move(forgotten.error()));
    }
    return out;
}

/// Before anything is written: every file is there, can be written, and holds what the plan was
/// made from.
template <class Files>
[[nodiscard]] expected<void> check_targets(const Files &files, const tuning::plan &all) {
    std::set<std::string> moved; // by an earlier step
    for (const tuning::change &step : all.changes) {
        if (step.what.kind != tuning::target_kind::file) {
            return fail(make_error(error_kind::invalid_argument,
                                   fmt::format("{} is set through libvirt, not through a file",
                                               step.what.name))
                            .about(step.what.object));
        }
        if (auto can = files.writable(step.what.name); !can) return fail(std::move(can.error()));
        for (const std::string &other : step.moves_too) {
            if (auto can = files.writable(other); !can) return fail(std::move(can.error()));
        }
        if (!step.trigger && !moved.contains(step.what.name)) {
            const auto now = files.read(step.what.name);
            if (!now) return fail(now.error());
            if (value_in(*now) != step.from) {
                return fail(
                    make_error(error_kind::conflict,
                               fmt::format("holds '{}' now, and '{}' when the plan was made",
                                           value_in(*now), step.from))
                        .about(step.what.name)
                        .advise("make the plan anew"));
            }
        }
        moved.insert(step.what.name);
        moved.insert(step.moves_too.begin(), step.moves_too.end());
    }
    return {};
}

/// One step: recorded, written, read back.
template <class Files, class Record>
[[nodiscard]] expected<void> apply_step(Files &files, Record &record, const tuning::change &step) {
    if (step.trigger) return files.write(step.what.name, step.to + '\n');
    // What moves too is put back after it, so that it comes before it in the record.
    std::vector<std::string> recorded;
    if (!step.moves_back) recorded = step.moves_too;
    recorded.push_back(step.what.name);
    for (const std::string &path : recorded) {
        const auto now = files.read(path);
        if (!now) return fail(now.error());
        if (!*now) {
            return fail(make_error(error_kind::unsupported, "there is no such file").about(path));
        }
        if (auto noted = record.append({path, **now}); !noted) {
            return fail(std::move(noted.error()));
        }
    }
    if (auto written = files.write(step.what.name, step.to + '\n'); !written) return written;
    const auto now = files.read(step.what.name);
    if (!now) return fail(now.error());
    const std::string is = value_in(*now);
    if (is == step.to) return {};
    return fail(make_error(error_kind::failed,
                           fmt::format("holds '{}' after '{}' was written", is, step.to))
                    .about(step.what.name));
}

} // namespace detail

/// Puts back what is recorded, the newest first: all of it, or all but the first `keep` entries.
template <class Files, class Record>
[[nodiscard]] expected<revert_result> revert(Files &files, Record &record, std::size_t keep = 0) {
    return detail::put_back(files, record, keep);
}

/// Forgets the entries from `last` on where each names a file that stands between `first` and
/// `last` already: what it was at `first` can be put back without them. So the record of who
/// writes the same files for months does not grow.
template <class Record>
[[nodiscard]] expected<void> forget_repeated(Record &record, std::size_t first, std::size_t last) {
    std::set<std::string> known;
    for (std::size_t i = first; i < record.entries().size(); ++i) {
        const std::string &path = record.entries()[i].path;
        if (i < last) {
            known.insert(path);
        } else if (!known.contains(path)) {
            return {};
        }
    }
    return last < record.entries().size() ? record.forget(last) : expected<void>{};
}

/// Applies a plan, step by step, each recorded before it is written and read back after. Nothing is
/// written when a target is missing, read-only or no longer what it was. When a step fails, or the
/// kernel grants only a part of it, what this call did is put back; the error says how far it came.
template <class Files, class Record>
[[nodiscard]] expected<void> apply(Files &files, Record &record, const tuning::plan &all) {
    if (auto fit = detail::check_targets(files, all); !fit) return fit;
    const std::size_t keep = record.entries().size();
    for (std::size_t i = 0; i < all.changes.size(); ++i) {
        auto done = detail::apply_step(files, record, all.changes[i]);
        if (done) continue;
        error err = make_error(error_kind::failed,
                               fmt::format("step {} of {} failed", i + 1, all.changes.size()))
                        .about(all.changes[i].what.name);
        err.kind = done.error().kind == error_kind::environment ? error_kind::environment
                                                                : error_kind::failed;
        auto back = detail::put_back(files, record, keep);
        err.what += back ? fmt::format("; the {} before it were put back", i)
                         : std::string("; not all of what was done could be put back");
        err.causes.push_back(std::move(done.error()));
        if (!back) err.causes.push_back(std::move(back.error()));
        return fail(std::move(err));
    }
    return {};
}

} // namespace kvmig::host
