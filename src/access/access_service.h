#pragma once
// Access: identities, their keys and policies, resource policies and temporary credentials. What is
// changed is durable, and counts on this daemon, when the call ends; other daemons on the same
// database see it within kRefreshEvery. Thread-safe.

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "access/authorizer.h"
#include "access/directory.h"
#include "access/principal.h"
#include "access/root_key.h"
#include "access/session_tokens.h"
#include "access/store.h"
#include "async/timer.h"
#include "base/random.h"
#include "storage/database.h"

namespace ac::access {

// What a runtime may call whose role is not kept here.
enum class UnknownRole {
    development,  // a built-in policy: the data plane, for its own account
    refused,      // nothing
};

// All outlive the service.
struct AccessParts {
    storage::Database& database;
    const SecretBox& box;
    Random& random;
    const Clock& clock;
    KeyPair root_key;
    std::string account;  // the root key's
    UnknownRole unknown_role = UnknownRole::development;
};

struct KeyView {
    std::string id;
    std::string user;  // as named; empty: the account's root
    bool active = true;
    WallTime created_at{};
};

struct NewKey {
    KeyView view;
    std::shared_ptr<const SecretBytes> secret;
};

struct RoleRequest {
    std::string role_arn;
    std::string session_name;
    Seconds duration{0};  // 0: an hour
    std::string external_id;
    std::string source_identity;
    std::string policy;  // a session policy's document; empty: none
    std::vector<std::string> policy_arns;
    std::map<std::string, std::string> tags;
};

class AccessService final : public KeyStore {
  public:
    explicit AccessService(AccessParts parts);

    static std::span<const storage::Migration> migrations() { return store::migrations(); }
    // After the migrations: loads all there is.
    Task<> start();
    // What other daemons changed.
    Task<> refresh();
    // Refreshes and writes down the keys' uses until it is cancelled.
    Detached keep_fresh(Timer& timer, bool others_write);
    Task<> write_uses();
    // What is sealed goes under the box's current key; how much was under another one.
    Task<std::int64_t> rewrap();

    const Directory& directory() const { return directory_; }
    const Authorizer& authorizer() const { return authorizer_; }
    const std::string& account() const { return parts_.account; }

    Result<AccessKey> find(std::string_view access_key_id, std::string_view session_token,
                           WallTime now) const override;
    void note_use(const AccessKey& key, std::string_view service, std::string_view region,
                  WallTime now) const override;

    // EntityAlreadyExists, LimitExceeded, ValidationError, MalformedPolicyDocument. Its id and
    // times are filled in.
    Task<Entity> create(Entity wanted);
    // NoSuchEntity, and what `edit` and the rules say.
    using Edit = std::function<Result<>(Entity&)>;
    Task<Entity> change(std::string account, EntityKind kind, std::string name, Edit edit);
    // NoSuchEntity; DeleteConflict while something hangs on it.
    Task<> remove(std::string account, EntityKind kind, std::string name);
    // Of a user, a new name or path.
    Task<> rename(std::string account, EntityKind kind, std::string name, std::string new_name,
                  std::string new_path);

    // `user` empty: the account's root.
    Task<NewKey> create_key(std::string account, std::string user);
    Task<> set_key_active(std::string account, std::string user, std::string id, bool active);
    Task<> delete_key(std::string account, std::string user, std::string id);
    std::vector<KeyView> keys_of(std::string_view account, std::string_view user) const;
    // nullptr in an account that does not have it.
    std::optional<KeyView> find_key(std::string_view account, const std::string& id) const;
    Task<std::optional<store::LastUse>> last_use(std::string key);

    // Empty document: removed.
    Task<> set_resource_policy(std::string resource, std::string document);

    Result<TemporaryCredentials> assume_role(const Principal& caller, const RequestFacts& facts,
                                             const RoleRequest& request) const;
    Result<TemporaryCredentials> session_token(const Principal& caller, Seconds duration) const;
    // Who a runtime's session is: the session of the runtime's role, which must trust
    // bedrock-agentcore.amazonaws.com. What it may is asked anew at each call.
    Principal runtime_principal(const std::string& account, const std::string& role_arn,
                                const std::string& runtime, const std::string& session) const;

  private:
    // A setting: the sealed key of session tokens.
    static constexpr std::string_view kTokenKey = "session-token-key";

    using Changed = std::function<Result<>(storage::Transaction&, std::int64_t version)>;
    Task<> write(Changed changed);
    Principal principal_of(const StoredKey& key, const Snapshot& snapshot) const;
    Result<> add_session_policies(const std::string& account, const RoleRequest& request,
                                  TemporaryCredentials& out, SessionGrant& grant) const;

    AccessParts parts_;
    const Principal root_;  // of the root key
    Directory directory_;
    Authorizer authorizer_;
    std::unique_ptr<SessionTokens> tokens_;  // set by start()
    PolicyPointer development_policy_;
    mutable std::mutex uses_mutex_;
    mutable std::map<std::string, store::LastUse> uses_;  // not yet written
};

}  // namespace ac::access
