#include "cli/command/memory_input.h"

#include <fmt/format.h>

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "base/encoding.h"

namespace ac::cli {
namespace {

namespace json = boost::json;

struct ShortName {
    std::string_view name;
    std::string_view member;  // of the API's MemoryStrategyInput
};

constexpr std::array<ShortName, 4> kShortNames = {{
    {"semantic", "semanticMemoryStrategy"},
    {"summary", "summaryMemoryStrategy"},
    {"user_preference", "userPreferenceMemoryStrategy"},
    {"episodic", "episodicMemoryStrategy"},
}};

Expected<json::object> strategy_named(std::string_view name) {
    for (const auto& known : kShortNames) {
        if (known.name != name) continue;
        json::object strategy;
        strategy[known.member] = json::object{{"name", known.name}};
        return strategy;
    }
    return failed(ExitCode::usage, fmt::format("there is no strategy {}", name),
                  "Strategies: semantic, summary, user_preference, episodic; or a JSON array.");
}

}  // namespace

Expected<json::array> parse_strategies(std::string_view text) {
    text = trim(text);
    if (text.starts_with('[')) {
        boost::system::error_code error;
        auto parsed = json::parse(text, error);
        if (error) return failed(ExitCode::usage, "--strategies is not JSON: " + error.message());
        return std::move(parsed.as_array());
    }
    json::array out;
    while (!text.empty()) {
        const auto comma = text.find(',');
        AC_TRY(auto strategy, strategy_named(trim(text.substr(0, comma))));
        out.emplace_back(std::move(strategy));
        if (comma == std::string_view::npos) break;
        text.remove_prefix(comma + 1);
    }
    return out;
}

}  // namespace ac::cli
