#include "access/decision_cache.h"

#include <cstdint>
#include <utility>

#include "access/limits.h"

namespace ac::access {
namespace {

void append(std::string& key, std::string_view part) {
    // With its length, so that no part can pass for the beginning of another.
    const auto size = static_cast<std::uint32_t>(part.size());
    key.append(reinterpret_cast<const char*>(&size), sizeof size);
    key += part;
}

void append(std::string& key, const PolicyPointer& policy) {
    const auto* const address = policy.get();
    key.append(reinterpret_cast<const char*>(&address), sizeof address);
}

std::string key_of(const Principal& principal, std::string_view action, std::string_view resource) {
    std::string key;
    key.reserve(512);
    key += static_cast<char>(principal.kind);
    for (const std::string_view part :
         {std::string_view(principal.account), std::string_view(principal.arn),
          std::string_view(principal.name), std::string_view(principal.identity_arn),
          std::string_view(principal.user_id), action, resource})
        append(key, part);
    if (!principal.session) return key;
    const SessionGrant& session = *principal.session;
    append(key, session.source_identity);
    append(key, session.built_in);
    key += static_cast<char>(session.policies.size());  // kSessionPolicyArnsMax + 1 at most
    for (const PolicyPointer& policy : session.policies) append(key, policy);
    for (const auto& [tag, value] : session.tags) {
        append(key, tag);
        append(key, value);
    }
    return key;
}

}  // namespace

bool DecisionCache::allows(const SnapshotPointer& snapshot, const Principal& principal,
                           std::string_view action, std::string_view resource) const {
    const std::string key = key_of(principal, action, resource);
    const std::lock_guard lock(mutex_);
    return of_ == snapshot && entries_.contains(key);
}

void DecisionCache::allowed(const SnapshotPointer& snapshot, const Principal& principal,
                            std::string_view action, std::string_view resource) {
    std::string key = key_of(principal, action, resource);
    std::vector<PolicyPointer> held;
    if (principal.session) {
        held = principal.session->policies;
        held.push_back(principal.session->built_in);
    }
    std::unordered_map<std::string, std::vector<PolicyPointer>> dropped;
    SnapshotPointer before;
    const std::lock_guard lock(mutex_);
    if (of_ != snapshot) {
        // One that is overtaken meanwhile does not push out its successor for good: the next
        // decision under the successor does so to it.
        before = std::exchange(of_, snapshot);
        dropped.swap(entries_);
    }
    if (entries_.size() >= kKnownDecisionsMax) dropped.swap(entries_);
    entries_.insert_or_assign(std::move(key), std::move(held));
}

}  // namespace ac::access
