#pragma once
// What IAM demands of names, paths, tags and documents. Errors have the exception's name as reason.

#include <string>
#include <string_view>

#include "access/entity.h"
#include "access/policy.h"

namespace ac::access {

Error iam_error(ErrorCode code, std::string_view exception, std::string message);
Error no_such_entity(EntityKind kind, std::string_view name);

Result<> check_name(EntityKind kind, std::string_view name);
Result<> check_path(std::string_view path);
Result<> check_tags(const Tags& tags);
Result<> check_policy_name(std::string_view name);
// A document that parses and is short enough for where it goes.
Result<> check_managed_document(std::string_view document);
Result<> check_trust_document(std::string_view document);
// All inline policies of an entity.
Result<> check_inline_documents(const Entity& entity);
// Everything of a new or changed entity.
Result<> check_entity(const Entity& entity);

}  // namespace ac::access
