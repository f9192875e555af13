#include "wire/query.h"

#include <algorithm>

#include "base/encoding.h"

namespace ac::wire {

Result<std::vector<QueryParameter>> parse_query(std::string_view query) {
    std::vector<QueryParameter> out;
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), pair.size() + 1));
        if (pair.empty()) continue;
        const auto equals = pair.find('=');
        auto name = percent_decode(pair.substr(0, equals));
        auto value =
            percent_decode(equals == std::string_view::npos ? "" : pair.substr(equals + 1));
        if (!name || !value || !is_valid_utf8(*name) || !is_valid_utf8(*value))
            return fail(Error{.code = ErrorCode::invalid_argument,
                              .message = "The query string is not percent-encoded UTF-8",
                              .reason = "CannotParse"});
        out.push_back({*std::move(name), *std::move(value)});
    }
    return out;
}

}  // namespace ac::wire
