// SPDX-License-Identifier: MIT
/// Lists of export options, `rw,sync,sec=krb5:sys,fsid=0`, made the options in force.
#pragma once

#include <kvmig/model/nfs_export.hpp>
#include <kvmig/model/nfs_option.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace kvmig::model {

/// What is wrong with a list, and where in it.
struct option_fault {
    std::size_t at = 0; ///< bytes from its beginning
    std::string what;   ///< one sentence without a full stop, naming the option
    std::string remedy; ///< what would be right
};

/// Whether options that are not known are faults, as exportfs(8) has it for files, or kept, as for
/// what a server has accepted that may be newer than this list.
enum class unknown_option : std::uint8_t { fault, keep };

/// Reads lists, each after those before it, as `parseopts` of nfs-utils does: options after `sec=`
/// hold for its flavors, options before it for those that are named later; a later list begins
/// without flavors.
class option_list {
public:
    /// Nothing when the list is right. After a fault the options read so far are in force.
    [[nodiscard]] std::optional<option_fault> read(std::string_view list, unknown_option unknown) {
        active_.clear();
        for (std::size_t at = 0; at < list.size();) {
            const std::size_t end = std::min(list.find(',', at), list.size());
            const std::string_view word = list.substr(at, end - at);
            // An empty word stands for nothing, as in `rw,,sync`.
            if (!word.empty()) {
                if (auto fault = apply(word, unknown)) {
                    fault->at += at;
                    return fault;
                }
            }
            at = end + 1;
        }
        return std::nullopt;
    }

    /// What is in force after all that was read.
    [[nodiscard]] export_options options() const {
        export_options out = options_;
        if (flavors_.empty())
            out.access = {base_};
        else
            out.access = flavors_;
        return out;
    }

private:
    export_options options_;
    export_access base_;
    std::vector<export_access> flavors_;
    std::vector<std::size_t> active_; ///< of `flavors_`: what options hold for now

    void set(bool export_access::*which, bool value) {
        base_.*which = value;
        for (const std::size_t each : active_) flavors_[each].*which = value;
    }

    [[nodiscard]] static option_fault wrong(std::string_view word, const std::string &what,
                                            std::string remedy) {
        return {0, "'" + std::string(word) + "' " + what, std::move(remedy)};
    }

    [[nodiscard]] std::optional<option_fault> apply(std::string_view word, unknown_option unknown) {
        const auto equals = word.find('=');
        const std::string_view name = word.substr(0, equals);
        const bool given = equals != std::string_view::npos;
        const std::string_view value = given ? word.substr(equals + 1) : std::string_view();
        const nfs_option *const known = find_nfs_option(name);
        if (known == nullptr) {
            if (unknown == unknown_option::keep) {
                options_.others.emplace_back(word);
                return std::nullopt;
            }
            const std::string_view meant = nearest(name);
            return wrong(word, "is no option of an export",
                         meant.empty() ? "exports(5) lists the options"
                                       : "write " + std::string(meant));
        }
        if (known->value == option_value::none && given)
            return wrong(word, "takes no value", "write " + std::string(name));
        if (known->value == option_value::must && value.empty())
            return wrong(word, "has no value",
                         "write " + std::string(name) + "=" + std::string(known->example));
        if (flag(name)) return std::nullopt;
        if (name == "sec") return read_flavors(word, value, unknown);
        if (name == "anonuid") return read_number(word, value, options_.anonuid);
        if (name == "anongid") return read_number(word, value, options_.anongid);
        if (name == "mountpoint" || name == "mp")
            options_.mountpoint = value;
        else if (name == "fsid")
            options_.fsid = value;
        else if (name == "refer")
            options_.refer = value;
        else if (name == "replicas")
            options_.replicas = value;
        else
            options_.others.emplace_back(word);
        return std::nullopt;
    }

