// SPDX-License-Identifier: MIT
/// Reading JSON that somebody else wrote: every field is checked, the first fault is told.
#pragma once

#include <kvmig/core/expected.hpp>
#include <kvmig/core/units.hpp>
#include <kvmig/core/uuid.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::lab::guest {

/// Takes fields out of one object. After the first fault it takes no more; `finish` tells it.
class json_fields {
public:
    /// `what` names the object in errors, as in "the reply to 'status'".
    json_fields(const nlohmann::json &object, std::string what)
        : object_(object), what_(std::move(what)) {
        if (!object_.is_object()) fault("is not an object");
    }

    /// A field that must be there.
    template <class T> json_fields &take(const char *name, T &out) {
        if (fault_) return *this;
        const auto found = object_.find(name);
        if (found == object_.end()) {
            fault("lacks '" + std::string(name) + "'");
        } else if (!read(*found, out)) {
            fault("has a wrong value for '" + std::string(name) + "': " + shown(*found));
        }
        return *this;
    }
    /// A field that may be absent or null.
    template <class T> json_fields &take(const char *name, std::optional<T> &out) {
        if (fault_) return *this;
        const auto found = object_.find(name);
        if (found == object_.end() || found->is_null()) {
            out.reset();
            return *this;
        }
        return take(name, out.emplace());
    }
    /// Complains about any field that is not among `names`: catches misspelt requests.
    json_fields &only(std::initializer_list<std::string_view> names) {
        if (fault_) return *this;
        for (const auto &[name, value] : object_.items()) {
            if (std::find(names.begin(), names.end(), name) == names.end()) {
                fault("has a field '" + name + "' that is not known");
            }
        }
        return *this;
    }

    [[nodiscard]] expected<void> finish() const {
        if (fault_) return fail(*fault_);
        return {};
    }

private:
    void fault(const std::string &text) {
        if (!fault_) fault_ = make_error(error_kind::protocol, what_ + ' ' + text);
    }
    static std::string shown(const nlohmann::json &value) {
        return value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace).substr(0, 60);
    }

    static bool read(const nlohmann::json &value, bool &out) {
        if (!value.is_boolean()) return false;
        out = value.get<bool>();
        return true;
    }
    static bool read(const nlohmann::json &value, std::uint64_t &out) {
        const bool natural = value.is_number_unsigned() ||
                             (value.is_number_integer() && value.get<std::int64_t>() >= 0);
        if (natural) out = value.get<std::uint64_t>();
        return natural;
    }
    static bool read(const nlohmann::json &value, std::string &out) {
        if (!value.is_string()) return false;
        out = value.get<std::string>();
        return true;
    }
    static bool read(const nlohmann::json &value, nlohmann::json &out) {
        out = value;
        return true;
    }
    static bool read(const nlohmann::json &value, uuid &out) {
        if (!value.is_string()) return false;
        const auto parsed = uuid::parse(value.get<std::string>());
        if (parsed) out = *parsed;
        return parsed.has_value();
    }
    static bool read(const nlohmann::json &value, std::chrono::nanoseconds &out) {
        std::uint64_t count = 0;
        if (!read(value, count)) return false;
        if (count > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
            return false;
        }
        out = std::chrono::nanoseconds{static_cast<std::int64_t>(count)};
        return true;
    }
    template <class T> static bool read_number(const nlohmann::json &value, T &out) {
        std::uint64_t count = 0;
        if (!read(value, count)) return false;
        out = T{count};
        return true;
    }
    static bool read(const nlohmann::json &value, bytes &out) { return read_number(value, out); }
    static bool read(const nlohmann::json &value, pages &out) { return read_number(value, out); }
    static bool read(const nlohmann::json &value, page_rate &out) {
        return read_number(value, out);
    }
    template <class T> static bool read(const nlohmann::json &value, std::vector<T> &out) {
        if (!value.is_array()) return false;
        out.clear();
        for (const auto &element : value) {
            if (!read(element, out.emplace_back())) return false;
        }
        return true;
    }
    template <class T, std::size_t N>
    static bool read(const nlohmann::json &value, std::array<T, N> &out) {
        if (!value.is_array() || value.size() > N) return false;
        out.fill(T{});
        for (std::size_t i = 0; i < value.size(); ++i) {
            if (!read(value[i], out[i])) return false;
        }
        return true;
    }

    const nlohmann::json &object_;
    std::string what_;
    std::optional<error> fault_;
};

} // namespace kvmig::lab::guest
