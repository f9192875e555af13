#include "wire/loose_json.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/encoding.h"
#include "wire/converse_input.h"
#include "wire/json_members.h"

namespace ac::wire {

namespace json = boost::json;

Result<LooseObject> LooseObject::from(const json::value& value, std::string path) {
    const auto* object = value.if_object();
    if (object == nullptr) return bad_member(path, path + ": must be an object");
    return LooseObject(*object, std::move(path));
}

std::string LooseObject::path_of(std::string_view member) const {
    if (member.empty()) return path_;
    return path_.empty() ? std::string(member) : fmt::format("{}.{}", path_, member);
}

const json::value* LooseObject::find(std::string_view name) const {
    return member_in(object_, name);
}

std::unexpected<Error> LooseObject::bad(std::string_view member, std::string_view message) const {
    std::string where = path_of(member);
    auto text = fmt::format("{}: {}", where, message);
    return bad_member(std::move(where), std::move(text));
}

Result<std::string> LooseObject::text(std::string_view name) const {
    const auto* value = find(name);
    if (value == nullptr) return bad(name, "field required");
    if (!value->is_string()) return bad(name, "must be a string");
    return to_text(value->get_string());
}

Result<std::string> LooseObject::text_or(std::string_view name, std::string fallback) const {
    if (find(name) == nullptr) return fallback;
    return text(name);
}

Result<std::string> LooseObject::choice(std::string_view name,
                                        std::initializer_list<std::string_view> choices,
                                        std::string_view fallback) const {
    if (!fallback.empty() && find(name) == nullptr) return std::string(fallback);
    AC_TRY(std::string given, text(name));
    if (std::ranges::find(choices, std::string_view(given)) == choices.end())
        return bad(name, fmt::format("must be one of: {}", fmt::join(choices, ", ")));
    return given;
}

Result<std::optional<double>> LooseObject::number(std::string_view name, double min,
                                                  double max) const {
    const auto* value = find(name);
    if (value == nullptr) return std::optional<double>();
    if (!value->is_number()) return bad(name, "must be a number");
    const double number = value->to_number<double>();
    if (number < min || number > max)
        return bad(name, fmt::format("must be from {} to {}", min, max));
    return std::optional(number);
}

Result<std::optional<std::int64_t>> LooseObject::integer(std::string_view name, std::int64_t min,
                                                         std::int64_t max) const {
    const auto* value = find(name);
    if (value == nullptr) return std::optional<std::int64_t>();
    json::error_code error;
    const auto number = value->to_number<std::int64_t>(error);
    if (error) return bad(name, "must be an integer");
    if (number < min || number > max)
        return bad(name, fmt::format("must be from {} to {}", min, max));
    return std::optional(number);
}

Result<bool> LooseObject::flag(std::string_view name, bool fallback) const {
    const auto* value = find(name);
    if (value == nullptr) return fallback;
    if (!value->is_bool()) return bad(name, "must be true or false");
    return value->get_bool();
}

Result<const json::array*> LooseObject::list(std::string_view name) const {
    const auto* value = find(name);
    if (value == nullptr) return nullptr;
    if (!value->is_array()) return bad(name, "must be a list");
    return &value->get_array();
}

Result<std::optional<LooseObject>> LooseObject::object(std::string_view name) const {
    const auto* value = find(name);
    if (value == nullptr) return std::optional<LooseObject>();
    AC_TRY(auto inner, from(*value, path_of(name)));
    return std::optional<LooseObject>(std::move(inner));
}

Result<LooseObject> LooseObject::need_object(std::string_view name) const {
    const auto* value = find(name);
    if (value == nullptr) return bad(name, "field required");
    return from(*value, path_of(name));
}

Result<std::vector<std::string>> LooseObject::texts(std::string_view name) const {
    std::vector<std::string> out;
    const auto* value = find(name);
    if (value == nullptr) return out;
    if (value->is_string()) {
        out.push_back(to_text(value->get_string()));
        return out;
    }
    if (!value->is_array()) return bad(name, "must be a list of strings");
    for (const json::value& item : value->get_array()) {
        if (!item.is_string()) return bad(name, "must be a list of strings");
        out.push_back(to_text(item.get_string()));
    }
    return out;
}

Result<std::string> LooseObject::bytes(std::string_view name) const {
    AC_TRY(const std::string encoded, text(name));
    auto decoded = from_base64(encoded);
    if (!decoded || decoded->empty()) return bad(name, "must be base64");
    return *std::move(decoded);
}

}  // namespace ac::wire
