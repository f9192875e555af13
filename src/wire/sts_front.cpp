#include "wire/sts_front.h"

#include <fmt/format.h>

namespace ac::wire {
namespace {

Result<json::object> get_caller_identity(const access::AccessService&, const Form&,
                                         const QueryCall& call) {
    return json::object{{"Arn", call.principal.arn},
                        {"UserId", call.principal.user_id},
                        {"Account", call.principal.account}};
}

json::object credentials_of(const access::TemporaryCredentials& credentials) {
    return {{"AccessKeyId", credentials.key_id},
            {"SecretAccessKey", credentials.secret->view()},
            {"SessionToken", credentials.token},
            {"Expiration", query_time(credentials.principal.session->expires_at)}};
}

Result<json::object> assume_role(const access::AccessService& access, const Form& form,
                                 const QueryCall& call) {
    access::RoleRequest request;
    AC_TRY(request.role_arn, form.require("RoleArn"));
    AC_TRY(request.session_name, form.require("RoleSessionName"));
    AC_TRY(const std::int64_t seconds, form.number("DurationSeconds", 0));
    request.duration = Seconds{seconds};
    if (form.has("DurationSeconds") && seconds == 0) request.duration = Seconds{-1};
    request.external_id = form.get("ExternalId");
    request.source_identity = form.get("SourceIdentity");
    request.policy = form.get("Policy");
    request.policy_arns = form.list("PolicyArns", "arn");
    request.tags = form.tags();
    AC_TRY(const auto issued, access.assume_role(call.principal, call.facts, request));
    json::object out{{"Credentials", credentials_of(issued)},
                     {"AssumedRoleUser", json::object{{"AssumedRoleId", issued.principal.user_id},
                                                      {"Arn", issued.principal.arn}}}};
    if (!issued.policy_documents.empty())
        out["PackedPolicySize"] = issued.token.size() * 100 / 16384;
    if (!issued.principal.session->source_identity.empty())
        out["SourceIdentity"] = issued.principal.session->source_identity;
    return out;
}

Result<json::object> get_session_token(const access::AccessService& access, const Form& form,
                                       const QueryCall& call) {
    AC_TRY(const std::int64_t seconds, form.number("DurationSeconds", 0));
    AC_TRY(const auto issued, access.session_token(call.principal, Seconds{seconds}));
    return json::object{{"Credentials", credentials_of(issued)}};
}

Result<json::object> get_access_key_info(const access::AccessService& access, const Form& form,
                                         const QueryCall& call) {
    AC_TRY(const std::string id, form.require("AccessKeyId"));
    AC_CHECK(access.authorizer().authorize(
        {.principal = call.principal,
         .action = "sts:GetAccessKeyInfo",
         .resource = "*",
         .context = access.authorizer().context_of(call.principal, call.facts)}));
    const auto snapshot = access.directory().now();
    const auto found = snapshot->keys.find(id);
    const bool is_own = id == call.access_key_id;
    if (found == snapshot->keys.end() && !is_own)
        return fail(Error{.code = ErrorCode::invalid_argument,
                          .message = "No such access key is known here",
                          .reason = "ValidationError"});
    return json::object{{"Account", is_own ? call.principal.account : found->second->account}};
}

using Operation = Result<json::object> (*)(const access::AccessService&, const Form&,
                                           const QueryCall&);

constexpr std::pair<std::string_view, Operation> kOperations[] = {
    {"GetCallerIdentity", get_caller_identity},
    {"AssumeRole", assume_role},
    {"GetSessionToken", get_session_token},
    {"GetAccessKeyInfo", get_access_key_info},
};

}  // namespace

net::Response answer_sts(const access::AccessService& access, std::string_view text,
                         const QueryCall& call) {
    const auto form = Form::parse(text);
    if (!form) return query_error(kSts, form.error(), call.request_id);
    const std::string& action = form->get("Action");
    for (const auto& [name, operation] : kOperations) {
        if (name != action) continue;
        const auto result = operation(access, *form, call);
        if (!result) return query_error(kSts, result.error(), call.request_id);
        return query_response(kSts, name, *result, call.request_id);
    }
    const Error unknown{
        .code = ErrorCode::not_implemented,
        .message = action.empty() ? "Action is missing"
                                  : fmt::format("{} is not implemented by agentcored", action)};
    return query_error(kSts, unknown, call.request_id);
}

}  // namespace ac::wire
