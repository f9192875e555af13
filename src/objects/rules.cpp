#include "objects/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "objects/limits.h"

namespace ac::objects::rules {
namespace {

namespace json = boost::json;

bool is_lower_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool looks_like_ip_address(std::string_view name) {
    return std::ranges::count(name, '.') == 3 &&
           name.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace

Result<> check_bucket_name(std::string_view name) {
    const bool valid = name.size() >= 3 && name.size() <= 63 &&
                       is_lower_alphanumeric(name.front()) && is_lower_alphanumeric(name.back()) &&
                       name.find("..") == std::string_view::npos && !looks_like_ip_address(name) &&
                       !name.starts_with("xn--") && std::ranges::all_of(name, [](char c) {
                           return is_lower_alphanumeric(c) || c == '-' || c == '.';
                       });
    if (!valid)
        return refuse(ErrorCode::invalid_argument, reason::kInvalidBucketName,
                      "The specified bucket is not valid.");
    return {};
}

Result<> check_key(std::string_view key) {
    if (key.size() > kKeyBytesMax)
        return refuse(ErrorCode::invalid_argument, reason::kKeyTooLong, "Your key is too long");
    if (key.empty() || !is_valid_utf8(key))
        return refuse(ErrorCode::invalid_argument, reason::kInvalidArgument,
                      "A key is 1 to 1024 bytes of UTF-8.");
    return {};
}

Result<> check_attributes(const Attributes& attributes) {
    std::size_t user_bytes = 0;
    for (const auto& [name, value] : attributes) {
        if (!is_valid_utf8(name) || !is_valid_utf8(value))
            return refuse(ErrorCode::invalid_argument, reason::kInvalidArgument,
                          fmt::format("Header {} is not UTF-8.", percent_encode(name)));
        if (name.starts_with("x-amz-meta-")) user_bytes += name.size() + value.size() - 11;
    }
    if (user_bytes > kMetadataBytesMax)
        return refuse(ErrorCode::invalid_argument, reason::kMetadataTooLarge,
                      "Your metadata headers exceed the maximum allowed metadata size");
    return {};
}

std::string after_prefix(std::string_view prefix) {
    std::string after(prefix);
    while (!after.empty() && static_cast<unsigned char>(after.back()) == 0xff) after.pop_back();
    if (!after.empty())
        after.back() = static_cast<char>(static_cast<unsigned char>(after.back()) + 1);
    return after;
}

std::optional<std::string> multipart_etag(const std::vector<std::string>& part_etags) {
    std::string digests;
    for (const std::string& etag : part_etags) {
        const auto digest = from_hex(etag);
        if (!digest || digest->size() != 16) return std::nullopt;
        digests += *digest;
    }
    return fmt::format("{}-{}", md5_hex(digests), part_etags.size());
}

std::string to_token(const Cursor& cursor) {
    return to_base64url((cursor.exclusive ? "k" : "p") + cursor.from);
}

std::optional<Cursor> from_token(std::string_view token) {
    auto text = from_base64url(token);
    if (!text || text->empty()) return std::nullopt;
    const char kind = text->front();
    if (kind != 'k' && kind != 'p') return std::nullopt;
    return Cursor{.from = text->substr(1), .exclusive = kind == 'k'};
}

Result<Cursor> start_of(const ListOptions& options) {
    if (!options.token.empty()) {
        auto cursor = from_token(options.token);
        if (!cursor)
            return refuse(ErrorCode::invalid_argument, reason::kInvalidArgument,
                          "The continuation token provided is incorrect");
        return *std::move(cursor);
    }
    // A marker that is itself a common prefix stands for all keys under it.
    const auto prefix = common_prefix(options.start_after, options.prefix, options.delimiter);
    if (!prefix.empty() && prefix == options.start_after)
        return Cursor{.from = after_prefix(prefix), .exclusive = false};
    return Cursor{.from = options.start_after, .exclusive = true};
}

std::string_view common_prefix(std::string_view key, std::string_view prefix,
                               std::string_view delimiter) {
    if (delimiter.empty() || !key.starts_with(prefix)) return {};
    const std::size_t at = key.find(delimiter, prefix.size());
    return at == std::string_view::npos ? std::string_view() : key.substr(0, at + delimiter.size());
}

std::string attributes_to_text(const Attributes& attributes) {
    json::array list;
    for (const auto& [name, value] : attributes) {
        list.emplace_back(name);
        list.emplace_back(value);
    }
    return json::serialize(list);
}

Attributes attributes_from_text(std::string_view text) {
    Attributes attributes;
    const json::array list = json::parse(json::string_view(text.data(), text.size())).as_array();
    for (std::size_t i = 0; i + 1 < list.size(); i += 2)
        attributes.emplace_back(list[i].as_string().c_str(), list[i + 1].as_string().c_str());
    return attributes;
}

}  // namespace ac::objects::rules
