// SPDX-License-Identifier: MIT
/// Options as text and back, for the record from which a successor repeats a call.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <kvmig/migration/host_device_wish.hpp>
#include <kvmig/migration/options.hpp>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::migration {

namespace detail {

/// Visits every field but the flags, each under the word that stands in the text.
template <class Options, class Visitor> void visit_options(Options &o, Visitor &&visit) {
    visit("direct", o.direct);
    visit("destination_uri", o.destination_uri);
    visit("migrate_uri", o.migrate_uri);
    visit("destination_name", o.destination_name);
    visit("destination_xml", o.destination_xml);
    visit("persistent_xml", o.persistent_xml);
    visit("bandwidth", o.bandwidth);
    visit("bandwidth.postcopy", o.postcopy_bandwidth);
    visit("graphics_uri", o.graphics_uri);
    visit("listen_address", o.listen_address);
    visit("migrate_disks", o.migrate_disks);
    visit("disks_port", o.disks_port);
    visit("disks_uri", o.disks_uri);
    visit("compression", o.compression);
    visit("compression.mt.level", o.compression_mt_level);
    visit("compression.mt.threads", o.compression_mt_threads);
    visit("compression.mt.dthreads", o.compression_mt_dthreads);
    visit("compression.xbzrle.cache", o.compression_xbzrle_cache);
    visit("auto_converge.initial", o.auto_converge_initial);
    visit("auto_converge.increment", o.auto_converge_increment);
    visit("parallel.connections", o.parallel_connections);
    visit("tls.destination", o.tls_destination);
    visit("compression.zlib.level", o.compression_zlib_level);
    visit("compression.zstd.level", o.compression_zstd_level);
    visit("migrate_disks_detect_zeroes", o.migrate_disks_detect_zeroes);
    visit("bandwidth.avail.switchover", o.bandwidth_avail_switchover);
    visit("host_devices.set_aside", o.host_devices.set_aside);
    visit("host_devices.at_destination", o.host_devices.at_destination);
}

/// `text` without line ends: `\` becomes `\\`, a line end `\n`.
[[nodiscard]] inline std::string on_one_line(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\\') {
            out += "\\\\";
        } else if (c == '\n') {
            out += "\\n";
        } else {
            out += c;
        }
    }
    return out;
}
[[nodiscard]] inline std::string as_it_was(std::string_view line) {
    std::string out;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] != '\\' || i + 1 == line.size()) {
            out += line[i];
            continue;
        }
        ++i;
        out += line[i] == 'n' ? '\n' : line[i];
    }
    return out;
}

/// Writes a field as lines `word=value`; one that is absent as none.
class options_writer {
public:
    explicit options_writer(std::string &out) : out_(&out) {}

    void operator()(std::string_view word, bool value) const {
        if (value) line(word, "yes");
    }
    void operator()(std::string_view word, const std::string &value) const {
        if (!value.empty()) line(word, value);
    }
    void operator()(std::string_view word, const std::vector<std::string> &values) const {
        for (const std::string &value : values) line(word, value);
    }
    void
    operator()(std::string_view word,
               const std::vector<std::pair<model::pci_address, model::pci_address>> &pairs) const {
        for (const auto &pair : pairs) line(word, migration::to_text(pair));
    }
    template <class T> void operator()(std::string_view word, const std::optional<T> &value) const {
        if (value) line(word, text(*value));
    }

private:
    [[nodiscard]] static std::string text(const std::string &value) { return value; }
    [[nodiscard]] static std::string text(int value) { return std::to_string(value); }
    [[nodiscard]] static std::string text(bytes value) { return std::to_string(value.count()); }
    [[nodiscard]] static std::string text(byte_rate value) {
        return std::to_string(value.per_second());
    }
    void line(std::string_view word, std::string_view value) const {
        *out_ += '\n' + std::string(word) + '=' + on_one_line(value);
    }
    std::string *out_;
};

/// Reads one line into the field of its word; `fits` tells whether there was one, and it could.
class options_reader {
public:
    options_reader(std::string_view word, std::string value)
        : word_(word), value_(std::move(value)) {}

    void operator()(std::string_view word, bool &out) {
        if (word == word_) fits_ = out = value_ == "yes";
    }
    void operator()(std::string_view word, std::string &out) {
        if (word == word_) fits_ = (out = value_, true);
    }
    void operator()(std::string_view word, std::vector<std::string> &out) {
        if (word == word_) fits_ = (out.push_back(value_), true);
    }
    void operator()(std::string_view word,
                    std::vector<std::pair<model::pci_address, model::pci_address>> &out) {
        if (word != word_) return;
        const auto pair = parse_device_pair(value_);
        fits_ = pair.has_value();
        if (pair) out.push_back(*pair);
    }
    template <class T> void operator()(std::string_view word, std::optional<T> &out) {
        if (word == word_) fits_ = read(out);
    }

    [[nodiscard]] bool fits() const noexcept { return fits_; }

private:
    template <class Number> [[nodiscard]] std::optional<Number> number() const {
        Number out{};
        const char *end = value_.data() + value_.size();
        const auto [stop, problem] = std::from_chars(value_.data(), end, out);
        if (problem != std::errc{} || stop != end) return std::nullopt;
        return out;
    }
    [[nodiscard]] bool read(std::optional<std::string> &out) const {
        out = value_;
        return true;
    }
    [[nodiscard]] bool read(std::optional<int> &out) const {
        out = number<int>();
        return out.has_value();
    }
    [[nodiscard]] bool read(std::optional<bytes> &out) const {
        const auto count = number<std::uint64_t>();
        if (count) out = bytes{*count};
        return count.has_value();
    }
    [[nodiscard]] bool read(std::optional<byte_rate> &out) const {
        const auto count = number<std::uint64_t>();
        if (count) out = byte_rate{*count};
        return count.has_value();
    }

    std::string_view word_;
    std::string value_;
    bool fits_ = false;
};

} // namespace detail

/// The flags' names on the first line, then a line `word=value` for each parameter that is set,
/// under libvirt's words.
[[nodiscard]] inline std::string to_text(const options &o) {
    std::string out = "flags=" + o.flags.text();
    detail::visit_options(o, detail::options_writer(out));
    return out;
}

/// Reads what `to_text` wrote. Fails with `protocol`, naming the line that does not fit.
[[nodiscard]] inline expected<options> options_from_text(std::string_view text) {
    options out{.flags = {}};
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
        const std::size_t equals = line.find('=');
        const std::string_view word = line.substr(0, equals);
        const std::string_view value =
            equals == std::string_view::npos ? std::string_view{} : line.substr(equals + 1);
        bool fits = equals != std::string_view::npos;
        if (fits && word == "flags") {
            flag_set flags;
            for (std::size_t i = 0; i < flag_names.size(); ++i) {
                const std::string padded = ", " + std::string(value) + ",";
                if (padded.find(", " + std::string(flag_names[i]) + ",") != std::string::npos) {
                    flags.set(static_cast<flag>(1U << i));
                }
            }
            out.flags = flags;
            fits = flags.text() == value;
        } else if (fits) {
            detail::options_reader reader(word, detail::as_it_was(value));
            detail::visit_options(out, reader);
            fits = reader.fits();
        }
        if (!fits) {
            return fail(error_kind::protocol, "the record of a migration's options has the line '" +
                                                  std::string(line) + "', which does not fit");
        }
    }
    return out;
}

} // namespace kvmig::migration
