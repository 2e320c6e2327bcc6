// SPDX-License-Identifier: MIT
#include <kvmig/model/shared_proof.hpp>
#include <support/catch.hpp>

#include <array>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

using namespace kvmig;
using model::place_state;
using model::shared_evidence;
using model::shared_verdict;
using model::token_sight;
using model::token_writing;

namespace {

/// Two hosts that reach one folder of a server, proven in both directions.
shared_evidence proven() {
    shared_evidence out;
    for (model::shared_side *side : {&out.a, &out.b}) {
        side->state = place_state::there;
        side->facts.path = "/srv/images";
        side->facts.type = "netfs";
        side->facts.server = "nfs";
        side->facts.directory = "/export";
        side->wrote = token_writing::written;
        side->sees = token_sight::seen;
    }
    out.a.facts.name = "a:/srv/images";
    out.b.facts.name = "b:/srv/images";
    return out;
}

shared_verdict verdict(const shared_evidence &of) { return model::judge_shared(of).verdict; }

/// The same with the sides changed over: no verdict depends on which is which.
shared_evidence mirrored(shared_evidence of) {
    std::swap(of.a, of.b);
    return of;
}

bool says(const model::shared_answer &answer, const std::string &words) {
    for (const std::string &each : answer.seen) {
        if (each == words) return true;
    }
    return false;
}

constexpr std::array states{place_state::unasked, place_state::there, place_state::missing,
                            place_state::stale, place_state::failed};
constexpr std::array writings{token_writing::untried, token_writing::written,
                              token_writing::read_only, token_writing::stale,
                              token_writing::failed};
constexpr std::array sights{token_sight::untried, token_sight::seen,  token_sight::absent,
                            token_sight::other,   token_sight::stale, token_sight::failed};

} // namespace

TEST_CASE("shared is what was proven in both directions, and nothing else") {
    std::size_t shared = 0;
    std::set<shared_verdict> met;
    std::string wrong;
    const auto check = [&](bool right, const char *what, const shared_evidence &of) {
        if (right) return;
        wrong += std::string(what) + ": " + std::string(to_string(verdict(of))) + "; ";
        for (const std::string &each : model::judge_shared(of).seen) wrong += each + "; ";
        wrong += '\n';
    };
    for (const place_state a_state : states) {
        for (const place_state b_state : states) {
            for (const token_writing a_wrote : writings) {
                for (const token_writing b_wrote : writings) {
                    for (const token_sight a_sees : sights) {
                        for (const token_sight b_sees : sights) {
                            shared_evidence of = proven();
                            of.a.state = a_state;
                            of.b.state = b_state;
                            of.a.wrote = a_wrote;
                            of.b.wrote = b_wrote;
                            of.a.sees = a_sees;
                            of.b.sees = b_sees;
                            const shared_verdict told = verdict(of);
                            met.insert(told);
                            shared += told == shared_verdict::shared ? 1 : 0;
                            const auto both = [](auto one, auto two, auto what) {
                                return one == what && two == what;
                            };
                            const auto any = [](auto one, auto two, auto what) {
                                return one == what || two == what;
                            };
                            const bool stale = any(a_state, b_state, place_state::stale) ||
                                               any(a_wrote, b_wrote, token_writing::stale) ||
                                               any(a_sees, b_sees, token_sight::stale) ||
                                               any(a_sees, b_sees, token_sight::other);
                            const bool proof = both(a_wrote, b_wrote, token_writing::written) &&
                                               both(a_sees, b_sees, token_sight::seen) && !stale &&
                                               !any(a_state, b_state, place_state::missing);
                            check((told == shared_verdict::shared) == proof, "shared", of);
                            if (stale) check(told == shared_verdict::stale, "stale", of);
                            // To say that it is not shared, somebody looked for what was written
                            // and did not find it; or there is no such folder.
                            const bool missed = (a_sees == token_sight::absent &&
                                                 b_wrote == token_writing::written) ||
                                                (b_sees == token_sight::absent &&
                                                 a_wrote == token_writing::written) ||
                                                any(a_state, b_state, place_state::missing);
                            if (told == shared_verdict::not_shared ||
                                told == shared_verdict::same_path_other_content ||
                                told == shared_verdict::same_server_other_export) {
                                check(missed, "not shared", of);
                            }
                            if (told == shared_verdict::read_only) {
                                check(any(a_wrote, b_wrote, token_writing::read_only) && !missed,
                                      "read-only", of);
                            }
                            if (told == shared_verdict::unknown) {
                                check(!missed && !stale, "unknown", of);
                            }
                            check(verdict(mirrored(of)) == told, "mirrored", of);
                        }
                    }
                }
            }
        }
    }
    CHECK(wrong.empty());
    if (!wrong.empty()) FAIL(wrong.substr(0, 2000));
    // Places that are reached in whatever way: each pair of states but stale and missing ones.
    CHECK(shared == 9);
    // All but the other export: the facts that tell it are the same on both sides here.
    CHECK(met.size() == 6);
}

