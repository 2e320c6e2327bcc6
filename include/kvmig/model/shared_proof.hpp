// SPDX-License-Identifier: MIT
/// Whether two places are one storage: what was seen of them, step by step, and what it proves.
///
/// Pure. `run/prove_shared.hpp` gathers the evidence; facts that hosts tell about a place (pool,
/// mount, image) never prove that it is shared, as a name may mean another machine on each host:
/// only a token read on the other side does. They tell what it is when it is not.
#pragma once

#include <kvmig/core/units.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::model {

/// Whether a place can be looked at.
enum class place_state : std::uint8_t {
    unasked,
    there,
    missing, ///< there is no such folder
    stale,   ///< its handle is of a file system that is gone (ESTALE)
    failed,
};

/// What became of writing a token.
enum class token_writing : std::uint8_t {
    untried,
    written,
    read_only, ///< EROFS, EACCES or EPERM
    stale,
    failed,
};

/// What came of looking for the other's token, until the deadline.
enum class token_sight : std::uint8_t {
    untried,
    seen,
    absent,
    other, ///< a file of this name, with another content
    stale,
    failed,
};

/// What is known of an image in a place.
struct image_sight {
    std::optional<bytes> size; ///< of the file; nothing where only that of its content is told
    std::optional<std::uint64_t> inode; ///< absent where it is not told, as by libvirt's pools
    std::string
        modified; ///< `SECONDS.NANOSECONDS` since 1970, as libvirt writes it; empty: not told

    friend bool operator==(const image_sight &, const image_sight &) = default;
};

/// What a host, or a server, says of a place.
struct shared_place_facts {
    std::string name;      ///< for people: `kvm01:/srv/images`, `nfs://nfs/srv/images`
    std::string host;      ///< whose word it is
    std::string path;      ///< the folder, as it is named there
    std::string pool;      ///< libvirt's pool there; empty: none
    std::string type;      ///< `netfs`, `dir`, of a pool; `nfs4`, `ext4`, of a mount; `export`
    std::string server;    ///< of NFS, as it is named there
    std::string directory; ///< the server's folder, as it is named there
    std::optional<image_sight> image; ///< absent: none was asked for, or it is not there

    friend bool operator==(const shared_place_facts &, const shared_place_facts &) = default;
};

/// One side of the proof.
struct shared_side {
    shared_place_facts facts; ///< never a proof, but what tells how two places differ
    place_state state = place_state::unasked;     ///< of its folder
    token_writing wrote = token_writing::untried; ///< its own token
    token_sight sees = token_sight::untried;      ///< the other side's token
    std::string problem;                          ///< why its state or sight is none
    std::string write_problem; ///< why `wrote` is not `written`, in the host's words
    /// Where the third party found this side's token: `SERVER:FOLDER`; empty: nowhere, or nobody
    /// looked.
    std::string found_in;

    friend bool operator==(const shared_side &, const shared_side &) = default;
};

/// What was seen from both sides, and by the third party.
struct shared_evidence {
    shared_side a;             ///< the first place, mostly the source's
    shared_side b;             ///< the second place, mostly the destination's
    std::string third;         ///< the folder that the third party was to look in; empty: none
    std::string third_problem; ///< why it could not look
};

/// What the evidence says of the two folders.
enum class shared_verdict : std::uint8_t {
    shared,
    not_shared,
    same_server_other_export, ///< or another folder of one export
    same_path_other_content,
    stale,     ///< one storage, but a host sees an old state of it
    read_only, ///< one storage as far as can be seen, but a host cannot write to it
    unknown,
};

/// The word of `kvmig.nfs-probe/1`, which is the enumerator's name.
[[nodiscard]] constexpr std::string_view to_string(shared_verdict what) noexcept {
    switch (what) {
    case shared_verdict::shared: return "shared";
    case shared_verdict::not_shared: return "not_shared";
    case shared_verdict::same_server_other_export: return "same_server_other_export";
    case shared_verdict::same_path_other_content: return "same_path_other_content";
    case shared_verdict::stale: return "stale";
    case shared_verdict::read_only: return "read_only";
    case shared_verdict::unknown: return "unknown";
    }
    return "unknown";
}

