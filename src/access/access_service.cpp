#include "access/access_service.h"

#include <fmt/format.h>

#include "access/limits.h"
#include "access/managed_policies.h"
#include "access/rules.h"
#include "base/encoding.h"
#include "base/log.h"
#include "crypto/seal.h"

namespace ac::access {
namespace {

using storage::Transaction;

constexpr std::string_view kDeleteConflict = "DeleteConflict";

// What an agent needs of the platform, and nothing that could give it more than it has.
constexpr std::string_view kDevelopmentPolicy = R"({"Version":"2012-10-17","Statement":[
    {"Sid":"DataPlane","Effect":"Allow","Action":[
        "bedrock-agentcore:Invoke*","bedrock-agentcore:Get*","bedrock-agentcore:List*",
        "bedrock-agentcore:Retrieve*","bedrock-agentcore:CreateEvent",
        "bedrock-agentcore:DeleteEvent","bedrock-agentcore:Batch*",
        "bedrock-agentcore:DeleteMemoryRecord","bedrock-agentcore:IngestData",
        "bedrock-agentcore:StartMemoryExtractionJob","bedrock-agentcore:Start*Session",
        "bedrock-agentcore:Stop*Session","bedrock-agentcore:UpdateBrowserStream",
        "bedrock-agentcore:ConnectBrowser*","bedrock-agentcore:CompleteResourceTokenAuth",
        "bedrock-agentcore:SaveBrowserSessionProfile"],
     "Resource":"arn:aws:bedrock-agentcore:*:${aws:PrincipalAccount}:*"},
    {"Sid":"AwsTools","Effect":"Allow","Action":["bedrock-agentcore:Invoke*",
        "bedrock-agentcore:Start*Session","bedrock-agentcore:Stop*Session",
        "bedrock-agentcore:Get*Session","bedrock-agentcore:UpdateBrowserStream",
        "bedrock-agentcore:ConnectBrowser*"],
     "Resource":"arn:aws:bedrock-agentcore:*:aws:*"},
    {"Sid":"Models","Effect":"Allow","Action":["bedrock:Invoke*","bedrock:Converse*",
        "bedrock:CountTokens","bedrock:ApplyGuardrail","bedrock:List*","bedrock:Get*"],
     "Resource":"*"},
    {"Sid":"Objects","Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:DeleteObject",
        "s3:ListBucket","s3:GetBucketLocation","s3:AbortMultipartUpload"],"Resource":"*"},
    {"Sid":"WhoAmI","Effect":"Allow","Action":"sts:GetCallerIdentity","Resource":"*"},
    {"Sid":"NoKeysOfTheVault","Effect":"Deny","Action":["bedrock-agentcore:GetTokenVault",
        "bedrock-agentcore:*ResourcePolicy","iam:*","sts:AssumeRole*"],"Resource":"*"}]})";

std::string_view id_prefix(EntityKind kind) {
    switch (kind) {
        case EntityKind::user:
            return "AIDA";
        case EntityKind::group:
            return "AGPA";
        case EntityKind::role:
            return "AROA";
        case EntityKind::policy:
            break;
    }
    return "ANPA";
}

std::string kind_title(EntityKind kind) {
    std::string out(to_string(kind));
    out[0] = static_cast<char>(out[0] - 'a' + 'A');
    return out;
}

Error conflict(std::string message) {
    return iam_error(ErrorCode::conflict, kDeleteConflict, std::move(message));
}

// Whatever is attached must be there.
Result<> check_references(Transaction& tx, const Entity& entity) {
    std::vector<std::string> arns(entity.attached.begin(), entity.attached.end());
    if (!entity.boundary.empty()) arns.push_back(entity.boundary);
    for (const std::string& arn : arns) {
        if (is_managed_policy_arn(arn)) continue;
        const auto name = parse_entity_arn(arn);
        if (!name || name->kind != EntityKind::policy || name->account != entity.account)
            return fail(iam_error(ErrorCode::invalid_argument, "InvalidInput",
                                  fmt::format("ARN {} is not valid.", arn)));
        AC_TRY(const auto policy,
               store::find_entity(tx, name->account, EntityKind::policy, name->name));
        if (!policy || policy->arn() != arn)
            return fail(
                iam_error(ErrorCode::not_found, "NoSuchEntity",
                          fmt::format("Policy {} does not exist or is not attachable.", arn)));
    }
    return {};
}

