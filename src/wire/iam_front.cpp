#include "wire/iam_front.h"

#include <fmt/format.h>

#include <unordered_map>

#include "base/encoding.h"
#include "base/log.h"
#include "wire/iam_handlers.h"

namespace ac::wire {
namespace {

using namespace iam;

const Entry* find_operation_named(std::string_view name) {
    static const std::unordered_map<std::string_view, const Entry*> kByName = [] {
        std::unordered_map<std::string_view, const Entry*> out;
        for (const auto list : {user_operations(), role_operations(), policy_operations(),
                                attachment_operations(), simulation_operations()})
            for (const Entry& entry : list) out.emplace(entry.name, &entry);
        return out;
    }();
    const auto found = kByName.find(name);
    return found == kByName.end() ? nullptr : found->second;
}

// The entity's own ARN where it is there, else the one that it would have.
std::string arn_of(const Turn& turn, EntityKind kind, const std::string& name) {
    const auto snapshot = turn.snapshot();
    if (const Entity* found = snapshot->find(turn.account(), kind, name)) return found->arn();
    const std::string& path = turn.form.get("Path");
    return access::entity_arn(turn.account(), kind, path.empty() ? "/" : path, name);
}

// What the request is about, for policies. AWS's rule: lists are about the path they look under.
std::string resource_of(const Turn& turn, std::string_view action) {
    const Form& form = turn.form;
    if (form.has("PolicySourceArn")) return form.get("PolicySourceArn");
    for (const EntityKind kind : {EntityKind::role, EntityKind::group, EntityKind::user})
        if (const std::string& name = form.get(name_member(kind)); !name.empty())
            return arn_of(turn, kind, name);
    if (form.has("PolicyArn")) return form.get("PolicyArn");
    if (action == "CreatePolicy") return arn_of(turn, EntityKind::policy, form.get("PolicyName"));
    if (action.starts_with("List") && action.ends_with("s")) {
        for (const EntityKind kind :
             {EntityKind::user, EntityKind::group, EntityKind::role, EntityKind::policy}) {
            const std::string plural = fmt::format("list{}s", to_string(kind));
            const bool is_list = to_lower(action) == plural ||
                                 (kind == EntityKind::policy && action == "ListPolicies");
            if (is_list) return access::entity_arn(turn.account(), kind, path_prefix(turn), "");
        }
    }
    // Of the caller's own user, or its account's root.
    const bool is_own = action.find("User") != std::string_view::npos ||
                        action.find("AccessKey") != std::string_view::npos;
    if (is_own && action != "GetAccessKeyLastUsed" && !turn.call.principal.session)
        return turn.call.principal.arn;
    return "*";
}

Result<> authorize(const Turn& turn, std::string_view action) {
    const auto& authorizer = turn.access.authorizer();
    auto context = authorizer.context_of(turn.call.principal, turn.call.facts);
    if (turn.form.has("PolicyArn")) context.add("iam:PolicyARN", turn.form.get("PolicyArn"));
    if (turn.form.has("PermissionsBoundary"))
        context.add("iam:PermissionsBoundary", turn.form.get("PermissionsBoundary"));
    std::vector<std::string> keys;
    for (const auto& [key, value] : turn.form.tags()) {
        context.add("aws:RequestTag/" + key, value);
        keys.push_back(key);
    }
    if (keys.empty()) keys = turn.form.list("TagKeys");
    if (!keys.empty()) context.add_all("aws:TagKeys", std::move(keys));
    const std::string resource = resource_of(turn, action);
    const std::string full = fmt::format("iam:{}", action);
    return authorizer.authorize({.principal = turn.call.principal,
                                 .action = full,
                                 .resource = resource,
                                 .context = context});
}

Task<json::object> run(Turn& turn, std::string_view action) {
    const Entry* entry = find_operation_named(action);
    if (entry == nullptr)
        co_return fail(
            Error{.code = ErrorCode::not_implemented,
                  .message = action.empty()
                                 ? std::string("Action is missing")
                                 : fmt::format("{} is not implemented by agentcored", action)});
    AC_CO_CHECK(authorize(turn, action));
    co_return co_await entry->operation(turn);
}

}  // namespace

asio::awaitable<net::Response, Executor> answer_iam(access::AccessService& access, std::string text,
                                                    QueryCall call) {
    const auto form = Form::parse(text);
    if (!form) co_return query_error(kIam, form.error(), call.request_id);
    const std::string action = form->get("Action");
    Turn turn{.access = access, .form = *form, .call = call};
    const auto result = co_await run(turn, action);
    if (result) co_return query_response(kIam, action, *result, call.request_id);
    const Error& error = result.error();
    if (error.code == ErrorCode::internal || error.code == ErrorCode::unavailable)
        AC_LOG(error, "iam request failed", {"operation", action}, {"request_id", call.request_id},
               {"reason", error.message});
    co_return query_error(kIam, error, call.request_id);
}

}  // namespace ac::wire
