#pragma once
// The development issuer: one OpenID provider of the daemon's own and Cognito's user pools. Off
// unless the operator enables it. See docs/design/0013-tokens-and-issuer.md.

#include "bearer/documents.h"
#include "issuer/logins.h"

namespace ac::issuer {

class Issuer final : public bearer::LocalDocuments {
  public:
    explicit Issuer(IssuerParts parts)
        : parts_(parts),
          keys_(parts_.database, parts_.sealer, parts_.clock, parts_.random, parts_.pool,
                parts_.limits) {}

    static std::span<const storage::Migration> migrations() { return store::migrations(); }

    Directory& directory() { return directory_; }
    Grants& grants() { return grants_; }
    Logins& logins() { return logins_; }
    Keys& keys() { return keys_; }

    // The metadata document (OpenID Discovery, RFC 8414) whose endpoints are below `base`.
    json::object metadata(const Pool& pool, std::string_view base) const;
    Task<std::string> key_set(Pool pool);

    // All that is sealed goes under the sealer's current key; how much was under another one.
    Task<std::int64_t> rewrap();

    // Discovery documents and key sets of the pools here, by the URLs that tokens and clients name.
    Task<std::optional<std::string>> find(std::string url) override;

  private:
    const IssuerParts parts_;
    Keys keys_;
    Directory directory_{parts_, keys_};
    Grants grants_{parts_, keys_, directory_};
    Logins logins_{parts_, directory_};
};

// Where Cognito serves a pool with a domain.
std::string domain_url(const Pool& pool);

}  // namespace ac::issuer
