// SPDX-License-Identifier: MIT
/// The texts in which settings of a domain are recorded and compared: `NAME=VALUE` each.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <kvmig/tuning/blkiotune.hpp>
#include <kvmig/tuning/cpu_pins.hpp>
#include <kvmig/tuning/iotune.hpp>
#include <kvmig/tuning/memtune.hpp>
#include <kvmig/tuning/value.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::run {

namespace detail {

/// A value of one word, without the brackets in which files show what is chosen.
[[nodiscard]] inline std::string one_word(std::string_view value) {
    std::string out;
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte <= 0x20 || byte >= 0x7F || c == '%' || c == '[' || c == ']')
            out += fmt::format("%{:02x}", byte);
        else
            out += c;
    }
    return out;
}

[[nodiscard]] inline std::string of_one_word(std::string_view word) {
    const std::string_view digits = "0123456789abcdef";
    std::string out;
    for (std::size_t i = 0; i < word.size(); ++i) {
        if (word[i] != '%' || i + 2 >= word.size()) {
            out += word[i];
            continue;
        }
        const auto high = digits.find(word[i + 1]);
        const auto low = digits.find(word[i + 2]);
        out += static_cast<char>(static_cast<unsigned char>((high % 16) * 16 + low % 16));
        i += 2;
    }
    return out;
}

} // namespace detail

/// The names and values of such a text, in its order; fails with `invalid_argument` for a word that
/// is no `NAME=VALUE`.
[[nodiscard]] inline expected<std::vector<std::pair<std::string, std::string>>>
parse_settings(std::string_view text) {
    std::vector<std::pair<std::string, std::string>> out;
    for (const std::string_view word : tuning::words(text)) {
        const auto equals = word.find('=');
        if (equals == std::string_view::npos) {
            return fail(make_error(error_kind::invalid_argument,
                                   fmt::format("'{}' is no NAME=VALUE", word)));
        }
        out.emplace_back(word.substr(0, equals), detail::of_one_word(word.substr(equals + 1)));
    }
    return out;
}

/// Limits in the one form in which they are compared: a burst lasts 1 s unless more is said, none
/// has no length, and a group without limits is none.
[[nodiscard]] inline std::string to_text(tuning::iotune io) {
    bool any = false;
    for (tuning::io_bucket &each : io.limits) {
        each.length = each.max == 0 ? 0 : std::max<std::uint64_t>(each.length, 1);
        any = any || each.avg != 0 || each.max != 0;
    }
    if (!any) io.group_name.clear();
    std::string out;
    for (const auto &[name, value] : tuning::parameters(io)) {
        out += fmt::format("{}{}={}", out.empty() ? "" : " ", name, detail::one_word(value));
    }
    return out;
}

/// Reads what `to_text` wrote; fails with `invalid_argument`.
[[nodiscard]] inline expected<tuning::iotune> parse_iotune(std::string_view text) {
    const auto all = parse_settings(text);
    if (!all) return fail(all.error());
    tuning::iotune out;
    for (const auto &[name, value] : *all) {
        if (auto taken = tuning::set(out, name, value); !taken) {
            return fail(std::move(taken).error());
        }
    }
    return out;
}

/// Limits in KiB, in the one form in which they are compared.
[[nodiscard]] inline std::string to_text(const tuning::memtune &limits) {
    const auto kib = [](const std::optional<bytes> &limit) {
        return limit ? std::to_string(limit->count() / 1024) : std::string("unlimited");
    };
    return fmt::format("hard_limit={} soft_limit={} swap_hard_limit={}", kib(limits.hard_limit),
                       kib(limits.soft_limit), kib(limits.swap_hard_limit));
}

/// Reads what `to_text` wrote; fails with `invalid_argument`.
[[nodiscard]] inline expected<tuning::memtune> parse_memtune(std::string_view text) {
    const auto all = parse_settings(text);
    if (!all) return fail(all.error());
    tuning::memtune out;
    const std::array<std::pair<std::string_view, std::optional<bytes> *>, 3> known = {
        {{"hard_limit", &out.hard_limit},
         {"soft_limit", &out.soft_limit},
         {"swap_hard_limit", &out.swap_hard_limit}}};
    for (const auto &[name, value] : *all) {
        const auto *const found = std::find_if(known.begin(), known.end(),
                                               [&n = name](const auto &k) { return k.first == n; });
        if (found == known.end()) {
            return fail(
                make_error(error_kind::invalid_argument, "memtune has no such limit").about(name));
        }
        if (value == "unlimited") continue;
        const auto kib = tuning::number<std::uint64_t>(value, name);
        if (!kib) return fail(kib.error());
        *found->second = bytes::kib(*kib);
    }
    return out;
}

/// Where a domain's threads may run: `vcpu0=0-3 vcpu1=any emulator=any`.
[[nodiscard]] inline std::string to_text(const tuning::cpu_pins &pins) {
    std::string out;
    for (const auto &[vcpu, cpus] : pins.vcpus) {
        out += fmt::format("vcpu{}={} ", vcpu, tuning::to_text(cpus));
    }
    return out + "emulator=" + tuning::to_text(pins.emulator);
}

/// Reads what `to_text` wrote; fails with `invalid_argument`.
[[nodiscard]] inline expected<tuning::cpu_pins> parse_cpu_pins(std::string_view text) {
    const auto all = parse_settings(text);
    if (!all) return fail(all.error());
    tuning::cpu_pins out;
    for (const auto &[name, value] : *all) {
        auto cpus = tuning::parse_pin(value);
        if (!cpus) return fail(std::move(cpus).error());
        if (name == "emulator") {
            out.emulator = *std::move(cpus);
            continue;
        }
        const auto vcpu = name.starts_with("vcpu")
                              ? tuning::number<std::uint32_t>(name.substr(4), name)
                              : fail(error_kind::invalid_argument, name);
        if (!vcpu) {
            return fail(
                make_error(error_kind::invalid_argument, "has no CPUs of its own").about(name));
        }
        out.vcpus[*vcpu] = *std::move(cpus);
    }
    return out;
}

/// All of them: `weight=500 device_weight=/dev/sda,300 device_read_iops_sec=` and so on; 0 is none.
[[nodiscard]] inline std::string to_text(const tuning::blkiotune &tuned) {
    std::string out = fmt::format("weight={}", tuned.weight);
    for (const tuning::blkio_device &each : tuning::blkio_devices) {
        out += fmt::format(" {}={}", each.name, detail::one_word(tuning::to_text(tuned.*each.of)));
    }
    return out;
}

/// Reads what `to_text` wrote; fails with `invalid_argument`.
[[nodiscard]] inline expected<tuning::blkiotune> parse_blkiotune(std::string_view text) {
    const auto all = parse_settings(text);
    if (!all) return fail(all.error());
    tuning::blkiotune out;
    for (const auto &[name, value] : *all) {
        if (name == "weight") {
            const auto weight = tuning::number<std::uint32_t>(value, name);
            if (!weight) return fail(weight.error());
            out.weight = *weight;
            continue;
        }
        const auto *const found =
            std::find_if(tuning::blkio_devices.begin(), tuning::blkio_devices.end(),
                         [&n = name](const auto &each) { return each.name == n; });
        if (found == tuning::blkio_devices.end()) {
            return fail(make_error(error_kind::invalid_argument, "blkiotune has no such setting")
                            .about(name));
        }
        auto disks = tuning::parse_per_disk(value);
        if (!disks) return fail(std::move(disks).error());
        out.*found->of = *std::move(disks);
    }
    return out;
}

} // namespace kvmig::run