// Nothing may be left hanging on what is removed.
Result<> check_unused(Transaction& tx, const Entity& entity) {
    if (!entity.attached.empty())
        return fail(conflict("Cannot delete entity, must detach all policies first."));
    if (!entity.inline_policies.empty())
        return fail(conflict("Cannot delete entity, must delete policies first."));
    if (!entity.groups.empty())
        return fail(conflict("Cannot delete entity, must remove users from group first."));
    if (entity.versions.size() > 1)
        return fail(
            conflict("This policy has more than one version. Before you delete a policy, "
                     "you must delete the policy's versions."));
    if (entity.kind == EntityKind::user) {
        AC_TRY(const auto keys, store::keys_of(tx, entity.account, to_lower(entity.name)));
        if (!keys.empty())
            return fail(conflict("Cannot delete entity, must delete access keys first."));
    }
    if (entity.kind != EntityKind::policy && entity.kind != EntityKind::group) return {};
    AC_TRY(const auto others, store::all_entities(tx, entity.account));
    const std::string arn = entity.arn();
    for (const Entity& other : others) {
        if (entity.kind == EntityKind::group && other.groups.contains(to_lower(entity.name)))
            return fail(conflict("Cannot delete entity, must remove users from group first."));
        if (other.attached.contains(arn) || other.boundary == arn)
            return fail(conflict("Cannot delete a policy attached to entities."));
    }
    return {};
}

}  // namespace

AccessService::AccessService(AccessParts parts)
    : parts_(std::move(parts)),
      root_(root_principal(parts_.account)),
      directory_(parts_.box),
      authorizer_(directory_) {
    auto policy = parse_policy(kDevelopmentPolicy, PolicyKind::identity,
                               "built-in policy of runtimes whose role is not kept here");
    AC_ASSERT(policy);
    development_policy_ = *std::move(policy);
}

Task<> AccessService::start() {
    const SecretBytes fresh = [this] {
        SecretBytes key = SecretBytes::of_size(kSealKeyBytes);
        parts_.random.fill(std::as_writable_bytes(key.bytes()));
        return key;
    }();
    AC_CO_TRY(const std::string offered, parts_.box.seal(kTokenKey, fresh.view()));
    auto keep = [offered](Transaction& tx) {
        return store::keep_setting(tx, std::string(kTokenKey), offered);
    };
    AC_CO_TRY(const std::string sealed, co_await parts_.database.write(keep));
    AC_CO_TRY(SecretBytes key, parts_.box.open(kTokenKey, sealed));
    tokens_ = std::make_unique<SessionTokens>(std::move(key), parts_.random);
    co_return co_await refresh();
}

Task<> AccessService::refresh() {
    const std::int64_t have = directory_.now()->version;
    auto read = [have](Transaction& tx) { return store::changes_since(tx, have); };
    AC_CO_TRY(const store::Changes changes, co_await parts_.database.read(read));
    directory_.apply(changes);
    co_return Result<>();
}

Detached AccessService::keep_fresh(Timer& timer, bool others_write) {
    Seconds since_uses{0};
    while (true) {
        const auto slept = co_await sleep_for(timer, kRefreshEvery);
        if (!slept) break;
        if (others_write) {
            const auto refreshed = co_await refresh();
            if (!refreshed)
                AC_LOG(warn, "identities were not refreshed",
                       {"reason", refreshed.error().message});
        }
        since_uses += kRefreshEvery;
        if (since_uses < kNoteUseEvery) continue;
        since_uses = Seconds{0};
        (void)co_await write_uses();
    }
    (void)co_await write_uses();
}

Task<> AccessService::write_uses() {
    std::map<std::string, store::LastUse> uses;
    {
        const std::lock_guard lock(uses_mutex_);
        uses = std::exchange(uses_, {});
    }
    if (uses.empty()) co_return Result<>();
    auto save = [uses](Transaction& tx) -> Result<> {
        for (const auto& [key, use] : uses) AC_CHECK(store::save_last_use(tx, key, use));
        return {};
    };
    const auto saved = co_await parts_.database.write(save);
    if (!saved) AC_LOG(warn, "uses of keys were not kept", {"reason", saved.error().message});
    co_return saved;
}

Task<> AccessService::write(Changed changed) {
    auto work = [changed = std::move(changed)](Transaction& tx) -> Result<> {
        AC_TRY(const std::int64_t version, store::next_version(tx));
        return changed(tx, version);
    };
    AC_CO_CHECK(co_await parts_.database.write(std::move(work)));
    co_return co_await refresh();
}

