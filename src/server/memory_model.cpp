#include "server/memory_model.h"

namespace ac::server {
namespace {

constexpr std::int64_t kAnswerTokensMax = 4096;
constexpr std::string_view kEmbeddedProvider = "embedded";

}  // namespace

Task<std::string> MemoryModel::answer(memory::ModelRequest request) {
    models::ChatRequest chat{.model = std::move(request.model)};
    chat.system.emplace_back(models::TextBlock{std::move(request.system)});
    models::Message message;
    message.content.emplace_back(models::TextBlock{std::move(request.data)});
    chat.messages.push_back(std::move(message));
    chat.inference.max_tokens = kAnswerTokensMax;
    chat.inference.temperature = 0;
    models::OutputFormat format{.kind = models::OutputFormat::Kind::json_schema, .name = "memory"};
    format.schema = std::move(request.schema);
    chat.output_format = std::move(format);
    models::Caller caller{.account = std::move(request.account)};
    AC_CO_TRY(const auto answer,
              co_await models::answer(models_, std::move(chat), std::move(caller)));
    std::string out;
    for (const auto& block : answer.message.content)
        if (const auto* text = std::get_if<models::TextBlock>(&block)) out += text->text;
    co_return out;
}

bool MemoryModel::is_capable(const std::string& model) const {
    const auto found = models_.resolve(model, models::ModelInfo::Kind::chat);
    return found && found->provider != kEmbeddedProvider;
}

}  // namespace ac::server
