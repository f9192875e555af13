#pragma once
// Who calls, and the access keys by which a caller is known.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/policy.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/secret_bytes.h"

namespace ac::access {

// What temporary credentials carry beside the identity they were issued for.
struct SessionGrant {
    WallTime issued_at{};
    WallTime expires_at{};
    std::string source_identity;
    std::map<std::string, std::string> tags;
    // Session policies: when there are any, one of them must allow too.
    std::vector<PolicyPointer> policies;
    // Instead of the policies of a role: that of a runtime whose role is not kept here.
    PolicyPointer built_in;
};

struct Principal {
    enum class Kind {
        unknown,  // may nothing
        root,     // an account itself
        user,
        role,  // a session of a role
    };

    std::string account;  // 12 digits
    std::string arn;      // arn:aws:iam::000000000000:root
    Kind kind = Kind::unknown;
    std::string name = {};          // the user's or role's, without its path
    std::string identity_arn = {};  // whose policies count: the user's or role's
    std::string user_id = {};       // AIDA..., AROA...:session, the account for its root
    std::shared_ptr<const SessionGrant> session = {};  // of temporary credentials
};

// An account itself.
Principal root_principal(const std::string& account);

struct AccessKey {
    std::string id;                             // AKIA..., ASIA...
    std::shared_ptr<const SecretBytes> secret;  // never logged
    Principal principal;
    std::string session_token = {};  // of temporary credentials
};

// Thread-safe; never blocks.
class KeyStore {
  public:
    virtual ~KeyStore() = default;
    // The key that signs, which is active. `session_token`: as sent; empty: none. unauthenticated
    // with the exception's name as reason: UnrecognizedClientException (no such key, or it is not
    // active, or the token is not the key's), ExpiredTokenException.
    virtual Result<AccessKey> find(std::string_view access_key_id, std::string_view session_token,
                                   WallTime now) const = 0;
    // That it was used with success, for GetAccessKeyLastUsed.
    virtual void note_use(const AccessKey& key, std::string_view service, std::string_view region,
                          WallTime now) const = 0;
};

}  // namespace ac::access
