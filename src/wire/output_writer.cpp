#include "wire/output_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <iterator>

#include "base/encoding.h"
#include "base/log.h"
#include "base/time_text.h"

namespace ac::wire {
namespace {

namespace json = boost::json;

std::string_view view(const json::string& text) {
    return {text.data(), text.size()};
}

// What is no UTF-8 (output of a guest, say) becomes U+FFFD: one broken byte must not make a whole
// answer unreadable.
std::string repaired(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        std::size_t length = 1;
        while (length <= 4 && !is_valid_utf8(text.substr(0, length))) ++length;
        if (length > 4) {
            out += "\xef\xbf\xbd";
            text.remove_prefix(1);
        } else {
            const std::size_t taken = std::min(length, text.size());
            out += text.substr(0, taken);
            text.remove_prefix(taken);
        }
    }
    return out;
}

void append_quoted(std::string& out, std::string_view text) {
    if (!is_valid_utf8(text)) return append_quoted(out, repaired(text));
    out += '"';
    for (const char c : text) {
        switch (c) {
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            default:
                if (static_cast<unsigned char>(c) < 0x20) {
                    fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<int>(c));
                } else {
                    out += c;
                }
        }
    }
    out += '"';
}

// Seconds with as many decimals as there are.
std::string epoch_text(std::int64_t ms) {
    const std::int64_t rest = std::abs(ms % 1000);
    std::string text = fmt::format("{}{}", ms < 0 ? "-" : "", std::abs(ms / 1000));
    if (rest != 0) {
        text += fmt::format(".{:03}", rest);
        while (text.ends_with('0')) text.pop_back();
    }
    return text;
}

std::string time_text(std::int64_t ms, TimeFormat format) {
    switch (format) {
        case TimeFormat::epoch_seconds:
            return epoch_text(ms);
        case TimeFormat::date_time:
            return to_rfc3339(from_epoch_ms(ms));
        case TimeFormat::http_date:
            return to_http_date(from_epoch_ms(ms));
    }
    return {};
}

class Writer final {
  public:
    explicit Writer(const Relaxations& relaxations) : relaxations_(relaxations) {}

    void structure(const Shape& shape, const json::object& object) {
        text += '{';
        bool first = true;
        for (const Member& member : shape.members) {
            if (member.location != Location::body) continue;
            const json::value* value = object.if_contains(member.name);
            if (value == nullptr || value->is_null()) continue;
            const std::size_t before = text.size();
            begin_member(member.location_name, first);
            if (write(*member.shape, *value, member.time_format)) {
                first = false;
            } else {
                text.resize(before);
                misfit(shape, member.name);
            }
        }
        if (relaxations_.keeps_unknown_members(shape)) unknown_members(shape, object, first);
        text += '}';
    }

    // False: the value is not of the shape's kind, and what was written is to be dropped.
    bool write(const Shape& shape, const json::value& value, TimeFormat format) {
        switch (shape.kind) {
            case Kind::structure:
            case Kind::union_:
            case Kind::event_stream:
                if (!value.is_object()) return false;
                structure(shape, value.get_object());
                return true;
            case Kind::list:
                return list(shape, value);
            case Kind::map:
                return map(shape, value);
            case Kind::document:
                text += json::serialize(value);
                return true;
            default:
                return scalar(shape, value, format);
        }
    }

    std::string text;

  private:
    void begin_member(std::string_view name, bool first) {
        if (!first) text += ',';
        append_quoted(text, name);
        text += ':';
    }

    void unknown_members(const Shape& shape, const json::object& object, bool first) {
        for (const auto& [name, value] : object) {
            if (std::ranges::find(shape.members, std::string_view(name), &Member::name) !=
                shape.members.end())
                continue;
            begin_member(name, first);
            text += json::serialize(value);
            first = false;
        }
    }

    bool list(const Shape& shape, const json::value& value) {
        if (!value.is_array()) return false;
        text += '[';
        bool first = true;
        for (const json::value& element : value.get_array()) {
            if (element.is_null()) continue;
            if (!first) text += ',';
            first = false;
            if (!write(*shape.element, element, TimeFormat::epoch_seconds)) return false;
        }
        text += ']';
        return true;
    }

    bool map(const Shape& shape, const json::value& value) {
        if (!value.is_object()) return false;
        text += '{';
        bool first = true;
        for (const auto& [key, element] : value.get_object()) {
            if (element.is_null()) continue;
            begin_member(key, first);
            first = false;
            if (!write(*shape.element, element, TimeFormat::epoch_seconds)) return false;
        }
        text += '}';
        return true;
    }

