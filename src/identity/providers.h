#pragma once
// Credential providers: names under which API keys and OAuth2 clients are kept. Secrets come in as
// SecretBytes and leave only through open().

#include "identity/context.h"
#include "identity/sealed_cache.h"

namespace ac::identity {

struct NewProvider {
    ProviderKind kind = ProviderKind::api_key;
    std::string name;
    OauthConfig oauth;
    SecretBytes secret;
    Tags tags;
};

class Providers final {
  public:
    Providers(Context& context, Milliseconds cache_life);

    // conflict: there is one of that name and kind; quota_exceeded; invalid_argument: the secret is
    // over its bound, or the expiry tag is no time to come.
    Task<Provider> create(Caller caller, NewProvider wanted);
    // An empty secret: it stays.
    Task<Provider> update(Caller caller, NewProvider wanted);
    Task<Provider> get(Scope scope, ProviderKind kind, std::string name);
    Task<> remove(Caller caller, ProviderKind kind, std::string name);
    Task<Page<Provider>> list(Scope scope, ProviderKind kind, PageRequest page);

    struct Placed {
        Scope scope;
        Provider provider;
    };
    Task<Placed> find_by_callback(std::string callback);

    // From memory where it was asked for before. not_found, also once it has expired.
    Task<std::shared_ptr<const Provider>> find(const Scope& scope, ProviderKind kind,
                                               const std::string& name);
    // Its secret. unavailable: the vault cannot open it; not_found: it has none.
    Result<SecretBytes> open(const Scope& scope, const Provider& provider) const;

    // Where the authorization server sends the browser back to.
    std::string callback_url(const Provider& provider) const;

    Task<Tags> tags(Scope scope, std::string arn);
    Task<> change_tags(Scope scope, std::string arn, Tags added, std::vector<std::string> removed);

    // Sealed bytes in memory may be of another wrapping than those stored; both open.
    void forget_cached() { cache_.clear(); }

  private:
    Context& context_;
    SealedCache<Provider> cache_;
};

}  // namespace ac::identity
