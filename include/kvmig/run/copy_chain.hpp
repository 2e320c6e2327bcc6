// SPDX-License-Identifier: MIT
/// Which files a copy of an image is of: the image, and those below it, each with its target.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/model/nfs_url.hpp>
#include <kvmig/model/qcow2.hpp>
#include <kvmig/run/copy_one.hpp>
#include <kvmig/run/copy_open.hpp>
#include <kvmig/run/copy_options.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace kvmig::run::detail {

struct chain_plan {
    std::vector<copy_job> jobs; ///< the image that was asked for first, then what it stands on
    std::vector<std::string> notes;
    std::unique_ptr<copy_source> opened; ///< the image, where there is no other
};

/// The name of a file in its folder, by its path or address.
inline expected<std::string> name_at(const std::string &place) {
    if (!model::is_nfs_url(place)) return std::filesystem::path(place).filename().string();
    const auto url = model::parse_nfs_url(place);
    if (!url) return fail(url.error());
    return model::split_path(url->path).name;
}

/// The file `name` in the folder of `place`.
inline expected<std::string> beside(const std::string &place, const std::string &name) {
    if (!model::is_nfs_url(place)) {
        return (std::filesystem::path(place).parent_path() / name).string();
    }
    auto url = model::parse_nfs_url(place);
    if (!url) return fail(std::move(url).error());
    const std::string folder = model::split_path(url->path).folder;
    url->path = (folder == "/" ? "" : folder) + "/" + name;
    return to_string(*url);
}

/// What can be told of an image before it is copied.
struct looked_at {
    std::tuple<std::string, std::uint64_t, std::uint64_t> file; ///< equal for another name of it
    std::optional<model::qcow2::header> header;                 ///< nothing: raw
    std::unique_ptr<copy_source> source;
    std::vector<std::string> notes;
};

/// `told`: "raw" or "qcow2", in which case it must be one; empty: after its first bytes, and what
/// only begins like qcow2 counts as raw.
inline expected<looked_at> look_at(const std::string &place, const std::string &told,
                                   const copy_options &options) {
    looked_at out;
    auto source = open_source(place, options, out.notes);
    if (!source) return fail(std::move(source).error());
    out.source = *std::move(source);
    const auto identity = out.source->identity();
    if (!identity) return fail(identity.error());
    const auto url = model::parse_nfs_url(place);
    out.file = {url ? url->server : "", identity->file_system, identity->inode};
    if (told == "raw") return out;
    const auto head = beginning_of(*out.source, identity->size);
    if (!head) return fail(head.error());
    if (told.empty() && !has_qcow2_magic(*head)) return out;
    auto header = model::qcow2::parse_header(*head);
    if (header) {
        out.header = *std::move(header);
    } else if (!told.empty()) {
        return fail(std::move(header).error().about(place));
    }
    return out;
}

/// Walks down from an image.
class chain_planner {
public:
    chain_planner(const std::string &from, const std::string &to, const copy_options &options)
        : options_(options) {
        plan_.jobs.push_back({from, to, options.raw, {}});
    }

    expected<chain_plan> plan() {
        const copy_job top = plan_.jobs.front();
        auto seen = look_at(top.from, top.raw ? "raw" : "", options_);
        if (!seen) return fail(std::move(seen).error());
        std::optional<model::qcow2::backing_reference> below;
        if (seen->header) {
            auto found = model::qcow2::backing_of(*seen->header, top.from);
            if (!found) return fail(std::move(found).error());
            below = *std::move(found);
        }
        const bool alone = !below || options_.backing != backing_choice::copy;
        if (alone) {
            plan_.opened = std::move(seen->source);
            plan_.notes = std::move(seen->notes);
        }
        if (options_.backing == backing_choice::rebase) return rebase(below);
        if (!below) return std::move(plan_);
        switch (options_.backing) {
        case backing_choice::copy: return walk(seen->file, *std::move(below));
        case backing_choice::leave: return leave(*below);
        case backing_choice::refuse:
        case backing_choice::rebase: break;
        }
        return fail(make_error(error_kind::invalid_argument,
                               "the image stands on '" + below->name +
                                   "' (its backing file), without which its copy cannot be read")
                        .about(top.from)
                        .advise("--backing copy takes along all that it stands on, --backing leave "
                                "copies it alone, --rebase FILE lets the copy stand on FILE"));
    }

private:
    expected<chain_plan> walk(const decltype(looked_at::file) &top,
                              model::qcow2::backing_reference below) {
        std::set files{top};
        std::set<std::string> targets{plan_.jobs.front().to};
        for (;;) {
            if (auto known = known_format(below); !known) return fail(known.error());
            const copy_job &above = plan_.jobs.back();
            auto place = model::qcow2::place_of(below.name, above.from);
            if (!place) return fail(std::move(place).error());
            auto next = look_at(*place, below.format, options_);
            if (!next) {
                error why = std::move(next).error();
                const error_kind kind = why.kind;
                return fail(make_error(kind, "what the image stands on, '" + below.name +
                                                 "', cannot be copied")
                                .about(above.from)
                                .because(std::move(why)));
            }
            if (!files.insert(next->file).second) {
                return fail(
                    make_error(error_kind::invalid_argument, "the image stands on '" + below.name +
                                                                 "', which stands on it in turn")
                        .about(above.from)
                        .advise("see the chain: qemu-img info -U --backing-chain"));
            }
            if (auto added = add(*place, below, targets); !added) return fail(added.error());
            if (!next->header) return std::move(plan_);
            auto found = model::qcow2::backing_of(*next->header, *place);
            if (!found) return fail(std::move(found).error());
            if (!*found) return std::move(plan_);
            below = **std::move(found);
        }
    }

