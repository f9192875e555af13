#include "access/directory.h"

#include <fmt/format.h>

#include "access/managed_policies.h"
#include "base/encoding.h"
#include "base/log.h"

namespace ac::access {
namespace {

// What cannot be read denies: a policy that was lost must not open anything.
PolicyPointer deny_all(std::string name) {
    static constexpr std::string_view kDocument =
        R"({"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}})";
    return *parse_policy(kDocument, PolicyKind::identity, std::move(name));
}

std::shared_ptr<const StoredKey> stored_key(const store::KeyRow& row, const SecretBox& box) {
    auto key = std::make_shared<StoredKey>();
    key->id = row.id;
    key->account = row.account;
    key->user = row.user;
    key->active = row.status == "Active";
    key->created_at = row.created_at;
    auto secret = box.open(place_of(row.id), row.sealed_secret);
    if (secret)
        key->secret = std::make_shared<const SecretBytes>(std::move(*secret));
    else
        AC_LOG(error, "an access key cannot be unsealed", {"key", row.id},
               {"reason", secret.error().message});
    return key;
}

}  // namespace

std::string place_of(const std::string& key_id) {
    return "access-key/" + key_id;
}

const Entity* Snapshot::find(std::string_view account, EntityKind kind,
                             std::string_view name) const {
    const Key key{std::string(account), kind, to_lower(name)};
    const auto found = entities.find(key);
    return found == entities.end() ? nullptr : found->second.get();
}

const Identity* Snapshot::identity(const std::string& arn) const {
    const auto found = identities.find(arn);
    return found == identities.end() ? nullptr : found->second.get();
}

std::vector<EntityPointer> Snapshot::list(std::string_view account, EntityKind kind,
                                          std::string_view path_prefix) const {
    std::vector<EntityPointer> out;
    const Key first{std::string(account), kind, ""};
    for (auto at = entities.lower_bound(first);
         at != entities.end() && at->first.account == account && at->first.kind == kind; ++at)
        if (at->second->path.starts_with(path_prefix)) out.push_back(at->second);
    return out;
}

Directory::Directory(const SecretBox& box)
    : box_(box), snapshot_(std::make_shared<const Snapshot>()) {}

void Directory::apply(const store::Changes& changes) {
    const std::lock_guard lock(writing_);
    const SnapshotPointer current = now();
    if (changes.version <= current->version) return;
    auto next = std::make_shared<Snapshot>(*current);
    next->version = changes.version;
    for (const store::EntityRow& row : changes.entities) {
        const Snapshot::Key key{row.account, row.kind, row.folded};
        if (row.document.empty()) {
            next->entities.erase(key);
            continue;
        }
        auto entity = entity_from_document(row.kind, row.account, row.document);
        if (entity)
            next->entities[key] = std::make_shared<const Entity>(*std::move(entity));
        else
            AC_LOG(error, "an identity cannot be read", {"name", row.folded},
                   {"reason", entity.error().message});
    }
    for (const store::KeyRow& row : changes.keys) {
        if (row.status.empty())
            next->keys.erase(row.id);
        else
            next->keys[row.id] = stored_key(row, box_);
    }
    for (const store::ResourcePolicyRow& row : changes.resource_policies) {
        if (row.document.empty())
            next->resource_policies.erase(row.resource);
        else
            next->resource_policies[row.resource] = {
                row.document,
                compile(row.document, PolicyKind::resource, "resource policy of " + row.resource)};
    }
    next->identities.clear();
    for (const auto& [key, entity] : next->entities)
        if (key.kind == EntityKind::user || key.kind == EntityKind::role)
            next->identities[entity->arn()] = make_identity(*next, entity);
    compiled_ = std::exchange(recompiled_, {});
    const std::lock_guard swapping(current_);
    snapshot_ = std::move(next);
}

PolicyPointer Directory::compile(const std::string& document, PolicyKind kind, std::string name) {
    const std::string key = fmt::format("{}\n{}\n{}", static_cast<int>(kind), name, document);
    PolicyPointer& kept = recompiled_[key];
    if (kept) return kept;
    if (const auto found = compiled_.find(key); found != compiled_.end())
        return kept = found->second;
    auto parsed = parse_policy(document, kind, name);
    if (!parsed) {
        AC_LOG(error, "a stored policy cannot be read", {"policy", name},
               {"reason", parsed.error().message});
        return kept = deny_all(std::move(name));
    }
    return kept = *std::move(parsed);
}

PolicyPointer Directory::managed(const Snapshot& next, const std::string& arn) {
    if (is_managed_policy_arn(arn)) {
        const ManagedPolicy* policy = find_managed_policy(arn);
        if (policy == nullptr) {
            auto nothing = std::make_shared<Policy>();
            nothing->name = arn;
            return nothing;
        }
        return compile(std::string(policy->document), PolicyKind::identity, arn);
    }
    const auto name = parse_entity_arn(arn);
    const Entity* entity =
        name ? next.find(name->account, EntityKind::policy, name->name) : nullptr;
    const PolicyVersion* version =
        entity != nullptr ? entity->version(entity->default_version) : nullptr;
    if (version == nullptr) return deny_all(arn);
    return compile(version->document, PolicyKind::identity, arn);
}

void Directory::add_policies(const Snapshot& next, const Entity& entity,
                             std::vector<PolicyPointer>& out) {
    for (const auto& [name, document] : entity.inline_policies)
        out.push_back(compile(document, PolicyKind::identity,
                              fmt::format("{}_{}_{}", to_string(entity.kind), entity.name, name)));
    for (const std::string& arn : entity.attached) out.push_back(managed(next, arn));
}

IdentityPointer Directory::make_identity(const Snapshot& next, EntityPointer entity) {
    auto identity = std::make_shared<Identity>();
    add_policies(next, *entity, identity->policies);
    for (const std::string& group : entity->groups)
        if (const Entity* found = next.find(entity->account, EntityKind::group, group))
            add_policies(next, *found, identity->policies);
    if (!entity->boundary.empty()) identity->boundary = managed(next, entity->boundary);
    if (entity->kind == EntityKind::role)
        identity->trust =
            compile(entity->trust_policy, PolicyKind::trust, "trust policy of " + entity->arn());
    identity->entity = std::move(entity);
    return identity;
}

}  // namespace ac::access
