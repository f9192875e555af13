#pragma once
// The grants of OAuth 2.1 at the token endpoint, and what hangs on tokens: user information and
// revocation. Requests are forms that have been parsed; answers are JSON objects. Errors carry
// OAuth's own word as reason (RFC 6749 5.2).

#include <map>
#include <string>

#include "issuer/directory.h"

namespace ac::issuer {

using Form = std::map<std::string, std::string, std::less<>>;

// How a client said who it is: in the Authorization header or in the form; nullopt where not.
struct ClientProof {
    std::string id;
    std::optional<std::string> secret;
    bool in_header = false;
};

class Grants final {
  public:
    Grants(const IssuerParts& parts, Keys& keys, Directory& directory)
        : parts_(parts), keys_(keys), directory_(directory) {}

    // RFC 6749 section 4.1.3, 4.4 and 6, RFC 8693.
    Task<json::object> grant(Pool pool, ClientProof proof, Form form);
    // What a login gives, without a code in between (Cognito's InitiateAuth).
    Task<json::object> grant_user(Pool pool, ClientPointer client, User user, std::string scope);
    Task<json::object> refresh(Pool pool, ClientPointer client, std::string token,
                               std::string scope);
    // What a refresh token is of, without using it; nullopt: there is no such token.
    Task<std::optional<Grant>> grant_behind(std::string refresh_token);
    // RFC 7009: also when there is no such token.
    Task<> revoke(Pool pool, ClientProof proof, std::string token);
    // OpenID Connect Core 5.3; reason "invalid_token" or "insufficient_scope".
    Task<json::object> user_information(Pool pool, std::string token);
    // invalid_client.
    Task<ClientPointer> authenticate(const Pool& pool, ClientProof proof);

  private:
    struct Subject {
        std::string id;
        std::string scope;
        std::string family;  // empty: no user, nothing to revoke
        std::string user_name;
        std::vector<std::string> audience;
        json::object more = {};
    };
    Task<json::object> client_credentials(const Pool& pool, const Client& client, Form form);
    Task<json::object> redeem_code(const Pool& pool, ClientPointer client, Form form);
    Task<json::object> exchange(const Pool& pool, const Client& client, Form form);
    Task<json::object> answer(const Pool& pool, const Client& client, Grant grant,
                              std::string refresh_token);
    Task<json::object> claims_of(const Pool& pool, std::string token);
    std::string access_token(const Pool& pool, const Client& client, const KeySet& keys,
                             Subject subject);
    std::string id_token(const Pool& pool, const Client& client, const KeySet& keys,
                         const Grant& grant, const std::optional<User>& user);
    std::string new_secret();

    const IssuerParts& parts_;
    Keys& keys_;
    Directory& directory_;
};

// The words of `wanted` that are all in `allowed`; nullopt when one is not. Empty: all allowed.
std::optional<std::string> granted_scope(std::string_view wanted,
                                         const std::vector<std::string>& allowed);
bool has_word(std::string_view words, std::string_view word);

}  // namespace ac::issuer
