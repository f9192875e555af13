#include "wire/resource_names.h"

#include <fmt/format.h>

#include <algorithm>

namespace ac::wire {
namespace {

namespace json = boost::json;

constexpr std::string_view kWorkloads = "workload-identity-directory/default/workload-identity";
constexpr std::string_view kApiKeys = "token-vault/default/apikeycredentialprovider";
constexpr std::string_view kOauth2 = "token-vault/default/oauth2credentialprovider";

std::string_view text_in(const json::object& input, std::string_view member) {
    const json::value* value = input.if_contains(member);
    if (value == nullptr || !value->is_string()) return {};
    return {value->get_string().data(), value->get_string().size()};
}

std::string own_arn(const Scope& scope, std::string_view kind, std::string_view name) {
    if (name.starts_with("arn:")) return std::string(name);
    return fmt::format("arn:aws:bedrock-agentcore:{}:{}:{}/{}", scope.region, scope.account, kind,
                       name);
}

// The built-in browser and code interpreter belong to AWS.
std::string tool_arn(const Scope& scope, std::string_view kind, std::string_view name) {
    if (!name.starts_with("aws.")) return own_arn(scope, fmt::format("{}-custom", kind), name);
    return fmt::format("arn:aws:bedrock-agentcore:{}:aws:{}/{}", scope.region, kind, name);
}

// Members that name what an operation is about, the closest first.
struct Naming {
    std::string_view member;
    std::string_view kind;
};
constexpr Naming kNamings[] = {
    {"resourceArn", ""},
    {"agentRuntimeId", "runtime"},
    {"memoryId", "memory"},
    {"gatewayIdentifier", "gateway"},
    {"profileIdentifier", "browser-profile"},
    {"profileId", "browser-profile"},
    {"policyEngineId", "policy-engine"},
    {"capacityProviderId", "capacity-provider"},
    {"workloadName", kWorkloads},
};

// Nouns of operations whose `name` names it, or that make or list it.
constexpr Naming kNouns[] = {
    {"WorkloadIdentit", kWorkloads},
    {"ApiKeyCredentialProvider", kApiKeys},
    {"Oauth2CredentialProvider", kOauth2},
    {"AgentRuntime", "runtime"},
    {"Memor", "memory"},
    {"Gateway", "gateway"},
    {"BrowserProfile", "browser-profile"},
    {"Browser", "browser-custom"},
    {"CodeInterpreter", "code-interpreter-custom"},
    {"PolicyEngine", "policy-engine"},
    {"CapacityProvider", "capacity-provider"},
};

// Another account's runtime may be named by its id and accountId.
std::string runtime_arn(const json::object& input, const Scope& scope, std::string_view runtime) {
    Scope owner = scope;
    if (const auto account = text_in(input, "accountId"); !account.empty()) owner.account = account;
    return own_arn(owner, "runtime", runtime);
}

std::string resource_of(std::string_view operation, const json::object& input, const Scope& scope) {
    if (const auto runtime = text_in(input, "agentRuntimeArn"); !runtime.empty())
        return runtime_arn(input, scope, runtime);
    for (const std::string_view member : {"browserIdentifier", "browserId"})
        if (const auto name = text_in(input, member);
            !name.empty() && !input.contains("profileIdentifier"))
            return tool_arn(scope, "browser", name);
    for (const std::string_view member : {"codeInterpreterIdentifier", "codeInterpreterId"})
        if (const auto name = text_in(input, member); !name.empty())
            return tool_arn(scope, "code-interpreter", name);
    if (const auto provider = text_in(input, "resourceCredentialProviderName"); !provider.empty())
        return own_arn(scope, operation == "GetResourceApiKey" ? kApiKeys : kOauth2, provider);
    for (const Naming& naming : kNamings) {
        const auto name = text_in(input, naming.member);
        if (name.empty()) continue;
        std::string arn = own_arn(scope, naming.kind, name);
        if (const auto endpoint = text_in(input, "endpointName"); !endpoint.empty())
            arn += fmt::format("/runtime-endpoint/{}", endpoint);
        if (const auto policy = text_in(input, "policyId"); !policy.empty())
            arn += fmt::format("/policy/{}", policy);
        return arn;
    }
    if (operation.find("TokenVault") != std::string_view::npos) {
        const auto vault = text_in(input, "tokenVaultId");
        return own_arn(scope, "token-vault", vault.empty() ? "default" : vault);
    }
    const bool makes = operation.starts_with("Create") || operation.starts_with("List");
    for (const Naming& noun : kNouns) {
        if (operation.find(noun.member) == std::string_view::npos) continue;
        const auto name = text_in(input, "name");
        const bool is_named = noun.kind.find('/') != std::string_view::npos && !name.empty();
        if (is_named) return own_arn(scope, noun.kind, name);
        if (makes) return own_arn(scope, noun.kind, "*");
    }
    return "*";
}

// What Bedrock's actions are called where that is not the operation's name.
std::string model_action(std::string_view operation) {
    if (operation == "Converse") return "bedrock:InvokeModel";
    if (operation == "ConverseStream") return "bedrock:InvokeModelWithResponseStream";
    if (operation == "InvokeModelWithBidirectionalStream") return "bedrock:InvokeModel";
    return fmt::format("bedrock:{}", operation);
}

bool is_bedrock(const OperationSpec& operation) {
    return operation.plane == Plane::models || operation.plane == Plane::catalogue;
}

}  // namespace

std::vector<std::string> model_resources(std::string_view model, const Scope& scope) {
    if (model.empty()) return {"*"};
    if (model.starts_with("arn:")) return {std::string(model)};
    const auto foundation = [&](std::string_view id) {
        return fmt::format("arn:aws:bedrock:{}::foundation-model/{}", scope.region, id);
    };
    for (const std::string_view place :
         {"us.", "us-gov.", "eu.", "apac.", "jp.", "au.", "ca.", "global."}) {
        if (!model.starts_with(place)) continue;
        return {fmt::format("arn:aws:bedrock:{}:{}:inference-profile/{}", scope.region,
                            scope.account, model),
                foundation(model.substr(place.size()))};
    }
    return {foundation(model)};
}

std::vector<Asked> asked_by(const OperationSpec& operation, const json::object& input,
                            const Scope& scope) {
    if (is_bedrock(operation)) {
        const auto model = text_in(input, "modelId");
        return {
            {model_action(operation.name),
             model_resources(model.empty() ? text_in(input, "modelIdentifier") : model, scope)}};
    }
    std::vector<Asked> out{{fmt::format("bedrock-agentcore:{}", operation.name),
                            {resource_of(operation.name, input, scope)}}};
    if (!text_in(input, "runtimeUserId").empty())
        out.push_back({"bedrock-agentcore:InvokeAgentRuntimeForUser", out.front().resources});
    for (const std::string_view member : {"roleArn", "executionRoleArn", "memoryExecutionRoleArn"})
        if (const auto role = text_in(input, member); !role.empty())
            out.push_back({"iam:PassRole", {std::string(role)}});
    return out;
}

Asked asked_by_extension(std::string_view extension, const json::object& input,
                         const Scope& scope) {
    if (extension.ends_with("/runtimes/{agentRuntimeArn}/ws"))
        return {"bedrock-agentcore:InvokeAgentRuntimeWithWebSocketStream",
                {resource_of("", input, scope)}};
    if (extension.ends_with("/runtimes/{agentRuntimeArn}/ws/shells"))
        return {"bedrock-agentcore:InvokeAgentRuntimeCommandShell",
                {resource_of("", input, scope)}};
    if (extension.ends_with("/runtimes/{agentRuntimeArn}/invocations"))
        return {"bedrock-agentcore:InvokeAgentRuntime", {resource_of("", input, scope)}};
    if (extension.ends_with("/sessions/{sessionId}/fork"))  // each new one is a started one
        return {"bedrock-agentcore:StartCodeInterpreterSession", {resource_of("", input, scope)}};
    std::string action = "agentcored:";
    bool starts_word = true;
    bool in_label = false;
    const auto space = extension.find(' ');
    std::string_view path = extension.substr(space + 1);
    if (path.starts_with("/x/")) path.remove_prefix(2);
    for (std::size_t i = 0; i < space; ++i)
        action += i == 0 ? extension[i] : static_cast<char>(extension[i] | 0x20);
    for (const char c : path) {
        if (c == '{') in_label = true;
        const bool is_letter =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!in_label && is_letter)
            action += starts_word && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        starts_word = !is_letter;
        if (c == '}') in_label = false;
    }
    std::string resource = resource_of("", input, scope);
    if (resource == "*")
        resource =
            fmt::format("arn:aws:agentcored:{}:{}:{}", scope.region, scope.account, path.substr(1));
    return {std::move(action), {std::move(resource)}};
}

}  // namespace ac::wire
