#include "wire/validator.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/encoding.h"
#include "base/time_text.h"
#include "wire/limits.h"

namespace ac::wire {
namespace {

constexpr std::int64_t kTimestampMsMin = -62'135'596'800'000;  // 0001-01-01
constexpr std::int64_t kTimestampMsMax = 253'402'300'799'999;  // 9999-12-31

std::string_view wanted_text(Kind kind) {
    switch (kind) {
        case Kind::structure:
        case Kind::union_:
        case Kind::event_stream:
        case Kind::map:
            return "an object";
        case Kind::list:
            return "a list";
        case Kind::string:
            return "a string";
        case Kind::integer:
            return "a 32-bit integer";
        case Kind::long_:
            return "a 64-bit integer";
        case Kind::float_:
        case Kind::double_:
            return "a number";
        case Kind::boolean:
            return "a boolean";
        case Kind::timestamp:
            return "a timestamp";
        case Kind::blob:
            return "a base64 string";
        case Kind::document:
            return "a JSON value";
    }
    return "a value";
}

template <class T>
std::optional<T> read_number(std::string_view text) {
    T number{};
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    if (text.empty() || read.ec != std::errc{} || read.ptr != end) return std::nullopt;
    return number;
}

std::optional<std::int64_t> as_int64(const json::value& value) {
    if (const auto* i = value.if_int64()) return *i;
    if (const auto* u = value.if_uint64())
        return *u <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())
                   ? std::optional(static_cast<std::int64_t>(*u))
                   : std::nullopt;
    const auto* d = value.if_double();  // 1.0 and 1e3 are integers too
    if (d == nullptr || std::trunc(*d) != *d || std::abs(*d) > 0x1p63) return std::nullopt;
    return *d < 0x1p63 ? std::optional(static_cast<std::int64_t>(*d)) : std::nullopt;
}

std::optional<double> as_double(const json::value& value) {
    if (const auto* d = value.if_double()) return *d;
    if (const auto* i = value.if_int64()) return static_cast<double>(*i);
    if (const auto* u = value.if_uint64()) return static_cast<double>(*u);
    return std::nullopt;
}

std::string bound_text(double bound) {
    return fmt::format("{}", bound);
}

}  // namespace

std::string ValuePath::spell() const {
    std::string here = name.empty() ? std::to_string(index) : std::string(name);
    return parent ? parent->spell() + "." + here : here;
}

std::size_t count_code_points(std::string_view utf8) {
    return static_cast<std::size_t>(
        std::ranges::count_if(utf8, [](char c) { return (c & 0xc0) != 0x80; }));
}

std::optional<std::int64_t> timestamp_ms(const json::value& value) {
    double ms = 0;
    if (const auto* text = value.if_string()) {
        const std::string_view view(text->data(), text->size());
        auto time = from_rfc3339(view);
        if (!time) time = from_http_date(view);
        if (time) return to_epoch_ms(*time);
        const auto seconds = read_number<double>(view);
        if (!seconds) return std::nullopt;
        ms = *seconds * 1000;
    } else if (const auto seconds = as_double(value)) {
        ms = *seconds * 1000;
    } else {
        return std::nullopt;
    }
    if (!(ms >= static_cast<double>(kTimestampMsMin) && ms <= static_cast<double>(kTimestampMsMax)))
        return std::nullopt;
    return std::llround(ms);
}

void Validator::wrong_type(const ValuePath& path, std::string_view wanted) {
    cannot_parse_ = true;
    violation(path, fmt::format("Member must be {}", wanted));
}

void Validator::violation(const ValuePath& path, std::string constraint) {
    if (++count_ > kViolationsMax) return;
    fields_.push_back({.path = path.spell(), .message = std::move(constraint)});
}

Error Validator::error() && {
    std::string message =
        fmt::format("{} validation error{} detected: ", count_, count_ == 1 ? "" : "s");
    for (std::size_t i = 0; i < fields_.size(); ++i)
        message += fmt::format("{}Value at '{}' failed to satisfy constraint: {}", i ? "; " : "",
                               fields_[i].path, fields_[i].message);
    return {.code = ErrorCode::invalid_argument,
            .message = std::move(message),
            .reason = cannot_parse_ ? "CannotParse" : "FieldValidationFailed",
            .fields = std::move(fields_)};
}

