#pragma once
// Pools, clients, users and resource servers: finding, making and removing them. Thread-safe.

#include <mutex>
#include <unordered_map>

#include "async/thread_pool.h"
#include "issuer/keys.h"

namespace ac::issuer {

using ClientPointer = std::shared_ptr<const Client>;

// Everything the issuer stands on; all outlive it.
struct IssuerParts {
    storage::Database& database;
    const Sealer& sealer;
    const Clock& clock;
    Random& random;
    ThreadPool& pool;  // passwords
    IssuerLimits limits = {};
};

class Directory final {
  public:
    Directory(const IssuerParts& parts, Keys& keys) : parts_(parts), keys_(keys) {}

    // The pool of the daemon itself, once its URL is known; before that there is none.
    void open_default(std::string url, SignatureAlgorithm algorithm);
    std::optional<Pool> default_pool() const;

    // not_found.
    Task<Pool> pool(std::string id);
    Task<Pool> pool_of_domain(std::string domain);
    Task<Pool> pool_in(Scope scope, std::string id);  // Cognito's, of that account and region
    Task<std::vector<Pool>> pools(Scope scope, std::string after, int items_max);
    Task<Pool> create_pool(Scope scope, std::string name, json::object document);
    Task<> set_domain(std::string pool, std::string domain);  // conflict
    Task<> remove_pool(std::string id);

    // conflict when it exists.
    Task<> create_resource_server(std::string pool, std::string id, std::string document);
    Task<std::optional<std::string>> resource_server(std::string pool, std::string id);

    // The client with its secret, which is not kept but sealed; empty for a public one.
    struct NewClient {
        Client client;
        std::string secret;
    };
    enum class Secret { none, generate };
    Task<NewClient> create_client(Client wanted, Secret secret);
    // nullptr: there is none. A few seconds old at most.
    Task<ClientPointer> client(std::string pool, std::string id);
    // By its id alone, as Cognito's callers without a signature name it; nullptr: there is none.
    Task<ClientPointer> client_of_cognito(std::string id);
    Task<std::vector<Client>> clients(std::string pool);
    Result<SecretBytes> secret_of(const Client& client);
    // The clients' secrets sealed anew by the current key; how many there were.
    Task<std::int64_t> rewrap();
    Task<> remove_client(std::string pool, std::string id);  // not_found

    Task<User> create_user(User wanted, std::string password);  // conflict
    Task<> set_password(std::string pool, std::string name, std::string password, bool must_change);
    Task<std::optional<User>> user(std::string pool, std::string name);
    Task<std::optional<User>> user_by_id(std::string pool, std::string id);
    Task<std::vector<User>> users(std::string pool);
    Task<> remove_user(std::string pool, std::string name);  // not_found
    // unauthenticated (the same for an unknown name), throttled after too many failures.
    Task<User> log_in(std::string pool, std::string name, std::string password);

  private:
    struct CachedClient {
        ClientPointer client;
        SteadyTime until;
    };
    struct Failures {
        std::size_t count = 0;
        SteadyTime since;
    };
    void forget_client(const std::string& pool, const std::string& id);
    Task<std::string> hash_of(std::string password);
    bool is_throttled(const std::string& key);
    void note_failure(const std::string& key);

    const IssuerParts& parts_;
    Keys& keys_;
    mutable std::mutex mutex_;  // all below
    std::optional<Pool> default_;
    std::unordered_map<std::string, CachedClient> clients_;
    std::unordered_map<std::string, Failures> failures_;
};

}  // namespace ac::issuer
