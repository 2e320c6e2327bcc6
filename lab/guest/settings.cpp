// SPDX-License-Identifier: MIT
#include <lab/guest/settings.hpp>

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <limits>
#include <utility>

namespace kvmig::lab::guest {

namespace {

unexpected wrong(std::string_view key, std::string_view value, std::string_view wanted) {
    return fail(make_error(error_kind::invalid_argument, "'" + std::string(value) +
                                                             "' is no value for the guest's '" +
                                                             std::string(key) + "'")
                    .about("kvmig." + std::string(key))
                    .advise("give " + std::string(wanted)));
}

/// A whole number within bounds.
expected<std::uint64_t> number(std::string_view key, std::string_view value, std::uint64_t least,
                               std::uint64_t most) {
    std::uint64_t result = 0;
    const auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), result);
    if (code != std::errc{} || end != value.data() + value.size() || result < least ||
        result > most) {
        return wrong(key, value,
                     "a whole number from " + std::to_string(least) + " to " +
                         std::to_string(most));
    }
    return result;
}

constexpr std::uint64_t most_mib = 1U << 20U; // 1 TiB
constexpr std::uint64_t most_rate = 100'000'000;

bool is_name(std::string_view text, std::size_t longest) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-';
    };
    return !text.empty() && text.size() <= longest &&
           std::all_of(text.begin(), text.end(), allowed);
}

/// What stands before and after the first `separator`; the second is empty without one.
std::pair<std::string_view, std::string_view> split(std::string_view text, char separator) {
    const auto at = text.find(separator);
    if (at == std::string_view::npos) return {text, {}};
    return {text.substr(0, at), text.substr(at + 1)};
}

/// One key: how it is read, and how it is written (empty when at its default).
struct key_entry {
    std::string_view key;
    expected<void> (*read)(guest_settings &, std::string_view key, std::string_view value);
    std::string (*write)(const guest_settings &);
};

template <auto Member>
expected<void> read_mib(guest_settings &out, std::string_view key, std::string_view value) {
    const auto count = number(key, value, 0, most_mib);
    if (!count) return fail(count.error());
    out.*Member = bytes::mib(*count);
    return {};
}
template <auto Member> std::string write_mib(const guest_settings &in) {
    return std::to_string((in.*Member).count() >> 20U);
}

template <auto Member, std::uint64_t Least, std::uint64_t Most>
expected<void> read_count(guest_settings &out, std::string_view key, std::string_view value) {
    const auto count = number(key, value, Least, Most);
    if (!count) return fail(count.error());
    using type = std::remove_reference_t<decltype(out.*Member)>;
    if constexpr (std::is_integral_v<type>) {
        out.*Member = static_cast<type>(*count);
    } else if constexpr (std::is_same_v<type, page_rate>) {
        out.*Member = page_rate{*count};
    } else {
        out.*Member = type{static_cast<typename type::rep>(*count)};
    }
    return {};
}
template <auto Member> std::string write_count(const guest_settings &in) {
    using type = std::remove_cvref_t<decltype(in.*Member)>;
    if constexpr (std::is_integral_v<type>) {
        return std::to_string(in.*Member);
    } else if constexpr (std::is_same_v<type, page_rate>) {
        return std::to_string((in.*Member).per_second());
    } else {
        return std::to_string((in.*Member).count());
    }
}

expected<void> read_address(guest_settings &out, std::string_view key, std::string_view value) {
    const auto [host, prefix] = split(value, '/');
    const auto parsed = parse_ipv4(std::string(host));
    const auto length = prefix.empty() ? expected<std::uint64_t>{24} : number(key, prefix, 0, 32);
    if (!parsed || !length) return wrong(key, value, "an IPv4 address and prefix: 192.0.2.101/24");
    out.address = {std::string(host), static_cast<unsigned>(*length), 0};
    return {};
}

