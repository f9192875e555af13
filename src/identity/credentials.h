#pragma once
// What agents ask for: workload access tokens, and with them API keys and OAuth2 tokens. Whatever
// is given out is decided by the token alone (account, region, workload, user), never by a
// parameter beside it, and every use is in the audit log before it is answered.

#include "identity/consents.h"
#include "identity/workload_tokens.h"

namespace ac::identity {

enum class OauthFlow { m2m, user_federation, on_behalf_of };

struct OauthTokenRequest {
    std::string workload_token;
    std::string provider;
    OauthFlow flow = OauthFlow::m2m;
    Wish wish;
    std::string session_uri;
    std::string return_url;
    std::string custom_state;
    std::map<std::string, std::string> custom_parameters;
    bool force = false;
};

struct OauthTokenAnswer {
    SecretBytes access_token;            // empty: the user must consent
    std::optional<ConsentView> consent;  // then this is where
};

class Credentials final {
  public:
    Credentials(Context& context, Workloads& workloads, Providers& providers,
                WorkloadTokens& tokens, Grants& grants, Consents& consents)
        : context_(context),
          workloads_(workloads),
          providers_(providers),
          tokens_(tokens),
          grants_(grants),
          consents_(consents) {}

    // not_found: no such workload; unauthenticated: the user's token does not hold.
    Task<std::string> workload_token(Caller caller, std::string workload);
    Task<std::string> workload_token_for_user(Caller caller, std::string workload,
                                              std::string user_id);
    Task<std::string> workload_token_for_jwt(Caller caller, std::string workload,
                                             std::string user_token);

    // unauthenticated: the token does not hold; permission_denied: it is another account's, or the
    // authorization server refused; not_found: no such provider, or it has expired.
    Task<SecretBytes> api_key(Caller caller, std::string workload_token, std::string provider);
    Task<OauthTokenAnswer> oauth_token(Caller caller, OauthTokenRequest request);
    Task<> complete(Caller caller, std::string session_uri, UserKey user);
    Task<UserKey> user_of_jwt(std::string user_token);

    // For the platform's own use: no workload asks.
    Task<SecretBytes> platform_api_key(Caller caller, std::string provider);
    // What a runtime's invocation carries; its workload is known to exist.
    std::string mint(const Scope& scope, const std::string& workload, UserKey user,
                     SecretBytes user_token);

  private:
    Task<WorkloadClaims> claims_of(const Caller& caller, const std::string& workload_token);
    Task<SecretBytes> open_api_key(const Caller& caller, const std::string& provider);
    Task<OauthTokenAnswer> answer_oauth(const WorkloadClaims& claims, OauthTokenRequest request);
    Task<OauthTokenAnswer> answer_federation(Client client, const WorkloadClaims& claims,
                                             OauthTokenRequest request);
    Task<std::string> issue(Caller caller, std::string_view operation, std::string workload,
                            UserKey user, SecretBytes user_token);
    Task<> note(Caller caller, AuditEntry entry, const Error* error);

    Context& context_;
    Workloads& workloads_;
    Providers& providers_;
    WorkloadTokens& tokens_;
    Grants& grants_;
    Consents& consents_;
};

}  // namespace ac::identity
