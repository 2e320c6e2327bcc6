// SPDX-License-Identifier: MIT
#include <lab/facts/facts_fields.hpp>
#include <lab/facts/facts_json.hpp>
#include <lab/facts/facts_words.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <fmt/format.h>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace kvmig::lab {

namespace {

using json = nlohmann::json;

constexpr std::string_view facts_schema = "kvmig.facts/1";

template <class T>
concept counted = std::same_as<T, bytes> || std::same_as<T, pages>;
template <class T>
concept enumeration = std::is_enum_v<T>;

class facts_writer {
public:
    template <class T> static json value(const T &of) {
        if constexpr (counted<T> || std::same_as<T, std::chrono::milliseconds>) {
            return of.count();
        } else if constexpr (std::same_as<T, byte_rate>) {
            return of.per_second();
        } else if constexpr (std::same_as<T, uuid>) {
            return of.text();
        } else if constexpr (enumeration<T>) {
            return word_of(of);
        } else if constexpr (has_fields<T>) {
            json out = json::object();
            for_each_field(of, [&](const char *name, const auto &member) {
                out[name] = facts_writer::value(member);
            });
            return out;
        } else {
            return of; // a text, a number or a truth value
        }
    }
    template <class T> static json value(const std::optional<T> &of) {
        return of ? value(*of) : json();
    }
    template <class T> static json value(const std::vector<T> &of) {
        json out = json::array();
        for (const T &each : of) out.push_back(value(each));
        return out;
    }
    template <class T> static json value(const precheck::fact<T> &of) {
        if (of.known()) return {{"known", value(*of)}};
        return {{"unknown", of.reason()}};
    }
    template <class T> static json value(const precheck::by_name<T> &of) {
        json named = json::object();
        for (const auto &[name, told] : of.all()) named[name] = value(told);
        return {{"named", std::move(named)}, {"otherwise", of.otherwise()}};
    }
};

/// Each function returns false at the first fault, of which `problem` then tells.
class facts_reader {
public:
    template <class T> bool read(const json &from, T &into) {
        if constexpr (std::same_as<T, bool>) {
            if (!from.is_boolean()) return wrong("true or false");
            into = from.template get<bool>();
        } else if constexpr (std::integral<T>) {
            return number(from, into);
        } else if constexpr (counted<T> || std::same_as<T, byte_rate>) {
            std::uint64_t count = 0;
            if (!number(from, count)) return false;
            into = T{count};
        } else if constexpr (std::same_as<T, std::chrono::milliseconds>) {
            std::int64_t count = 0;
            if (!number(from, count)) return false;
            into = T{count};
        } else if constexpr (std::same_as<T, std::string>) {
            if (!from.is_string()) return wrong("a text");
            into = from.template get<std::string>();
        } else if constexpr (std::same_as<T, uuid>) {
            const auto parsed =
                uuid::parse(from.is_string() ? from.template get<std::string>() : "");
            if (!parsed) return wrong("a UUID");
            into = *parsed;
        } else if constexpr (enumeration<T>) {
            return word(from, into);
        } else {
            static_assert(has_fields<T>);
            if (!from.is_object()) return wrong("an object");
            bool good = true;
            for_each_field(into, [&](const char *name, auto &member) {
                good = good && this->member(from, name, member);
            });
            return good;
        }
        return true;
    }
    template <class T> bool read(const json &from, std::optional<T> &into) {
        into.reset();
        return from.is_null() || read(from, into.emplace());
    }
    template <class T> bool read(const json &from, std::vector<T> &into) {
        if (!from.is_array()) return wrong("a list");
        into.clear();
        for (std::size_t index = 0; index < from.size(); ++index) {
            if (!inside(std::to_string(index), from[index], into.emplace_back())) return false;
        }
        return true;
    }
    template <class T> bool read(const json &from, precheck::fact<T> &into) {
        const auto known = from.find("known"); // the end, of what is no object
        const auto unknown = from.find("unknown");
        if ((known == from.end()) == (unknown == from.end())) {
            return wrong(R"({"known": VALUE} or {"unknown": REASON})");
        }
        if (known != from.end()) {
            T value{};
            if (!inside("known", *known, value)) return false;
            into = std::move(value);
            return true;
        }
        std::string reason;
        if (!inside("unknown", *unknown, reason)) return false;
        into = precheck::fact<T>::unknown(reason);
        return true;
    }
    template <class T> bool read(const json &from, precheck::by_name<T> &into) {
        if (!from.is_object()) return wrong("an object");
        std::string otherwise;
        if (!member(from, "otherwise", otherwise)) return false;
        into.otherwise(std::move(otherwise));
        const auto named = from.find("named");
        if (named == from.end() || !named->is_object()) return wrong("an object with 'named'");
        for (const auto &[name, told] : named->items()) {
            precheck::fact<T> value;
            if (!inside("named/" + escaped(name), told, value)) return false;
            into.set(name, std::move(value));
        }
        return true;
    }

