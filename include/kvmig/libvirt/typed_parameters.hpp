// SPDX-License-Identifier: MIT
/// libvirt's lists of named, typed values.
#pragma once

#include <kvmig/libvirt/error.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kvmig::libvirt {

/// Reads an array that somebody else owns.
class parameter_view {
public:
    /// Does not own them.
    parameter_view(virTypedParameterPtr params, int count) noexcept
        : params_(params), count_(count) {}

    /// The first value of this name as a number, whatever integer type libvirt chose; absent when
    /// there is none, when it is no integer, or when it is negative.
    [[nodiscard]] std::optional<std::uint64_t> number(const char *name) const {
        const virTypedParameterPtr found = get(name);
        if (found == nullptr) return std::nullopt;
        const auto natural = [](long long value) -> std::optional<std::uint64_t> {
            if (value < 0) return std::nullopt;
            return static_cast<std::uint64_t>(value);
        };
        switch (found->type) {
        case VIR_TYPED_PARAM_INT: return natural(found->value.i);
        case VIR_TYPED_PARAM_UINT: return found->value.ui;
        case VIR_TYPED_PARAM_LLONG: return natural(found->value.l);
        case VIR_TYPED_PARAM_ULLONG: return found->value.ul;
        default: return std::nullopt;
        }
    }
    /// Nothing when there is none of this name and type.
    [[nodiscard]] std::optional<bool> boolean(const char *name) const {
        const virTypedParameterPtr found = get(name);
        if (found == nullptr || found->type != VIR_TYPED_PARAM_BOOLEAN) return std::nullopt;
        return found->value.b != 0;
    }
    /// Nothing when there is none of this name and type.
    [[nodiscard]] std::optional<std::string> text(const char *name) const {
        const virTypedParameterPtr found = get(name);
        if (found == nullptr || found->type != VIR_TYPED_PARAM_STRING) return std::nullopt;
        return found->value.s;
    }
    /// Every string value of this name, in order.
    [[nodiscard]] std::vector<std::string> texts(const std::string &name) const {
        std::vector<std::string> out;
        for (int i = 0; i < count_; ++i) {
            const virTypedParameter &each = params_[i];
            if (each.type == VIR_TYPED_PARAM_STRING && name == each.field) {
                out.emplace_back(each.value.s);
            }
        }
        return out;
    }

private:
    [[nodiscard]] virTypedParameterPtr get(const char *name) const {
        return virTypedParamsGet(params_, count_, name);
    }

    virTypedParameterPtr params_;
    int count_;
};

/// Owns a `virTypedParameter` array. One name may stand several times (`migrate_disks`).
class typed_parameters {
public:
    typed_parameters() noexcept { ensure_initialized(); }
    /// Takes over an array that libvirt allocated.
    typed_parameters(virTypedParameterPtr params, int count) noexcept
        : params_(params), count_(count), capacity_(count) {}
    /// The other has none afterwards.
    typed_parameters(typed_parameters &&other) noexcept
        : params_(std::exchange(other.params_, nullptr)), count_(std::exchange(other.count_, 0)),
          capacity_(std::exchange(other.capacity_, 0)) {}
    typed_parameters &operator=(typed_parameters &&other) noexcept {
        std::swap(params_, other.params_);
        std::swap(count_, other.count_);
        std::swap(capacity_, other.capacity_);
        return *this;
    }
    typed_parameters(const typed_parameters &) = delete;
    typed_parameters &operator=(const typed_parameters &) = delete;
    ~typed_parameters() { virTypedParamsFree(params_, count_); }

    /// To be read by name.
    [[nodiscard]] parameter_view view() const noexcept { return {params_, count_}; }
    /// As libvirt takes them.
    [[nodiscard]] virTypedParameterPtr data() const noexcept { return params_; }
    [[nodiscard]] int size() const noexcept { return count_; } ///< How many there are.

    /// The adders fail for a name longer than libvirt allows (79 characters).
    [[nodiscard]] expected<void> add(const char *name, int value) {
        return check(virTypedParamsAddInt(&params_, &count_, &capacity_, name, value), name);
    }
    /// As VIR_TYPED_PARAM_UINT.
    [[nodiscard]] expected<void> add(const char *name, unsigned int value) {
        return check(virTypedParamsAddUInt(&params_, &count_, &capacity_, name, value), name);
    }
    /// As VIR_TYPED_PARAM_LLONG.
    [[nodiscard]] expected<void> add(const char *name, long long value) {
        return check(virTypedParamsAddLLong(&params_, &count_, &capacity_, name, value), name);
    }
    /// As VIR_TYPED_PARAM_ULLONG.
    [[nodiscard]] expected<void> add(const char *name, unsigned long long value) {
        return check(virTypedParamsAddULLong(&params_, &count_, &capacity_, name, value), name);
    }
    /// As VIR_TYPED_PARAM_DOUBLE.
    [[nodiscard]] expected<void> add(const char *name, double value) {
        return check(virTypedParamsAddDouble(&params_, &count_, &capacity_, name, value), name);
    }
    /// As VIR_TYPED_PARAM_BOOLEAN.
    [[nodiscard]] expected<void> add(const char *name, bool value) {
        return check(virTypedParamsAddBoolean(&params_, &count_, &capacity_, name, value ? 1 : 0),
                     name);
    }
    /// As VIR_TYPED_PARAM_STRING; libvirt copies it.
    [[nodiscard]] expected<void> add(const char *name, const char *value) {
        return check(virTypedParamsAddString(&params_, &count_, &capacity_, name, value), name);
    }
    /// As VIR_TYPED_PARAM_STRING; libvirt copies it.
    [[nodiscard]] expected<void> add(const char *name, const std::string &value) {
        return add(name, value.c_str());
    }

private:
    [[nodiscard]] static expected<void> check(int answer, const char *name) {
        if (answer < 0) return fail(last_error("cannot set the parameter " + std::string(name)));
        return {};
    }

    virTypedParameterPtr params_ = nullptr;
    int count_ = 0;
    int capacity_ = 0;
};

} // namespace kvmig::libvirt
