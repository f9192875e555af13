#pragma once
// The keys of issuers, by discovery URL: fetched when first asked for, shared by all who wait,
// kept while fresh, fetched again when a token names an unknown key, used stale when the issuer
// is away. Thread-safe.

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "async/completion.h"
#include "bearer/discovery.h"
#include "bearer/documents.h"
#include "bearer/limits.h"
#include "crypto/jwks.h"

namespace ac::bearer {

struct IssuerKeys {
    ServerMetadata metadata;
    Jwks keys;
};
using KeysPointer = std::shared_ptr<const IssuerKeys>;

class KeyCache final {
  public:
    // All outlive the cache.
    KeyCache(DocumentSource& documents, const Clock& clock, KeyCacheLimits limits = {});

    // unavailable: they cannot be had. Why is in the log only.
    Task<KeysPointer> find(std::string discovery_url);
    // Newer keys than `known`, or `known` again when the issuer was asked a moment ago or cannot
    // be reached.
    Task<KeysPointer> find_newer(std::string discovery_url, KeysPointer known);

  private:
    struct Entry {
        KeysPointer keys;
        SteadyTime fetched_at{};
        SteadyTime fresh_until{};
        SteadyTime tried_at{};
        SteadyTime used_at{};
        Error failure;  // of the last try, when `keys` is nullptr
        bool has_tried = false;
        bool is_fetching = false;
        std::vector<Completion<KeysPointer>> waiters;
    };
    class Flight;
    struct Fetched {
        KeysPointer keys;
        Seconds age;
    };
    enum class Want { fresh, newer };

    Task<KeysPointer> get(std::string url, Want want, KeysPointer known);
    bool must_fetch(const Entry& entry, Want want, const KeysPointer& known) const;
    Result<KeysPointer> answer_of(const Entry& entry) const;
    Task<Fetched> fetch(const std::string& url);
    void land(const std::string& url, Result<Fetched> fetched);
    Entry& entry_of(const std::string& url);

    DocumentSource& documents_;
    const Clock& clock_;
    const KeyCacheLimits limits_;
    std::mutex mutex_;
    std::unordered_map<std::string, Entry> entries_;
};

}  // namespace ac::bearer
