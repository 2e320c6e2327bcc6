// SPDX-License-Identifier: MIT
/// Where a PCI device is on its host, and what is there.
#pragma once

#include <kvmig/core/expected.hpp>

#include <array>
#include <charconv>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kvmig::model {

/// The address of a PCI device, as the kernel counts: domain, bus, slot, function.
struct pci_address {
    std::uint32_t domain = 0;  ///< 0 on most hosts
    std::uint8_t bus = 0;      ///< 0 to 0xff
    std::uint8_t slot = 0;     ///< 0 to 0x1f
    std::uint8_t function = 0; ///< 0 to 7

    friend auto operator<=>(const pci_address &, const pci_address &) = default;

    /// Reads `0000:00:05.0`, as `lspci -D` has it, or `pci_0000_00_05_0`, libvirt's name of its
    /// node device. Fails with `invalid_argument`, naming the text.
    [[nodiscard]] static expected<pci_address> parse(std::string_view text) {
        const auto wrong = [&] {
            return fail(make_error(error_kind::invalid_argument,
                                   "'" + std::string(text) + "' is no PCI address")
                            .advise("write it as 0000:00:05.0 or pci_0000_00_05_0"));
        };
        std::string_view rest = text;
        const bool of_node = rest.starts_with("pci_");
        if (of_node) rest.remove_prefix(4);
        const std::string_view marks = of_node ? "___" : "::.";
        std::array<std::uint32_t, 4> parts{};
        for (std::size_t i = 0; i < 4; ++i) {
            const std::size_t end = i < 3 ? rest.find(marks[i]) : rest.size();
            if (end == std::string_view::npos) return wrong();
            const auto value = hex(rest.substr(0, end), i);
            if (!value) return wrong();
            parts[i] = *value;
            rest.remove_prefix(i < 3 ? end + 1 : end);
        }
        return pci_address{parts[0], static_cast<std::uint8_t>(parts[1]),
                           static_cast<std::uint8_t>(parts[2]),
                           static_cast<std::uint8_t>(parts[3])};
    }

    /// `0000:00:05.0`.
    [[nodiscard]] std::string text() const { return joined(':', '.'); }
    /// `pci_0000_00_05_0`.
    [[nodiscard]] std::string node_name() const { return "pci_" + joined('_', '_'); }

    /// A part in hexadecimal, at least `width` digits.
    [[nodiscard]] static std::string digits(std::uint32_t part, std::size_t width) {
        std::array<char, 8> raw{};
        const char *begin = raw.data();
        const char *end = std::to_chars(raw.data(), raw.data() + raw.size(), part, 16).ptr;
        std::string out(begin, end);
        if (out.size() < width) out.insert(0, width - out.size(), '0');
        return out;
    }

private:
    /// Part `place` of an address; nothing where it is none.
    [[nodiscard]] static std::optional<std::uint32_t> hex(std::string_view digits,
                                                          std::size_t place) {
        struct range {
            std::size_t least, most; // digits
            std::uint32_t largest;
        };
        static constexpr std::array ranges = {range{4, 8, 0xffffffffU}, range{2, 2, 0xffU},
                                              range{2, 2, 0x1fU}, range{1, 1, 7U}};
        const range &fits = ranges[place];
        if (digits.size() < fits.least || digits.size() > fits.most) return std::nullopt;
        std::uint32_t out = 0;
        const char *end = digits.data() + digits.size();
        const auto [stop, bad] = std::from_chars(digits.data(), end, out, 16);
        if (bad != std::errc{} || stop != end || out > fits.largest) return std::nullopt;
        return out;
    }
    [[nodiscard]] std::string joined(char between, char last) const {
        return digits(domain, 4) + between + digits(bus, 2) + between + digits(slot, 2) + last +
               digits(function, 1);
    }
};

/// What a host has at a PCI address.
struct pci_device {
    pci_address address;                 ///< on that host
    std::string vendor;                  ///< its number, as in `0x8086`; empty where it is not told
    std::string product;                 ///< its number, as in `0x1521`; empty where it is not told
    std::string name;                    ///< for people: product and vendor; may be empty
    std::optional<unsigned> iommu_group; ///< absent: the host cannot hand the device to a guest

    /// Whether both are of one kind, as far as they say of what kind they are.
    [[nodiscard]] bool same_kind(const pci_device &other) const noexcept {
        return !vendor.empty() && !product.empty() && vendor == other.vendor &&
               product == other.product;
    }

    friend bool operator==(const pci_device &, const pci_device &) = default;
};

} // namespace kvmig::model
