#include "wire/access_gate.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <optional>

#include "base/storable_text.h"
#include "wire/api.h"
#include "wire/resource_names.h"

namespace ac::wire {
namespace {

// Longer values say nothing that a policy could ask for.
constexpr std::size_t kKeyBytesMax = 1024;

// Our own list of operations says nothing about anybody's resources.
constexpr std::string_view kOpenExtension = "GET /x/operations";

bool is_secret(const OperationSpec* operation, std::string_view member) {
    if (operation == nullptr || operation->input == nullptr) return false;
    for (const Member& known : operation->input->members)
        if (known.name == member) return known.shape != nullptr && known.shape->sensitive;
    return false;
}

void add_tags(access::RequestContext& keys, const json::object& tags) {
    std::vector<std::string> names;
    for (const auto& [name, value] : tags) {
        names.emplace_back(name);
        if (value.is_string())
            keys.add("aws:RequestTag/" + names.back(), std::string(value.get_string()));
    }
    keys.add_all("aws:TagKeys", std::move(names));
}

// bedrock-agentcore:MEMBER for what the call says in one word, and its tags.
void add_input(access::RequestContext& keys, const CallContext& context,
               const json::object& input) {
    for (const auto& [name, value] : input) {
        const std::string_view member(name.data(), name.size());
        if (member == "tags" && value.is_object()) {
            add_tags(keys, value.get_object());
            continue;
        }
        if (is_secret(context.operation, member)) continue;
        std::string text;
        if (value.is_string())
            text = std::string(value.get_string());
        else if (value.is_bool())
            text = value.get_bool() ? "true" : "false";
        else if (value.is_number())
            text = json::serialize(value);
        else
            continue;
        if (text.size() <= kKeyBytesMax)
            keys.add("bedrock-agentcore:" + std::string(member), std::move(text));
    }
    if (const json::value* keys_of_tags = input.if_contains("tagKeys");
        keys_of_tags != nullptr && keys_of_tags->is_array()) {
        std::vector<std::string> names;
        for (const json::value& key : keys_of_tags->get_array())
            if (key.is_string()) names.emplace_back(key.get_string());
        keys.add_all("aws:TagKeys", std::move(names));
    }
}

class AccessGate final : public Gate {
  public:
    explicit AccessGate(const access::Authorizer& authorizer) : authorizer_(authorizer) {}

    Result<> admit(CallContext& context, const json::object& input,
                   std::string_view extension) const override {
        if (extension == kOpenExtension) return {};
        const std::vector<Asked> asked =
            context.operation != nullptr
                ? asked_by(*context.operation, input, context.scope)
                : std::vector{asked_by_extension(extension, input, context.scope)};
        if (is_beyond_policies(context, asked)) return {};
        const bool is_root = context.principal.kind == access::Principal::Kind::root;
        std::optional<access::RequestContext> keys;  // made when something has to be decided
        for (const Asked& one : asked) {
            // Whom the account's root gives a role to is the account's own business.
            if (is_root && one.action == "iam:PassRole") continue;
            for (const std::string& resource : one.resources) {
                if (authorizer_.is_known_to_be_allowed(context.principal, one.action, resource))
                    continue;
                if (!keys) {
                    keys = authorizer_.context_of(context.principal, context.facts);
                    add_input(*keys, context, input);
                }
                AC_CHECK(authorize(context, one.action, resource, *keys));
            }
        }
        enter_account(context, input, asked.front().resources.front());
        return {};
    }

    Result<> check(const CallContext& context, std::string_view action, std::string_view resource,
                   const access::RequestContext& further) const override {
        access::RequestContext keys = authorizer_.context_of(context.principal, context.facts);
        for (const access::RequestContext::Entry& one : further) keys.add_all(one.key, one.values);
        return authorize(context, action, resource, keys);
    }

  private:
    bool is_beyond_policies(const CallContext& context, const std::vector<Asked>& asked) const {
        return std::ranges::all_of(asked, [&](const Asked& one) {
            return one.action == "iam:PassRole" ||
                   std::ranges::all_of(one.resources, [&](const std::string& resource) {
                       return authorizer_.is_beyond_policies(context.principal, resource);
                   });
        });
    }

    Result<> authorize(const CallContext& context, std::string_view action,
                       std::string_view resource, const access::RequestContext& keys) const {
        const std::string storable = to_storable_text(resource);
        return authorizer_.authorize({.principal = context.principal,
                                      .action = action,
                                      .resource = storable,
                                      .context = keys});
    }

    // Only invocations cross accounts: everything else is found by its id in the caller's own.
    static void enter_account(CallContext& context, const json::object& input,
                              const std::string& resource) {
        if (!input.contains("agentRuntimeArn")) return;
        const std::string_view owner = access::account_of_arn(resource);
        if (!owner.empty() && owner != context.scope.account) context.scope.account = owner;
    }

    const access::Authorizer& authorizer_;
};

}  // namespace

std::unique_ptr<Gate> make_access_gate(const access::Authorizer& authorizer) {
    return std::make_unique<AccessGate>(authorizer);
}

}  // namespace ac::wire
