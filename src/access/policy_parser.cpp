#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "access/policy.h"
#include "access/policy_json.h"
#include "base/encoding.h"

namespace ac::access {
namespace {

namespace json = boost::json;

constexpr std::string_view kVersion = "2012-10-17";
constexpr std::string_view kOldVersion = "2008-10-17";

std::unexpected<Error> malformed(std::string_view where, std::string_view what) {
    return fail(
        Error{.code = ErrorCode::invalid_argument,
              .message = where.empty() ? std::string(what) : fmt::format("{}: {}", where, what),
              .reason = "MalformedPolicyDocument"});
}

std::string_view view(const json::string& text) {
    return {text.data(), text.size()};
}

bool is_digits(std::string_view text, std::size_t count) {
    return text.size() == count &&
           std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// Reads one document; `where_` is the place for messages.
class Parser final {
  public:
    explicit Parser(PolicyKind kind) : kind_(kind) {}

    Result<> read(const json::value& document, Policy& out) {
        const json::object* object = document.if_object();
        if (object == nullptr) return malformed("", "The policy is not a JSON object.");
        for (const auto& [key, value] : *object) {
            const std::string_view name(key.data(), key.size());
            if (name != "Version" && name != "Id" && name != "Statement")
                return malformed(name, "Unknown field");
        }
        AC_CHECK(read_version(*object));
        const json::value* statements = object->if_contains("Statement");
        if (statements == nullptr) return malformed("", "Missing required field Statement");
        if (statements->is_object()) return read_statement(*statements, "Statement", out);
        const json::array* list = statements->if_array();
        if (list == nullptr) return malformed("Statement", "want an object or a list of them");
        if (list->empty()) return malformed("Statement", "Syntax errors in policy: it is empty");
        for (std::size_t i = 0; i < list->size(); ++i)
            AC_CHECK(read_statement((*list)[i], fmt::format("Statement[{}]", i), out));
        return check_sids(out);
    }

  private:
    Result<> read_version(const json::object& object) {
        const json::value* version = object.if_contains("Version");
        variables_ = false;
        if (version == nullptr) return {};
        if (!version->is_string() ||
            (view(version->get_string()) != kVersion && view(version->get_string()) != kOldVersion))
            return malformed("Version", "Policy document must be version 2012-10-17 or greater.");
        variables_ = view(version->get_string()) == kVersion;
        return {};
    }

    static Result<> check_sids(const Policy& policy) {
        std::vector<std::string_view> sids;
        for (const Statement& statement : policy.statements)
            if (!statement.sid.empty()) sids.push_back(statement.sid);
        std::ranges::sort(sids);
        const auto twice = std::ranges::adjacent_find(sids);
        if (twice == sids.end()) return {};
        return malformed("Statement", fmt::format("Statement IDs (SID) in a single policy must be "
                                                  "unique: {} is given twice",
                                                  *twice));
    }

    Result<> read_statement(const json::value& value, const std::string& where, Policy& out) {
        const json::object* object = value.if_object();
        if (object == nullptr) return malformed(where, "want an object");
        Statement statement;
        bool has_effect = false;
        for (const auto& [key, field] : *object) {
            const std::string name(key.data(), key.size());
            const std::string at = where + "." + name;
            if (name == "Effect") has_effect = true;
            AC_CHECK(read_field(name, field, at, statement));
        }
        if (!has_effect) return malformed(where, "Missing required field Effect");
        AC_CHECK(check_pair(*object, where, "Action", "NotAction"));
        if (statement.actions.empty())
            return malformed(where,
                             "Missing required field Action: Policy statement must contain "
                             "actions.");
        AC_CHECK(check_pair(*object, where, "Resource", "NotResource"));
        AC_CHECK(check_pair(*object, where, "Principal", "NotPrincipal"));
        AC_CHECK(check_kind(statement, where));
        out.statements.push_back(std::move(statement));
        return {};
    }

    static Result<> check_pair(const json::object& object, const std::string& where,
                               std::string_view one, std::string_view other) {
        if (!object.contains(one) || !object.contains(other)) return {};
        return malformed(where, fmt::format("Only one of {} and {} may be given", one, other));
    }

    Result<> check_kind(const Statement& statement, const std::string& where) const {
        const bool names_principals = !statement.principals.empty();
        const bool names_resources = !statement.resources.empty();
        if (kind_ == PolicyKind::identity && names_principals)
            return malformed(where, "Policy document should not specify a principal.");
        if (kind_ != PolicyKind::identity && !names_principals)
            return malformed(where, "Missing required field Principal");
        if (kind_ == PolicyKind::trust && names_resources)
            return malformed(where, "Has prohibited field Resource");
        if (kind_ != PolicyKind::trust && !names_resources)
            return malformed(where, "Policy statement must contain resources.");
        return {};
    }

    Result<> read_field(const std::string& name, const json::value& value, const std::string& at,
                        Statement& out) {
        if (name == "Sid") return read_sid(value, at, out);
        if (name == "Effect") return read_effect(value, at, out);
        if (name == "Action" || name == "NotAction") {
            out.except_actions = name == "NotAction";
            return each_text(value, at, [&](std::string_view text, const std::string& place) {
                return read_action(text, place, out);
            });
        }
        if (name == "Resource" || name == "NotResource") {
            out.except_resources = name == "NotResource";
            return each_text(value, at, [&](std::string_view text, const std::string& place) {
                return read_resource(text, place, out);
            });
        }
        if (name == "Principal" || name == "NotPrincipal") {
            out.except_principals = name == "NotPrincipal";
            return read_principal(value, at, out);
        }
        if (name == "Condition") return read_conditions(value, at, out);
        return malformed(at, "Unknown field");
    }

    static Result<> read_sid(const json::value& value, const std::string& at, Statement& out) {
        if (!value.is_string()) return malformed(at, "want a text");
        out.sid = view(value.get_string());
        return {};
    }

    static Result<> read_effect(const json::value& value, const std::string& at, Statement& out) {
        const std::string_view text = value.is_string() ? view(value.get_string()) : "";
        if (text != "Allow" && text != "Deny")
            return malformed(at, fmt::format("Invalid effect: {}; want Allow or Deny",
                                             json::serialize(value).substr(0, 64)));
        out.effect = text == "Allow" ? Effect::allow : Effect::deny;
        return {};
    }

    template <class Take>
    static Result<> each_text(const json::value& value, const std::string& at, Take take) {
        if (value.is_string()) return take(view(value.get_string()), at);
        const json::array* list = value.if_array();
        if (list == nullptr) return malformed(at, "want a text or a list of texts");
        if (list->empty()) return malformed(at, "the list is empty");
        for (std::size_t i = 0; i < list->size(); ++i) {
            const std::string place = fmt::format("{}[{}]", at, i);
            if (!(*list)[i].is_string()) return malformed(place, "want a text");
            AC_CHECK(take(view((*list)[i].get_string()), place));
        }
        return {};
    }

    Result<> read_action(std::string_view text, const std::string& at, Statement& out) const {
        const auto colon = text.find(':');
        if (text != "*" && (colon == std::string_view::npos || colon == 0))
            return malformed(at,
                             "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, "
                             "ec2, etc.");
        if (text != "*" && colon + 1 == text.size()) return malformed(at, "the action has no name");
        const bool is_plain = std::ranges::all_of(text, [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                   c == '-' || c == '_' || c == ':' || c == '*' || c == '?';
        });
        if (!is_plain) return malformed(at, fmt::format("Invalid action: {}", text));
        if (kind_ == PolicyKind::trust && !text.starts_with("sts:"))
            return malformed(at, "AssumeRole policy may only specify STS AssumeRole actions.");
        out.actions.emplace_back(to_lower(text));
        return {};
    }

    Result<> read_resource(std::string_view text, const std::string& at, Statement& out) const {
        const bool is_all = text == "*" || (variables_ && text.starts_with("${"));
        if (!is_all && (!text.starts_with("arn:") || std::ranges::count(text, ':') < 2))
            return malformed(at, fmt::format("Resource {} must be in ARN format or \"*\".", text));
        auto parsed = PolicyText::parse(text, variables_);
        if (!parsed) return malformed(at, parsed.error().message);
        out.resources.push_back(*std::move(parsed));
        return {};
    }

    static Result<> read_principal(const json::value& value, const std::string& at,
                                   Statement& out) {
        if (value.is_string()) {
            if (view(value.get_string()) != "*")
                return malformed(at, "Invalid principal in policy");
            out.principals.push_back({.kind = PrincipalEntry::Kind::everyone, .value = "*"});
            return {};
        }
        const json::object* object = value.if_object();
        if (object == nullptr || object->empty())
            return malformed(at, "Invalid principal in policy: want \"*\" or an object");
        for (const auto& [key, list] : *object) {
            const std::string_view name(key.data(), key.size());
            AC_CHECK(each_text(list, fmt::format("{}.{}", at, name),
                               [&](std::string_view text, const std::string& place) {
                                   return read_principal_entry(name, text, place, out);
                               }));
        }
        return {};
    }

    static Result<> read_principal_entry(std::string_view kind, std::string_view text,
                                         const std::string& at, Statement& out) {
        using Kind = PrincipalEntry::Kind;
        const auto add = [&](Kind as, std::string_view entry) -> Result<> {
            out.principals.push_back({.kind = as, .value = std::string(entry)});
            return {};
        };
        if (text.empty()) return malformed(at, "Invalid principal in policy");
        if (kind == "AWS") {
            if (text == "*") return add(Kind::everyone, text);
            if (is_digits(text, 12)) return add(Kind::aws, text);
            const bool is_arn =
                (text.starts_with("arn:aws:iam::") || text.starts_with("arn:aws:sts::")) &&
                text.size() > 26 && is_digits(text.substr(13, 12), 12) && text[25] == ':';
            if (!is_arn || text.find_first_of("*?") != std::string_view::npos)
                return malformed(at,
                                 fmt::format("Invalid principal in policy: \"AWS\":\"{}\"", text));
            if (text.substr(26) == "root") return add(Kind::aws, text.substr(13, 12));
            return add(Kind::aws, text);
        }
        if (kind == "Service") return add(Kind::service, text);
        if (kind == "Federated") return add(Kind::federated, text);
        if (kind == "CanonicalUser") return add(Kind::canonical_user, text);
        return malformed(at,
                         "Invalid principal in policy: want AWS, Service, Federated or "
                         "CanonicalUser");
    }

    Result<> read_conditions(const json::value& value, const std::string& at,
                             Statement& out) const {
        const json::object* operators = value.if_object();
        if (operators == nullptr) return malformed(at, "want an object");
        for (const auto& [name, keys] : *operators) {
            const std::string_view op(name.data(), name.size());
            const std::string place = fmt::format("{}.{}", at, op);
            const auto prototype = parse_operator(op);
            if (!prototype) return malformed(place, "Invalid Condition type : " + std::string(op));
            if (!keys.is_object()) return malformed(place, "want an object");
            for (const auto& [key, values] : keys.get_object()) {
                Condition condition = *prototype;
                AC_CHECK(read_condition({key.data(), key.size()}, values, place, condition));
                out.conditions.push_back(std::move(condition));
            }
        }
        return {};
    }

    Result<> read_condition(std::string_view key, const json::value& values, const std::string& at,
                            Condition& out) const {
        const std::string place = fmt::format("{}.{}", at, key);
        const auto colon = key.find(':');
        if (colon == 0 || colon == std::string_view::npos || colon + 1 == key.size())
            return malformed(place,
                             "Actions/Conditions must be prefaced by a vendor, e.g., iam, "
                             "sdb, ec2, etc.");
        out.key = to_lower(key);
        if (values.is_array() && values.get_array().empty()) return {};  // matches nothing
        const json::array single = values.is_array() ? json::array() : json::array({values});
        const json::array& list = values.is_array() ? values.get_array() : single;
        for (const json::value& value : list) {
            // Numbers and booleans are taken as their text.
            if (value.is_structured() || value.is_null())
                return malformed(place, "want a text, or a list of texts");
            const std::string text =
                value.is_string() ? std::string(view(value.get_string())) : json::serialize(value);
            if (const auto added = add_condition_value(out, text, variables_); !added)
                return malformed(place, added.error().message);
        }
        return {};
    }

    const PolicyKind kind_;
    bool variables_ = false;
};

}  // namespace

Result<PolicyPointer> parse_policy(std::string_view document, PolicyKind kind, std::string name) {
    AC_TRY(const json::value value, parse_policy_json(document));
    auto policy = std::make_shared<Policy>();
    policy->name = std::move(name);
    AC_CHECK(Parser(kind).read(value, *policy));
    return policy;
}

}  // namespace ac::access
