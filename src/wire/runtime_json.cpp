#include "wire/runtime_json.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <initializer_list>

#include "base/encoding.h"
#include "base/time_text.h"
#include "bearer/rules.h"
#include "crypto/hash.h"

namespace ac::wire {
namespace {

using runtime::RuntimeView;

std::string_view view_of(const json::string& text) {
    return {text.data(), text.size()};
}

std::string text_or(const json::object& object, std::string_view name,
                    std::string_view fallback = {}) {
    const json::value* value = object.if_contains(name);
    if (value == nullptr || !value->is_string()) return std::string(fallback);
    return std::string(view_of(value->get_string()));
}

const json::object* object_in(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    return value == nullptr ? nullptr : value->if_object();
}

std::unexpected<Error> invalid(std::string_view path, std::string_view message) {
    Error error{.code = ErrorCode::invalid_argument,
                .message = std::string(path) + ": " + std::string(message)};
    error.fields.push_back({std::string(path), std::string(message)});
    return fail(std::move(error));
}

std::unexpected<Error> not_yet(std::string_view what) {
    return fail(ErrorCode::not_implemented,
                std::string(what) + " is not supported by this version of agentcored");
}

// Members sorted at every depth, so that equal inputs have equal text whatever order they came in.
json::value sorted(const json::value& value) {
    if (const json::array* array = value.if_array()) {
        json::array out;
        for (const json::value& item : *array) out.push_back(sorted(item));
        return out;
    }
    const json::object* object = value.if_object();
    if (object == nullptr) return value;
    std::vector<std::string_view> names;
    for (const auto& [name, member] : *object) names.emplace_back(name.data(), name.size());
    std::ranges::sort(names);
    json::object out;
    for (const std::string_view name : names) out[name] = sorted(object->at(name));
    return out;
}

// What of the model this version would have to ignore.
Result<> refuse_what_is_not_run(const json::object& input) {
    if (input.contains("capacityProviderConfiguration"))
        return not_yet("capacityProviderConfiguration");
    return {};
}

Result<> read_artifact(const json::object& input, runtime::Spec& spec) {
    constexpr std::string_view kPython = "PYTHON_3_";
    constexpr std::string_view kNode = "NODE_";
    const json::object* artifact = object_in(input, "agentRuntimeArtifact");
    if (artifact == nullptr) return invalid("agentRuntimeArtifact", "is required");
    if (const json::object* container = object_in(*artifact, "containerConfiguration")) {
        spec.image = text_or(*container, "containerUri");
        if (spec.image.empty())
            return invalid("agentRuntimeArtifact.containerConfiguration.containerUri",
                           "is required");
        return {};
    }
    const json::object* code = object_in(*artifact, "codeConfiguration");
    if (code == nullptr)
        return invalid("agentRuntimeArtifact",
                       "codeConfiguration or containerConfiguration is required");
    const json::object* source = object_in(*code, "code");
    const json::object* location = source == nullptr ? nullptr : object_in(*source, "s3");
    if (location == nullptr)
        return invalid("agentRuntimeArtifact.codeConfiguration.code", "s3 is required");
    spec.code = {.bucket = text_or(*location, "bucket"),
                 .key = text_or(*location, "prefix"),
                 .version_id = text_or(*location, "versionId")};
    const std::string language = text_or(*code, "runtime");
    if (language.starts_with(kPython))
        spec.python = "3." + language.substr(kPython.size());
    else if (language.starts_with(kNode))
        spec.node = language.substr(kNode.size());
    else
        return not_yet("agentRuntimeArtifact.codeConfiguration.runtime " + language);
    const json::value* entry = code->if_contains("entryPoint");
    if (entry == nullptr || !entry->is_array() || entry->get_array().empty())
        return invalid("agentRuntimeArtifact.codeConfiguration.entryPoint", "is required");
    for (const json::value& part : entry->get_array()) {
        if (part.is_string()) spec.entry_point.emplace_back(view_of(part.get_string()));
    }
    return {};
}

Result<> read_environment(const json::object& input, runtime::Spec& spec) {
    const json::object* environment = object_in(input, "environmentVariables");
    if (environment == nullptr) return {};
    std::size_t bytes = 0;
    for (const auto& [name, value] : *environment) {
        const std::string_view key(name.data(), name.size());
        if (key.find('=') != key.npos || key.find('\0') != key.npos)
            return invalid("environmentVariables", "a name holds a character that it must not");
        const std::string text = value.is_string() ? std::string(view_of(value.get_string())) : "";
        if (text.find('\0') != text.npos)
            return invalid("environmentVariables", "a value holds a NUL character");
        bytes += key.size() + text.size() + 2;  // as the agent gets it: NAME=value and a NUL
        spec.environment.emplace(key, text);
    }
    // What the model allows in ASCII fits; a sandbox takes no more.
    if (const std::size_t most = runtime::RuntimeLimits{}.environment_bytes_max; bytes > most)
        return invalid("environmentVariables", std::to_string(bytes) + " bytes together, at most " +
                                                   std::to_string(most) +
                                                   " can be given to an agent");
    return {};
}

Result<> read_authorizer(const json::object& input, runtime::Spec& spec) {
    const json::object* configuration = object_in(input, "authorizerConfiguration");
    if (configuration == nullptr) return {};
    constexpr std::string_view kPath = "authorizerConfiguration.customJWTAuthorizer";
    const json::object* wanted = object_in(*configuration, "customJWTAuthorizer");
    if (wanted == nullptr) return invalid(kPath, "is required");
    AC_TRY([[maybe_unused]] const auto rules, bearer::parse_rules(*wanted, kPath));
    spec.authorizer = json::serialize(*wanted);
    return {};
}

Result<> read_headers(const json::object& input, runtime::Spec& spec) {
    const json::object* headers = object_in(input, "requestHeaderConfiguration");
    if (headers == nullptr) return {};
    constexpr std::string_view kPath = "requestHeaderConfiguration.requestHeaderAllowlist";
    const json::value* list = headers->if_contains("requestHeaderAllowlist");
    if (list == nullptr || !list->is_array()) return invalid(kPath, "is required");
    for (const json::value& item : list->get_array()) {
        const std::string name(view_of(item.as_string()));
        const std::string lower = to_lower(name);
        const bool custom = lower.starts_with("x-amzn-bedrock-agentcore-runtime-custom-");
        if (lower == "authorization" && spec.authorizer.empty())
            return invalid(kPath, "Authorization can be passed with a customJWTAuthorizer only");
        if (lower.starts_with("x-amz-") || (lower.starts_with("x-amzn-") && !custom))
            return invalid(kPath, name + " is never passed to an agent");
        spec.header_allowlist.push_back(name);
    }
    return {};
}

Result<> read_network(const json::object& input, runtime::Spec& spec) {
    const json::object* network = object_in(input, "networkConfiguration");
    if (network == nullptr || text_or(*network, "networkMode") != "VPC") return {};
    if (object_in(*network, "networkModeConfig") == nullptr)
        return invalid("networkConfiguration.networkModeConfig", "is required with mode VPC");
    spec.network = runtime::NetworkMode::vpc;
    return {};
}

// The model's pattern admits /mnt/. and /mnt/.. as well.
Result<> read_storage(const json::object& input, runtime::Spec& spec) {
    constexpr std::string_view kPath = "filesystemConfigurations";
    const json::value* list = input.if_contains(kPath);
    if (list == nullptr || !list->is_array()) return {};
    for (const json::value& item : list->get_array()) {
        const json::object* given = item.if_object();
        const json::object* storage =
            given == nullptr ? nullptr : object_in(*given, "sessionStorage");
        if (storage == nullptr)
            return not_yet("filesystemConfigurations other than sessionStorage");
        std::string path = text_or(*storage, "mountPath");
        if (path.ends_with('/')) path.pop_back();
        if (path.ends_with("/.") || path.ends_with("/.."))
            return invalid("filesystemConfigurations.sessionStorage.mountPath",
                           "must name a folder below /mnt");
        if (std::ranges::find(spec.storage_paths, path) != spec.storage_paths.end())
            return invalid(kPath, "two of them have the mount path " + path);
        spec.storage_paths.push_back(std::move(path));
    }
    return {};
}

Result<> read_protocol(const json::object& input, runtime::Spec& spec) {
    const json::object* given = object_in(input, "protocolConfiguration");
    if (given == nullptr) return {};
    const std::string name = text_or(*given, "serverProtocol");
    const auto protocol = runtime::protocol_from(name);
    if (!protocol) return not_yet("protocolConfiguration.serverProtocol " + name);
    spec.protocol = *protocol;
    return {};
}

// Defaults as the service documents them: an absent idle timeout is 900 s, but never longer than
// the lifetime.
Result<json::object> read_lifecycle(const json::object& input, runtime::Spec& spec) {
    const runtime::RuntimeLimits limits;
    std::optional<std::int64_t> idle;
    std::optional<std::int64_t> lifetime;
    if (const json::object* given = object_in(input, "lifecycleConfiguration")) {
        if (const auto* value = given->if_contains("idleRuntimeSessionTimeout"))
            idle = value->to_number<std::int64_t>();
        if (const auto* value = given->if_contains("maxLifetime"))
            lifetime = value->to_number<std::int64_t>();
    }
    const std::int64_t max = lifetime.value_or(limits.lifetime_max.count());
    const std::int64_t used = idle.value_or(std::min(limits.idle_timeout.count(), max));
    if (used > max) {
        return invalid("lifecycleConfiguration.idleRuntimeSessionTimeout",
                       "must not be longer than maxLifetime");
    }
    spec.idle_timeout = Seconds{used};
    spec.lifetime_max = Seconds{max};
    return json::object{{"idleRuntimeSessionTimeout", used}, {"maxLifetime", max}};
}

struct Described {
    runtime::Spec spec;
    std::string document;
};

// The part that create and update share.
Result<Described> described(const json::object& input) {
    constexpr std::array<std::string_view, 4> kNotKept = {"clientToken", "agentRuntimeName",
                                                          "agentRuntimeId", "tags"};
    AC_CHECK(refuse_what_is_not_run(input));
    Described out;
    AC_CHECK(read_artifact(input, out.spec));
    AC_CHECK(read_environment(input, out.spec));
    AC_CHECK(read_authorizer(input, out.spec));
    AC_CHECK(read_headers(input, out.spec));
    out.spec.role_arn = text_or(input, "roleArn");
    AC_CHECK(read_network(input, out.spec));
    AC_CHECK(read_protocol(input, out.spec));
    AC_CHECK(read_storage(input, out.spec));
    AC_TRY(json::object lifecycle, read_lifecycle(input, out.spec));

    json::object kept;
    for (const auto& [name, value] : input)
        if (std::ranges::find(kNotKept, std::string_view(name.data(), name.size())) ==
            kNotKept.end())
            kept[name] = value;
    kept["lifecycleConfiguration"] = std::move(lifecycle);
    if (!kept.contains("networkConfiguration"))
        kept["networkConfiguration"] = json::object{{"networkMode", "PUBLIC"}};
    out.document = json::serialize(kept);
    return out;
}

runtime::Tags tags_from(const json::object& input) {
    runtime::Tags tags;
    if (const json::object* given = object_in(input, "tags")) {
        for (const auto& [key, value] : *given)
            tags.emplace(std::string_view(key.data(), key.size()),
                         value.is_string() ? std::string(view_of(value.get_string())) : "");
    }
    return tags;
}

std::string version_text(std::int64_t version) {
    return std::to_string(version);
}

// "arn:aws:bedrock-agentcore:{region}:{account}:{rest}"
struct Arn {
    std::string_view region;
    std::string_view account;
    std::string_view rest;
};

std::optional<Arn> split_arn(std::string_view arn) {
    std::array<std::string_view, 6> parts;
    for (std::size_t i = 0; i < 5; ++i) {
        const auto colon = arn.find(':');
        if (colon == arn.npos) return std::nullopt;
        parts[i] = arn.substr(0, colon);
        arn.remove_prefix(colon + 1);
    }
    parts[5] = arn;
    if (parts[0] != "arn" || !parts[1].starts_with("aws") || parts[2] != "bedrock-agentcore")
        return std::nullopt;
    return Arn{parts[3], parts[4], parts[5]};
}

}  // namespace

runtime::Idempotency idempotency_from(const json::object& input) {
    runtime::Idempotency once{.token = text_or(input, "clientToken")};
    if (once.token.empty()) return once;
    json::object rest = input;
    rest.erase("clientToken");
    once.parameters = sha256_hex(json::serialize(sorted(rest)));
    return once;
}

std::optional<std::int64_t> version_from(const json::object& input) {
    const std::string text = text_or(input, "agentRuntimeVersion");
    std::int64_t version = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
    if (text.empty() || error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return version;
}

Result<runtime::NewRuntime> new_runtime_from(const json::object& input) {
    AC_TRY(Described what, described(input));
    return runtime::NewRuntime{.name = text_or(input, "agentRuntimeName"),
                               .description = text_or(input, "description"),
                               .document = std::move(what.document),
                               .spec = std::move(what.spec),
                               .tags = tags_from(input),
                               .once = idempotency_from(input)};
}

Result<runtime::RuntimeUpdate> runtime_update_from(const json::object& input) {
    AC_TRY(Described what, described(input));
    return runtime::RuntimeUpdate{.id = runtime::RuntimeId(text_or(input, "agentRuntimeId")),
                                  .description = text_or(input, "description"),
                                  .document = std::move(what.document),
                                  .spec = std::move(what.spec),
                                  .once = idempotency_from(input)};
}

runtime::NewEndpoint new_endpoint_from(const json::object& input) {
    return {.runtime = runtime::RuntimeId(text_or(input, "agentRuntimeId")),
            .name = text_or(input, "name"),
            .version = version_from(input),
            .description = text_or(input, "description"),
            .tags = tags_from(input),
            .once = idempotency_from(input)};
}

runtime::EndpointUpdate endpoint_update_from(const json::object& input) {
    runtime::EndpointUpdate update{.runtime = runtime::RuntimeId(text_or(input, "agentRuntimeId")),
                                   .name = text_or(input, "endpointName"),
                                   .version = version_from(input),
                                   .once = idempotency_from(input)};
    if (input.contains("description")) update.description = text_or(input, "description");
    return update;
}

runtime::PageRequest page_request_from(const json::object& input) {
    runtime::PageRequest page{.token = text_or(input, "nextToken")};
    if (const json::value* max = input.if_contains("maxResults");
        max != nullptr && max->is_number())
        page.items_max = max->to_number<int>();
    return page;
}

Result<json::object> runtime_output(const Scope& scope, const RuntimeView& view) {
    json::object out;
    try {
        out = json::parse(view.document).as_object();
    } catch (const std::exception& e) {
        return fail(ErrorCode::internal,
                    std::string("a stored runtime is unreadable: ") + e.what());
    }
    for (auto& [name, value] : runtime_receipt(scope, view)) out[name] = value;
    out["agentRuntimeName"] = view.name;
    out["lastUpdatedAt"] = to_epoch_ms(view.updated_at);
    if (!view.failure_reason.empty()) out["failureReason"] = view.failure_reason;
    return out;
}

json::object runtime_summary(const Scope& scope, const RuntimeView& view) {
    return {{"agentRuntimeArn", runtime_arn(scope, view.id)},
            {"agentRuntimeId", view.id.text()},
            {"agentRuntimeVersion", version_text(view.version)},
            {"agentRuntimeName", view.name},
            {"description", view.description},
            {"lastUpdatedAt", to_epoch_ms(view.updated_at)},
            {"status", to_string(view.status)}};
}

json::object runtime_receipt(const Scope& scope, const RuntimeView& view) {
    const std::string identity = workload_identity_arn(scope, view.id);
    return {{"agentRuntimeArn", runtime_arn(scope, view.id)},
            {"workloadIdentityDetails", json::object{{"workloadIdentityArn", identity}}},
            {"agentRuntimeId", view.id.text()},
            {"agentRuntimeVersion", version_text(view.version)},
            {"createdAt", to_epoch_ms(view.created_at)},
            {"lastUpdatedAt", to_epoch_ms(view.updated_at)},
            {"status", to_string(view.status)}};
}

json::object endpoint_output(const Scope& scope, const runtime::EndpointView& view) {
    json::object out{{"name", view.name},
                     {"endpointName", view.name},
                     {"id", view.id},
                     {"agentRuntimeId", view.runtime.text()},
                     {"agentRuntimeArn", runtime_arn(scope, view.runtime)},
                     {"agentRuntimeEndpointArn", endpoint_arn(scope, view.runtime, view.name)},
                     {"status", to_string(view.status)},
                     {"createdAt", to_epoch_ms(view.created_at)},
                     {"lastUpdatedAt", to_epoch_ms(view.updated_at)}};
    if (view.live_version) out["liveVersion"] = version_text(*view.live_version);
    if (view.target_version) out["targetVersion"] = version_text(*view.target_version);
    if (!view.description.empty()) out["description"] = view.description;
    if (!view.failure_reason.empty()) out["failureReason"] = view.failure_reason;
    return out;
}

json::object session_output(const runtime::SessionView& view) {
    return {
        {"sessionId", view.session.text()},         {"endpoint", view.endpoint},
        {"version", version_text(view.version)},    {"state", view.state},
        {"startedAt", to_rfc3339(view.started_at)}, {"lastUsedAt", to_rfc3339(view.last_used_at)},
        {"invocations", view.invocations},          {"memoryBytes", view.memory_bytes}};
}

json::object log_output(const runtime::LogLine& line) {
    return {{"time", to_rfc3339(line.time)},
            {"session", line.session},
            {"stream", line.stream},
            {"line", line.line}};
}

Result<runtime::Resource> runtime_resource_from(const Scope& scope, std::string_view arn) {
    constexpr std::string_view kRuntime = "runtime/";
    constexpr std::string_view kEndpoint = "/runtime-endpoint/";
    const auto parts = split_arn(arn);
    if (!parts || !parts->rest.starts_with(kRuntime))
        return invalid("resourceArn", "is not the ARN of an agent runtime");
    if (parts->account != scope.account) {
        return fail(ErrorCode::permission_denied,
                    "the resource belongs to another account: " + std::string(arn));
    }
    if (parts->region != scope.region)
        return fail(ErrorCode::not_found,
                    "the resource is not in this region: " + std::string(arn));
    const std::string_view rest = parts->rest.substr(kRuntime.size());
    const auto slash = rest.find(kEndpoint);
    runtime::Resource resource{.runtime = runtime::RuntimeId(std::string(rest.substr(0, slash)))};
    if (slash != rest.npos) resource.endpoint = rest.substr(slash + kEndpoint.size());
    if (resource.runtime.empty() || resource.runtime.text().find('/') != std::string::npos)
        return invalid("resourceArn", "is not the ARN of an agent runtime");
    return resource;
}

Result<Scope> runtime_scope_from(const json::object& input) {
    const std::string target = text_or(input, "agentRuntimeArn");
    const auto parts = split_arn(target);
    if (!parts)
        return invalid("agentRuntimeArn", "a request with a token names the runtime by its ARN");
    return Scope{.account = std::string(parts->account), .region = std::string(parts->region)};
}

void take_web_socket_session(const net::RequestHead& head, json::object& input) {
    std::string session(head.headers.get(runtime::kSessionHeader));
    if (session.empty()) session = text_or(input, runtime::kSessionHeader);
    input["runtimeSessionId"] = session;
}

Result<runtime::SessionAddress> session_address_from(const Scope& scope,
                                                     const json::object& input) {
    runtime::SessionAddress address{.scope = scope};
    const std::string target = text_or(input, "agentRuntimeArn");
    if (target.starts_with("arn:")) {
        AC_TRY(runtime::Resource resource, runtime_resource_from(scope, target));
        address.runtime = std::move(resource.runtime);
        if (!resource.endpoint.empty()) address.endpoint = std::move(resource.endpoint);
    } else {
        const std::string account = text_or(input, "accountId");
        if (account.empty())
            return invalid("accountId", "is required when the runtime is named by its id");
        if (account != scope.account)
            return fail(ErrorCode::permission_denied, "the runtime belongs to another account");
        address.runtime = runtime::RuntimeId(target);
    }
    if (const std::string qualifier = text_or(input, "qualifier"); !qualifier.empty())
        address.endpoint = qualifier;
    address.session = runtime::SessionId(text_or(input, "runtimeSessionId"));
    address.caller.user_id = text_or(input, "runtimeUserId");
    address.mcp_session = text_or(input, "mcpSessionId");
    return address;
}

}  // namespace ac::wire
