// Temporary credentials: roles that are assumed, by callers and by the sessions of runtimes.

#include <fmt/format.h>

#include <algorithm>

#include "access/access_service.h"
#include "access/limits.h"
#include "access/managed_policies.h"
#include "access/rules.h"

namespace ac::access {
namespace {

constexpr std::string_view kPlatform = "bedrock-agentcore.amazonaws.com";

std::unexpected<Error> invalid(std::string message) {
    return fail(iam_error(ErrorCode::invalid_argument, "ValidationError", std::move(message)));
}

bool is_session_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_+=,.@-").find(c) != std::string_view::npos;
}

Result<> check_request(const RoleRequest& request) {
    const std::string& name = request.session_name;
    if (name.size() < 2 || name.size() > 64 || !std::ranges::all_of(name, is_session_character))
        return invalid("roleSessionName has 2 to 64 characters of [A-Za-z0-9_+=,.@-]");
    const std::string& source = request.source_identity;
    if (!source.empty() && (source.size() < 2 || source.size() > 64 ||
                            !std::ranges::all_of(source, is_session_character)))
        return invalid("sourceIdentity has 2 to 64 characters of [A-Za-z0-9_+=,.@-]");
    if (!request.external_id.empty() &&
        (request.external_id.size() < 2 || request.external_id.size() > 1224))
        return invalid("externalId has 2 to 1224 characters");
    if (request.policy.size() > kSessionPolicyMax)
        return fail(iam_error(
            ErrorCode::invalid_argument, "PackedPolicyTooLarge",
            fmt::format("A session policy has at most {} characters", kSessionPolicyMax)));
    if (request.policy_arns.size() > kSessionPolicyArnsMax)
        return invalid(fmt::format("At most {} session policies", kSessionPolicyArnsMax));
    return check_tags(request.tags);
}

Result<Seconds> session_length(const Principal& caller, const RoleRequest& request,
                               const Entity& role) {
    const bool is_chained = caller.kind == Principal::Kind::role;
    const Seconds asked = request.duration == Seconds{0} ? Seconds{3600} : request.duration;
    if (asked < kSessionMin || asked > kSessionMax)
        return invalid(
            fmt::format("durationSeconds is {} to {}", kSessionMin.count(), kSessionMax.count()));
    if (is_chained && asked > kChainedSessionMax)
        return invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles "
            "assumed by role chaining.");
    if (asked > Seconds{role.session_seconds_max})
        return invalid(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this "
            "role.");
    return asked;
}

// The keys of the request that a trust policy may ask for.
void add_request_keys(RequestContext& context, const RoleRequest& request) {
    context.add("sts:RoleSessionName", request.session_name);
    if (!request.external_id.empty()) context.add("sts:ExternalId", request.external_id);
    if (!request.source_identity.empty())
        context.add("sts:SourceIdentity", request.source_identity);
    std::vector<std::string> keys;
    for (const auto& [key, value] : request.tags) {
        context.add("aws:RequestTag/" + key, value);
        keys.push_back(key);
    }
    if (!keys.empty()) context.add_all("aws:TagKeys", std::move(keys));
}

Principal session_of(const Entity& role, std::string_view session_name) {
    return {.account = role.account,
            .arn = fmt::format("arn:aws:sts::{}:assumed-role/{}/{}", role.account, role.name,
                               session_name),
            .kind = Principal::Kind::role,
            .name = role.name,
            .identity_arn = role.arn(),
            .user_id = fmt::format("{}:{}", role.id, session_name)};
}

// A session name out of any text.
std::string session_name_of(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, 64)) out += is_session_character(c) ? c : '-';
    return out.empty() ? "session" : out;
}

}  // namespace

Result<> AccessService::add_session_policies(const std::string& account, const RoleRequest& request,
                                             TemporaryCredentials& out, SessionGrant& grant) const {
    if (!request.policy.empty()) out.policy_documents.push_back(request.policy);
    const SnapshotPointer snapshot = directory_.now();
    for (const std::string& arn : request.policy_arns) {
        if (const ManagedPolicy* managed = find_managed_policy(arn)) {
            out.policy_documents.emplace_back(managed->document);
            continue;
        }
        const auto name = parse_entity_arn(arn);
        const Entity* policy = name && name->account == account
                                   ? snapshot->find(account, EntityKind::policy, name->name)
                                   : nullptr;
        if (policy == nullptr)
            return invalid(fmt::format("The session policy {} is not known here", arn));
        out.policy_documents.push_back(policy->version(policy->default_version)->document);
    }
    std::size_t bytes = 0;
    for (const std::string& document : out.policy_documents) {
        AC_TRY(PolicyPointer policy,
               parse_policy(document, PolicyKind::identity, "session policy"));
        grant.policies.push_back(std::move(policy));
        bytes += document.size();
    }
    // Tokens travel in a header.
    if (bytes > kManagedPolicyMax)
        return fail(iam_error(ErrorCode::invalid_argument, "PackedPolicyTooLarge",
                              "The session policies together are too long"));
    return {};
}