    bool scalar(const Shape& shape, const json::value& value, TimeFormat format) {
        switch (shape.kind) {
            case Kind::string:
                if (!value.is_string()) return false;
                append_quoted(text, view(value.get_string()));
                return true;
            case Kind::blob:
                if (!value.is_string()) return false;
                text += '"' + to_base64(view(value.get_string())) + '"';
                return true;
            case Kind::boolean:
                if (!value.is_bool()) return false;
                text += value.get_bool() ? "true" : "false";
                return true;
            case Kind::timestamp: {
                if (!value.is_int64()) return false;
                const std::string time = time_text(value.get_int64(), format);
                text += format == TimeFormat::epoch_seconds ? time : '"' + time + '"';
                return true;
            }
            case Kind::integer:
            case Kind::long_:
                if (!value.is_int64() && !value.is_uint64()) return false;
                text += json::serialize(value);
                return true;
            default:
                return number(value);
        }
    }

    bool number(const json::value& value) {
        if (!value.is_number()) return false;
        if (!value.is_double()) {
            text += json::serialize(value);
        } else if (std::isfinite(value.get_double())) {
            text += fmt::format("{}", value.get_double());
        } else {  // restJson1 writes these as strings
            const double d = value.get_double();
            text += std::isnan(d) ? "\"NaN\"" : d > 0 ? "\"Infinity\"" : "\"-Infinity\"";
        }
        return true;
    }

    static void misfit(const Shape& shape, std::string_view member) {
        AC_LOG(error, "output member left out: its value does not fit the model",
               {"shape", shape.name}, {"member", member});
    }

    const Relaxations& relaxations_;
};

// A value as a header; nullopt when it does not fit.
std::optional<std::string> header_text(const Member& member, const json::value& value) {
    if (const auto* text = value.if_string()) {
        const bool clean = std::ranges::none_of(
            view(*text), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
        return clean ? std::optional(std::string(view(*text))) : std::nullopt;
    }
    if (member.shape->kind == Kind::timestamp && value.is_int64())
        return time_text(value.get_int64(), member.time_format);
    if (value.is_bool() || value.is_number()) return json::serialize(value);
    return std::nullopt;
}

void write_header(const Member& member, const json::value& value, net::Headers& headers) {
    if (auto text = header_text(member, value)) {
        headers.set(member.location_name, *std::move(text));
    } else {
        AC_LOG(error, "output header left out: its value does not fit", {"member", member.name});
    }
}

void write_payload(const Member& member, const json::value& value, Writer& writer) {
    const Kind kind = member.shape->kind;
    if ((kind == Kind::blob || kind == Kind::string) && value.is_string()) {
        writer.text = view(value.get_string());
    } else if (!writer.write(*member.shape, value, member.time_format)) {
        AC_LOG(error, "output payload left out: its value does not fit", {"member", member.name});
        writer.text.clear();
    }
}

}  // namespace

std::string write_structure(const Shape& shape, const json::object& value,
                            const Relaxations& relaxations) {
    Writer writer(relaxations);
    writer.structure(shape, value);
    return std::move(writer.text);
}

net::Response write_output(const OperationSpec& operation, const json::object& output,
                           const Relaxations& relaxations) {
    net::Response response{.status = operation.status, .headers = {}, .body = {}};
    Writer writer(relaxations);
    bool has_payload = false;
    std::string_view content_type = "application/json";
    for (const Member& member : operation.output->members) {
        if (member.location == Location::payload) {
            has_payload = true;
            if (member.shape->kind == Kind::blob) content_type = "application/octet-stream";
        }
        const json::value* value = output.if_contains(member.name);
        if (value == nullptr || value->is_null()) continue;
        if (member.location == Location::status_code && value->is_int64())
            response.status = static_cast<int>(value->get_int64());
        if (member.location == Location::header) write_header(member, *value, response.headers);
        if (member.location == Location::payload) write_payload(member, *value, writer);
    }
    if (response.status == 204) return response;
    if (!has_payload) writer.structure(*operation.output, output);
    if (!response.headers.contains("Content-Type"))
        response.headers.set("Content-Type", std::string(content_type));
    response.body = std::move(writer.text);
    return response;
}

}  // namespace ac::wire
