#include <algorithm>

#include "access/policy.h"
#include "base/encoding.h"

namespace ac::access {
namespace {

NamedAs names(const PrincipalEntry& entry, const Actor& actor) {
    switch (entry.kind) {
        case PrincipalEntry::Kind::everyone:
            return NamedAs::everyone;
        case PrincipalEntry::Kind::service:
            return !actor.service.empty() && entry.value == actor.service ? NamedAs::user_or_session
                                                                          : NamedAs::nobody;
        case PrincipalEntry::Kind::aws:
            if (!actor.arn.empty() && entry.value == actor.arn) return NamedAs::user_or_session;
            if (!actor.role_arn.empty() && entry.value == actor.role_arn) return NamedAs::role;
            if (!actor.account.empty() && entry.value == actor.account) return NamedAs::account;
            return NamedAs::nobody;
        default:
            return NamedAs::nobody;
    }
}

// How closely the statement names the actor; a policy of an identity is about its identity.
NamedAs named_by(const Statement& statement, const Actor& actor) {
    if (statement.principals.empty()) return NamedAs::user_or_session;
    NamedAs closest = NamedAs::nobody;
    for (const PrincipalEntry& entry : statement.principals)
        closest = std::max(closest, names(entry, actor));
    if (!statement.except_principals) return closest;
    return closest == NamedAs::nobody ? NamedAs::everyone : NamedAs::nobody;
}

bool is_about(const Statement& statement, std::string_view lower_action, const Question& question) {
    const bool action = std::ranges::any_of(
        statement.actions, [&](const Wildcard& wanted) { return wanted.matches(lower_action); });
    if (action == statement.except_actions) return false;
    if (!statement.resources.empty()) {
        const bool resource =
            std::ranges::any_of(statement.resources, [&](const PolicyText& wanted) {
                return wanted.matches(question.resource, question.context);
            });
        if (resource == statement.except_resources) return false;
    }
    return std::ranges::all_of(statement.conditions, [&](const Condition& condition) {
        return holds(condition, question.context);
    });
}

}  // namespace

Finding evaluate(const Policy& policy, const Question& question) {
    const std::string action = to_lower(question.action);
    Finding found;
    for (std::size_t i = 0; i < policy.statements.size(); ++i) {
        const Statement& statement = policy.statements[i];
        if (!is_about(statement, action, question)) continue;
        const NamedAs named_as = named_by(statement, question.actor);
        if (named_as == NamedAs::nobody) continue;
        if (statement.effect == Effect::allow && named_as <= found.named_as) continue;
        found = {
            .effect = statement.effect, .policy = &policy, .statement = i, .named_as = named_as};
        if (statement.effect == Effect::deny) return found;
    }
    return found;
}

}  // namespace ac::access