    /// The place as a JSON pointer, and what would be right there.
    [[nodiscard]] const std::string &problem() const noexcept { return problem_; }

private:
    /// A member that must be there.
    template <class T> bool member(const json &from, const std::string &name, T &into) {
        const auto found = from.find(name);
        if (found == from.end()) return wrong("an object with '" + name + "'");
        return inside(escaped(name), *found, into);
    }
    /// Facts, and what is optional, may be missing: an older kvmig did not ask.
    template <class T>
    bool member(const json &from, const std::string &name, precheck::fact<T> &into) {
        const auto found = from.find(name);
        if (found != from.end()) return inside(escaped(name), *found, into);
        into = precheck::fact<T>::unknown("the file of facts does not tell it");
        return true;
    }
    template <class T>
    bool member(const json &from, const std::string &name, precheck::by_name<T> &into) {
        const auto found = from.find(name);
        if (found != from.end()) return inside(escaped(name), *found, into);
        into = {};
        into.otherwise("the file of facts does not tell it");
        return true;
    }

    template <class T>
    bool member(const json &from, const std::string &name, std::optional<T> &into) {
        const auto found = from.find(name);
        if (found != from.end()) return inside(escaped(name), *found, into);
        into.reset();
        return true;
    }

    template <class T> bool inside(const std::string &step, const json &from, T &into) {
        const std::size_t outside = at_.size();
        at_ += '/' + step;
        const bool good = read(from, into);
        at_.resize(outside);
        return good;
    }
    template <std::integral T> bool number(const json &from, T &into) {
        const auto fits = [&](auto value) {
            if (!std::in_range<T>(value)) return false;
            into = static_cast<T>(value);
            return true;
        };
        const bool good = from.is_number_unsigned()  ? fits(from.template get<std::uint64_t>())
                          : from.is_number_integer() ? fits(from.template get<std::int64_t>())
                                                     : false;
        return good ||
               wrong(fmt::format("a whole number from {} to {}", std::numeric_limits<T>::min(),
                                 std::numeric_limits<T>::max()));
    }
    template <enumeration E> bool word(const json &from, E &into) {
        std::string known;
        for (const auto &[text, value] : all_words<E>()) {
            if (from == text) {
                into = value;
                return true;
            }
            known += fmt::format("{}'{}'", known.empty() ? "" : ", ", text);
        }
        return wrong("one of " + known);
    }
    bool wrong(const std::string &wanted) {
        problem_ = fmt::format("at {}: not {}", at_.empty() ? "/" : at_, wanted);
        return false;
    }
    /// As a step of a JSON pointer.
    [[nodiscard]] static std::string escaped(std::string_view name) {
        std::string out;
        for (const char c : name) {
            if (c == '~' || c == '/') {
                out += c == '~' ? "~0" : "~1";
            } else {
                out += c;
            }
        }
        return out;
    }

    std::string at_;
    std::string problem_;
};

unexpected no_facts(const std::string &file, const std::string &what) {
    return fail(make_error(error_kind::invalid_argument, file + " holds no facts: " + what)
                    .about(file)
                    .advise("give a file that `kvmig check --save-facts` wrote"));
}

} // namespace

std::string facts_text(const precheck::facts &all) {
    json out = facts_writer::value(all);
    out["schema"] = facts_schema;
    return out.dump(1, ' ', false, json::error_handler_t::replace) + '\n';
}

expected<precheck::facts> parse_facts(std::string_view text, const std::string &file) {
    json all;
    try {
        all = json::parse(text);
    } catch (const json::exception &problem) {
        return no_facts(file, problem.what());
    }
    const auto schema = all.find("schema"); // the end, of what is no object
    if (schema == all.end() || !schema->is_string()) {
        return no_facts(file, fmt::format("at /schema: not '{}'", facts_schema));
    }
    if (const auto named = schema->get<std::string>(); named != facts_schema) {
        const std::string_view family = facts_schema.substr(0, facts_schema.find('/') + 1);
        const std::string what = fmt::format("at /schema: '{}', not '{}'", named, facts_schema);
        if (!named.starts_with(family)) return no_facts(file, what);
        return fail(
            make_error(error_kind::unsupported, file + " is of another version of kvmig: " + what)
                .about(file)
                .advise("read it with that version, or save the facts anew with this one"));
    }
    facts_reader reader;
    precheck::facts out;
    if (!reader.read(all, out)) return no_facts(file, reader.problem());
    return out;
}

} // namespace kvmig::lab
