#pragma once
// A policy in AWS's JSON language, parsed and ready to be evaluated. Immutable.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/condition.h"
#include "access/request_context.h"
#include "access/wildcard.h"
#include "base/result.h"

namespace ac::access {

enum class Effect { allow, deny };

// Where a policy is used decides what it may and must say.
enum class PolicyKind {
    identity,  // of a user, role or group, a session or a boundary: Resource, no Principal
    resource,  // of a resource: Principal and Resource
    trust,     // of a role, who may assume it: Principal, no Resource
};

// "Principal": {"AWS": ..., "Service": ...}; or "*".
struct PrincipalEntry {
    enum class Kind { everyone, aws, service, federated, canonical_user } kind = Kind::everyone;
    std::string value;  // an ARN, an account's 12 digits, a service's name
};

struct Statement {
    std::string sid;
    Effect effect = Effect::deny;
    bool except_actions = false;    // NotAction
    std::vector<Wildcard> actions;  // lower case
    bool except_resources = false;  // NotResource
    std::vector<PolicyText> resources;
    bool except_principals = false;  // NotPrincipal
    std::vector<PrincipalEntry> principals;
    std::vector<Condition> conditions;
};

struct Policy {
    std::string name;  // for people: "arn:aws:iam::000000000000:policy/x", "inline policy y"
    std::vector<Statement> statements;
};

using PolicyPointer = std::shared_ptr<const Policy>;

// invalid_argument with reason MalformedPolicyDocument; the message names the place, as in
// "Statement[2].Condition.IpAddress: ...", or line and column where it is no JSON.
Result<PolicyPointer> parse_policy(std::string_view document, PolicyKind kind,
                                   std::string name = {});

// Who acts, as Principal elements name it.
struct Actor {
    std::string account;
    std::string arn;       // a session's: arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION
    std::string role_arn;  // of a session: the role's
    std::string service;   // "bedrock-agentcore.amazonaws.com", when it is one
};

struct Question {
    std::string_view action;    // as written: "s3:GetObject"
    std::string_view resource;  // an ARN, or "*"
    const Actor& actor;
    const RequestContext& context;
};

// How a Principal element named the actor. An account is named to delegate: its own policies have
// to allow as well.
enum class NamedAs { nobody, account, everyone, role, user_or_session };

struct Finding {
    std::optional<Effect> effect;  // nullopt: no statement is about this
    const Policy* policy = nullptr;
    std::size_t statement = 0;  // index, of the one that decided
    NamedAs named_as = NamedAs::nobody;
};

// A deny wins; among allows the one that names the actor most closely.
Finding evaluate(const Policy& policy, const Question& question);

}  // namespace ac::access
