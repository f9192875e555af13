#include "wire/tag_binding.h"

#include <boost/json.hpp>

namespace ac::wire {
namespace {

namespace json = boost::json;

using Owners = std::vector<std::unique_ptr<TagOwner>>;

std::string arn_in(const json::object& input) {
    return json::value_to<std::string>(input.at("resourceArn"));
}

Result<TagOwner*> owner_of(const Owners& owners, std::string_view arn) {
    for (const auto& owner : owners)
        if (owner->owns(arn)) return owner.get();
    Error error{.code = ErrorCode::invalid_argument,
                .message = "resourceArn: is not the ARN of a resource that has tags"};
    error.fields.push_back({"resourceArn", "is not the ARN of a resource that has tags"});
    return fail(std::move(error));
}

Task<json::object> list_tags(const Owners& owners, CallContext call, json::object input) {
    auto arn = arn_in(input);
    AC_CO_TRY(auto* owner, owner_of(owners, arn));
    AC_CO_TRY(const auto tags, co_await owner->tags(call.scope, std::move(arn)));
    json::object out;
    out["tags"] = json::value_from(tags);
    co_return out;
}

Task<json::object> add_tags(const Owners& owners, CallContext call, json::object input) {
    auto arn = arn_in(input);
    AC_CO_TRY(auto* owner, owner_of(owners, arn));
    auto tags = json::value_to<TagMap>(input.at("tags"));
    AC_CO_CHECK(co_await owner->add_tags(call.scope, std::move(arn), std::move(tags)));
    co_return json::object();
}

Task<json::object> remove_tags(const Owners& owners, CallContext call, json::object input) {
    auto arn = arn_in(input);
    AC_CO_TRY(auto* owner, owner_of(owners, arn));
    auto keys = json::value_to<std::vector<std::string>>(input.at("tagKeys"));
    AC_CO_CHECK(co_await owner->remove_tags(call.scope, std::move(arn), std::move(keys)));
    co_return json::object();
}

}  // namespace

void bind_tags(Api& api, Owners owners) {
    const auto shared = std::make_shared<const Owners>(std::move(owners));
    const auto bind = [&](std::string_view operation, auto handler) {
        api.bind(operation, [shared, handler](CallContext call, json::object input) {
            return handler(*shared, std::move(call), std::move(input));
        });
    };
    bind("ListTagsForResource", list_tags);
    bind("TagResource", add_tags);
    bind("UntagResource", remove_tags);
}

}  // namespace ac::wire
