#include <algorithm>

#include "oci/registry.h"

namespace ac::oci {
namespace {

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return out;
}

void skip_any(std::string_view& text, std::string_view of) {
    const auto from = text.find_first_not_of(of);
    text.remove_prefix(from == text.npos ? text.size() : from);
}

// A quoted string (RFC 9110 5.6.4) or a token, taken off `text`.
std::string take_value(std::string_view& text) {
    std::string out;
    if (!text.starts_with('"')) {
        const auto end = std::min(text.find_first_of(", \t"), text.size());
        out = text.substr(0, end);
        text.remove_prefix(end);
        return out;
    }
    text.remove_prefix(1);
    while (!text.empty() && text.front() != '"') {
        if (text.front() == '\\' && text.size() > 1) text.remove_prefix(1);
        out += text.front();
        text.remove_prefix(1);
    }
    if (!text.empty()) text.remove_prefix(1);
    return out;
}

}  // namespace

std::optional<Challenge> parse_challenge(std::string_view field) {
    skip_any(field, " \t");
    const auto space = std::min(field.find_first_of(" \t"), field.size());
    Challenge out{.scheme = lower(field.substr(0, space))};
    if (out.scheme.empty()) return std::nullopt;
    field.remove_prefix(space);
    while (true) {
        skip_any(field, ", \t");
        const auto equals = field.find('=');
        if (equals == field.npos) return out;
        const std::string name = lower(field.substr(0, equals));
        field.remove_prefix(equals + 1);
        std::string value = take_value(field);
        if (name == "realm") out.realm = std::move(value);
        if (name == "service") out.service = std::move(value);
        if (name == "scope") out.scope = std::move(value);
    }
}

}  // namespace ac::oci
