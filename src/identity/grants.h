#pragma once
// Tokens that authorization servers gave, kept by workload, user and provider, and renewed when
// they run out.
//
// A refresh token is often good for one use only, so a refresh happens once, however many ask: one
// coroutine of a process (KeyedLock), one process of a fleet (a lease in the row). What comes back
// is durable before anybody gets it, and the token that was traded in is kept beside the new one:
// when a crash comes between the server's answer and our disk, the next refresh uses the old token
// again, which servers accept until the new one has been used (RFC 9700 4.14.2 names the overlap).

#include <optional>

#include "identity/context.h"
#include "identity/keyed_lock.h"
#include "identity/oauth_request.h"
#include "identity/providers.h"
#include "identity/servers.h"
#include "identity/store.h"
#include "identity/token_answer.h"

namespace ac::identity {

// What is sealed in a grant.
struct GrantTokens {
    SecretBytes access;
    SecretBytes refresh;   // empty: none
    SecretBytes previous;  // the refresh token before it; empty: none
    WallTime access_until;
};

// Which provider's client asks.
struct Client {
    Scope scope;
    std::shared_ptr<const Provider> provider;
};

class Grants final {
  public:
    Grants(Context& context, Servers& servers, const Providers& providers)
        : context_(context), servers_(servers), providers_(providers) {}

    // A token of the workload's own (client credentials), or one exchanged for its user's.
    struct Request {
        std::string workload;
        UserKey user;  // nobody for client credentials
        Wish wish;
        bool fresh = false;  // whatever is kept
    };
    Task<SecretBytes> client_credentials(Client client, Request request);
    Task<SecretBytes> exchanged(Client client, Request request, SecretBytes user_token);

    // What the user granted before, renewed when need be; nullopt: the user must be asked.
    Task<std::optional<SecretBytes>> users_own(Client client, Request request);

    // Keeps what the user has just granted.
    Result<> keep(storage::Transaction& tx, const store::GrantKey& key, const std::string& scopes,
                  const GrantTokens& tokens);

    // Speaks with the token endpoint.
    Task<TokenAnswer> ask(Client client, Parameters parameters);
    // The slot of a user's grant, and the tokens that an answer makes.
    static std::string user_slot(const Wish& wish);
    GrantTokens tokens_from(TokenAnswer answer) const;

    // After a crash of the only process nobody holds a lease.
    Task<> clear_leases();

  private:
    Task<SecretBytes> kept_or_new(Client client, store::GrantKey key, Request request,
                                  Parameters parameters);
    Task<std::optional<SecretBytes>> kept(store::GrantKey key);
    Task<std::optional<SecretBytes>> renew(Client client, store::GrantKey key);
    Task<std::optional<SecretBytes>> renew_leased(Client client, store::GrantRow row,
                                                  std::string lease);
    Task<> save(store::GrantRow row);
    Result<GrantTokens> open(const store::GrantRow& row) const;
    bool is_fresh(const GrantTokens& tokens) const;

    Context& context_;
    Servers& servers_;
    const Providers& providers_;
    KeyedLock renewals_;
};

// Sealed form of GrantTokens, and back.
SecretBytes to_bytes(const GrantTokens& tokens);
Result<GrantTokens> grant_tokens_from(const SecretBytes& bytes);

}  // namespace ac::identity
