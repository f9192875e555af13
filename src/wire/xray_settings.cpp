#include "wire/telemetry_call.h"

namespace ac::wire::telemetry_front {
namespace {

constexpr std::string_view kInvalid = "InvalidRequestException";
constexpr std::string_view kRuleName = "Default";  // the only one that X-Ray knows
const std::string kOnly = "only";

// What an account has before it sets anything.
Result<json::object> kept_or(Documents& documents, Kind kind, const std::string& name,
                             json::object before) {
    AC_TRY(const auto text, documents.find(kind, name));
    if (!text) return before;
    return document_of(*text);
}

Result<json::object> get_destination(Documents& documents, const Turn&) {
    return kept_or(documents, Kind::trace_destination, kOnly,
                   {{"Destination", "XRay"}, {"Status", "ACTIVE"}});
}

Result<json::object> update_destination(Documents& documents, const Turn& turn) {
    const std::string destination = text_in(turn.input, "Destination");
    if (destination != "XRay" && destination != "CloudWatchLogs")
        return refuse(ErrorCode::invalid_argument, kInvalid,
                      "Destination is XRay or CloudWatchLogs");
    json::object kept = {{"Destination", destination}, {"Status", "ACTIVE"}};
    AC_CHECK(put(documents, Kind::trace_destination, kOnly, kept));
    return kept;
}

json::object rule_of(double percentage, WallTime now) {
    return {{"Name", kRuleName},
            {"ModifiedAt", static_cast<double>(to_epoch_ms(now)) / 1000},
            {"Rule",
             {{"Probabilistic",
               {{"DesiredSamplingPercentage", percentage},
                {"ActualSamplingPercentage", percentage}}}}}};
}

Result<json::object> get_rules(Documents& documents, const Turn&) {
    AC_TRY(auto rule,
           kept_or(documents, Kind::indexing_rule, std::string(kRuleName), rule_of(1, WallTime{})));
    return json::object{{"IndexingRules", json::array{std::move(rule)}}};
}

// nullopt: it is not a percentage.
std::optional<double> percentage_in(const json::object& input) {
    boost::system::error_code error;
    const json::value root = input;
    const json::value* found =
        root.find_pointer("/Rule/Probabilistic/DesiredSamplingPercentage", error);
    if (!found || !found->is_number()) return std::nullopt;
    const double percentage = found->to_number<double>();
    if (!(percentage >= 0 && percentage <= 100)) return std::nullopt;
    return percentage;
}

Result<json::object> update_rule(Documents& documents, const Turn& turn) {
    const std::string name = text_in(turn.input, "Name");
    if (name != kRuleName)
        return fail(ErrorCode::not_found, "Indexing rule " + name + " does not exist");
    const auto percentage = percentage_in(turn.input);
    if (!percentage)
        return refuse(ErrorCode::invalid_argument, kInvalid,
                      "DesiredSamplingPercentage is from 0 to 100");
    json::object rule = rule_of(*percentage, turn.now);
    AC_CHECK(put(documents, Kind::indexing_rule, name, rule));
    return json::object{{"IndexingRule", std::move(rule)}};
}

constexpr Operation kOperations[] = {
    {"GetTraceSegmentDestination", "", "", get_destination},
    {"UpdateTraceSegmentDestination", "", "", update_destination},
    {"GetIndexingRules", "", "", get_rules},
    {"UpdateIndexingRule", "", "", update_rule},
};

}  // namespace

std::span<const Operation> xray_operations() {
    return kOperations;
}

}  // namespace ac::wire::telemetry_front
