// SPDX-License-Identifier: MIT
/// From a decision about KSM to the files to be written, in an order that the kernel takes.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/tuning/ksm.hpp>
#include <kvmig/tuning/ksmtuned.hpp>
#include <kvmig/tuning/plan.hpp>

#include <chrono>
#include <cstdint>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::tuning {

/// What ksmd is to do.
enum class ksm_action : std::uint8_t {
    leave,   ///< change nothing
    scan,    ///< run = 1
    stop,    ///< run = 0: what is merged stays merged
    unmerge, ///< run = 2: needs the memory that was saved
};

/// As `kvmig.tune/1` says it.
[[nodiscard]] constexpr std::string_view to_string(ksm_action action) noexcept {
    switch (action) {
    case ksm_action::leave: return "leave";
    case ksm_action::scan: return "scan";
    case ksm_action::stop: return "stop";
    case ksm_action::unmerge: return "unmerge";
    }
    return "unknown";
}

/// A decision, with its reason. Speeds count when it is to scan.
struct ksm_decision {
    /// What becomes of `run`.
    ksm_action action = ksm_action::leave;
    /// Absent: left as it is, or to the advisor.
    std::optional<pages> pages_to_scan = {};
    /// Absent: left as it is.
    std::optional<milliseconds> sleep_millisecs = {};
    /// The kernel's advisor sets the speed, within this per cent of one CPU.
    std::optional<std::uint64_t> advisor_max_cpu = {};
    /// One sentence without a full stop.
    std::string reason = {};
    /// Hazards of doing so, which become notes of the plan.
    std::vector<std::string> warnings = {};

    friend bool operator==(const ksm_decision &, const ksm_decision &) = default;
};

/// What ksmtuned decided, as a decision.
[[nodiscard]] inline ksm_decision decision_of(const ksmtuned_step &step) {
    ksm_decision out;
    out.action = step.run ? ksm_action::scan : ksm_action::stop;
    if (step.run) {
        out.pages_to_scan = step.pages_to_scan;
        out.sleep_millisecs = step.sleep_millisecs;
    }
    out.reason = step.reason;
    return out;
}

namespace detail {

inline constexpr std::string_view ksm_document = "Documentation/admin-guide/mm/ksm.rst";

class ksm_writer {
public:
    ksm_writer(const ksm_facts &facts, std::string why) : facts_(facts), why_(std::move(why)) {}

    /// One step, unless that is what is there; absent files are noted.
    void want(std::string_view file, std::string to, std::string risk = {},
              const std::vector<std::string> &moves_too = {}) {
        const auto from = get(facts_, file);
        if (!from) {
            out.note(fmt::format("this kernel's KSM has no {}", file));
            return;
        }
        if (*from == to) return;
        change step;
        step.what.name = fmt::format("{}{}", ksm_directory, file);
        step.from = *from;
        step.to = std::move(to);
        step.why = why_;
        step.source = ksm_document;
        step.risk = std::move(risk);
        for (const std::string &moved : moves_too) {
            if (get(facts_, moved)) step.moves_too.push_back(std::string(ksm_directory) + moved);
        }
        out.changes.push_back(std::move(step));
    }

    plan out;

private:
    const ksm_facts &facts_;
    std::string why_;
};

} // namespace detail

/// What the kernel sets when the advisor's say ends (mm/ksm.c, DEFAULT_PAGES_TO_SCAN).
inline constexpr pages pages_to_scan_by_default{100};

/// The plan of a decision; empty when that is how things are. Fails with `unsupported` where the
/// kernel has no KSM.
[[nodiscard]] inline expected<plan> plan_ksm(const ksm_facts &facts, const ksm_decision &decided) {
    if (!facts.present()) {
        return fail(make_error(error_kind::unsupported, "this kernel has no KSM")
                        .about(std::string(ksm_directory))
                        .advise("run a kernel with CONFIG_KSM=y"));
    }
    detail::ksm_writer write(facts, decided.reason);
    for (const std::string &warning : decided.warnings) write.out.note(warning);
    switch (decided.action) {
    case ksm_action::leave: break;
    case ksm_action::stop:
        // 2 is stopped too.
        if (facts.run == std::uint64_t{1}) write.want("run", "0");
        break;
    case ksm_action::unmerge:
        write.want("run", "2",
                   "undoes the merging of every process, and needs as much memory as was saved: "
                   "where there is less, the OOM killer comes");
        break;
    case ksm_action::scan:
        if (decided.advisor_max_cpu && facts.advisor_mode) {
            write.want("advisor_max_cpu", std::to_string(*decided.advisor_max_cpu));
            // Choosing an advisor sets pages_to_scan, choosing none sets it back to its default.
            write.want("advisor_mode", "scan-time", {}, {"pages_to_scan"});
        } else if (decided.pages_to_scan) {
            if (facts.advised()) {
                write.want("advisor_mode", "none", {}, {"pages_to_scan"});
                // While an advisor has the say, the kernel refuses to be told pages_to_scan.
                write.out.changes.back().moves_back = true;
            }
            ksm_facts then = facts;
            if (facts.advised()) then.pages_to_scan = pages_to_scan_by_default;
            detail::ksm_writer after(then, decided.reason);
            after.want("pages_to_scan", std::to_string(decided.pages_to_scan->count()));
            write.out.append(std::move(after.out));
        }
        if (decided.sleep_millisecs) {
            write.want("sleep_millisecs", std::to_string(decided.sleep_millisecs->count()));
        }
        write.want("run", "1",
                   "a write to a merged page takes longer, by which one guest can find out what "
                   "is in another's memory");
        break;
    }
    return std::move(write.out);
}

/// Merging within NUMA nodes only, or across them. While pages are merged the kernel refuses to
/// change it: they are unmerged before, and so they are before it is put back.
[[nodiscard]] inline expected<plan> plan_merge_across_nodes(const ksm_facts &facts, bool across,
                                                            std::string why) {
    if (!facts.present() || !facts.merge_across_nodes || !facts.pages_shared) {
        return fail(make_error(error_kind::unsupported, "this kernel's KSM does not know nodes")
                        .about(std::string(ksm_directory) + "merge_across_nodes"));
    }
    detail::ksm_writer write(facts, std::move(why));
    if ((*facts.merge_across_nodes != 0) == across) return std::move(write.out);
    const bool unmerge = facts.run != std::uint64_t{2};
    if (unmerge) {
        write.want("run", "2",
                   "undoes the merging of every process, and needs as much memory as was saved");
    }
    write.want("merge_across_nodes", across ? "1" : "0");
    if (unmerge) {
        change back = write.out.changes.front();
        std::swap(back.from, back.to);
        back.risk.clear();
        write.out.changes.push_back(std::move(back));
    }
    return std::move(write.out);
}

} // namespace kvmig::tuning