/// A verdict, and what was seen, in words.
struct shared_answer {
    shared_verdict verdict = shared_verdict::unknown; ///< what the evidence proves
    /// One sentence each, without a full stop, in the order of the probe.
    std::vector<std::string> seen;
    std::string in_export; ///< `SERVER:FOLDER` where both tokens were found; empty: not known

    friend bool operator==(const shared_answer &, const shared_answer &) = default;
};

namespace detail {

/// The word about an image as both sides have it; empty where one of them knows none.
[[nodiscard]] inline std::string compare_images(const image_sight &a, const image_sight &b) {
    std::string out;
    const auto differs = [&out](const char *what, const std::string &one, const std::string &two) {
        out += (out.empty() ? "" : "; ") + std::string("its ") + what + " is " + one +
               " at the one, " + two + " at the other";
    };
    if (a.inode && b.inode && a.inode != b.inode) {
        differs("inode", std::to_string(*a.inode), std::to_string(*b.inode));
    }
    if (a.size && b.size && a.size != b.size) {
        differs("size", std::to_string(a.size->count()), std::to_string(b.size->count()));
    }
    if (!a.modified.empty() && !b.modified.empty() && a.modified != b.modified) {
        differs("last change", a.modified, b.modified);
    }
    return out.empty() ? "as far as both tell, the image is the same" : "the image: " + out;
}

[[nodiscard]] inline std::string because(const std::string &problem) {
    return problem.empty() ? std::string() : ": " + problem;
}

/// What one side says of itself.
[[nodiscard]] inline std::string about_place(const shared_side &side) {
    const shared_place_facts &of = side.facts;
    switch (side.state) {
    case place_state::unasked: return of.name + " was not asked";
    case place_state::missing: return of.name + " does not exist" + because(side.problem);
    case place_state::stale: return of.name + " has a stale handle" + because(side.problem);
    case place_state::failed: return of.name + " could not be looked at" + because(side.problem);
    case place_state::there: break;
    }
    std::string out = of.name + " is there";
    if (!of.pool.empty()) out += ", pool '" + of.pool + "'";
    if (!of.type.empty()) out += ", " + of.type;
    if (!of.server.empty()) out += ", of " + of.server + ":" + of.directory;
    return out;
}

[[nodiscard]] inline std::string about_writing(const shared_side &side) {
    const std::string &name = side.facts.name;
    switch (side.wrote) {
    case token_writing::untried: return {};
    case token_writing::written: return "a token was written to " + name;
    case token_writing::read_only:
        return name + " cannot be written to" + because(side.write_problem);
    case token_writing::stale: return "writing to " + name + " met a stale handle";
    case token_writing::failed:
        return "writing to " + name + " failed" + because(side.write_problem);
    }
    return {};
}

/// @param of whose token is looked for
[[nodiscard]] inline std::string about_sight(const shared_side &looking, const shared_side &of) {
    const std::string &here = looking.facts.name;
    const std::string token = "the token of " + of.facts.name;
    switch (looking.sees) {
    case token_sight::untried: return {};
    case token_sight::seen: return here + " shows " + token;
    case token_sight::absent: return here + " does not show " + token;
    case token_sight::other: return here + " shows " + token + " with another content";
    case token_sight::stale: return here + " answers with a stale handle for " + token;
    case token_sight::failed:
        return "looking for " + token + " at " + here + " failed" + because(looking.problem);
    }
    return {};
}

[[nodiscard]] inline bool has_inode(const shared_side &side) {
    return side.facts.image && side.facts.image->inode;
}

/// Images of one name that are two files; where an inode is not told, their sizes decide.
[[nodiscard]] inline bool two_images(const shared_evidence &of) {
    const auto &a = of.a.facts.image;
    const auto &b = of.b.facts.image;
    if (!a || !b) return false;
    if (has_inode(of.a) && has_inode(of.b)) return a->inode != b->inode;
    return a->size && b->size && a->size != b->size;
}

/// How places that are not one storage differ.
[[nodiscard]] inline shared_verdict kind_of_difference(const shared_evidence &of) {
    const shared_side &a = of.a;
    const shared_side &b = of.b;
    const bool found_apart = !a.found_in.empty() && !b.found_in.empty() && a.found_in != b.found_in;
    const bool told_apart = !a.facts.server.empty() && a.facts.server == b.facts.server &&
                            a.facts.directory != b.facts.directory;
    if (found_apart || told_apart) return shared_verdict::same_server_other_export;
    const bool both = a.state == place_state::there && b.state == place_state::there;
    if (both && a.facts.path == b.facts.path) return shared_verdict::same_path_other_content;
    return shared_verdict::not_shared;
}

[[nodiscard]] inline shared_verdict judge(const shared_evidence &of) {
    using enum shared_verdict;
    const shared_side &a = of.a;
    const shared_side &b = of.b;
    const auto either = [&](auto holds) { return holds(a) || holds(b); };
    const bool wrote_both = a.wrote == token_writing::written && b.wrote == token_writing::written;
    // A sight counts only of a token that was written.
    const bool a_sees = a.sees == token_sight::seen && b.wrote == token_writing::written;
    const bool b_sees = b.sees == token_sight::seen && a.wrote == token_writing::written;
    const bool misses = (a.sees == token_sight::absent && b.wrote == token_writing::written) ||
                        (b.sees == token_sight::absent && a.wrote == token_writing::written);

    if (either([](const shared_side &s) {
            return s.state == place_state::stale || s.wrote == token_writing::stale ||
                   s.sees == token_sight::stale || s.sees == token_sight::other;
        })) {
        return stale;
    }
    if (either([](const shared_side &s) { return s.state == place_state::missing; })) {
        return kind_of_difference(of);
    }
    if (a_sees && b_sees) {
        // An open image whose inode is another is a handle of a file that was replaced.
        const bool replaced = has_inode(a) && has_inode(b) && two_images(of);
        return replaced ? stale : shared;
    }
    if (misses) {
        // One folder on the server, or seen from one side: the other sees what it cached.
        const bool one_folder = wrote_both && !a.found_in.empty() && a.found_in == b.found_in;
        return a_sees || b_sees || one_folder ? stale : kind_of_difference(of);
    }
    if (!a_sees && !b_sees && two_images(of)) return kind_of_difference(of);
    const bool failed = either([](const shared_side &s) {
        return s.state != place_state::there || s.wrote == token_writing::failed ||
               s.sees == token_sight::failed;
    });
    const bool barred =
        either([](const shared_side &s) { return s.wrote == token_writing::read_only; });
    return barred && !failed ? read_only : unknown;
}

} // namespace detail

