// SPDX-License-Identifier: MIT
/// Finds out which images a guest has at the source, down its backing chains.
#pragma once

#include <kvmig/core/error.hpp>
#include <kvmig/core/expected.hpp>
#include <kvmig/core/uuid.hpp>
#include <kvmig/model/domain.hpp>
#include <kvmig/model/path_rule.hpp>
#include <kvmig/model/qcow2.hpp>
#include <kvmig/run/copy_plan.hpp>
#include <kvmig/run/image_facts.hpp>
#include <kvmig/run/on_host.hpp>

#include <algorithm>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::run {

namespace detail {

/// Walks the images of one guest.
class image_planner {
public:
    image_planner(const on_host &source, const model::domain &guest,
                  const std::vector<model::path_rule> &rules, std::stop_token stop)
        : source_(source), guest_(guest), rules_(rules), stop_(std::move(stop)) {}

    [[nodiscard]] expected<copy_plan> plan() {
        for (const model::tpm &each : guest_.tpms) {
            if (each.backend != "emulator") continue;
            return fail(problem(error_kind::unsupported, guest_.name,
                                "has a TPM whose state would stay behind")
                            .advise("migrate it live, or take the TPM out of its definition"));
        }
        for (const model::disk &each : guest_.disks) {
            if (auto added = add_disk(each); !added) return fail(std::move(added).error());
        }
        if (!guest_.nvram.empty()) {
            // libvirt makes it of its template when the guest first starts.
            auto ran = source_.run(stat_words(guest_.nvram), stop_);
            if (!ran) return fail(std::move(ran).error());
            if (ran->status == 0) {
                if (auto added = add(guest_.nvram, "raw"); !added) {
                    return fail(std::move(added).error());
                }
            }
        }
        plan_.token = uuid::random().text().substr(0, 8);
        return std::move(plan_);
    }

private:
    [[nodiscard]] error problem(error_kind kind, const std::string &object,
                                const std::string &what) const {
        return make_error(kind, "'" + object + "' of the domain '" + guest_.name + "' " + what)
            .on(source_.name())
            .about(object);
    }

    [[nodiscard]] expected<void> add_disk(const model::disk &disk) {
        if (disk.source.kind == model::source_kind::none) return {};
        if (disk.source.kind != model::source_kind::file &&
            disk.source.kind != model::source_kind::block) {
            return fail(problem(error_kind::unsupported, disk.target,
                                "is neither a file nor a block device by its path, so that it "
                                "cannot be copied")
                            .advise("name its image by its path in the definition; what is on a "
                                    "server needs no copy: migrate without copying images"));
        }
        // libvirt takes an image for raw where the definition tells nothing.
        std::string format = disk.source.format.empty() ? "raw" : disk.source.format;
        std::string path = disk.source.path;
        for (;;) {
            const bool known = std::any_of(plan_.images.begin(), plan_.images.end(),
                                           [&](const auto &each) { return each.source == path; });
            if (known) return {}; // below two disks, or below itself
            if (auto added = add(path, format); !added) return added;
            if (format == "raw") return {};
            auto next = below(path);
            if (!next) return fail(std::move(next).error());
            if (!*next) return {};
            std::tie(path, format) = **next;
        }
    }

    [[nodiscard]] expected<void> add(const std::string &path, const std::string &format) {
        if (format != "raw" && format != "qcow2") {
            return fail(problem(error_kind::unsupported, path,
                                "is of the format '" + format +
                                    "', which may lean on files that are not known here")
                            .advise("convert it with `qemu-img convert -O qcow2`"));
        }
        const auto unprintable = [](unsigned char c) { return c < 0x20 || c == 0x7F; };
        if (!path.starts_with('/') || std::any_of(path.begin(), path.end(), unprintable)) {
            return fail(problem(error_kind::unsupported, path,
                                "has no absolute path without control characters"));
        }
        auto said = source_.ask(stat_words(path), stop_);
        if (!said) {
            return fail(problem(error_kind::not_found, path, "cannot be looked at")
                            .because(std::move(said).error()));
        }
        auto facts = parse_stat(*said);
        if (!facts) {
            return fail(problem(error_kind::unsupported, path, "cannot be copied")
                            .because(std::move(facts).error()));
        }
        if (facts->kind == image_kind::block) {
            auto told = source_.ask(device_size_words(path), stop_);
            if (!told) return fail(std::move(told).error());
            auto size = parse_device_size(*told);
            if (!size) return fail(std::move(size).error().on(source_.name()));
            facts->size = facts->allocated = *size;
        }
        plan_.images.push_back({facts->kind, format, path, model::adapted(rules_, path),
                                facts->size, facts->allocated});
        return {};
    }

    /// The image below a qcow2 image, and its format; nothing when it stands alone.
    [[nodiscard]] expected<std::optional<std::pair<std::string, std::string>>>
    below(const std::string &path) {
        auto said = source_.ask(beginning_words(path), stop_);
        if (!said) return fail(std::move(said).error());
        auto header = model::qcow2::parse_header(std::as_bytes(std::span(*said)));
        if (!header) {
            return fail(problem(error_kind::unsupported, path, "is no sound qcow2 image")
                            .because(std::move(header).error()));
        }
        if (header->external_data()) {
            return fail(problem(error_kind::unsupported, path,
                                "keeps its data in another file, which is not copied")
                            .advise("convert it with `qemu-img convert -O qcow2`"));
        }
        if (!header->backing_file) return std::nullopt;
        const std::string &name = *header->backing_file;
        if (header->backing_format.empty()) {
            return fail(problem(error_kind::unsupported, path,
                                "does not tell the format of '" + name + "' below it")
                            .advise("write it there with `qemu-img rebase -u -F FORMAT -b '" +
                                    name + "'`"));
        }
        // Relative to the folder of the image; before a colon stands a protocol.
        if (name.find(':') < name.find('/')) {
            return fail(problem(error_kind::unsupported, path,
                                "stands on '" + name + "', which is no plain file"));
        }
        if (name.starts_with('/')) {
            if (model::adapted(rules_, name) != name) {
                return fail(problem(error_kind::unsupported, path,
                                    "has the path '" + name +
                                        "' written in it, which a rule for paths would change")
                                .advise("let it name the image below it relative to its own "
                                        "folder, with `qemu-img rebase -u`"));
            }
            return std::pair{name, header->backing_format};
        }
        return std::pair{path.substr(0, path.rfind('/') + 1) + name, header->backing_format};
    }

    const on_host &source_;
    const model::domain &guest_;
    const std::vector<model::path_rule> &rules_;
    std::stop_token stop_;
    copy_plan plan_;
};

} // namespace detail

/// Each image that `guest` has at `source` (disks and media, their backing chains, and the
/// firmware's variables), and where `rules` put it at the destination; where that is reached is
/// still to be set. Formats are the definition's and the images' own words, never guessed.
///
/// Fails with `not_found` for an image that is not there; with `unsupported` for one that is no
/// file or block device, is neither raw nor qcow2, or keeps content in files that nothing names.
[[nodiscard]] inline expected<copy_plan>
plan_images(const on_host &source, const model::domain &guest,
            const std::vector<model::path_rule> &rules = {}, const std::stop_token &stop = {}) {
    return detail::image_planner(source, guest, rules, stop).plan();
}

} // namespace kvmig::run