    [[nodiscard]] expected<void> known_format(const model::qcow2::backing_reference &below) const {
        const std::string &above = plan_.jobs.back().from;
        if (below.format == "raw" || below.format == "qcow2") return {};
        if (below.format.empty()) {
            return fail(
                make_error(error_kind::unsupported, "the image does not tell the format of '" +
                                                        below.name + "', on which it stands")
                    .about(above)
                    .advise("write it there: qemu-img rebase -u -b '" + below.name +
                            "' -F FORMAT"));
        }
        return fail(make_error(error_kind::unsupported,
                               "the image stands on '" + below.name + "' of the format " +
                                   below.format + ", which may lean on files not known here")
                        .about(above)
                        .advise("convert that to qcow2 by qemu-img convert"));
    }

    /// `place` goes into the folder of the copy, and the image above it names it there.
    expected<void> add(const std::string &place, const model::qcow2::backing_reference &below,
                       std::set<std::string> &targets) {
        auto name = name_at(place);
        if (!name) return fail(std::move(name).error());
        auto target = beside(plan_.jobs.front().to, *name);
        if (!target) return fail(std::move(target).error());
        copy_job &above = plan_.jobs.back();
        if (!targets.insert(*target).second) {
            return fail(
                make_error(error_kind::conflict, "two images of the chain would be called '" +
                                                     *name + "' in the folder of the copy")
                    .about(place)
                    .advise("name the copy otherwise, or copy what it stands on by itself "
                            "and use --rebase"));
        }
        const bool stands_there =
            *target == place ||
            (!model::qcow2::has_protocol(below.name) &&
             std::filesystem::path(below.name).lexically_normal() == std::filesystem::path(*name));
        if (!stands_there) {
            above.onto = {model::qcow2::name_in_folder(*name), below.format};
        }
        plan_.jobs.push_back({place, *std::move(target), below.format == "raw", {}});
        return {};
    }

    expected<chain_plan> leave(const model::qcow2::backing_reference &below) {
        const copy_job &top = plan_.jobs.front();
        const auto place = model::qcow2::place_of(below.name, top.to);
        std::string where = " was not looked at";
        if (place) {
            const auto there = look_at(*place, "raw", options_);
            if (there) {
                where = " is there; its content was not looked at";
            } else if (there.error().kind == error_kind::not_found) {
                where = " is not there yet, and without it the copy cannot be read";
            } else {
                where += ": " + there.error().what;
            }
        }
        plan_.notes.push_back("the copy stands on '" + below.name + "', which" + where);
        return std::move(plan_);
    }

    expected<chain_plan> rebase(const std::optional<model::qcow2::backing_reference> &below) {
        copy_job &top = plan_.jobs.front();
        model::qcow2::backing_reference onto = options_.new_backing;
        if (!below) {
            return fail(
                make_error(error_kind::invalid_argument,
                           "the image stands on no other, so that there is nothing to rebase")
                    .about(top.from)
                    .advise("leave --rebase away"));
        }
        if (onto.name.empty()) {
            return fail(make_error(error_kind::invalid_argument,
                                   "the image needs a backing file, and an empty name is none")
                            .about(top.from));
        }
        if (onto.format.empty()) onto.format = below->format;
        if (onto.format.empty()) {
            return fail(make_error(error_kind::invalid_argument,
                                   "the format of '" + onto.name +
                                       "' is not told, and the image told none of the old one")
                            .about(top.from)
                            .advise("tell it by --rebase-format raw or qcow2"));
        }
        const auto place = model::qcow2::place_of(onto.name, top.to);
        if (place) {
            const bool plain = onto.format == "raw" || onto.format == "qcow2";
            const auto there = look_at(*place, plain ? onto.format : "raw", options_);
            if (!there) {
                return fail(make_error(there.error().kind, "what the copy is to stand on, '" +
                                                               onto.name + "', cannot be read as " +
                                                               onto.format)
                                .about(top.to)
                                .because(there.error()));
            }
        }
        plan_.notes.push_back("the copy stands on '" + onto.name + "' in place of '" + below->name +
                              "'; that both have the same content was not looked at");
        top.onto = std::move(onto);
        return std::move(plan_);
    }

    const copy_options &options_;
    chain_plan plan_;
};

inline expected<chain_plan> plan_chain(const std::string &from, const std::string &to,
                                       const copy_options &options) {
    return chain_planner(from, to, options).plan();
}

} // namespace kvmig::run::detail