/// The verdict with its reasons, in the order in which they were seen.
[[nodiscard]] inline shared_answer judge_shared(const shared_evidence &of) {
    shared_answer out;
    out.verdict = detail::judge(of);
    const auto say = [&out](std::string words) {
        if (!words.empty()) out.seen.push_back(std::move(words));
    };
    for (const shared_side *side : {&of.a, &of.b}) say(detail::about_place(*side));
    if (of.a.facts.image && of.b.facts.image) {
        say(detail::compare_images(*of.a.facts.image, *of.b.facts.image));
    }
    for (const shared_side *side : {&of.a, &of.b}) say(detail::about_writing(*side));
    say(detail::about_sight(of.b, of.a));
    say(detail::about_sight(of.a, of.b));
    if (of.third.empty()) return out;
    if (!of.third_problem.empty()) {
        say("the server could not be asked about " + of.third + ": " + of.third_problem);
    }
    for (const shared_side *side : {&of.a, &of.b}) {
        if (side->wrote != token_writing::written) continue;
        const std::string token = "the token of " + side->facts.name;
        if (!side->found_in.empty()) {
            say("the server has " + token + " in " + side->found_in);
        } else if (of.third_problem.empty()) {
            say("the server has " + token + " in no folder that was looked in, " + of.third +
                " among them");
        }
    }
    const bool one = !of.a.found_in.empty() && of.a.found_in == of.b.found_in;
    if (one) out.in_export = of.a.found_in;
    return out;
}

} // namespace kvmig::model
