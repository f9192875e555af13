#include "access/authorizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/time_text.h"

namespace ac::access {
namespace {

constexpr std::string_view kIdentity = "identity-based policy";
constexpr std::string_view kBoundary = "permissions boundary";
constexpr std::string_view kSession = "session policy";
constexpr std::string_view kResource = "resource-based policy";

// What the policies of one kind say together.
struct Side {
    std::string_view by;
    Finding finding = {};
    bool allows() const { return finding.effect == Effect::allow; }
    bool denies() const { return finding.effect == Effect::deny; }
};

void add(Side& side, const Policy& policy, const Question& question) {
    if (side.denies()) return;
    const Finding found = evaluate(policy, question);
    if (!found.effect) return;
    if (*found.effect == Effect::deny || !side.allows() || found.named_as > side.finding.named_as)
        side.finding = found;
}

Side ask(std::string_view by, std::span<const PolicyPointer> policies, const Question& question) {
    Side side{.by = by};
    for (const PolicyPointer& policy : policies) add(side, *policy, question);
    return side;
}

Decision decided(Decision::Outcome outcome, const Side& side) {
    Decision out{.outcome = outcome, .by = side.by};
    if (side.finding.policy != nullptr) {
        out.policy = side.finding.policy->name;
        out.statement = side.finding.statement;
        out.sid = side.finding.policy->statements[side.finding.statement].sid;
    }
    return out;
}

Decision missing(std::string_view by) {
    return {.outcome = Decision::Outcome::not_allowed, .by = by};
}

Actor actor_of(const Principal& principal) {
    return {.account = principal.account,
            .arn = principal.arn,
            .role_arn = principal.kind == Principal::Kind::role ? principal.identity_arn : "",
            .service = ""};
}

// The policies of the principal's own side.
struct Own {
    bool is_root = false;
    std::vector<PolicyPointer> identity;
    PolicyPointer boundary;
    std::span<const PolicyPointer> session;
};

Own own_policies(const Principal& principal, const Snapshot& snapshot) {
    Own own;
    own.is_root = principal.kind == Principal::Kind::root;
    if (principal.session) {
        own.session = principal.session->policies;
        if (principal.session->built_in) own.identity.push_back(principal.session->built_in);
    }
    const Identity* identity = snapshot.identity(principal.identity_arn);
    // The id tells one that was deleted from one made anew under the same name.
    if (identity == nullptr || !principal.user_id.starts_with(identity->entity->id)) return own;
    own.identity.insert(own.identity.end(), identity->policies.begin(), identity->policies.end());
    own.boundary = identity->boundary;
    return own;
}

// A user or session that the resource names itself needs nothing else in its own account; the role
// of a session still has its session policies and boundary.
Decision combine(const Own& own, const std::array<Side, 4>& sides, bool same_account) {
    const auto& [identity, boundary, session, resource] = sides;
    for (const Side& side : sides)
        if (side.denies()) return decided(Decision::Outcome::denied_by_statement, side);
    const bool within_boundary = !own.boundary || boundary.allows();
    const bool within_session = own.session.empty() || session.allows();
    const NamedAs named = resource.allows() ? resource.finding.named_as : NamedAs::nobody;
    if (same_account && named == NamedAs::user_or_session)
        return decided(Decision::Outcome::allowed, resource);
    const bool named_closely = named == NamedAs::role || named == NamedAs::everyone;
    const bool granted = own.is_root || identity.allows() || (same_account && named_closely);
    if (!granted) return missing(kIdentity);
    if (!within_boundary) return missing(kBoundary);
    if (!within_session) return missing(kSession);
    if (!same_account && named == NamedAs::nobody) return missing(kResource);
    return decided(Decision::Outcome::allowed, identity.allows() ? identity : resource);
}

Decision decide_with(const Attempt& attempt, const Snapshot& snapshot,
                     std::span<const PolicyPointer> of_resource, bool same_account) {
    const Own own = own_policies(attempt.principal, snapshot);
    const Actor actor = actor_of(attempt.principal);
    const Question question{.action = attempt.action,
                            .resource = attempt.resource,
                            .actor = actor,
                            .context = attempt.context};
    const std::span<const PolicyPointer> boundary(&own.boundary, own.boundary ? 1 : 0);
    return combine(own,
                   {ask(kIdentity, own.identity, question), ask(kBoundary, boundary, question),
                    ask(kSession, own.session, question), ask(kResource, of_resource, question)},
                   same_account);
}

// Those of the resource itself and of what it is part of:
// .../runtime/x/runtime-endpoint/y has its own and that of .../runtime/x.
std::vector<PolicyPointer> policies_of(const Snapshot& snapshot, std::string_view resource) {
    std::vector<PolicyPointer> out;
    if (snapshot.resource_policies.empty()) return out;
    const auto look = [&](std::string_view arn) {
        const auto found = snapshot.resource_policies.find(std::string(arn));
        if (found != snapshot.resource_policies.end()) out.push_back(found->second.policy);
    };
    look(resource);
    const auto part = resource.find("/runtime-endpoint/");
    if (part != std::string_view::npos) look(resource.substr(0, part));
    return out;
}

// What belongs to nobody, or to AWS (its browser, its managed policies), is everybody's own.
bool is_own(const Principal& principal, std::string_view resource) {
    const std::string_view owner = account_of_arn(resource);
    return owner.empty() || owner == "*" || owner == "aws" || owner == principal.account;
}

// A resource's policy cannot shut its account's root out for good.
bool is_way_back(const Attempt& attempt) {
    return attempt.principal.kind == Principal::Kind::root &&
           (attempt.action == "bedrock-agentcore:PutResourcePolicy" ||
            attempt.action == "bedrock-agentcore:GetResourcePolicy" ||
            attempt.action == "bedrock-agentcore:DeleteResourcePolicy");
}

}  // namespace

std::string_view account_of_arn(std::string_view arn) {
    for (int colons = 0; colons < 4; ++colons) {
        const auto colon = arn.find(':');
        if (colon == std::string_view::npos) return {};
        arn.remove_prefix(colon + 1);
    }
    return arn.substr(0, arn.find(':'));
}

RequestContext Authorizer::context_of(const Principal& principal, const RequestFacts& facts) const {
    using Kind = Principal::Kind;
    RequestContext out;
    const bool is_session = principal.session != nullptr;
    const bool is_role = principal.kind == Kind::role;
    out.add_of_caller("aws:PrincipalArn", is_role ? principal.identity_arn : principal.arn);
    out.add_of_caller("aws:PrincipalAccount", principal.account);
    out.add_of_caller("aws:PrincipalType", principal.kind == Kind::root ? "Account"
                                           : is_role                    ? "AssumedRole"
                                                                        : "User");
    out.add_of_caller("aws:userid", principal.user_id);
    if (principal.kind == Kind::user) out.add_of_caller("aws:username", principal.name);
    out.add("aws:CurrentTime", to_rfc3339(facts.now));
    out.add("aws:EpochTime", std::to_string(to_epoch_ms(facts.now) / 1000));
    out.add("aws:SecureTransport", facts.secure ? "true" : "false");
    out.add("aws:ViaAWSService", "false");
    if (!facts.source_ip.empty()) out.add("aws:SourceIp", facts.source_ip);
    if (!facts.user_agent.empty()) out.add("aws:UserAgent", facts.user_agent);
    if (!facts.referer.empty()) out.add("aws:Referer", facts.referer);
    if (!facts.region.empty()) out.add("aws:RequestedRegion", facts.region);
    if (is_session) {
        out.add("aws:TokenIssueTime", to_rfc3339(principal.session->issued_at));
        out.add("aws:MultiFactorAuthPresent", "false");
        if (!principal.session->source_identity.empty())
            out.add_of_caller("aws:SourceIdentity", principal.session->source_identity);
        for (const auto& [key, value] : principal.session->tags)
            out.add_of_caller("aws:PrincipalTag/" + key, value);
    }
    const SnapshotPointer snapshot = directory_.now();
    if (const Identity* identity = snapshot->identity(principal.identity_arn))
        for (const auto& [key, value] : identity->entity->tags)
            if (!is_session || !principal.session->tags.contains(key))
                // Not "of the caller": a decision may come under a later snapshot than this one.
                out.add("aws:PrincipalTag/" + key, value);
    return out;
}

bool Authorizer::is_beyond_policies(const Principal& principal, std::string_view resource) const {
    return principal.kind == Principal::Kind::root && !principal.session &&
           is_own(principal, resource) && directory_.now()->resource_policies.empty();
}

Decision Authorizer::decide(const Attempt& attempt) const {
    return decide_under(directory_.now(), attempt);
}

Decision Authorizer::decide_under(const SnapshotPointer& snapshot, const Attempt& attempt) {
    const bool same_account = is_own(attempt.principal, attempt.resource);
    const auto of_resource = policies_of(*snapshot, attempt.resource);
    if (same_account && is_way_back(attempt)) return {.outcome = Decision::Outcome::allowed};
    return decide_with(attempt, *snapshot, of_resource, same_account);
}

Result<> Authorizer::authorize(const Attempt& attempt) const {
    const SnapshotPointer snapshot = directory_.now();
    const Decision decision = decide_under(snapshot, attempt);
    if (!decision.allowed()) return fail(denial(attempt, decision));
    if (!attempt.context.was_asked_of_request())
        known_.allowed(snapshot, attempt.principal, attempt.action, attempt.resource);
    return {};
}

bool Authorizer::is_known_to_be_allowed(const Principal& principal, std::string_view action,
                                        std::string_view resource) const {
    return known_.allows(directory_.now(), principal, action, resource);
}

Decision Authorizer::decide_assumption(const Attempt& attempt, const Identity& role) const {
    const SnapshotPointer snapshot = directory_.now();
    const PolicyPointer trust[] = {role.trust};
    const bool same_account = role.entity->account == attempt.principal.account;
    const Own own = own_policies(attempt.principal, *snapshot);
    const Actor actor = actor_of(attempt.principal);
    const Question question{.action = attempt.action,
                            .resource = attempt.resource,
                            .actor = actor,
                            .context = attempt.context};
    // Whoever the trust policy does not name cannot be given the role by policies of their own.
    if (!ask(kResource, trust, question).allows()) {
        const Side side = ask(kResource, trust, question);
        return side.denies() ? decided(Decision::Outcome::denied_by_statement, side)
                             : missing(kResource);
    }
    return decide_with(attempt, *snapshot, trust, same_account);
}

bool Authorizer::trusts_service(const Identity& role, std::string_view service,
                                const RequestContext& context) const {
    const Actor actor{.account = "", .arn = "", .role_arn = "", .service = std::string(service)};
    const std::string arn = role.entity->arn();
    const Finding found =
        evaluate(*role.trust,
                 {.action = "sts:AssumeRole", .resource = arn, .actor = actor, .context = context});
    return found.effect == Effect::allow;
}

Decision decide_by(std::span<const PolicyPointer> policies, const Attempt& attempt) {
    const Actor actor = actor_of(attempt.principal);
    const Side side = ask(kIdentity, policies,
                          {.action = attempt.action,
                           .resource = attempt.resource,
                           .actor = actor,
                           .context = attempt.context});
    if (side.denies()) return decided(Decision::Outcome::denied_by_statement, side);
    if (side.allows()) return decided(Decision::Outcome::allowed, side);
    return missing(kIdentity);
}

Error denial(const Attempt& attempt, const Decision& decision) {
    const std::string head =
        fmt::format("User: {} is not authorized to perform: {} on resource: {}",
                    attempt.principal.arn, attempt.action, attempt.resource);
    const std::string_view article = decision.by == kIdentity ? "an" : "a";
    return {.code = ErrorCode::permission_denied,
            .message =
                decision.outcome == Decision::Outcome::denied_by_statement
                    ? fmt::format("{} with an explicit deny in {} {}", head, article, decision.by)
                    : fmt::format("{} because no {} allows the {} action", head, decision.by,
                                  attempt.action),
            .reason = "AccessDenied"};
}

}  // namespace ac::access
