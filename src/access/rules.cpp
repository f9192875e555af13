#include "access/rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "access/limits.h"

namespace ac::access {
namespace {

std::unexpected<Error> invalid(std::string message) {
    return fail(iam_error(ErrorCode::invalid_argument, "ValidationError", std::move(message)));
}

std::unexpected<Error> over(std::string message) {
    return fail(iam_error(ErrorCode::quota_exceeded, "LimitExceeded", std::move(message)));
}

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_+=,.@-").find(c) != std::string_view::npos;
}

std::size_t length_of(std::string_view document) {
    return static_cast<std::size_t>(std::ranges::count_if(
        document, [](char c) { return c != ' ' && c != '\t' && c != '\r' && c != '\n'; }));
}

std::size_t inline_max(EntityKind kind) {
    if (kind == EntityKind::user) return kUserInlineMax;
    return kind == EntityKind::group ? kGroupInlineMax : kRoleInlineMax;
}

Result<> check_document(std::string_view document, PolicyKind kind) {
    if (document.size() > kDocumentBytesMax)
        return over(fmt::format("A policy has at most {} bytes", kDocumentBytesMax));
    AC_CHECK(parse_policy(document, kind));
    return {};
}

}  // namespace

Error iam_error(ErrorCode code, std::string_view exception, std::string message) {
    return {.code = code, .message = std::move(message), .reason = std::string(exception)};
}

Error no_such_entity(EntityKind kind, std::string_view name) {
    const bool is_policy = kind == EntityKind::policy;
    return iam_error(
        ErrorCode::not_found, "NoSuchEntity",
        is_policy ? fmt::format("Policy {} was not found.", name)
                  : fmt::format("The {} with name {} cannot be found.", to_string(kind), name));
}

Result<> check_name(EntityKind kind, std::string_view name) {
    const bool is_short = kind == EntityKind::user || kind == EntityKind::role;
    const std::size_t length_max = is_short ? kUserNameMax : kOtherNameMax;
    if (name.empty() || name.size() > length_max || !std::ranges::all_of(name, is_name_character))
        return invalid(
            fmt::format("The specified value for {}Name is invalid. It must contain only "
                        "alphanumeric characters and/or the following: +=,.@_-, and at "
                        "most {} of them",
                        to_string(kind), length_max));
    return {};
}

Result<> check_policy_name(std::string_view name) {
    return check_name(EntityKind::policy, name);
}

Result<> check_path(std::string_view path) {
    const bool is_plain = std::ranges::all_of(path, [](char c) { return c >= '!' && c <= '~'; });
    if (path.empty() || path.size() > kPathMax || path.front() != '/' || path.back() != '/' ||
        !is_plain || path.find("//") != std::string_view::npos)
        return invalid(
            "The specified value for path is invalid. It must begin and end with / and "
            "contain only alphanumeric characters and/or / characters.");
    return {};
}

Result<> check_tags(const Tags& tags) {
    if (tags.size() > kTagsMax) return over(fmt::format("At most {} tags", kTagsMax));
    for (const auto& [key, value] : tags)
        if (key.empty() || key.size() > 128 || value.size() > 256 || key.starts_with("aws:"))
            return invalid(
                "A tag's key has 1 to 128 characters and does not begin with aws:, its "
                "value at most 256");
    return {};
}

Result<> check_managed_document(std::string_view document) {
    AC_CHECK(check_document(document, PolicyKind::identity));
    if (length_of(document) > kManagedPolicyMax)
        return over(fmt::format("Cannot exceed quota for PolicySize: {}", kManagedPolicyMax));
    return {};
}

Result<> check_trust_document(std::string_view document) {
    AC_CHECK(check_document(document, PolicyKind::trust));
    if (length_of(document) > kTrustPolicyMax)
        return over(fmt::format("Cannot exceed quota for ACLSizePerRole: {}", kTrustPolicyMax));
    return {};
}

Result<> check_inline_documents(const Entity& entity) {
    std::size_t length = 0;
    for (const auto& [name, document] : entity.inline_policies) {
        AC_CHECK(check_policy_name(name));
        AC_CHECK(check_document(document, PolicyKind::identity));
        length += length_of(document);
    }
    if (length > inline_max(entity.kind))
        return over(fmt::format("Maximum policy size of {} bytes exceeded for {} {}",
                                inline_max(entity.kind), to_string(entity.kind), entity.name));
    return {};
}

Result<> check_entity(const Entity& entity) {
    AC_CHECK(check_name(entity.kind, entity.name));
    AC_CHECK(check_path(entity.path));
    AC_CHECK(check_tags(entity.tags));
    if (entity.description.size() > kDescriptionMax)
        return invalid(fmt::format("A description has at most {} characters", kDescriptionMax));
    if (entity.kind == EntityKind::policy) {
        if (entity.versions.size() > kPolicyVersionsMax)
            return over(
                fmt::format("A managed policy can have up to {} versions. Before you "
                            "create a new version, you must delete an existing version.",
                            kPolicyVersionsMax));
        return check_managed_document(entity.versions.back().document);
    }
    if (entity.attached.size() > kAttachedMax)
        return over(fmt::format("Cannot exceed quota for PoliciesPer{}: {}",
                                entity.kind == EntityKind::role ? "Role" : "User", kAttachedMax));
    if (entity.groups.size() > kGroupsOfUserMax)
        return over(fmt::format("Cannot exceed quota for GroupsPerUser: {}", kGroupsOfUserMax));
    if (entity.kind == EntityKind::role) {
        AC_CHECK(check_trust_document(entity.trust_policy));
        if (Seconds{entity.session_seconds_max} < Seconds{3600} ||
            Seconds{entity.session_seconds_max} > kSessionMax)
            return invalid("MaxSessionDuration is 3600 to 43200 seconds");
    }
    return check_inline_documents(entity);
}

}  // namespace ac::access
