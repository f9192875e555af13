// Bodies of the model APIs that no table validates: any JSON is read or refused.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/anthropic_input.h"
#include "wire/embedding_bodies.h"
#include "wire/json_text.h"
#include "wire/openai_input.h"
#include "wire/schema_rules.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto value = ac::wire::parse_json(text);
    if (!value) return 0;
    (void)ac::wire::find_schema_fault(*value);
    if (!value->is_object()) return 0;
    const auto& body = value->get_object();
    (void)ac::wire::anthropic_request(body);
    (void)ac::wire::openai_chat_from(body);
    (void)ac::wire::openai_embedding_from(body);
    (void)ac::wire::embedding_call_from(body, ac::wire::EmbeddingForm::titan);
    (void)ac::wire::embedding_call_from(body, ac::wire::EmbeddingForm::cohere);
    return 0;
}
