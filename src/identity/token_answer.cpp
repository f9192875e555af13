#include "identity/token_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <charconv>

#include "base/encoding.h"
#include "crypto/wipe.h"

namespace ac::identity {
namespace {

namespace json = boost::json;

constexpr std::size_t kTokenBytesMax = 131'072;  // API model
constexpr std::size_t kErrorCodeMax = 64;
constexpr std::size_t kScopeBytesMax = 8 * 1024;
constexpr std::int64_t kLifeMax = 10LL * 365 * 24 * 3600;

std::unexpected<Error> no_token(std::string_view why) {
    return fail(ErrorCode::unavailable,
                fmt::format("The authorization server's answer is no token: {}", why));
}

json::object form_object(std::string_view body) {
    json::object out;
    while (!body.empty()) {
        const auto end = std::min(body.find('&'), body.size());
        const std::string_view pair = body.substr(0, end);
        body.remove_prefix(std::min(end + 1, body.size()));
        const auto equals = pair.find('=');
        if (equals == std::string_view::npos) continue;
        const auto name = percent_decode(pair.substr(0, equals), true);
        const auto value = percent_decode(pair.substr(equals + 1), true);
        if (name && value) out.emplace(*name, *value);
    }
    return out;
}

std::optional<json::object> object_of(const net::Response& response) {
    const std::string type = to_lower(response.headers.get("Content-Type"));
    if (type.starts_with("application/x-www-form-urlencoded")) return form_object(response.body);
    boost::system::error_code error;
    auto parsed = json::parse(response.body, error);
    if (error || !parsed.is_object()) return std::nullopt;
    return std::move(parsed.as_object());
}

std::string_view text_in(const json::object& object, std::string_view name) {
    const auto* const value = object.if_contains(name);
    return value && value->is_string() ? std::string_view(value->as_string()) : std::string_view();
}

// The code alone, and only if it looks like one: descriptions may quote what was sent.
std::string error_code(const json::object& object) {
    const std::string_view code = text_in(object, "error");
    if (code.empty() || code.size() > kErrorCodeMax) return {};
    const bool plain = std::ranges::all_of(code, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
    });
    return plain ? std::string(code) : "an error without a name";
}

std::optional<Seconds> life_of(const json::object& object) {
    const auto* const value = object.if_contains("expires_in");
    if (!value) return std::nullopt;
    std::int64_t seconds = 0;
    if (value->is_int64()) {
        seconds = value->as_int64();
    } else if (value->is_double()) {
        const double given = value->as_double();
        if (!(given > 0 && given < static_cast<double>(kLifeMax))) return std::nullopt;
        seconds = static_cast<std::int64_t>(given);
    } else if (value->is_string()) {
        const std::string_view text = value->as_string();
        std::from_chars(text.data(), text.data() + text.size(), seconds);
    }
    if (seconds <= 0 || seconds > kLifeMax) return std::nullopt;
    return Seconds{seconds};
}

// One text, or Twitch's list of them.
std::string scope_of(const json::object& object) {
    const auto* const value = object.if_contains("scope");
    if (!value) return {};
    if (value->is_string()) return std::string(value->as_string()).substr(0, kScopeBytesMax);
    std::string out;
    if (const auto* const list = value->if_array()) {
        for (const auto& scope : *list) {
            if (!scope.is_string() || out.size() > kScopeBytesMax) continue;
            if (!out.empty()) out += ' ';
            out += std::string_view(scope.as_string());
        }
    }
    return out;
}

// It will be put into a header by who gets it.
bool is_token(std::string_view text) {
    return !text.empty() && text.size() <= kTokenBytesMax &&
           std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

Result<TokenAnswer> parse_token_answer(const net::Response& response) {
    const StackWipe wiped;
    const auto object = object_of(response);
    if (object) {
        if (std::string code = error_code(*object); !code.empty())
            return fail({.code = ErrorCode::permission_denied,
                         .message = "The authorization server refused: " + code,
                         .reason = code});
    }
    if (response.status != 200)
        return fail(
            response.status >= 500 ? ErrorCode::unavailable : ErrorCode::permission_denied,
            fmt::format("The authorization server answered with status {}", response.status));
    if (!object) return no_token("not a JSON object");
    // Slack gives a user's token beside the application's.
    const json::object* source = &*object;
    if (const auto* const user = object->if_contains("authed_user"))
        if (user->is_object() && user->as_object().contains("access_token"))
            source = &user->as_object();
    const std::string_view token = text_in(*source, "access_token");
    if (!is_token(token)) return no_token("access_token is missing or malformed");
    TokenAnswer answer{.access_token = SecretBytes(token),
                       .refresh_token = {},
                       .expires_in = life_of(*source),
                       .scope = scope_of(*source)};
    if (const std::string_view refresh = text_in(*source, "refresh_token"); !refresh.empty()) {
        if (!is_token(refresh)) return no_token("refresh_token is malformed");
        answer.refresh_token = SecretBytes(refresh);
    }
    return answer;
}

}  // namespace ac::identity
