// Why a call would be allowed or denied, without making it.

#include <fmt/format.h>

#include <boost/json/array.hpp>

#include "access/rules.h"
#include "wire/iam_handlers.h"

namespace ac::wire::iam {
namespace {

using access::Decision;
using access::Principal;

constexpr std::size_t kQuestionsMax = 1000;

// Who `arn` is, for its policies.
Result<Principal> principal_named(const Turn& turn, const std::string& arn) {
    if (arn == access::root_principal(turn.account()).arn)
        return access::root_principal(turn.account());
    const auto snapshot = turn.snapshot();
    const access::Identity* identity = snapshot->identity(arn);
    if (identity == nullptr || identity->entity->account != turn.account())
        return fail(access::iam_error(ErrorCode::not_found, "NoSuchEntity",
                                      fmt::format("{} cannot be found.", arn)));
    const Entity& entity = *identity->entity;
    const bool is_role = entity.kind == EntityKind::role;
    return Principal{.account = entity.account,
                     .arn = arn,
                     .kind = is_role ? Principal::Kind::role : Principal::Kind::user,
                     .name = entity.name,
                     .identity_arn = arn,
                     .user_id = is_role ? entity.id + ":simulation" : entity.id};
}

void add_context_entries(const Turn& turn, access::RequestContext& context) {
    for (std::size_t i = 1;; ++i) {
        const std::string entry = fmt::format("ContextEntries.member.{}", i);
        const std::string& key = turn.form.get(entry + ".ContextKeyName");
        if (key.empty()) return;
        context.add_all(key, turn.form.list(entry + ".ContextKeyValues"));
    }
}

json::object result_json(const std::string& action, const std::string& resource,
                         const Decision& decision) {
    const std::string_view said = decision.allowed() ? "allowed"
                                  : decision.outcome == Decision::Outcome::denied_by_statement
                                      ? "explicitDeny"
                                      : "implicitDeny";
    json::array statements;
    if (!decision.policy.empty())
        statements.push_back(
            {{"SourcePolicyId", decision.policy},
             {"SourcePolicyType", decision.by == "resource-based policy" ? "resource" : "none"},
             // Lines and columns are AWS's; here the line is the statement's place, from 1.
             {"StartPosition", {{"Line", decision.statement + 1}, {"Column", 1}}},
             {"EndPosition", {{"Line", decision.statement + 1}, {"Column", 1}}}});
    json::object out{{"EvalActionName", action},
                     {"EvalResourceName", resource},
                     {"EvalDecision", said},
                     {"MatchedStatements", std::move(statements)},
                     {"MissingContextValues", json::array()}};
    if (!decision.allowed() && decision.by == "permissions boundary")
        out["PermissionsBoundaryDecisionDetail"] =
            json::object{{"AllowedByPermissionsBoundary", false}};
    return out;
}

struct Questions {
    std::vector<std::string> actions;
    std::vector<std::string> resources;
};

Result<Questions> questions_in(const Turn& turn) {
    Questions out{turn.form.list("ActionNames"), turn.form.list("ResourceArns")};
    if (out.resources.empty()) out.resources.emplace_back("*");
    if (out.actions.empty())
        return fail(access::iam_error(ErrorCode::invalid_argument, "ValidationError",
                                      "ActionNames is empty"));
    if (out.actions.size() * out.resources.size() > kQuestionsMax)
        return fail(access::iam_error(ErrorCode::invalid_argument, "InvalidInput",
                                      "Too many actions and resources for one simulation"));
    return out;
}

Result<std::vector<access::PolicyPointer>> documents_in(const Turn& turn) {
    std::vector<access::PolicyPointer> out;
    std::size_t number = 0;
    for (const std::string& document : turn.form.list("PolicyInputList")) {
        AC_TRY(auto policy, access::parse_policy(document, access::PolicyKind::identity,
                                                 fmt::format("PolicyInputList.{}", ++number)));
        out.push_back(std::move(policy));
    }
    return out;
}

template <class Decide>
Result<json::object> simulate(const Turn& turn, const Questions& questions, Decide decide) {
    std::vector<json::value> items;
    for (const std::string& action : questions.actions)
        for (const std::string& resource : questions.resources)
            items.emplace_back(result_json(action, resource, decide(action, resource)));
    return page_of(turn, "EvaluationResults", items);
}

Task<json::object> simulate_principal_policy(Turn& turn) {
    AC_CO_TRY(const std::string arn, turn.form.require("PolicySourceArn"));
    AC_CO_TRY(Principal principal, principal_named(turn, arn));
    AC_CO_TRY(const Questions questions, questions_in(turn));
    AC_CO_TRY(const auto documents, documents_in(turn));
    auto context = turn.access.authorizer().context_of(
        principal, {.region = turn.call.scope.region, .now = turn.call.facts.now});
    add_context_entries(turn, context);
    co_return simulate(
        turn, questions, [&](const std::string& action, const std::string& resource) {
            const access::Attempt attempt{
                .principal = principal, .action = action, .resource = resource, .context = context};
            const Decision own = turn.access.authorizer().decide(attempt);
            if (documents.empty() || own.outcome == Decision::Outcome::denied_by_statement)
                return own;
            const Decision added = access::decide_by(documents, attempt);
            const bool decides = added.outcome == Decision::Outcome::denied_by_statement ||
                                 (added.allowed() && own.by == "identity-based policy");
            return decides ? added : own;
        });
}

Task<json::object> simulate_custom_policy(Turn& turn) {
    AC_CO_TRY(const Questions questions, questions_in(turn));
    AC_CO_TRY(const auto documents, documents_in(turn));
    Principal nobody{.account = turn.account(), .arn = turn.form.get("CallerArn")};
    access::RequestContext context;
    add_context_entries(turn, context);
    co_return simulate(
        turn, questions, [&](const std::string& action, const std::string& resource) {
            return access::decide_by(
                documents,
                {.principal = nobody, .action = action, .resource = resource, .context = context});
        });
}

Task<json::object> list_account_aliases(Turn& turn) {
    co_return page_of(turn, "AccountAliases", {});
}

constexpr Entry kEntries[] = {
    {"SimulatePrincipalPolicy", simulate_principal_policy},
    {"SimulateCustomPolicy", simulate_custom_policy},
    {"ListAccountAliases", list_account_aliases},
};

}  // namespace

std::span<const Entry> simulation_operations() {
    return kEntries;
}

}  // namespace ac::wire::iam
