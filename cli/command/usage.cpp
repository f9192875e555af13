// `agentcore usage`: tokens, time and estimated cost of model calls.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <vector>

#include "base/encoding.h"
#include "cli/command/commands.h"
#include "cli/command/connection.h"
#include "cli/net/services.h"

namespace ac::cli {
namespace {

namespace json = boost::json;

using Line = std::vector<std::string>;

std::string number_at(const json::value& row, std::string_view member) {
    const auto& value = member_at(row, member);
    return value.is_number() ? fmt::format("{}", value.to_number<std::int64_t>()) : "-";
}

Line line_of(const json::value& row, const Line& labels) {
    Line line;
    for (const std::string& label : labels) {
        const std::string text = text_at(row, label);
        line.push_back(text.empty() ? "-" : text);
    }
    for (const char* member :
         {"requests", "errors", "inputTokens", "outputTokens", "meanFirstEventMs", "meanLatencyMs"})
        line.push_back(number_at(row, member));
    const auto& cost = member_at(row, "estimatedCostUsd");
    line.push_back(cost.is_number() ? fmt::format("{:.4f}", cost.to_number<double>()) : "-");
    return line;
}

// Labels to the left, numbers to the right.
std::string table_of(const std::vector<Line>& lines, std::size_t labels) {
    std::vector<std::size_t> widths;
    for (const Line& line : lines) {
        widths.resize(std::max(widths.size(), line.size()));
        for (std::size_t i = 0; i < line.size(); ++i)
            widths[i] = std::max(widths[i], line[i].size());
    }
    std::string out;
    for (const Line& line : lines) {
        for (std::size_t i = 0; i < line.size(); ++i)
            out += i < labels ? fmt::format("{:<{}}  ", line[i], widths[i])
                              : fmt::format("{:>{}}  ", line[i], widths[i]);
        while (out.ends_with(' ')) out.pop_back();
        out += '\n';
    }
    return out;
}

std::string target_of(const UsageOptions& options) {
    std::string target = fmt::format("/x/usage?days={}&by=model", options.days);
    if (options.by_runtime) target += ",runtime";
    if (options.by_session) target += ",session";
    if (!options.runtime.empty()) target += "&runtime=" + percent_encode(options.runtime);
    if (!options.session.empty()) target += "&session=" + percent_encode(options.session);
    return target;
}

}  // namespace

Expected<> run(const Context& context, const UsageOptions& options) {
    AC_TRY(const Connection connection, connect(context.world, context.common, ""));
    AC_TRY(const json::value document,
           connection.client->document({.method = "GET", .target = target_of(options)}));
    if (context.common.json) {
        context.console().out(json::serialize(document) + "\n");
        return {};
    }
    const auto* rows = member_at(document, "rows").if_array();
    if (rows == nullptr || rows->empty()) {
        context.console().out("No model was called.\n");
        return {};
    }
    Line labels{"model", "provider"};
    if (options.by_runtime) labels.emplace_back("agentRuntimeId");
    if (options.by_session) labels.emplace_back("runtimeSessionId");
    Line head = labels;
    for (const char* name :
         {"requests", "errors", "tokens in", "tokens out", "first ms", "ms", "USD"})
        head.emplace_back(name);
    std::vector<Line> lines{std::move(head)};
    for (const json::value& row : *rows) lines.push_back(line_of(row, labels));
    context.console().out(table_of(lines, labels.size()));
    return {};
}

}  // namespace ac::cli
