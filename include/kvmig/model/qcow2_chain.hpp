// SPDX-License-Identifier: MIT
/// What a qcow2 image stands on, as QEMU understands the name in its header.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/model/nfs_url.hpp>
#include <kvmig/model/qcow2_header.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::model::qcow2 {

/// The backing file of an image: its name and format as a header tells them.
struct backing_reference {
    std::string name;   ///< as written, relative ones to the folder of the image above
    std::string format; ///< `raw` or `qcow2`; empty: not told

    friend bool operator==(const backing_reference &, const backing_reference &) = default;
};

/// Whether QEMU takes a name for `PROTOCOL:…` rather than for a path: a colon comes before any
/// slash (block.c, path_has_protocol).
[[nodiscard]] inline bool has_protocol(std::string_view name) noexcept {
    const auto at = name.find_first_of(":/");
    return at != std::string_view::npos && name[at] == ':';
}

/// What the image at `place` stands on; nothing when it stands alone. `unsupported` when it keeps
/// its data in a file of their own, which no copy of the image holds.
[[nodiscard]] inline expected<std::optional<backing_reference>> backing_of(const header &of,
                                                                           std::string place) {
    if (of.external_data()) {
        return fail(make_error(error_kind::unsupported,
                               "the image keeps its data in another file" +
                                   (of.data_file ? " ('" + *of.data_file + "')" : std::string()) +
                                   ", which is not copied")
                        .about(std::move(place))
                        .advise("convert it with `qemu-img convert -O qcow2`"));
    }
    if (!of.backing_file) return std::nullopt;
    return backing_reference{*of.backing_file, of.backing_format};
}

/// The file that `name` means in the header of the image at `place`: a path, or an address of NFS
/// beside an address. `unsupported` for names that only QEMU on a certain host understands: those
/// of other protocols, `json:` among them, and absolute paths in an image on a server, which are
/// paths of the hosts that mount it.
[[nodiscard]] inline expected<std::string> place_of(std::string_view name,
                                                    const std::string &place) {
    const auto refused = [&](std::string why) {
        return fail(make_error(error_kind::unsupported,
                               "the image stands on '" + std::string(name) + "', " + std::move(why))
                        .about(place)
                        .advise("let it name its backing file relative to its own folder, by "
                                "`qemu-img rebase -u -b FILE -F FORMAT`"));
    };
    if (is_nfs_url(name)) return std::string(name);
    if (has_protocol(name)) return refused("which is no plain file");
    const bool absolute = name.starts_with('/');
    if (!is_nfs_url(place)) {
        if (absolute) return std::string(name);
        return place.substr(0, place.rfind('/') + 1) + std::string(name);
    }
    if (absolute) return refused("a path of the hosts that mount the export, not of its server");
    auto url = parse_nfs_url(place);
    if (!url) return fail(std::move(url).error());
    // libnfs takes `..` away in the same manner, without a look at links.
    std::vector<std::string> parts;
    for (std::string &part :
         model::detail::components(split_path(url->path).folder + '/' + std::string(name))) {
        if (part != "..") {
            parts.push_back(std::move(part));
        } else if (!parts.empty()) {
            parts.pop_back();
        }
    }
    url->path.clear();
    for (const std::string &part : parts) url->path += '/' + part;
    return to_string(*url);
}

/// `name` as it is to stand in the header of an image in the same folder, so that QEMU takes it for
/// a file there.
[[nodiscard]] inline std::string name_in_folder(std::string name) {
    return has_protocol(name) ? "./" + std::move(name) : std::move(name);
}

} // namespace kvmig::model::qcow2