TEST_CASE("what is not shared is told apart by what the places are") {
    shared_evidence of = proven();
    of.a.sees = token_sight::absent;
    of.b.sees = token_sight::absent;
    SECTION("same path, other content") {
        CHECK(verdict(of) == shared_verdict::same_path_other_content);
        of.b.facts.server = "other"; // servers may have the same folders
        of.b.facts.directory = "/export2";
        CHECK(verdict(of) == shared_verdict::same_path_other_content);
    }
    SECTION("another path") {
        of.b.facts.path = "/mnt";
        CHECK(verdict(of) == shared_verdict::not_shared);
    }
    SECTION("no such folder") {
        of.b.state = place_state::missing;
        of.a.wrote = of.b.wrote = token_writing::untried;
        of.a.sees = of.b.sees = token_sight::untried;
        CHECK(verdict(of) == shared_verdict::not_shared);
    }
    SECTION("the hosts name another folder of the server") {
        of.b.facts.directory = "/export2";
        CHECK(verdict(of) == shared_verdict::same_server_other_export);
    }
    SECTION("the server has the tokens in two folders, whatever the hosts call them") {
        of.b.facts.server = "10.0.0.1";
        of.a.found_in = "nfs:/export";
        of.b.found_in = "nfs:/export2";
        CHECK(verdict(of) == shared_verdict::same_server_other_export);
    }
    SECTION("a host that cannot write does not see the other's token either") {
        of.b.wrote = token_writing::read_only;
        of.a.sees = token_sight::untried;
        CHECK(verdict(of) == shared_verdict::same_path_other_content);
    }
    SECTION("the server has both tokens in one folder: a host sees an old state of it") {
        of.a.found_in = of.b.found_in = "nfs:/export";
        CHECK(verdict(of) == shared_verdict::stale);
    }
    CHECK(verdict(mirrored(of)) == verdict(of));
}

TEST_CASE("one direction alone proves no more than it does") {
    shared_evidence of = proven();
    of.a.sees = token_sight::absent;
    CHECK(verdict(of) == shared_verdict::stale);
    of.b.wrote = token_writing::read_only;
    of.a.sees = token_sight::untried;
    CHECK(verdict(of) == shared_verdict::read_only);
    of.b.wrote = token_writing::failed; // full, say
    CHECK(verdict(of) == shared_verdict::unknown);
    of.b.wrote = token_writing::read_only;
    of.b.sees = token_sight::failed; // it may be read-only and another
    CHECK(verdict(of) == shared_verdict::unknown);
    CHECK(verdict(shared_evidence{}) == shared_verdict::unknown);
}

TEST_CASE("an image of two inodes is two files, whatever its size and times") {
    shared_evidence of = proven();
    of.a.facts.image = model::image_sight{bytes{10}, 5, "1.5"};
    of.b.facts.image = model::image_sight{bytes{12}, 5, "2"};
    CHECK(verdict(of) == shared_verdict::shared); // the guest writes while we look
    CHECK(says(model::judge_shared(of), "the image: its size is 10 at the one, 12 at the other; "
                                        "its last change is 1.5 at the one, 2 at the other"));
    of.b.facts.image->inode = 6;
    CHECK(verdict(of) == shared_verdict::stale);
    of.b.facts.image->inode.reset();
    CHECK(verdict(of) == shared_verdict::shared);
    of.b.facts.image = of.a.facts.image;
    CHECK(says(model::judge_shared(of), "as far as both tell, the image is the same"));

    // Where neither can write, images decide.
    of.a.wrote = of.b.wrote = token_writing::read_only;
    of.a.sees = of.b.sees = token_sight::untried;
    CHECK(verdict(of) == shared_verdict::read_only);
    of.b.facts.image->inode = 6;
    CHECK(verdict(of) == shared_verdict::same_path_other_content);
    of.b.facts.image->inode.reset();
    CHECK(verdict(of) == shared_verdict::read_only);
    of.b.facts.image->size = bytes{11};
    CHECK(verdict(of) == shared_verdict::same_path_other_content);
}

TEST_CASE("what was seen is told, with the export that the server names") {
    shared_evidence of = proven();
    of.third = "nfs:/export";
    of.a.found_in = of.b.found_in = "nfs:/export";
    auto told = model::judge_shared(of);
    CHECK(told.verdict == shared_verdict::shared);
    CHECK(told.in_export == "nfs:/export");
    CHECK(told.seen ==
          std::vector<std::string>{"a:/srv/images is there, netfs, of nfs:/export",
                                   "b:/srv/images is there, netfs, of nfs:/export",
                                   "a token was written to a:/srv/images",
                                   "a token was written to b:/srv/images",
                                   "b:/srv/images shows the token of a:/srv/images",
                                   "a:/srv/images shows the token of b:/srv/images",
                                   "the server has the token of a:/srv/images in nfs:/export",
                                   "the server has the token of b:/srv/images in nfs:/export"});

    of.a.found_in = of.b.found_in = "";
    told = model::judge_shared(of);
    CHECK(told.verdict == shared_verdict::shared); // of another server than was thought
    CHECK(told.in_export.empty());
    CHECK(says(told, "the server has the token of a:/srv/images in no folder that was looked in, "
                     "nfs:/export among them"));
    of.third_problem = "no route";
    told = model::judge_shared(of);
    CHECK(told.verdict == shared_verdict::shared);
    CHECK(says(told, "the server could not be asked about nfs:/export: no route"));

    of = proven();
    of.b.wrote = token_writing::read_only;
    of.b.write_problem = "Read-only file system";
    of.b.sees = token_sight::failed;
    of.b.problem = "gone";
    told = model::judge_shared(of);
    CHECK(says(told, "b:/srv/images cannot be written to: Read-only file system"));
    CHECK(says(told, "looking for the token of a:/srv/images at b:/srv/images failed: gone"));
}
