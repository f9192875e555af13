#include "wire/bedrock_catalogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "wire/converse_input.h"
#include "wire/json_members.h"

namespace ac::wire {
namespace {

using models::ModelInfo;
using models::ModelService;

struct KnownModel {
    std::string_view id;
    std::string_view name;
    std::string_view provider;
    ModelInfo::Kind kind = ModelInfo::Kind::chat;
    bool takes_images = false;
};

constexpr auto kEmbedding = ModelInfo::Kind::embedding;
constexpr auto kChat = ModelInfo::Kind::chat;
constexpr KnownModel kKnown[] = {
    {"anthropic.claude-sonnet-4-6", "Claude Sonnet 4.6", "Anthropic", kChat, true},
    {"anthropic.claude-sonnet-4-5-20250929-v1:0", "Claude Sonnet 4.5", "Anthropic", kChat, true},
    {"anthropic.claude-haiku-4-5-20251001-v1:0", "Claude Haiku 4.5", "Anthropic", kChat, true},
    {"anthropic.claude-sonnet-4-20250514-v1:0", "Claude Sonnet 4", "Anthropic", kChat, true},
    {"anthropic.claude-3-7-sonnet-20250219-v1:0", "Claude 3.7 Sonnet", "Anthropic", kChat, true},
    {"anthropic.claude-3-5-sonnet-20241022-v2:0", "Claude 3.5 Sonnet v2", "Anthropic", kChat, true},
    {"anthropic.claude-3-5-haiku-20241022-v1:0", "Claude 3.5 Haiku", "Anthropic", kChat, false},
    {"anthropic.claude-3-haiku-20240307-v1:0", "Claude 3 Haiku", "Anthropic", kChat, true},
    {"amazon.nova-premier-v1:0", "Nova Premier", "Amazon", kChat, true},
    {"amazon.nova-pro-v1:0", "Nova Pro", "Amazon", kChat, true},
    {"amazon.nova-lite-v1:0", "Nova Lite", "Amazon", kChat, true},
    {"amazon.nova-micro-v1:0", "Nova Micro", "Amazon", kChat, false},
    {"meta.llama3-3-70b-instruct-v1:0", "Llama 3.3 70B Instruct", "Meta", kChat, false},
    {"amazon.titan-embed-text-v1", "Titan Embeddings G1", "Amazon", kEmbedding, false},
    {"amazon.titan-embed-text-v2:0", "Titan Embeddings V2", "Amazon", kEmbedding, false},
    {"cohere.embed-english-v3", "Embed English", "Cohere", kEmbedding, false},
    {"cohere.embed-multilingual-v3", "Embed Multilingual", "Cohere", kEmbedding, false},
};

// Where Bedrock's cross-region profiles run. Programs put one of these before a model's id.
constexpr std::string_view kGeographies[] = {"us", "eu", "apac", "global"};

struct Model {
    std::string id;
    std::string name;
    std::string provider;
    ModelInfo::Kind kind;
    bool takes_images;
};

// The second part of "us.anthropic.claude...".
std::string_view without_geography(std::string_view id) {
    const auto dot = id.find('.');
    if (dot != id.npos &&
        std::ranges::find(kGeographies, id.substr(0, dot)) != std::end(kGeographies))
        id.remove_prefix(dot + 1);
    return id;
}

std::vector<Model> all_models(const ModelService& service) {
    std::vector<Model> out;
    for (const KnownModel& known : kKnown)
        if (service.resolve(known.id, known.kind))
            out.push_back({std::string(known.id), std::string(known.name),
                           std::string(known.provider), known.kind, known.takes_images});
    for (const ModelInfo& info : service.models()) {
        std::string id(without_geography(info.id));
        if (std::ranges::find(out, id, &Model::id) != out.end()) continue;
        out.push_back(
            {id, id.substr(0, 20), info.provider.substr(0, 20), info.kind, info.takes_images});
    }
    return out;
}

std::string_view output_of(const Model& model) {
    return model.kind == kEmbedding ? "EMBEDDING" : "TEXT";
}

std::string model_arn(std::string_view region, std::string_view id) {
    return fmt::format("arn:aws:bedrock:{}::foundation-model/{}", region, id);
}

json::object model_output(const Scope& scope, const Model& model) {
    json::array input{"TEXT"};
    if (model.takes_images) input.emplace_back("IMAGE");
    json::object out;
    out["modelArn"] = model_arn(scope.region, model.id);
    out["modelId"] = model.id;
    out["modelName"] = model.name;
    out["providerName"] = model.provider;
    out["inputModalities"] = std::move(input);
    out["outputModalities"].emplace_array().emplace_back(output_of(model));
    out["responseStreamingSupported"] = model.kind == kChat;
    out["customizationsSupported"] = json::array();
    out["inferenceTypesSupported"].emplace_array().emplace_back("ON_DEMAND");
    out["modelLifecycle"].emplace_object()["status"] = "ACTIVE";
    return out;
}

Task<json::object> list_models(ModelService& service, CallContext call, json::object input) {
    const std::string provider = string_in(input, "byProvider");
    const std::string output = string_in(input, "byOutputModality");
    const bool none = input.contains("byCustomizationType") ||
                      string_in(input, "byInferenceType") == "PROVISIONED";
    json::array list;
    for (const Model& model : all_models(service)) {
        if (none || (!output.empty() && output != output_of(model))) continue;
        if (!provider.empty() && !equals_ignoring_case(provider, model.provider)) continue;
        list.emplace_back(model_output(call.scope, model));
    }
    json::object out;
    out["modelSummaries"] = std::move(list);
    co_return out;
}

Task<json::object> get_model(ModelService& service, CallContext call, json::object input) {
    const std::string id = model_id_from(string_in(input, "modelIdentifier"));
    for (const Model& model : all_models(service)) {
        if (model.id != id) continue;
        json::object out;
        out["modelDetails"] = model_output(call.scope, model);
        co_return out;
    }
    co_return fail(ErrorCode::not_found, fmt::format("The model {} could not be found", id));
}

struct Profile {
    std::string id;
    Model model;
};

std::vector<Profile> all_profiles(const ModelService& service) {
    std::vector<Profile> out;
    for (const Model& model : all_models(service)) {
        const bool known = std::ranges::find(kKnown, std::string_view(model.id), &KnownModel::id) !=
                           std::end(kKnown);
        if (!known || model.kind == kEmbedding) continue;
        for (const std::string_view geography : kGeographies)
            out.push_back({fmt::format("{}.{}", geography, model.id), model});
    }
    return out;
}

json::object profile_output(const Scope& scope, const Profile& profile) {
    json::object out;
    out["inferenceProfileName"] =
        fmt::format("{} {}", profile.id.substr(0, profile.id.find('.')),
                    profile.model.name.substr(0, profile.model.name.find('.')));
    out["inferenceProfileArn"] = fmt::format("arn:aws:bedrock:{}:{}:inference-profile/{}",
                                             scope.region, scope.account, profile.id);
    out["inferenceProfileId"] = profile.id;
    out["models"].emplace_array().emplace_back(
        json::object{{"modelArn", model_arn(scope.region, profile.model.id)}});
    out["status"] = "ACTIVE";
    out["type"] = "SYSTEM_DEFINED";
    return out;
}

// The token is the number of profiles already given: the list is fixed while the daemon runs.
Task<json::object> list_profiles(ModelService& service, CallContext call, json::object input) {
    json::object out;
    json::array& list = out["inferenceProfileSummaries"].emplace_array();
    if (string_in(input, "typeEquals") == "APPLICATION") co_return out;
    const auto profiles = all_profiles(service);
    std::size_t next = 0;
    if (const std::string token = string_in(input, "nextToken"); !token.empty()) {
        const auto read = std::from_chars(token.data(), token.data() + token.size(), next);
        if (read.ec != std::errc{} || read.ptr != token.data() + token.size() ||
            next > profiles.size())
            co_return bad_member("nextToken", "The nextToken is not one of this list's");
    }
    const auto* wanted = member_in(input, "maxResults");
    const std::size_t count =
        wanted ? static_cast<std::size_t>(wanted->as_int64()) : profiles.size();
    for (; next < profiles.size() && list.size() < count; ++next)
        list.emplace_back(profile_output(call.scope, profiles[next]));
    if (next < profiles.size()) out["nextToken"] = std::to_string(next);
    co_return out;
}

Task<json::object> get_profile(ModelService& service, CallContext call, json::object input) {
    const std::string id = model_id_from(string_in(input, "inferenceProfileIdentifier"));
    for (const Profile& profile : all_profiles(service))
        if (profile.id == id) co_return profile_output(call.scope, profile);
    co_return fail(ErrorCode::not_found,
                   fmt::format("The inference profile {} could not be found", id));
}

}  // namespace

void bind_catalogue(Api& api, ModelService& models) {
    const auto bind = [&](std::string_view operation, auto handler) {
        api.bind(operation, [&models, handler](CallContext call, json::object input) {
            return handler(models, std::move(call), std::move(input));
        });
    };
    bind("ListFoundationModels", list_models);
    bind("GetFoundationModel", get_model);
    bind("ListInferenceProfiles", list_profiles);
    bind("GetInferenceProfile", get_profile);
}

}  // namespace ac::wire
