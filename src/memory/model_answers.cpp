#include "memory/model_answers.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

#include "base/time_text.h"

namespace ac::memory {

namespace {

constexpr std::size_t kAnswerBytesMax = 200'000;
constexpr std::size_t kStatementsMax = 50;
constexpr std::size_t kReflectionsMax = 5;
constexpr std::size_t kTextBytesMax = 4000;  // under the API's 16 000 characters
constexpr std::size_t kMessageBytesMax = 20'000;
constexpr std::size_t kDepthMax = 16;

std::unexpected<Error> bad(std::string what) {
    return fail(Error{.code = ErrorCode::guest_failed,
                      .message = "the model's answer is not usable: " + what,
                      .reason = std::string(kBadAnswer)});
}

std::string cut(std::string text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return text;
    auto end = bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    text.resize(end);
    return text;
}

std::string text_in(const json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    return value != nullptr && value->is_string() ? json::value_to<std::string>(*value) : "";
}

// Models like to wrap JSON into a code fence, or to say a sentence first.
Result<json::object> object_of(std::string_view answer) {
    if (answer.size() > kAnswerBytesMax) return bad("too long");
    const auto open = answer.find('{');
    const auto close = answer.rfind('}');
    if (open == answer.npos || close == answer.npos || close < open) return bad("no JSON object");
    boost::system::error_code error;
    json::parse_options options;
    options.max_depth = kDepthMax;
    auto parsed = json::parse(answer.substr(open, close - open + 1), error, {}, options);
    if (error || !parsed.is_object()) return bad("no JSON object");
    return std::move(parsed.get_object());
}

Result<json::array> list_in(std::string_view answer, std::string_view member) {
    AC_TRY(auto object, object_of(answer));
    auto* list = object.if_contains(member);
    if (list == nullptr || !list->is_array()) return bad("no list of " + std::string(member));
    return std::move(list->get_array());
}

std::optional<std::size_t> number_in(const json::object& object, std::string_view name,
                                     std::size_t count) {
    const auto* value = object.if_contains(name);
    if (value == nullptr || !value->is_int64()) return std::nullopt;
    const auto number = value->get_int64();
    if (number < 0 || static_cast<std::size_t>(number) >= count) return std::nullopt;
    return static_cast<std::size_t>(number);
}

json::array messages_document(const std::vector<Message>& messages) {
    json::array out;
    for (const auto& message : messages)
        out.push_back(
            {{"speaker", message.speaker}, {"text", cut(message.text, kMessageBytesMax)}});
    return out;
}

json::array texts_document(const std::vector<Record>& records) {
    json::array out;
    for (std::size_t i = 0; i < records.size(); ++i)
        out.push_back({{"number", i}, {"text", records[i].text}});
    return out;
}

// Text of a record: something, within bounds, without sentences that instruct a machine.
std::optional<std::string> record_text(std::string text) {
    std::ranges::replace(text, '\0', ' ');
    if (addresses_machine(text)) {
        std::string kept;
        const auto sentences = sentences_of(text);
        for (const auto& sentence : sentences)
            if (!addresses_machine(sentence)) kept += (kept.empty() ? "" : " ") + sentence;
        text = std::move(kept);
    }
    if (text.find_first_not_of(" \t\r\n") == text.npos) return std::nullopt;
    return cut(std::move(text), kTextBytesMax);
}

const json::object* validation_of(const json::object& entry, std::string_view kind) {
    const json::object* at = &entry;
    for (const std::string_view name :
         {std::string_view("extractionConfig"), std::string_view("llmExtractionConfig"),
          std::string_view("validation"), kind}) {
        const auto* next = at->if_contains(name);
        at = next == nullptr ? nullptr : next->if_object();
        if (at == nullptr) return nullptr;
    }
    return at;
}

bool is_allowed(const json::object* validation, const std::string& value) {
    const auto* allowed = validation ? validation->if_contains("allowedValues") : nullptr;
    if (allowed == nullptr) return true;
    return std::ranges::find(allowed->as_array(), json::value(value)) != allowed->as_array().end();
}

bool within(const json::object* validation, double value) {
    if (validation == nullptr) return true;
    const auto* low = validation->if_contains("minValue");
    const auto* high = validation->if_contains("maxValue");
    return (low == nullptr || value >= low->to_number<double>()) &&
           (high == nullptr || value <= high->to_number<double>());
}

std::optional<MetadataValue> metadata_value(const json::object& entry, const json::value& given) {
    const auto type = text_in(entry, "type");
    if (type == "NUMBER") {
        if (!given.is_number()) return std::nullopt;
        const auto number = given.to_number<double>();
        if (!std::isfinite(number) || !within(validation_of(entry, "numberValidation"), number))
            return std::nullopt;
        return number;
    }
    if (type == "STRINGLIST") {
        const auto* list = given.if_array();
        std::vector<std::string> out;
        for (std::size_t i = 0; list != nullptr && i < list->size() && out.size() < 5; ++i)
            if ((*list)[i].is_string()) {
                auto one = cut(json::value_to<std::string>((*list)[i]), 64);
                if (!one.empty() && is_allowed(validation_of(entry, "stringListValidation"), one))
                    out.push_back(std::move(one));
            }
        if (out.empty()) return std::nullopt;
        return out;
    }
    if (!given.is_string()) return std::nullopt;
    auto text = cut(json::value_to<std::string>(given), 256);
    if (text.empty() || !is_allowed(validation_of(entry, "stringValidation"), text))
        return std::nullopt;
    return text;
}

const json::array& schema_entries(const json::object& schema) {
    static const json::array none;
    const auto* list = schema.if_contains("metadataSchema");
    return list != nullptr && list->is_array() ? list->get_array() : none;
}

RecordMetadata inferred(const json::object& statement, const json::object& schema) {
    RecordMetadata out;
    const auto* given = statement.if_contains("metadata");
    if (given == nullptr || !given->is_object()) return out;
    for (const auto& item : schema_entries(schema)) {
        const auto& entry = item.as_object();
        const auto key = text_in(entry, "key");
        const auto* value = given->get_object().if_contains(key);
        if (value == nullptr || text_in(entry, "extractionType") == "STRICTLY_CONSISTENT") continue;
        if (auto decoded = metadata_value(entry, *value)) out.emplace_back(key, *decoded);
    }
    return out;
}

json::value object_schema(std::string_view json_text) {
    return json::parse(json_text);
}

}  // namespace

std::string extraction_data(const std::vector<Message>& earlier,
                            const std::vector<Message>& conversation, WallTime when,
                            const json::object& schema) {
    json::object out;
    out["time"] = to_rfc3339(when);
    if (!earlier.empty()) out["earlier"] = messages_document(earlier);
    out["conversation"] = messages_document(conversation);
    json::array fields;
    for (const auto& entry : schema_entries(schema))
        if (text_in(entry.as_object(), "extractionType") != "STRICTLY_CONSISTENT")
            fields.push_back(entry);
    if (!fields.empty()) out["metadataFields"] = std::move(fields);
    return json::serialize(out);
}

std::string consolidation_data(const std::vector<ModelStatement>& statements,
                               const std::vector<Record>& records) {
    json::array list;
    for (std::size_t i = 0; i < statements.size(); ++i)
        list.push_back({{"number", i}, {"text", statements[i].text}});
    json::object out;
    out["statements"] = std::move(list);
    out["records"] = texts_document(records);
    return json::serialize(out);
}

std::string summary_data(const std::string& summary, const std::vector<Message>& conversation,
                         WallTime when) {
    json::object out;
    out["time"] = to_rfc3339(when);
    out["summary"] = summary;
    out["conversation"] = messages_document(conversation);
    return json::serialize(out);
}

std::string reflection_data(const std::vector<Record>& episodes,
                            const std::vector<Record>& records) {
    json::object out;
    out["episodes"] = texts_document(episodes);
    out["records"] = texts_document(records);
    return json::serialize(out);
}

json::value statements_schema() {
    return object_schema(R"({"type":"object","properties":{"statements":{"type":"array","items":{
        "type":"object","properties":{"text":{"type":"string"},"metadata":{"type":"object"}},
        "required":["text"]}}},"required":["statements"]})");
}
json::value decisions_schema() {
    return object_schema(R"({"type":"object","properties":{"decisions":{"type":"array","items":{
        "type":"object","properties":{"statement":{"type":"integer"},
        "action":{"type":"string","enum":["ADD","UPDATE","NO-OP"]},"record":{"type":"integer"},
        "text":{"type":"string"}},"required":["statement","action"]}}},"required":["decisions"]})");
}
json::value summary_schema() {
    return object_schema(R"({"type":"object","properties":{"summary":{"type":"string"}},
        "required":["summary"]})");
}
json::value episode_schema() {
    return object_schema(R"({"type":"object","properties":{"situation":{"type":"string"},
        "intent":{"type":"string"},"actions":{"type":"string"},"outcome":{"type":"string"}},
        "required":["situation","intent","actions","outcome"]})");
}
json::value reflections_schema() {
    return object_schema(R"({"type":"object","properties":{"reflections":{"type":"array","items":{
        "type":"object","properties":{"text":{"type":"string"},"replaces":{"type":"integer"}},
        "required":["text"]}}},"required":["reflections"]})");
}