expected<void> read_probe(guest_settings &out, std::string_view key, std::string_view value) {
    const auto [host, port] = split(value, ':');
    const auto parsed = parse_ipv4(std::string(host));
    const auto to = port.empty() ? expected<std::uint64_t>{heartbeat_port}
                                 : number(key, port, 1, std::numeric_limits<std::uint16_t>::max());
    if (!parsed || !to) return wrong(key, value, "an IPv4 address, or address and port: 192.0.2.1");
    out.probe = {std::string(host), 24, static_cast<std::uint16_t>(*to)};
    return {};
}

constexpr std::array keys{
    key_entry{"name",
              [](guest_settings &out, std::string_view key, std::string_view value) {
                  if (!is_name(value, 32)) {
                      return expected<void>{
                          wrong(key, value, "1 to 32 letters, digits, '.', '_' or '-'")};
                  }
                  out.name = value;
                  return expected<void>{};
              },
              [](const guest_settings &in) { return in.name; }},
    key_entry{"interface",
              [](guest_settings &out, std::string_view key, std::string_view value) {
                  if (!is_name(value, 15)) {
                      return expected<void>{wrong(key, value, "an interface's name, as in eth0")};
                  }
                  out.interface = value;
                  return expected<void>{};
              },
              [](const guest_settings &in) { return in.interface; }},
    key_entry{"address", read_address,
              [](const guest_settings &in) {
                  if (in.address.host.empty()) return std::string{};
                  return in.address.host + '/' + std::to_string(in.address.prefix);
              }},
    key_entry{"probe", read_probe,
              [](const guest_settings &in) {
                  if (in.probe.host.empty()) return std::string{};
                  return in.probe.host + ':' + std::to_string(in.probe.port);
              }},
    key_entry{"memory", read_mib<&guest_settings::memory>, write_mib<&guest_settings::memory>},
    key_entry{"working_set", read_mib<&guest_settings::working_set>,
              write_mib<&guest_settings::working_set>},
    key_entry{"rate", read_count<&guest_settings::rate, 0, most_rate>,
              write_count<&guest_settings::rate>},
    key_entry{"mode",
              [](guest_settings &out, std::string_view key, std::string_view value) {
                  if (value != "word" && value != "page") {
                      return expected<void>{wrong(key, value, "'word' or 'page'")};
                  }
                  out.mode = value == "word" ? write_mode::word : write_mode::page;
                  return expected<void>{};
              },
              [](const guest_settings &in) {
                  return std::string(in.mode == write_mode::word ? "word" : "page");
              }},
    key_entry{"period", read_count<&guest_settings::period, 1, page_words>,
              write_count<&guest_settings::period>},
    key_entry{"disk",
              [](guest_settings &out, std::string_view key, std::string_view value) {
                  if (!value.starts_with('/') ||
                      value.find_first_of(" \t\n") != std::string_view::npos) {
                      return expected<void>{wrong(key, value, "an absolute path, as in /dev/vda")};
                  }
                  out.disk = value;
                  return expected<void>{};
              },
              [](const guest_settings &in) { return in.disk; }},
    key_entry{"disk_offset", read_mib<&guest_settings::disk_offset>,
              write_mib<&guest_settings::disk_offset>},
    key_entry{"disk_size", read_mib<&guest_settings::disk_size>,
              write_mib<&guest_settings::disk_size>},
    key_entry{"disk_rate", read_count<&guest_settings::disk_rate, 0, most_rate>,
              write_count<&guest_settings::disk_rate>},
    key_entry{"heartbeat", read_count<&guest_settings::heartbeat, 1, 60'000>,
              write_count<&guest_settings::heartbeat>},
    key_entry{"stall_period", read_count<&guest_settings::stall_period, 0, 10'000'000>,
              write_count<&guest_settings::stall_period>},
    key_entry{"report", read_count<&guest_settings::report, 0, 3600>,
              write_count<&guest_settings::report>},
    key_entry{"control_port", read_count<&guest_settings::control, 0, 65535>,
              write_count<&guest_settings::control>},
    key_entry{"echo_port", read_count<&guest_settings::echo, 0, 65535>,
              write_count<&guest_settings::echo>},
    key_entry{"shell",
              [](guest_settings &out, std::string_view key, std::string_view value) {
                  const std::string_view terminal = value.empty() ? "ttyS0" : value;
                  if (!is_name(terminal, 15)) {
                      return expected<void>{wrong(key, value, "a terminal's name, as in ttyS0")};
                  }
                  out.shell = std::string(terminal);
                  return expected<void>{};
              },
              [](const guest_settings &in) { return in.shell.value_or(std::string{}); }},
    key_entry{"boot_id",
              [](guest_settings &out, std::string_view key, std::string_view value) {
                  const auto id = uuid::parse(value);
                  if (!id) return expected<void>{wrong(key, value, "a UUID")};
                  out.boot_id = *id;
                  return expected<void>{};
              },
              [](const guest_settings &in) { return in.boot_id ? in.boot_id->text() : ""; }},
    key_entry{"test_hooks",
              [](guest_settings &out, std::string_view key, std::string_view value) {
                  if (!value.empty() && value != "0" && value != "1") {
                      return expected<void>{wrong(key, value, "0 or 1")};
                  }
                  out.test_hooks = value != "0";
                  return expected<void>{};
              },
              [](const guest_settings &in) { return std::string(in.test_hooks ? "1" : ""); }},
};

} // namespace

