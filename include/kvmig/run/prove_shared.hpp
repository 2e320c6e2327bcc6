// SPDX-License-Identifier: MIT
/// Proves that two places are one storage: a token is written in each and looked for in the other.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/model/shared_proof.hpp>
#include <kvmig/ports/clock.hpp>
#include <kvmig/run/shared_place.hpp>
#include <kvmig/run/shared_place_nfs.hpp>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

/// How two folders are compared.
struct prove_options {
    /// How long a token is looked for before it counts as not there: clients of NFS remember for
    /// up to a minute what a folder holds.
    std::chrono::milliseconds deadline{60'000};
    std::chrono::milliseconds interval{500}; ///< between two looks
    std::string image = {};                  ///< the name of an image to compare; empty: none
    std::stop_token stop = {};               ///< what was seen until then counts
};

/// What came of it.
struct shared_proof {
    model::shared_evidence evidence; ///< of both places, and of the third party
    model::shared_answer answer;     ///< what the evidence proves
    std::vector<std::string> swept;  ///< old tokens of others that were removed, as `PLACE: NAME`
    std::vector<std::string> left;   ///< what could not be removed or looked for, and why
};

namespace detail {

/// A refusal to write, whoever refused: by the `errno` alone, as libvirt refuses for other reasons
/// too.
[[nodiscard]] inline bool is_barred(const error &of) {
    const int number = of.system.value_or(0);
    return number == EROFS || number == EACCES || number == EPERM;
}
[[nodiscard]] inline bool is_stale(const error &of) { return of.system == ESTALE; }

/// A place, its side of the evidence, and its token, which is removed in every case.
template <shared_place P> class prover {
public:
    prover(P &place, model::shared_side &side, shared_proof &out)
        : place_(place), side_(side), out_(out) {
        side_.facts = place_.called();
    }
    /// Only where something threw: `clear` has removed it otherwise.
    ~prover() {
        if (planted_) static_cast<void>(place_.remove(name_));
    }
    prover(const prover &) = delete;
    prover &operator=(const prover &) = delete;

    [[nodiscard]] const std::string &name() const noexcept { return name_; }
    [[nodiscard]] const std::string &content() const noexcept { return content_; }
    [[nodiscard]] model::shared_side &side() noexcept { return side_; }

    /// Asks what the place is, and removes old tokens of others.
    void begin(const std::string &image, ports::utc_time now) {
        auto told = place_.describe(image);
        if (!told) {
            side_.problem = told.error().what;
            side_.state = told.error().kind == error_kind::not_found ? model::place_state::missing
                          : is_stale(told.error())                   ? model::place_state::stale
                                                                     : model::place_state::failed;
            return;
        }
        side_.facts = *std::move(told);
        side_.state = model::place_state::there;
        const auto tokens = place_.tokens();
        if (!tokens) return keep("old tokens could not be looked for", tokens.error());
        for (const std::string &each : *tokens) {
            const auto id = model::parse_token_name(each);
            if (!id || !is_old(*id, std::chrono::floor<std::chrono::seconds>(now))) continue;
            if (auto gone = place_.remove(each); gone) {
                out_.swept.push_back(side_.facts.name + ": " + each);
            } else if (gone.error().kind != error_kind::not_found) { // the other side was faster
                keep("the old token " + each + " could not be removed", gone.error());
            }
        }
    }

    void write(ports::utc_time now) {
        const model::token_id id = new_token(now);
        name_ = model::token_name(id);
        content_ = model::token_content(id, side_.facts.host, random_digits());
        planted_ = true; // even a write that fails may leave a file
        const auto written = place_.write(name_, content_);
        if (written) {
            side_.wrote = model::token_writing::written;
            return;
        }
        side_.write_problem = written.error().what;
        side_.wrote = is_barred(written.error())  ? model::token_writing::read_only
                      : is_stale(written.error()) ? model::token_writing::stale
                                                  : model::token_writing::failed;
    }

    /// Looks for the token of `other`; whether there is nothing more to wait for.
    template <shared_place Q> bool look(const prover<Q> &other) {
        using model::token_sight;
        const bool seen = side_.sees == token_sight::seen;
        if (!other.has_written() || side_.state != model::place_state::there || seen || settled_) {
            return true;
        }
        const auto found = place_.read(other.name());
        if (found) {
            side_.sees = !*found                      ? token_sight::absent
                         : **found == other.content() ? token_sight::seen
                                                      : token_sight::other;
            side_.problem.clear();
            return side_.sees == token_sight::seen;
        }
        // A pool that is busy, say, is asked again; who is gone, or holds a stale handle, is not.
        const error &why = found.error();
        side_.problem = why.what;
        side_.sees = is_stale(why) ? token_sight::stale : token_sight::failed;
        settled_ = is_stale(why) || why.kind == error_kind::unreachable ||
                   why.kind == error_kind::timed_out;
        return settled_;
    }
    [[nodiscard]] bool has_written() const noexcept {
        return side_.wrote == model::token_writing::written;
    }

    /// Removes the token, by way of the other side where this one cannot.
    template <shared_place Q> void clear(prover<Q> &other) {
        if (!std::exchange(planted_, false)) return;
        const auto gone = place_.remove(name_);
        if (gone) return;
        // Not there: writing failed before there was a file. One that was written is.
        const auto absent = [](const error &why) { return why.kind == error_kind::not_found; };
        if (absent(gone.error()) && !has_written()) return;
        if (other.side().sees == model::token_sight::seen) {
            const auto there = other.place().remove(name_);
            if (there || (absent(gone.error()) && absent(there.error()))) return;
        }
        // Where nothing may be written, nothing was made.
        if (side_.wrote == model::token_writing::read_only) return;
        keep("the token " + name_ + " could not be removed", gone.error());
    }
    void end() {
        if (auto closed = place_.close(); !closed) {
            keep("what was set up could not be taken back", closed.error());
        }
    }

    [[nodiscard]] P &place() noexcept { return place_; }

private:
    void keep(const std::string &what, const error &why) {
        out_.left.push_back(side_.facts.name + ": " + what + ": " + why.what);
    }

    P &place_;
    model::shared_side &side_;
    shared_proof &out_;
    std::string name_;
    std::string content_;
    bool planted_ = false;
    bool settled_ = false; ///< another look would tell nothing else
};

/// Waits for the next look; at once when stopped.
inline void pause(std::chrono::milliseconds interval, const std::stop_token &stop) {
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    stopped.wait_for(lock, stop, interval, [] { return false; });
}

} // namespace detail

/// Leaves nothing behind in either place; what could not be removed is told. Failures are part of
/// the evidence, so this has no errors of its own: an unknown answer says why. When stopped, it
/// tidies up and judges by what was seen until then.
/// @param third asked in which of a server's folders the tokens are; may be absent
template <shared_place A, shared_place B, ports::clock C = ports::system_clock>
[[nodiscard]] shared_proof prove_shared(A &a, B &b, const prove_options &how = {},
                                        std::optional<nfs_witness> third = {}, const C &time = {}) {
    shared_proof out;
    model::shared_evidence &evidence = out.evidence;
    {
        detail::prover one(a, evidence.a, out);
        detail::prover two(b, evidence.b, out);
        one.begin(how.image, time.utc());
        two.begin(how.image, time.utc());
        const bool reachable = evidence.a.state == model::place_state::there &&
                               evidence.b.state == model::place_state::there;
        if (reachable && !how.stop.stop_requested()) {
            one.write(time.utc());
            two.write(time.utc());
            // Both are written and closed before either looks: a name that was looked for too
            // early is remembered as not there.
            const auto until = time.steady() + how.deadline;
            for (;;) {
                const bool last = time.steady() >= until;
                const bool done_one = one.look(two);
                const bool done_two = two.look(one);
                if ((done_one && done_two) || last || how.stop.stop_requested()) break;
                detail::pause(how.interval, how.stop);
            }
            const auto find = [&](auto &prover) {
                if (!prover.has_written() || !evidence.third_problem.empty()) return;
                auto found = third->find(prover.name(), prover.content());
                if (found) {
                    prover.side().found_in = *std::move(found);
                } else {
                    evidence.third_problem = found.error().what;
                }
            };
            if (third) {
                evidence.third = third->named();
                find(one);
                find(two);
            }
        }
        one.clear(two);
        two.clear(one);
        one.end();
        two.end();
    }
    // A look that was cut short proves nothing.
    if (how.stop.stop_requested()) {
        for (model::shared_side *side : {&evidence.a, &evidence.b}) {
            if (side->sees != model::token_sight::absent) continue;
            side->sees = model::token_sight::failed;
            side->problem = "cancelled";
        }
    }
    out.answer = model::judge_shared(evidence);
    return out;
}

} // namespace kvmig::run