Result<std::vector<ModelStatement>> parse_statements(std::string_view answer,
                                                     const json::object& schema) {
    AC_TRY(const auto list, list_in(answer, "statements"));
    std::vector<ModelStatement> out;
    for (const auto& item : list) {
        if (!item.is_object()) return bad("a statement is not an object");
        auto text = record_text(text_in(item.get_object(), "text"));
        if (!text) continue;
        if (out.size() == kStatementsMax) return bad("too many statements");
        out.push_back({*std::move(text), inferred(item.get_object(), schema)});
    }
    return out;
}

Result<std::vector<Decision>> parse_decisions(std::string_view answer, std::size_t statements,
                                              std::size_t records) {
    AC_TRY(const auto list, list_in(answer, "decisions"));
    std::vector<Decision> out(statements);
    for (std::size_t i = 0; i < statements; ++i) out[i].statement = i;
    for (const auto& item : list) {
        if (!item.is_object()) return bad("a decision is not an object");
        const auto& given = item.get_object();
        const auto statement = number_in(given, "statement", statements);
        if (!statement) return bad("a decision about no statement");
        auto& decision = out[*statement];
        const auto action = text_in(given, "action");
        if (action == "ADD") continue;
        const auto record = number_in(given, "record", records);
        if (!record) return bad("a decision about no record");
        decision.record = *record;
        if (action == "NO-OP" || action == "NOOP") {
            decision.action = Decision::Action::no_op;
        } else if (action == "UPDATE") {
            auto text = record_text(text_in(given, "text"));
            if (!text) return bad("an update without a text");
            decision.action = Decision::Action::update;
            decision.text = *std::move(text);
        } else {
            return bad("an unknown action");
        }
    }
    return out;
}

