#pragma once
// Times as protocols write them. Parsing is strict: a text that is not such a time is nullopt.

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace ac {

std::string to_rfc3339(WallTime time);    // 2026-01-02T03:04:05.678Z
std::string to_amz_date(WallTime time);   // 20260102T030405Z (SigV4)
std::string to_http_date(WallTime time);  // Fri, 02 Jan 2026 03:04:05 GMT (RFC 9110 5.6.7)

std::optional<WallTime> from_rfc3339(std::string_view text);
std::optional<WallTime> from_amz_date(std::string_view text);
std::optional<WallTime> from_http_date(std::string_view text);

}  // namespace ac