Task<Entity> AccessService::create(Entity wanted) {
    wanted.id = make_unique_id(parts_.random, id_prefix(wanted.kind));
    wanted.created_at = wanted.updated_at = parts_.clock.wall();
    AC_CO_CHECK(check_entity(wanted));
    Changed changed = [wanted](Transaction& tx, std::int64_t version) -> Result<> {
        AC_TRY(const auto there, store::find_entity(tx, wanted.account, wanted.kind, wanted.name));
        if (there)
            return fail(iam_error(
                ErrorCode::conflict, "EntityAlreadyExists",
                wanted.kind == EntityKind::policy
                    ? fmt::format("A policy called {} already exists. Duplicate names are not "
                                  "allowed.",
                                  wanted.name)
                    : fmt::format("{} with name {} already exists.", kind_title(wanted.kind),
                                  wanted.name)));
        AC_CHECK(check_references(tx, wanted));
        return store::save_entity(tx, wanted, version);
    };
    if (directory_.now()->list(wanted.account, wanted.kind, "/").size() >= kEntitiesOfAccountMax)
        co_return fail(iam_error(ErrorCode::quota_exceeded, "LimitExceeded",
                                 fmt::format("Cannot exceed quota: {}", kEntitiesOfAccountMax)));
    AC_CO_CHECK(co_await write(std::move(changed)));
    co_return wanted;
}

Task<Entity> AccessService::change(std::string account, EntityKind kind, std::string name,
                                   Edit edit) {
    auto after = std::make_shared<Entity>();
    const WallTime now = parts_.clock.wall();
    Changed changed = [account, kind, name, edit, now, after](Transaction& tx,
                                                              std::int64_t version) -> Result<> {
        AC_TRY(auto entity, store::find_entity(tx, account, kind, name));
        if (!entity) return fail(no_such_entity(kind, name));
        AC_CHECK(edit(*entity));
        AC_CHECK(check_entity(*entity));
        AC_CHECK(check_references(tx, *entity));
        for (const std::string& group : entity->groups) {
            AC_TRY(const auto found, store::find_entity(tx, account, EntityKind::group, group));
            if (!found) return fail(no_such_entity(EntityKind::group, group));
        }
        entity->updated_at = now;
        *after = *entity;
        return store::save_entity(tx, *entity, version);
    };
    AC_CO_CHECK(co_await write(std::move(changed)));
    co_return *after;
}

Task<> AccessService::remove(std::string account, EntityKind kind, std::string name) {
    Changed changed = [account, kind, name](Transaction& tx, std::int64_t version) -> Result<> {
        AC_TRY(auto entity, store::find_entity(tx, account, kind, name));
        if (!entity) return fail(no_such_entity(kind, name));
        AC_CHECK(check_unused(tx, *entity));
        return store::erase_entity(tx, *entity, version);
    };
    co_return co_await write(std::move(changed));
}

Task<> AccessService::rename(std::string account, EntityKind kind, std::string name,
                             std::string new_name, std::string new_path) {
    Changed changed = [=](Transaction& tx, std::int64_t version) -> Result<> {
        AC_TRY(auto entity, store::find_entity(tx, account, kind, name));
        if (!entity) return fail(no_such_entity(kind, name));
        if (!new_path.empty()) entity->path = new_path;
        if (!new_name.empty() && to_lower(new_name) != to_lower(entity->name)) {
            AC_TRY(const auto there, store::find_entity(tx, account, kind, new_name));
            if (there)
                return fail(iam_error(
                    ErrorCode::conflict, "EntityAlreadyExists",
                    fmt::format("{} with name {} already exists.", kind_title(kind), new_name)));
            AC_CHECK(store::erase_entity(tx, *entity, version));
            AC_TRY(auto keys, store::keys_of(tx, account, to_lower(entity->name)));
            for (store::KeyRow& key : keys) {
                key.user = to_lower(new_name);
                AC_CHECK(store::save_key(tx, key, version));
            }
        }
        if (!new_name.empty()) entity->name = new_name;
        AC_CHECK(check_entity(*entity));
        return store::save_entity(tx, *entity, version);
    };
    co_return co_await write(std::move(changed));
}

Task<> AccessService::set_resource_policy(std::string resource, std::string document) {
    if (!document.empty()) {
        AC_CO_CHECK(parse_policy(document, PolicyKind::resource));
    }
    Changed changed = [row = store::ResourcePolicyRow{std::move(resource), std::move(document)}](
                          Transaction& tx, std::int64_t version) {
        return store::save_resource_policy(tx, row, version);
    };
    co_return co_await write(std::move(changed));
}

}  // namespace ac::access