expected<in_addr> parse_ipv4(const std::string &text) {
    in_addr address{};
    if (inet_pton(AF_INET, text.c_str(), &address) != 1) {
        return fail(
            make_error(error_kind::invalid_argument, "'" + text + "' is not an IPv4 address")
                .advise("write four numbers, as in 192.0.2.101"));
    }
    return address;
}

expected<guest_settings> parse_settings(const std::vector<std::string> &entries) {
    guest_settings result;
    bool working_set_given = false;
    for (const std::string &entry : entries) {
        const auto [key, value] = split(entry, '=');
        working_set_given = working_set_given || key == "working_set";
        const auto found =
            std::find_if(keys.begin(), keys.end(),
                         [key = key](const key_entry &known) { return known.key == key; });
        if (found == keys.end()) {
            std::string known = "the settings are";
            for (const key_entry &each : keys) (known += ' ') += each.key;
            return fail(make_error(error_kind::invalid_argument,
                                   "the guest has no setting '" + std::string(key) + "'")
                            .about("kvmig." + entry)
                            .advise(known));
        }
        if (auto read = found->read(result, key, value); !read) return fail(read.error());
    }
    if (!working_set_given) result.working_set = std::min(result.working_set, result.memory);
    if (result.working_set > result.memory) {
        return fail(make_error(error_kind::invalid_argument,
                               "the working set is larger than the memory that is filled")
                        .about("kvmig.working_set")
                        .advise("give kvmig.working_set at most kvmig.memory"));
    }
    return result;
}

std::vector<std::string> settings_on_command_line(std::string_view command_line) {
    static constexpr std::string_view space = " \t\n";
    static constexpr std::string_view prefix = "kvmig.";
    std::vector<std::string> result;
    while (true) {
        const auto start = command_line.find_first_not_of(space);
        if (start == std::string_view::npos) return result;
        command_line.remove_prefix(start);
        const auto word = command_line.substr(0, command_line.find_first_of(space));
        if (word.starts_with(prefix)) result.emplace_back(word.substr(prefix.size()));
        command_line.remove_prefix(word.size());
    }
}

std::string command_line(const guest_settings &settings) {
    static const guest_settings defaults;
    std::string result;
    for (const key_entry &entry : keys) {
        const std::string value = entry.write(settings);
        if (value == entry.write(defaults)) continue;
        if (!result.empty()) result += ' ';
        ((result += "kvmig.") += entry.key) += '=' + value;
    }
    return result;
}

} // namespace kvmig::lab::guest
