#pragma once
// What access decides on, in memory: a snapshot of all identities, keys and resource policies of
// the store, ready to be evaluated. Readers take the current snapshot and never wait; a change
// makes a new one from what differs.

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "access/entity.h"
#include "access/policy.h"
#include "access/secret_box.h"
#include "access/store.h"

namespace ac::access {

// A user or a role with all that counts for it.
struct Identity {
    EntityPointer entity;
    std::vector<PolicyPointer> policies;  // its own, attached, and of its groups
    PolicyPointer boundary;               // nullptr: none
    PolicyPointer trust;                  // of a role
};
using IdentityPointer = std::shared_ptr<const Identity>;

struct StoredKey {
    std::string id;
    std::string account;
    std::string user;  // folded; empty: the account's root
    bool active = false;
    WallTime created_at{};
    std::shared_ptr<const SecretBytes> secret;  // nullptr: it could not be unsealed
    // When a use was last written down.
    mutable std::atomic<std::int64_t> noted_ms{0};
};

struct ResourcePolicy {
    std::string document;
    PolicyPointer policy;
};

struct Snapshot {
    struct Key {
        std::string account;
        EntityKind kind = EntityKind::user;
        std::string folded;
        auto operator<=>(const Key&) const = default;
    };
    std::int64_t version = 0;
    std::map<Key, EntityPointer> entities;
    std::unordered_map<std::string, IdentityPointer> identities;  // by ARN
    std::unordered_map<std::string, std::shared_ptr<const StoredKey>> keys;
    std::unordered_map<std::string, ResourcePolicy> resource_policies;  // by ARN

    // nullptr: there is none.
    const Entity* find(std::string_view account, EntityKind kind, std::string_view name) const;
    const Identity* identity(const std::string& arn) const;
    // In order of their names, those whose path begins so.
    std::vector<EntityPointer> list(std::string_view account, EntityKind kind,
                                    std::string_view path_prefix) const;
};
using SnapshotPointer = std::shared_ptr<const Snapshot>;

// The place that the secret of a key is sealed for.
std::string place_of(const std::string& key_id);

// Thread-safe.
class Directory final {
  public:
    explicit Directory(const SecretBox& box);

    SnapshotPointer now() const {
        const std::lock_guard lock(current_);
        return snapshot_;
    }
    // Older changes than those there are ignored.
    void apply(const store::Changes& changes);

  private:
    PolicyPointer compile(const std::string& document, PolicyKind kind, std::string name);
    PolicyPointer managed(const Snapshot& next, const std::string& arn);
    void add_policies(const Snapshot& next, const Entity& entity, std::vector<PolicyPointer>& out);
    IdentityPointer make_identity(const Snapshot& next, EntityPointer entity);

    const SecretBox& box_;
    // For as long as a pointer is copied. (libstdc++ 12's atomic<shared_ptr> locks as well, and
    // the thread sanitizer does not understand it.)
    mutable std::mutex current_;
    SnapshotPointer snapshot_;
    std::mutex writing_;  // below
    std::unordered_map<std::string, PolicyPointer> compiled_;
    std::unordered_map<std::string, PolicyPointer> recompiled_;
};

}  // namespace ac::access
