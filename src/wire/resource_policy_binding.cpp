#include "wire/resource_policy_binding.h"

#include <fmt/format.h>

#include "access/limits.h"
#include "wire/runtime_json.h"

namespace ac::wire {
namespace {

using access::AccessService;
using runtime::RuntimeService;

std::string text_in(const json::object& input, std::string_view name) {
    return std::string(input.at(name).as_string());
}

// not_found where there is no such runtime or endpoint.
Task<> find_resource(RuntimeService& runtime, const CallContext& call, const std::string& arn) {
    AC_CO_TRY(auto resource, runtime_resource_from(call.scope, arn));
    AC_CO_CHECK(co_await runtime.catalog().tags(call.scope, std::move(resource)));
    co_return Result<>();
}

Error no_policy(const std::string& arn) {
    return {.code = ErrorCode::not_found, .message = fmt::format("{} has no resource policy", arn)};
}

Task<json::object> put(AccessService& access, RuntimeService& runtime, CallContext call,
                       json::object input) {
    const std::string arn = text_in(input, "resourceArn");
    const std::string document = text_in(input, "policy");
    AC_CO_CHECK(co_await find_resource(runtime, call, arn));
    const auto put = co_await access.set_resource_policy(arn, document);
    if (!put && put.error().code == ErrorCode::invalid_argument)
        co_return fail(Error{.code = ErrorCode::invalid_argument,
                             .message = put.error().message,
                             .fields = {{"policy", put.error().message}}});
    AC_CO_CHECK(put);
    json::object out;
    out["policy"] = document;
    co_return out;
}

Task<json::object> get(AccessService& access, RuntimeService& runtime, CallContext call,
                       json::object input) {
    const std::string arn = text_in(input, "resourceArn");
    AC_CO_CHECK(co_await find_resource(runtime, call, arn));
    const auto snapshot = access.directory().now();
    const auto found = snapshot->resource_policies.find(arn);
    if (found == snapshot->resource_policies.end()) co_return fail(no_policy(arn));
    json::object out;
    out["policy"] = found->second.document;
    co_return out;
}

Task<json::object> remove(AccessService& access, RuntimeService& runtime, CallContext call,
                          json::object input) {
    const std::string arn = text_in(input, "resourceArn");
    AC_CO_CHECK(co_await find_resource(runtime, call, arn));
    if (!access.directory().now()->resource_policies.contains(arn)) co_return fail(no_policy(arn));
    AC_CO_CHECK(co_await access.set_resource_policy(arn, ""));
    co_return json::object();
}

using Operation = Task<json::object> (*)(AccessService&, RuntimeService&, CallContext,
                                         json::object);

}  // namespace

void bind_resource_policies(Api& api, AccessService& access, RuntimeService& runtime) {
    constexpr std::pair<std::string_view, Operation> kOperations[] = {
        {"PutResourcePolicy", put},
        {"GetResourcePolicy", get},
        {"DeleteResourcePolicy", remove},
    };
    for (const auto& [name, operation] : kOperations)
        api.bind(name, [&access, &runtime, operation](CallContext call, json::object input) {
            return operation(access, runtime, std::move(call), std::move(input));
        });
}

}  // namespace ac::wire