Result<std::string> parse_summary(std::string_view answer) {
    AC_TRY(const auto object, object_of(answer));
    auto text = record_text(text_in(object, "summary"));
    if (!text) return bad("no summary");
    return *std::move(text);
}

Result<std::string> parse_episode(std::string_view answer) {
    AC_TRY(const auto object, object_of(answer));
    std::string out;
    for (const auto& [name, title] :
         {std::pair("situation", "Situation"), std::pair("intent", "Intent"),
          std::pair("actions", "Actions"), std::pair("outcome", "Outcome")}) {
        const auto text = record_text(cut(text_in(object, name), kTextBytesMax / 4));
        if (!text) continue;
        out += (out.empty() ? "" : "\n") + std::string(title) + ": " + *text;
    }
    if (out.empty()) return bad("no episode");
    return out;
}

Result<std::vector<Reflection>> parse_reflections(std::string_view answer, std::size_t records) {
    AC_TRY(const auto list, list_in(answer, "reflections"));
    std::vector<Reflection> out;
    for (const auto& item : list) {
        if (!item.is_object()) return bad("a reflection is not an object");
        auto text = record_text(text_in(item.get_object(), "text"));
        if (!text) continue;
        Reflection one{.text = *std::move(text)};
        if (item.get_object().contains("replaces")) {
            one.replaces = number_in(item.get_object(), "replaces", records);
            if (!one.replaces) return bad("a reflection that replaces no record");
        }
        if (out.size() == kReflectionsMax) break;
        out.push_back(std::move(one));
    }
    return out;
}

}  // namespace ac::memory
