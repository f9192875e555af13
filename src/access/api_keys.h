#pragma once
// Keys for clients that cannot sign: one text in a header, as OpenAI's and Anthropic's clients (and
// AWS's with AWS_BEARER_TOKEN_BEDROCK) send it. Each belongs to the access key that made it: it is
// good for models only, and only while that access key is active; what it may is what that key's
// identity may. The text is shown once; kept is its hash. Thread-safe.

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "base/clock.h"
#include "base/random.h"
#include "storage/database.h"

namespace ac::access {

struct ApiKey {
    std::string id;  // "key-..."
    std::string name;
    std::string account;
    std::string access_key_id;  // whose it is
    WallTime created_at{};
};

struct NewApiKey {
    ApiKey key;
    std::string secret;  // "acm-..."
};

inline constexpr std::size_t kApiKeysMax = 500;  // of one account
inline constexpr std::size_t kApiKeyNameBytesMax = 128;

class ApiKeys final {
  public:
    // All outlive it.
    ApiKeys(storage::Database& database, Random& random, const Clock& clock)
        : database_(database), random_(random), clock_(clock) {}

    static std::span<const storage::Migration> migrations();

    // invalid_argument (the name), quota_exceeded.
    Task<NewApiKey> create(std::string account, std::string access_key_id, std::string name);
    Task<std::vector<ApiKey>> list(std::string account);
    // not_found.
    Task<> remove(std::string account, std::string id);
    // nullopt: no such key. What another daemon deleted is found for kRememberedFor longer.
    Task<std::optional<ApiKey>> find(std::string secret);

  private:
    struct Remembered {
        ApiKey key;
        SteadyTime until{};
    };
    std::optional<ApiKey> remembered(const std::string& hash);
    void remember(const std::string& hash, const ApiKey& key);

    storage::Database& database_;
    Random& random_;
    const Clock& clock_;
    std::mutex mutex_;
    std::map<std::string, Remembered> remembered_;  // by hash
};

}  // namespace ac::access
