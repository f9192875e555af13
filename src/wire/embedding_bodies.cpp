#include "wire/embedding_bodies.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "wire/loose_json.h"

namespace ac::wire {
namespace {

namespace json = boost::json;

constexpr std::size_t kCohereTextsMax = 96;  // Cohere's own bounds
constexpr std::size_t kCohereTextCharsMax = 2048;
constexpr std::size_t kTitanTextCharsMax = 50'000;  // Titan's own

json::array floats(const std::vector<float>& vector) {
    json::array out;
    out.reserve(vector.size());
    for (const float x : vector) out.emplace_back(static_cast<double>(x));
    return out;
}

// Vectors have length 1, so that a byte holds the range of a component.
json::array bytes(const std::vector<float>& vector, int offset) {
    json::array out;
    out.reserve(vector.size());
    for (const float x : vector)
        out.emplace_back(std::clamp(static_cast<int>(std::lround(x * 127.0F)), -128, 127) + offset);
    return out;
}

// The signs, eight in a byte, the first in the highest bit.
json::array signs(const std::vector<float>& vector, int offset) {
    json::array out;
    for (std::size_t i = 0; i < vector.size(); i += 8) {
        int byte = 0;
        for (std::size_t k = 0; k < 8; ++k)
            byte = byte << 1 | (i + k < vector.size() && vector[i + k] > 0 ? 1 : 0);
        out.emplace_back(byte + offset);
    }
    return out;
}

// Titan's binary form: one number a component.
json::array bits(const std::vector<float>& vector) {
    json::array out;
    for (const float x : vector) out.emplace_back(x > 0 ? 1 : 0);
    return out;
}

json::array packed(const std::vector<float>& vector, std::string_view type) {
    if (type == "int8") return bytes(vector, 0);
    if (type == "uint8") return bytes(vector, 128);
    if (type == "binary") return signs(vector, -128);
    if (type == "ubinary") return signs(vector, 0);
    return floats(vector);
}

Result<> check_types(const LooseObject& body, std::string_view member,
                     const std::vector<std::string>& types,
                     std::initializer_list<std::string_view> known) {
    for (const std::string& type : types)
        if (std::ranges::find(known, std::string_view(type)) == known.end())
            return body.bad(member, fmt::format("{} is no type of embeddings", type));
    return {};
}

Result<EmbeddingCall> titan_call(const LooseObject& body) {
    EmbeddingCall call{.request = {}, .form = EmbeddingForm::titan, .types = {}};
    AC_TRY(std::string text, body.text("inputText"));
    if (text.empty()) return body.bad("inputText", "must not be empty");
    if (text.size() > kTitanTextCharsMax * 4)
        return body.bad("inputText", fmt::format("longer than {} characters", kTitanTextCharsMax));
    call.request.texts.push_back(std::move(text));
    AC_TRY(const auto dimensions, body.integer("dimensions", 1, 1024));
    if (dimensions) {
        if (*dimensions != 256 && *dimensions != 512 && *dimensions != 1024)
            return body.bad("dimensions", "must be one of: 256, 512, 1024");
        call.request.dimensions = static_cast<std::size_t>(*dimensions);
    }
    AC_CHECK(body.flag("normalize", true));  // ours have length 1 in any case
    AC_TRY(call.types, body.texts("embeddingTypes"));
    AC_CHECK(check_types(body, "embeddingTypes", call.types, {"float", "binary"}));
    return call;
}

Result<EmbeddingCall> cohere_call(const LooseObject& body) {
    EmbeddingCall call{.request = {}, .form = EmbeddingForm::cohere, .types = {}};
    AC_TRY(const std::string type,
           body.choice("input_type", {"search_document", "search_query", "classification",
                                      "clustering", "image"}));
    if (type == "image") return body.bad("input_type", "images have no embeddings in agentcored");
    call.request.purpose =
        type == "search_query" ? models::EmbedPurpose::query : models::EmbedPurpose::document;
    AC_TRY(call.request.texts, body.texts("texts"));
    if (call.request.texts.empty() || call.request.texts.size() > kCohereTextsMax)
        return body.bad("texts", fmt::format("must have from 1 to {} texts", kCohereTextsMax));
    AC_TRY(const std::string truncate,
           body.choice("truncate", {"NONE", "START", "END", "LEFT", "RIGHT"}, "NONE"));
    for (std::string& text : call.request.texts) {
        if (text.empty()) return body.bad("texts", "no text may be empty");
        if (truncate == "NONE" && text.size() > kCohereTextCharsMax * 4)
            return body.bad("texts",
                            fmt::format("a text is longer than {} characters; see truncate",
                                        kCohereTextCharsMax));
    }
    AC_TRY(const auto dimensions, body.integer("output_dimension", 1, 4096));
    if (dimensions) call.request.dimensions = static_cast<std::size_t>(*dimensions);
    AC_TRY(call.types, body.texts("embedding_types"));
    AC_CHECK(check_types(body, "embedding_types", call.types,
                         {"float", "int8", "uint8", "binary", "ubinary"}));
    return call;
}

json::object titan_answer(const EmbeddingCall& call, const models::Embeddings& made) {
    const auto& vector = made.vectors.front();
    json::object out{{"embedding", floats(vector)}};
    json::object by_type;
    for (const std::string& type : call.types)
        by_type[type] = type == "binary" ? bits(vector) : floats(vector);
    if (call.types.empty()) by_type["float"] = floats(vector);
    out["embeddingsByType"] = std::move(by_type);
    out["inputTextTokenCount"] = made.input_tokens;
    return out;
}

json::object cohere_answer(const EmbeddingCall& call, const models::Embeddings& made,
                           std::string id) {
    const auto all = [&](std::string_view type) {
        json::array list;
        for (const auto& vector : made.vectors) list.emplace_back(packed(vector, type));
        return list;
    };
    json::object out{{"id", std::move(id)}};
    if (call.types.empty()) {
        out["response_type"] = "embeddings_floats";
        out["embeddings"] = all("float");
    } else {
        out["response_type"] = "embeddings_by_type";
        json::object by_type;
        for (const std::string& type : call.types) by_type[type] = all(type);
        out["embeddings"] = std::move(by_type);
    }
    json::array texts;
    for (const std::string& text : call.request.texts) texts.emplace_back(text);
    out["texts"] = std::move(texts);
    return out;
}

}  // namespace

EmbeddingForm embedding_form(const json::object& body, std::string_view model) {
    if (body.contains("texts") || (body.contains("input_type") && !body.contains("messages")))
        return EmbeddingForm::cohere;
    const bool titan_text = body.contains("textGenerationConfig") ||
                            model.find("titan-text") != model.npos ||
                            model.find("titan-tg1") != model.npos;
    return body.contains("inputText") && !titan_text ? EmbeddingForm::titan : EmbeddingForm::none;
}

Result<EmbeddingCall> embedding_call_from(const json::object& body, EmbeddingForm form) {
    const LooseObject given(body, "");
    return form == EmbeddingForm::titan ? titan_call(given) : cohere_call(given);
}

json::object embedding_answer(const EmbeddingCall& call, const models::Embeddings& made,
                              std::string id) {
    return call.form == EmbeddingForm::titan ? titan_answer(call, made)
                                             : cohere_answer(call, made, std::move(id));
}

}  // namespace ac::wire
