#include "wire/form.h"

#include "base/encoding.h"

namespace ac::wire {
namespace {

constexpr std::size_t kParametersMax = 64;

std::unexpected<Error> invalid(std::string message) {
    return fail({.code = ErrorCode::invalid_argument,
                 .message = std::move(message),
                 .reason = "invalid_request"});
}

}  // namespace

Result<std::map<std::string, std::string, std::less<>>> parse_form(std::string_view text) {
    std::map<std::string, std::string, std::less<>> out;
    while (!text.empty()) {
        const auto end = std::min(text.find('&'), text.size());
        const std::string_view pair = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (pair.empty()) continue;
        const auto equals = std::min(pair.find('='), pair.size());
        const auto name = percent_decode(pair.substr(0, equals), true);
        const auto value = percent_decode(pair.substr(std::min(equals + 1, pair.size())), true);
        if (!name || !value || !is_valid_utf8(*name) || !is_valid_utf8(*value) ||
            value->find('\0') != std::string::npos)
            return invalid("the parameters are not form-urlencoded UTF-8");
        if (value->empty()) continue;
        if (!out.emplace(*name, *value).second) return invalid("a parameter is given twice");
        if (out.size() > kParametersMax) return invalid("there are too many parameters");
    }
    return out;
}

}  // namespace ac::wire
