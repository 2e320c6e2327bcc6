// SPDX-License-Identifier: MIT
#include <lab/topology/files.hpp>
#include <lab/topology/inventory.hpp>

#include <kvmig/model/connection_uri.hpp>

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <functional>
#include <initializer_list>
#include <utility>
#include <vector>

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace kvmig::lab {

namespace {

/// Says what is wrong with a value, and what would be right; nothing where it is right.
using judge =
    std::function<std::optional<std::pair<std::string, std::string>>(const std::string &)>;

std::optional<std::pair<std::string, std::string>> anything(const std::string &) { return {}; }

std::optional<std::pair<std::string, std::string>> over_ssh(const std::string &text) {
    const auto parsed = model::connection_uri::parse(text);
    if (!parsed) return std::pair{parsed.error().what, parsed.error().remedy};
    if (parsed->driver == "qemu" && parsed->transport == "ssh" && parsed->path == "/system") {
        return {};
    }
    return std::pair{fmt::format("'{}' does not lead to a host's QEMU over SSH", text),
                     std::string("write it as qemu+ssh://USER@HOST/system")};
}

std::optional<std::pair<std::string, std::string>> parses(const std::string &text) {
    const auto parsed = model::connection_uri::parse(text);
    if (parsed) return {};
    return std::pair{parsed.error().what, parsed.error().remedy};
}

bool is_ipv4(const std::string &text) {
    in_addr raw{};
    return ::inet_pton(AF_INET, text.c_str(), &raw) == 1;
}

std::optional<std::pair<std::string, std::string>> ipv4(const std::string &text) {
    if (is_ipv4(text)) return {};
    return std::pair{fmt::format("'{}' is no IPv4 address", text),
                     std::string("write it as 192.0.2.1")};
}

/// The length of the network's prefix; nothing where the text is no `ADDRESS/LENGTH`.
std::optional<unsigned> prefix_length(const std::string &text) {
    const auto slash = text.find('/');
    if (slash == std::string::npos || !is_ipv4(text.substr(0, slash))) return {};
    unsigned length = 0;
    const char *end = text.data() + text.size();
    const auto [stop, problem] = std::from_chars(text.data() + slash + 1, end, length);
    if (problem != std::errc{} || stop != end || length < 8 || length > 30) return {};
    return length;
}

std::optional<std::pair<std::string, std::string>> in_network(const std::string &text) {
    if (prefix_length(text)) return {};
    return std::pair{fmt::format("'{}' is no IPv4 address with its network's length", text),
                     std::string("write it as 192.0.2.150/24, the length from 8 to 30")};
}

/// Reads tables of a file, and keeps all that is wrong.
class reader {
public:
    explicit reader(std::string file) : file_(std::move(file)) {}

    void object(const toml::source_region &at, std::string what, std::string remedy) {
        problems_.push_back(
            make_error(error_kind::invalid_argument,
                       fmt::format("{}:{}:{}: {}", file_, at.begin.line, at.begin.column, what))
                .advise(std::move(remedy)));
    }

    /// Objects to every key that is not among these.
    void only(const toml::table &in, std::string_view where,
              std::initializer_list<std::string_view> known) {
        for (const auto &[key, value] : in) {
            if (std::find(known.begin(), known.end(), key.str()) != known.end()) continue;
            object(key.source(), fmt::format("{} has no key '{}'", where, key.str()),
                   fmt::format("its keys are {}", fmt::join(known, ", ")));
        }
    }

    /// The text of a key; empty where it is missing or wrong. One that must be there is objected to
    /// when it is not.
    std::string text(const toml::table &in, std::string_view where, std::string_view key,
                     bool needed, const judge &wrong, std::string_view example) {
        const toml::node *node = in.get(key);
        if (node == nullptr) {
            if (needed) {
                object(in.source(), fmt::format("{} lacks the key '{}'", where, key),
                       fmt::format("add {} = \"{}\"", key, example));
            }
            return {};
        }
        const auto value = node->value_exact<std::string>();
        if (!value || value->empty()) {
            object(node->source(), fmt::format("'{}' of {} is no text", key, where),
                   fmt::format("write it as {} = \"{}\"", key, example));
            return {};
        }
        if (auto why = wrong(*value)) {
            object(node->source(), fmt::format("'{}' of {}: {}", key, where, why->first),
                   std::move(why->second));
            return {};
        }
        return *value;
    }

    /// A table that must be there; null, and objected to, when it is not.
    const toml::table *table(const toml::table &root, std::string_view name) {
        const toml::node *node = root.get(name);
        if (node != nullptr && node->is_table()) return node->as_table();
        object(node == nullptr ? root.source() : node->source(),
               fmt::format("there is no table [{}]", name), fmt::format("add [{}]", name));
        return nullptr;
    }

    [[nodiscard]] const std::string &file() const noexcept { return file_; }
    [[nodiscard]] std::vector<error> &problems() noexcept { return problems_; }

private:
    std::string file_;
    std::vector<error> problems_;
};

void read_hosts(reader &from, const toml::table &root, site &into) {
    constexpr std::string_view example = "qemu+ssh://root@kvm1.example.org/system";
    const toml::node *node = root.get("host");
    const toml::array *hosts = node == nullptr ? nullptr : node->as_array();
    if (hosts == nullptr || hosts->size() != 2 || !hosts->is_homogeneous(toml::node_type::table)) {
        from.object(node == nullptr ? root.source() : node->source(),
                    fmt::format("there are {} tables [[host]], not two",
                                hosts == nullptr ? 0 : hosts->size()),
                    fmt::format("write [[host]] twice, each with uri = \"{}\"", example));
        return;
    }
    for (std::size_t i = 0; i < into.hosts.size(); ++i) {
        const toml::table &table = *hosts->get(i)->as_table();
        from.only(table, "[[host]]", {"uri", "peer_uri", "migration_address"});
        into.hosts[i].uri = from.text(table, "[[host]]", "uri", true, over_ssh, example);
        into.hosts[i].peer_uri = from.text(table, "[[host]]", "peer_uri", false, parses, example);
        into.hosts[i].migration_address =
            from.text(table, "[[host]]", "migration_address", false, anything, "198.51.100.11");
    }
    if (!into.hosts[0].uri.empty() && into.hosts[0].uri == into.hosts[1].uri) {
        from.object(hosts->get(1)->source(), "both hosts have the same uri",
                    "name another host: guests move between two");
    }
}

void read_store(reader &from, const toml::table &root, site &into) {
    const toml::table *table = from.table(root, "store");
    if (table == nullptr) return;
    from.only(*table, "[store]", {"pool", "local_pool"});
    into.pool = from.text(*table, "[store]", "pool", true, anything, "images");
    into.local_pool = from.text(*table, "[store]", "local_pool", true, anything, "default");
    if (!into.pool.empty() && into.pool == into.local_pool) {
        from.object(table->source(), fmt::format("'{}' cannot be both pools", into.pool),
                    "name as local_pool one that each host has on a disk of its own");
    }
}

void read_guest(reader &from, const toml::table &root, site &into) {
    const toml::table *table = from.table(root, "guest");
    if (table == nullptr) return;
    from.only(*table, "[guest]", {"bridge", "network", "address", "probe"});
    guest_place place;
    if (table->contains("bridge") == table->contains("network")) {
        from.object(table->source(), "[guest] needs either a bridge or a network",
                    "add bridge = \"br0\", or network = \"default\"");
    }
    place.interface_kind = table->contains("network") ? "network" : "bridge";
    place.interface_source =
        from.text(*table, "[guest]", place.interface_kind, false, anything, "br0");
    const std::string address =
        from.text(*table, "[guest]", "address", true, in_network, "192.0.2.150/24");
    if (const auto length = prefix_length(address)) {
        place.address = address.substr(0, address.find('/'));
        place.prefix = *length;
    }
    place.probe = from.text(*table, "[guest]", "probe", false, ipv4, "192.0.2.1");
    into.guest = std::move(place);
}

} // namespace

expected<site> parse_inventory(std::string_view text, const std::string &name) {
    reader from(name);
    site out;
    const toml::parse_result parsed = toml::parse(text, name);
    if (!parsed) {
        from.object(parsed.error().source(), std::string(parsed.error().description()),
                    "the file is TOML: see https://toml.io");
    } else {
        const toml::table &root = parsed.table();
        from.only(root, "the file", {"host", "store", "guest"});
        read_hosts(from, root, out);
        read_store(from, root, out);
        read_guest(from, root, out);
    }
    if (from.problems().empty()) return out;
    error all = make_error(error_kind::invalid_argument,
                           fmt::format("'{}' is no inventory that can be used", name));
    all.causes = std::move(from.problems());
    return fail(std::move(all));
}

expected<site> read_inventory(const std::filesystem::path &file) {
    auto text = read_file(file);
    if (!text) return fail(std::move(text).error());
    return parse_inventory(*text, file.string());
}

} // namespace kvmig::lab