Result<TemporaryCredentials> AccessService::assume_role(const Principal& caller,
                                                        const RequestFacts& facts,
                                                        const RoleRequest& request) const {
    AC_CHECK(check_request(request));
    RequestContext context = authorizer_.context_of(caller, facts);
    add_request_keys(context, request);
    const SnapshotPointer snapshot = directory_.now();
    const Identity* role = snapshot->identity(request.role_arn);
    std::vector<std::string_view> actions{"sts:AssumeRole"};
    if (!request.tags.empty()) actions.emplace_back("sts:TagSession");
    if (!request.source_identity.empty()) actions.emplace_back("sts:SetSourceIdentity");
    for (const std::string_view action : actions) {
        const Attempt attempt{.principal = caller,
                              .action = action,
                              .resource = request.role_arn,
                              .context = context};
        // Whether a role exists is not told to those who may not assume it.
        const Decision decision = role != nullptr && role->trust
                                      ? authorizer_.decide_assumption(attempt, *role)
                                      : Decision{};
        if (decision.allowed()) continue;
        return fail(Error{
            .code = ErrorCode::permission_denied,
            .message = fmt::format("User: {} is not authorized to perform: {} on resource: {}",
                                   caller.arn, action, request.role_arn),
            .reason = "AccessDenied"});
    }
    AC_TRY(const Seconds length, session_length(caller, request, *role->entity));
    auto grant = std::make_shared<SessionGrant>();
    grant->issued_at = facts.now;
    grant->expires_at = facts.now + length;
    grant->source_identity = request.source_identity;
    if (grant->source_identity.empty() && caller.session)
        grant->source_identity = caller.session->source_identity;
    grant->tags = request.tags;
    TemporaryCredentials out;
    AC_CHECK(add_session_policies(role->entity->account, request, out, *grant));
    out.principal = session_of(*role->entity, request.session_name);
    out.principal.session = std::move(grant);
    tokens_->issue(out);
    return out;
}

Result<TemporaryCredentials> AccessService::session_token(const Principal& caller,
                                                          Seconds duration) const {
    if (caller.session)
        return fail(iam_error(ErrorCode::permission_denied, "AccessDenied",
                              "Cannot call GetSessionToken with session credentials"));
    const bool is_root = caller.kind == Principal::Kind::root;
    const Seconds longest = is_root ? kChainedSessionMax : kSessionTokenMax;
    Seconds length = duration == Seconds{0} ? std::min(kSessionMax, longest) : duration;
    if (length < kSessionMin || length > kSessionTokenMax)
        return invalid(fmt::format("durationSeconds is {} to {}", kSessionMin.count(),
                                   kSessionTokenMax.count()));
    length = std::min(length, longest);
    auto grant = std::make_shared<SessionGrant>();
    grant->issued_at = parts_.clock.wall();
    grant->expires_at = grant->issued_at + length;
    TemporaryCredentials out{.principal = caller};
    out.principal.session = std::move(grant);
    tokens_->issue(out);
    return out;
}

Principal AccessService::runtime_principal(const std::string& account, const std::string& role_arn,
                                           const std::string& runtime,
                                           const std::string& session) const {
    const std::string session_name = session_name_of(session);
    const SnapshotPointer snapshot = directory_.now();
    const Identity* role = snapshot->identity(role_arn);
    auto grant = std::make_shared<SessionGrant>();
    grant->issued_at = parts_.clock.wall();
    grant->expires_at = grant->issued_at + kSessionMax;
    if (role != nullptr && role->trust && role->entity->account == account) {
        Principal principal = session_of(*role->entity, session_name);
        RequestContext context = authorizer_.context_of(principal, {.now = grant->issued_at});
        context.add("aws:SourceAccount", account);
        context.add("aws:SourceArn", runtime);
        principal.session = std::move(grant);
        if (!authorizer_.trusts_service(*role, kPlatform, context)) principal.identity_arn.clear();
        return principal;
    }
    const auto name = parse_entity_arn(role_arn);
    const std::string role_name = name ? name->name : "unknown";
    Principal principal{
        .account = account,
        .arn = fmt::format("arn:aws:sts::{}:assumed-role/{}/{}", account, role_name, session_name),
        .kind = Principal::Kind::role,
        .name = role_name,
        .identity_arn = role_arn,
        .user_id = "AROAUNKNOWN:" + session_name};
    const bool is_own = !name || name->account == account;
    if (parts_.unknown_role == UnknownRole::development && is_own && role == nullptr)
        grant->built_in = development_policy_;
    principal.session = std::move(grant);
    return principal;
}

}  // namespace ac::access