void Validator::absent(const Member& member, json::object& out, const ValuePath* parent) {
    if (member.required) {
        const ValuePath path{.parent = parent, .name = member.name};
        violation(path, "Member must not be null");
    } else if (member.idempotency_token) {
        out.emplace(member.name, random_uuid(random_));
    }
}

void Validator::check(const Member& member, json::value& value, const ValuePath& path) {
    check_value(*member.shape, value, path);
}

void Validator::check_value(const Shape& given, json::value& value, const ValuePath& path) {
    const Shape& shape = relaxations_.effective(given);
    switch (shape.kind) {
        case Kind::structure:
        case Kind::union_:
        case Kind::event_stream:
            return check_structure(shape, value, path);
        case Kind::list:
            return check_list(shape, value, path);
        case Kind::map:
            return check_map(shape, value, path);
        case Kind::string:
            if (!value.is_string()) return wrong_type(path, wanted_text(shape.kind));
            return check_string(shape, {value.get_string().data(), value.get_string().size()},
                                path);
        case Kind::integer:
        case Kind::long_:
            return check_integer(shape, value, path);
        case Kind::float_:
        case Kind::double_:
            return check_number(shape, value, path);
        case Kind::boolean:
            if (!value.is_bool()) wrong_type(path, wanted_text(shape.kind));
            return;
        case Kind::timestamp:
            if (const auto ms = timestamp_ms(value)) {
                value = *ms;
            } else {
                wrong_type(path, wanted_text(shape.kind));
            }
            return;
        case Kind::blob:
            return check_blob(shape, value, path);
        case Kind::document:
            return;
    }
}

void Validator::check_members(const Shape& structure, json::object& in, json::object& out,
                              const ValuePath* path) {
    for (const Member& member : structure.members) {
        if (member.location != Location::body) continue;
        json::value* value = in.if_contains(member.location_name);
        if (value == nullptr || value->is_null()) {
            absent(member, out, path);
            continue;
        }
        const ValuePath here{.parent = path, .name = member.name};
        check(member, *value, here);
        out.emplace(member.name, std::move(*value));
    }
}

void Validator::check_structure(const Shape& shape, json::value& value, const ValuePath& path) {
    json::object* in = value.if_object();
    if (in == nullptr) return wrong_type(path, wanted_text(shape.kind));
    json::object out;
    out.reserve(std::min(in->size(), shape.members.size()) + 1);
    check_members(shape, *in, out, &path);
    if (shape.kind == Kind::union_ && out.size() != 1)
        violation(path, "Member must have exactly one of its members set");
    if (relaxations_.keeps_unknown_members(shape)) {
        for (auto& [name, member] : *in)
            if (std::ranges::find(shape.members, std::string_view(name), &Member::location_name) ==
                shape.members.end())
                out.emplace(name, std::move(member));
    }
    value = std::move(out);
}

void Validator::check_list(const Shape& shape, json::value& value, const ValuePath& path) {
    json::array* list = value.if_array();
    if (list == nullptr) return wrong_type(path, wanted_text(shape.kind));
    check_size(shape, list->size(), path);
    for (std::size_t i = 0; i < list->size() && count_ <= kViolationsMax; ++i) {
        const ValuePath here{.parent = &path, .name = {}, .index = i};
        if ((*list)[i].is_null()) {
            violation(here, "Member must not be null");
        } else {
            check_value(*shape.element, (*list)[i], here);
        }
    }
}

