#include "access/entity.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

namespace ac::access {
namespace {

namespace json = boost::json;

constexpr std::pair<EntityKind, std::string_view> kKinds[] = {{EntityKind::user, "user"},
                                                              {EntityKind::group, "group"},
                                                              {EntityKind::role, "role"},
                                                              {EntityKind::policy, "policy"}};

json::object to_json(const std::map<std::string, std::string>& map) {
    json::object out;
    for (const auto& [key, value] : map) out[key] = value;
    return out;
}

json::array to_json(const std::set<std::string>& set) {
    json::array out;
    for (const std::string& value : set) out.emplace_back(value);
    return out;
}

std::map<std::string, std::string> map_from(const json::value& value) {
    std::map<std::string, std::string> out;
    for (const auto& [key, item] : value.as_object())
        out.emplace(std::string(key), json::value_to<std::string>(item));
    return out;
}

std::set<std::string> set_from(const json::value& value) {
    std::set<std::string> out;
    for (const json::value& item : value.as_array()) out.insert(json::value_to<std::string>(item));
    return out;
}

json::array versions_to_json(const Entity& entity) {
    json::array out;
    for (const PolicyVersion& version : entity.versions)
        out.push_back({{"number", version.number},
                       {"document", version.document},
                       {"created", to_epoch_ms(version.created_at)}});
    return out;
}

}  // namespace

std::string_view to_string(EntityKind kind) {
    return std::ranges::find(kKinds, kind, &std::pair<EntityKind, std::string_view>::first)->second;
}

std::string Entity::arn() const {
    return entity_arn(account, kind, path, name);
}

const PolicyVersion* Entity::version(std::int64_t number) const {
    const auto found = std::ranges::find(versions, number, &PolicyVersion::number);
    return found == versions.end() ? nullptr : &*found;
}

std::string entity_arn(std::string_view account, EntityKind kind, std::string_view path,
                       std::string_view name) {
    return fmt::format("arn:aws:iam::{}:{}{}{}", account, to_string(kind), path, name);
}

Result<EntityName> parse_entity_arn(std::string_view arn) {
    const auto wrong = [&] {
        return fail(ErrorCode::invalid_argument, fmt::format("ARN {} is not valid.", arn));
    };
    constexpr std::string_view kPrefix = "arn:aws:iam::";
    if (!arn.starts_with(kPrefix)) return wrong();
    const std::string_view rest = arn.substr(kPrefix.size());
    const auto colon = rest.find(':');
    const auto slash = rest.find('/');
    if (colon == std::string_view::npos || slash == std::string_view::npos || slash < colon)
        return wrong();
    const auto kind = std::ranges::find(kKinds, rest.substr(colon + 1, slash - colon - 1),
                                        &std::pair<EntityKind, std::string_view>::second);
    const std::string_view name = rest.substr(rest.rfind('/') + 1);
    if (kind == std::end(kKinds) || name.empty()) return wrong();
    return EntityName{.kind = kind->first,
                      .account = std::string(rest.substr(0, colon)),
                      .name = std::string(name)};
}

std::string to_document(const Entity& entity) {
    json::object out = {{"name", entity.name},
                        {"path", entity.path},
                        {"id", entity.id},
                        {"description", entity.description},
                        {"created", to_epoch_ms(entity.created_at)},
                        {"updated", to_epoch_ms(entity.updated_at)},
                        {"tags", to_json(entity.tags)}};
    if (entity.kind == EntityKind::policy) {
        out["versions"] = versions_to_json(entity);
        out["defaultVersion"] = entity.default_version;
        out["nextVersion"] = entity.next_version;
        return json::serialize(out);
    }
    out["inline"] = to_json(entity.inline_policies);
    out["attached"] = to_json(entity.attached);
    out["boundary"] = entity.boundary;
    out["groups"] = to_json(entity.groups);
    out["trust"] = entity.trust_policy;
    out["sessionSeconds"] = entity.session_seconds_max;
    return json::serialize(out);
}

Result<Entity> entity_from_document(EntityKind kind, std::string account,
                                    std::string_view document) {
    try {
        const json::value parsed = json::parse(document);
        const json::object& in = parsed.as_object();
        Entity out{.kind = kind,
                   .account = std::move(account),
                   .name = json::value_to<std::string>(in.at("name")),
                   .path = json::value_to<std::string>(in.at("path")),
                   .id = json::value_to<std::string>(in.at("id")),
                   .description = json::value_to<std::string>(in.at("description")),
                   .created_at = from_epoch_ms(in.at("created").to_number<std::int64_t>()),
                   .updated_at = from_epoch_ms(in.at("updated").to_number<std::int64_t>()),
                   .tags = map_from(in.at("tags"))};
        if (kind == EntityKind::policy) {
            for (const json::value& version : in.at("versions").as_array())
                out.versions.push_back(
                    {.number = version.at("number").to_number<std::int64_t>(),
                     .document = json::value_to<std::string>(version.at("document")),
                     .created_at = from_epoch_ms(version.at("created").to_number<std::int64_t>())});
            out.default_version = in.at("defaultVersion").to_number<std::int64_t>();
            out.next_version = in.at("nextVersion").to_number<std::int64_t>();
            return out;
        }
        out.inline_policies = map_from(in.at("inline"));
        out.attached = set_from(in.at("attached"));
        out.boundary = json::value_to<std::string>(in.at("boundary"));
        out.groups = set_from(in.at("groups"));
        out.trust_policy = json::value_to<std::string>(in.at("trust"));
        out.session_seconds_max = in.at("sessionSeconds").to_number<std::int64_t>();
        return out;
    } catch (const std::exception& broken) {
        return fail(ErrorCode::internal,
                    std::string("a stored identity is damaged: ") + broken.what());
    }
}

}  // namespace ac::access
