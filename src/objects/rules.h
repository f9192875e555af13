#pragma once
// What names and attributes may be, and the arithmetic of keys. Pure functions.

#include <string>
#include <string_view>

#include "objects/types.h"

namespace ac::objects::rules {

// S3's rules for general purpose buckets: 3-63 of [a-z0-9.-], no IP address, ...
Result<> check_bucket_name(std::string_view name);
Result<> check_key(std::string_view key);
Result<> check_attributes(const Attributes& attributes);

// The smallest string above every string that begins with `prefix`; empty when there is none.
std::string after_prefix(std::string_view prefix);

// "md5-of-md5s-N"; the etags are hex MD5s. nullopt when one is not.
std::optional<std::string> multipart_etag(const std::vector<std::string>& part_etags);

// Where a listing goes on: above a key, or above everything under a common prefix.
struct Cursor {
    std::string from;       // smallest key that is still to come, or
    bool exclusive = true;  // the last one that is done
};
std::string to_token(const Cursor& cursor);
std::optional<Cursor> from_token(std::string_view token);
Result<Cursor> start_of(const ListOptions& options);

// "photos/2026/" for key "photos/2026/a.jpg", prefix "photos/", delimiter "/"; empty when the key
// holds no delimiter after the prefix.
std::string_view common_prefix(std::string_view key, std::string_view prefix,
                               std::string_view delimiter);

std::string attributes_to_text(const Attributes& attributes);
Attributes attributes_from_text(std::string_view text);

}  // namespace ac::objects::rules
