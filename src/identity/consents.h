#pragma once
// Asking a user: an authorization request under way (RFC 6749 4.1), from the URL that the user's
// browser opens to the tokens in the vault.
//
//   pending --callback with a code--> exchanging --tokens--> authorized --complete()--> (a grant)
//      \--error, or the exchange failed--> failed             all: over after consent_life
//
// Between authorized and the grant stands complete(): the application says which user came back,
// and only the user whom the request was made for gets the tokens. So a link that somebody else
// was made to open gives nobody anything.

#include "identity/grants.h"
#include "identity/workloads.h"

namespace ac::identity {

inline constexpr std::string_view kSessionUriHead = "urn:ietf:params:oauth:request_uri:";

struct ConsentRequest {
    std::string workload;
    UserKey user;
    Wish wish;
    std::string return_url;
    std::string custom_state;
    std::map<std::string, std::string> custom_parameters;
};

struct ConsentView {
    std::string session_uri;
    std::string authorization_url;
    bool failed = false;
};

// What the authorization server sent the browser back with.
struct CallbackQuery {
    std::string state;
    std::string code;
    std::string error;
    std::string issuer;  // RFC 9207
    bool has_issuer = false;
};

class Consents final {
  public:
    Consents(Context& context, Servers& servers, Providers& providers, Workloads& workloads,
             Grants& grants)
        : context_(context),
          servers_(servers),
          providers_(providers),
          workloads_(workloads),
          grants_(grants) {}

    // invalid_argument: the return URL is not the workload's; throttled: too many under way.
    Task<ConsentView> begin(Client client, ConsentRequest request);
    // nullopt: there is no such session (any more), or it is another's.
    Task<std::optional<ConsentView>> look(Client client, std::string session_uri,
                                          std::string workload, UserKey user);
    // The URL to send the browser on to. Errors are for a page that the user reads.
    Task<std::string> callback(std::string callback_id, CallbackQuery query);
    // not_found: no such session; permission_denied: it is another user's; invalid_argument: the
    // user has not consented.
    Task<> complete(Caller caller, std::string session_uri, UserKey user);

  private:
    Task<> exchange(Client client, store::ConsentRow& row, const CallbackQuery& query);
    Task<> fail_consent(store::ConsentRow row, store::ConsentStatus before);
    Result<> check_issuer(const ServerMetadata& server, const CallbackQuery& query) const;

    Context& context_;
    Servers& servers_;
    Providers& providers_;
    Workloads& workloads_;
    Grants& grants_;
};

}  // namespace ac::identity