    /// Whether it is an option of two states; it is then in force.
    [[nodiscard]] bool flag(std::string_view name) {
        struct state {
            std::string_view on;
            std::string_view off;
            bool export_options::*which;
        };
        static constexpr std::array<state, 11> states{{
            {"async", "sync", &export_options::async},
            {"wdelay", "no_wdelay", &export_options::wdelay},
            {"hide", "nohide", &export_options::hide},
            {"crossmnt", "nocrossmnt", &export_options::crossmnt},
            {"subtree_check", "no_subtree_check", &export_options::subtree_check},
            {"secure_locks", "insecure_locks", &export_options::secure_locks},
            {"auth_nlm", "no_auth_nlm", &export_options::secure_locks},
            {"acl", "no_acl", &export_options::acl},
            {"pnfs", "no_pnfs", &export_options::pnfs},
            {"nordirplus", "", &export_options::nordirplus},
            {"security_label", "", &export_options::security_label},
        }};
        struct access_state {
            std::string_view on;
            std::string_view off;
            bool export_access::*which;
        };
        static constexpr std::array<access_state, 4> by_flavor{{
            {"rw", "ro", &export_access::rw},
            {"secure", "insecure", &export_access::secure},
            {"root_squash", "no_root_squash", &export_access::root_squash},
            {"all_squash", "no_all_squash", &export_access::all_squash},
        }};
        for (const state &each : states) {
            if (name != each.on && name != each.off) continue;
            options_.*each.which = name == each.on;
            return true;
        }
        const auto found =
            std::find_if(by_flavor.begin(), by_flavor.end(), [name](const access_state &each) {
                return name == each.on || name == each.off;
            });
        if (found == by_flavor.end()) return false;
        set(found->which, name == found->on);
        return true;
    }

    [[nodiscard]] std::optional<option_fault>
    read_flavors(std::string_view word, std::string_view value, unknown_option unknown) {
        static constexpr std::array<std::string_view, 6> flavors = {"sys",   "krb5", "krb5i",
                                                                    "krb5p", "none", "null"};
        active_.clear();
        for (std::size_t at = 0; at <= value.size();) {
            const std::size_t end = std::min(value.find(':', at), value.size());
            const std::string_view flavor = value.substr(at, end - at);
            const bool known = std::find(flavors.begin(), flavors.end(), flavor) != flavors.end();
            if (flavor.empty() || (!known && unknown == unknown_option::fault)) {
                return wrong(word, "names the security flavor '" + std::string(flavor) + "'",
                             "flavors are sys, krb5, krb5i, krb5p and none, with colons between");
            }
            const auto found =
                std::find_if(flavors_.begin(), flavors_.end(),
                             [&](const export_access &each) { return each.flavor == flavor; });
            active_.push_back(static_cast<std::size_t>(found - flavors_.begin()));
            if (found == flavors_.end()) {
                flavors_.push_back(base_);
                flavors_.back().flavor = flavor;
            }
            at = end + 1;
        }
        return std::nullopt;
    }

    [[nodiscard]] static std::optional<option_fault>
    read_number(std::string_view word, std::string_view value, std::uint32_t &into) {
        // -2 is how some write 4294967294.
        std::int64_t number = 0;
        const char *const end = value.data() + value.size();
        const auto [stopped, problem] = std::from_chars(value.data(), end, number);
        if (problem != std::errc() || stopped != end || number < INT32_MIN || number > UINT32_MAX)
            return wrong(word, "has no number of a user or group",
                         "write " + std::string(word.substr(0, word.find('='))) + "=65534");
        into = static_cast<std::uint32_t>(number);
        return std::nullopt;
    }

    /// The option that is at most two letters away from `name`; empty when there is none.
    [[nodiscard]] static std::string_view nearest(std::string_view name) {
        std::string_view out;
        std::size_t least = 3;
        if (name.size() > 32) return out;
        for (const nfs_option &each : nfs_options) {
            std::array<std::size_t, 34> row{};
            for (std::size_t i = 0; i <= name.size(); ++i) row[i] = i;
            for (std::size_t j = 0; j < each.name.size(); ++j) {
                std::size_t corner = row[0];
                row[0] = j + 1;
                for (std::size_t i = 0; i < name.size(); ++i) {
                    const std::size_t replaced = corner + (name[i] == each.name[j] ? 0 : 1);
                    corner = row[i + 1];
                    row[i + 1] = std::min({replaced, row[i] + 1, row[i + 1] + 1});
                }
            }
            if (row[name.size()] < least && row[name.size()] < name.size()) {
                least = row[name.size()];
                out = each.name;
            }
        }
        return out;
    }
};

} // namespace kvmig::model
