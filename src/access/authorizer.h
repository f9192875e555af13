#pragma once
// May this principal do that? Combines all policies that are about the two: those of the identity,
// its permissions boundary, those of its session, those of the resource. A deny in any of them
// wins; what none allows is denied.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html

#include <span>
#include <string>
#include <string_view>

#include "access/decision_cache.h"
#include "access/directory.h"
#include "access/principal.h"
#include "access/request_context.h"

namespace ac::access {

struct Decision {
    enum class Outcome { allowed, denied_by_statement, not_allowed } outcome = Outcome::not_allowed;
    // Whose statement denies, or whose is missing: "identity-based policy", "session policy",
    // "permissions boundary", "resource-based policy".
    std::string_view by = "identity-based policy";
    // The statement that decided; empty when none did.
    std::string policy;
    std::size_t statement = 0;
    std::string sid;

    bool allowed() const { return outcome == Outcome::allowed; }
};

// What is known of a request beside its principal.
struct RequestFacts {
    std::string source_ip;
    std::string user_agent;
    std::string referer;
    std::string region;
    bool secure = false;  // came over TLS
    WallTime now{};
};

struct Attempt {
    const Principal& principal;
    std::string_view action;    // "s3:GetObject"
    std::string_view resource;  // ARN, or "*"
    const RequestContext& context;
};

// Thread-safe; never blocks.
class Authorizer final {
  public:
    // `directory` outlives this.
    explicit Authorizer(const Directory& directory) : directory_(directory) {}

    // The aws:* keys of a request.
    RequestContext context_of(const Principal& principal, const RequestFacts& facts) const;

    // The account's root in its own account while no resource has a policy: allowed, whatever the
    // request says, so that none of it need be looked at.
    bool is_beyond_policies(const Principal& principal, std::string_view resource) const;

    Decision decide(const Attempt& attempt) const;
    // permission_denied, in AWS's words.
    Result<> authorize(const Attempt& attempt) const;
    // That authorize() has allowed it, and would again whatever the request's context says: so
    // that the context need not be made. False: ask authorize().
    bool is_known_to_be_allowed(const Principal& principal, std::string_view action,
                                std::string_view resource) const;
    // Whether the role's trust policy (and, where that only delegates, the caller's own policies)
    // lets the principal assume it: `action` is sts:AssumeRole or sts:TagSession.
    Decision decide_assumption(const Attempt& attempt, const Identity& role) const;
    // Whether a service of the platform may assume it for its work.
    bool trusts_service(const Identity& role, std::string_view service,
                        const RequestContext& context) const;

  private:
    static Decision decide_under(const SnapshotPointer& snapshot, const Attempt& attempt);

    const Directory& directory_;
    mutable DecisionCache known_;
};

// What a policy alone, without anybody's identity, says: for simulations of documents.
Decision decide_by(std::span<const PolicyPointer> policies, const Attempt& attempt);

Error denial(const Attempt& attempt, const Decision& decision);

// arn:aws:SERVICE:REGION:ACCOUNT:...; empty where it names none.
std::string_view account_of_arn(std::string_view arn);

}  // namespace ac::access
