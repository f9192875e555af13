#include "access/policy_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse.hpp>
#include <set>
#include <string>
#include <vector>

namespace ac::access {
namespace {

namespace json = boost::json;
using Stop = json::error_code;

// Watches the names of the objects that are open.
struct DuplicateWatch {
    static constexpr std::size_t max_object_size = std::size_t(-1);
    static constexpr std::size_t max_array_size = std::size_t(-1);
    static constexpr std::size_t max_key_size = std::size_t(-1);
    static constexpr std::size_t max_string_size = std::size_t(-1);

    bool on_document_begin(Stop&) { return true; }
    bool on_document_end(Stop&) { return true; }
    bool on_object_begin(Stop&) { return names_.emplace_back(), true; }
    bool on_object_end(std::size_t, Stop&) { return names_.pop_back(), true; }
    bool on_array_begin(Stop&) { return true; }
    bool on_array_end(std::size_t, Stop&) { return true; }
    bool on_key_part(json::string_view part, std::size_t, Stop&) {
        key_.append(part.data(), part.size());
        return true;
    }
    bool on_key(json::string_view part, std::size_t, Stop& stop) {
        key_.append(part.data(), part.size());
        if (!names_.back().insert(key_).second) {
            twice = key_;
            stop = json::error::exception;
            return false;
        }
        key_.clear();
        return true;
    }
    bool on_string_part(json::string_view, std::size_t, Stop&) { return true; }
    bool on_string(json::string_view, std::size_t, Stop&) { return true; }
    bool on_number_part(json::string_view, Stop&) { return true; }
    bool on_int64(std::int64_t, json::string_view, Stop&) { return true; }
    bool on_uint64(std::uint64_t, json::string_view, Stop&) { return true; }
    bool on_double(double, json::string_view, Stop&) { return true; }
    bool on_bool(bool, Stop&) { return true; }
    bool on_null(Stop&) { return true; }
    bool on_comment_part(json::string_view, Stop&) { return true; }
    bool on_comment(json::string_view, Stop&) { return true; }

    std::string twice;

  private:
    std::vector<std::set<std::string>> names_;
    std::string key_;
};

Error malformed(std::string message) {
    return {.code = ErrorCode::invalid_argument,
            .message = std::move(message),
            .reason = "MalformedPolicyDocument"};
}

std::string place_of(std::string_view text, std::size_t offset) {
    const std::string_view before = text.substr(0, std::min(offset, text.size()));
    const auto line = std::ranges::count(before, '\n') + 1;
    const auto start = before.rfind('\n');
    const auto column = before.size() - (start == std::string_view::npos ? 0 : start + 1) + 1;
    return fmt::format("line {}, column {}", line, column);
}

}  // namespace

Result<json::value> parse_policy_json(std::string_view text) {
    json::parse_options options;
    options.max_depth = kPolicyDepthMax;
    json::basic_parser<DuplicateWatch> watch(options);
    Stop stop;
    const std::size_t read = watch.write_some(false, text.data(), text.size(), stop);
    if (!watch.handler().twice.empty())
        return fail(malformed(fmt::format("Syntax errors in policy: {} is given twice at {}",
                                          watch.handler().twice, place_of(text, read))));
    const auto rest = text.substr(std::min(read, text.size()));
    if (!stop && rest.find_first_not_of(" \t\r\n") != std::string_view::npos)
        stop = json::error::extra_data;
    if (stop)
        return fail(malformed(fmt::format("Syntax errors in policy: {} at {}", stop.message(),
                                          place_of(text, read))));
    json::value value = json::parse(text, stop, {}, options);
    if (stop) return fail(malformed("Syntax errors in policy: " + stop.message()));
    return value;
}

}  // namespace ac::access