void Validator::check_map(const Shape& shape, json::value& value, const ValuePath& path) {
    json::object* map = value.if_object();
    if (map == nullptr) return wrong_type(path, wanted_text(shape.kind));
    check_size(shape, map->size(), path);
    for (auto& [key, element] : *map) {
        if (count_ > kViolationsMax) return;
        const std::string_view name = key;
        const ValuePath here{.parent = &path, .name = name.empty() ? "''" : name};
        check_string(relaxations_.effective(*shape.key), key, here);
        if (element.is_null()) {
            violation(here, "Member must not be null");
        } else {
            check_value(*shape.element, element, here);
        }
    }
}

void Validator::check_string(const Shape& shape, std::string_view text, const ValuePath& path) {
    if (shape.has_min || shape.has_max) check_size(shape, count_code_points(text), path);
    if (!shape.enum_values.empty() &&
        std::ranges::find(shape.enum_values, text) == shape.enum_values.end())
        violation(path, fmt::format("Member must satisfy enum value set: [{}]",
                                    fmt::join(shape.enum_values, ", ")));
    // A value that is too long anyway is not worth the pattern's work.
    const bool sane = !shape.has_max || static_cast<double>(text.size()) <= shape.max * 4;
    if (!shape.pattern.empty() && sane && !patterns_.matches(shape.pattern, text))
        violation(path,
                  fmt::format("Member must satisfy regular expression pattern: {}", shape.pattern));
}

void Validator::check_integer(const Shape& shape, json::value& value, const ValuePath& path) {
    const auto number = as_int64(value);
    if (!number) return wrong_type(path, wanted_text(shape.kind));
    if (shape.kind == Kind::integer && (*number < std::numeric_limits<std::int32_t>::min() ||
                                        *number > std::numeric_limits<std::int32_t>::max()))
        return wrong_type(path, wanted_text(shape.kind));
    value = *number;
    check_range(shape, static_cast<double>(*number), path);
}

void Validator::check_number(const Shape& shape, json::value& value, const ValuePath& path) {
    const auto number = as_double(value);
    const bool fits = number && (shape.kind == Kind::double_ ||
                                 std::abs(*number) <= std::numeric_limits<float>::max());
    if (!fits) return wrong_type(path, wanted_text(shape.kind));
    value = *number;
    check_range(shape, *number, path);
}

void Validator::check_blob(const Shape& shape, json::value& value, const ValuePath& path) {
    const json::string* text = value.if_string();
    const auto bytes = text ? from_base64({text->data(), text->size()}) : std::nullopt;
    if (!bytes) return wrong_type(path, wanted_text(shape.kind));
    check_size(shape, bytes->size(), path);
    value = *bytes;
}

void Validator::check_size(const Shape& shape, std::size_t size, const ValuePath& path) {
    const auto count = static_cast<double>(size);
    if (shape.has_min && count < shape.min)
        violation(path,
                  "Member must have length greater than or equal to " + bound_text(shape.min));
    if (shape.has_max && count > shape.max)
        violation(path, "Member must have length less than or equal to " + bound_text(shape.max));
}

void Validator::check_range(const Shape& shape, double value, const ValuePath& path) {
    if (shape.has_min && value < shape.min)
        violation(path, "Member must have value greater than or equal to " + bound_text(shape.min));
    if (shape.has_max && value > shape.max)
        violation(path, "Member must have value less than or equal to " + bound_text(shape.max));
}

std::optional<json::value> Validator::from_text(const Shape& shape, std::string_view text,
                                                const ValuePath& path) {
    std::optional<json::value> value;
    if (!is_valid_utf8(text)) {
        wrong_type(path, "valid UTF-8");
        return std::nullopt;
    }
    switch (relaxations_.effective(shape).kind) {
        case Kind::integer:
        case Kind::long_:
            if (const auto number = read_number<std::int64_t>(text)) value = *number;
            break;
        case Kind::float_:
        case Kind::double_:
            if (const auto number = read_number<double>(text)) value = *number;
            break;
        case Kind::boolean:
            if (text == "true" || text == "false") value = text == "true";
            break;
        default:
            value = json::value(text);
            break;
    }
    if (!value) {
        wrong_type(path, wanted_text(shape.kind));
        return std::nullopt;
    }
    check_value(shape, *value, path);
    return value;
}

}  // namespace ac::wire
