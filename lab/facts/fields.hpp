// SPDX-License-Identifier: MIT
/// The members of plain structs by name, and a proof that none is forgotten.
#pragma once

#include <cstddef>
#include <tuple>
#include <utility>

namespace kvmig::lab {

/// One member of a struct, and its name outside of the program.
template <class Owner, class Member> struct field {
    const char *name;
    Member Owner::*which;
};
template <class Owner, class Member> field(const char *, Member Owner::*) -> field<Owner, Member>;

/// To be specialised for each struct: `all` is a tuple of its own members, those of a base class
/// aside, and `base` that class.
template <class T> struct fields_of;

template <class T>
concept has_fields = requires {
    fields_of<T>::all;
};
template <class T>
concept has_base = requires {
    typename fields_of<T>::base;
};

namespace detail {

/// Stands for a value of any type where nothing is evaluated.
struct anything {
    template <class T> operator T() const; // NOLINT(google-explicit-constructor)
};

/// How many initialisers the aggregate takes: one for each member, one for a base class.
template <class T, class... Members> [[nodiscard]] consteval std::size_t count_members() {
    if constexpr (requires { T{std::declval<Members>()..., anything{}}; }) {
        return count_members<T, Members..., anything>();
    } else {
        return sizeof...(Members);
    }
}

} // namespace detail

/// Whether `fields_of<T>` names as many members as the struct has.
template <has_fields T>
inline constexpr bool names_every_field = std::tuple_size_v<decltype(fields_of<T>::all)> +
                                              (has_base<T> ? 1 : 0) ==
                                          detail::count_members<T>();

/// Calls `visit(name, member)` for each member, those of the base class first.
template <class T, class Visitor> void for_each_field(T &of, Visitor &&visit) {
    using plain = std::remove_const_t<T>;
    static_assert(names_every_field<plain>, "a member was added: name it in fields_of");
    if constexpr (has_base<plain>) {
        using base = typename fields_of<plain>::base;
        if constexpr (std::is_const_v<T>) {
            for_each_field(static_cast<const base &>(of), visit);
        } else {
            for_each_field(static_cast<base &>(of), visit);
        }
    }
    std::apply([&](const auto &...each) { (visit(each.name, of.*each.which), ...); },
               fields_of<plain>::all);
}

} // namespace kvmig::lab
