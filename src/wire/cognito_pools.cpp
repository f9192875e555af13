#include <array>

#include "wire/cognito_call.h"

namespace ac::wire::cognito {
namespace {

constexpr int kPageMax = 60;

json::object pool_output(const Pool& pool) {
    json::object out = pool.document;
    out["Id"] = pool.id;
    out["Name"] = pool.name;
    out["Arn"] = "arn:aws:cognito-idp:" + pool.scope.region + ":" + pool.scope.account +
                 ":userpool/" + pool.id;
    out["CreationDate"] = epoch_seconds(pool.created_at);
    out["LastModifiedDate"] = epoch_seconds(pool.created_at);
    if (!pool.domain.empty()) out["Domain"] = pool.domain;
    return out;
}

Task<json::object> create_user_pool(Call call) {
    AC_CO_TRY(std::string name, required(call.input, "PoolName"));
    json::object document = std::move(call.input);
    document.erase("PoolName");
    AC_CO_TRY(const Pool pool, co_await call.issuer.directory().create_pool(
                                   call.scope, std::move(name), std::move(document)));
    json::object out;
    out["UserPool"] = pool_output(pool);
    co_return out;
}

Task<json::object> describe_user_pool(Call call) {
    AC_CO_TRY(const Pool pool, co_await pool_of(call));
    json::object out;
    out["UserPool"] = pool_output(pool);
    co_return out;
}

Task<json::object> delete_user_pool(Call call) {
    AC_CO_TRY(const Pool pool, co_await pool_of(call));
    if (!pool.domain.empty())
        co_return invalid(
            "User pool cannot be deleted. It has a domain configured that should be "
            "deleted first.");
    AC_CO_CHECK(co_await call.issuer.directory().remove_pool(pool.id));
    co_return json::object();
}

Task<json::object> list_user_pools(Call call) {
    int count = kPageMax;
    if (const json::value* wanted = call.input.if_contains("MaxResults")) {
        const auto number = wanted->is_int64() ? wanted->get_int64() : 0;
        if (number < 1 || number > kPageMax) co_return invalid("MaxResults is from 1 to 60");
        count = static_cast<int>(number);
    }
    AC_CO_TRY(auto pools, co_await call.issuer.directory().pools(
                              call.scope, text_in(call.input, "NextToken"), count + 1));
    json::object out;
    if (pools.size() > static_cast<std::size_t>(count)) {
        pools.pop_back();
        out["NextToken"] = pools.back().id;
    }
    json::array list;
    for (const Pool& pool : pools) list.push_back(pool_output(pool));
    out["UserPools"] = std::move(list);
    co_return out;
}

Task<json::object> create_domain(Call call) {
    AC_CO_TRY(const Pool pool, co_await pool_of(call));
    AC_CO_TRY(std::string domain, required(call.input, "Domain", 63));
    if (domain.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != domain.npos ||
        domain.front() == '-' || domain.back() == '-')
        co_return invalid("Domain must be lower case letters, digits and hyphens");
    if (!pool.domain.empty()) co_return invalid("The user pool has a domain: " + pool.domain);
    auto set = co_await call.issuer.directory().set_domain(pool.id, std::move(domain));
    if (!set && set.error().code == ErrorCode::conflict) co_return invalid(set.error().message);
    AC_CO_CHECK(std::move(set));
    co_return json::object();
}

Task<json::object> describe_domain(Call call) {
    AC_CO_TRY(std::string domain, required(call.input, "Domain", 63));
    json::object out;
    auto pool = co_await call.issuer.directory().pool_of_domain(std::move(domain));
    out["DomainDescription"] = json::object();
    if (!pool && pool.error().code == ErrorCode::not_found) co_return out;
    AC_CO_CHECK(pool);
    if (pool->scope != call.scope) co_return out;
    out["DomainDescription"] = json::object{{"UserPoolId", pool->id},
                                            {"AWSAccountId", pool->scope.account},
                                            {"Domain", pool->domain},
                                            {"Status", "ACTIVE"},
                                            {"Version", pool->domain}};
    co_return out;
}

Task<json::object> delete_domain(Call call) {
    AC_CO_TRY(const Pool pool, co_await pool_of(call));
    if (pool.domain.empty() || pool.domain != text_in(call.input, "Domain"))
        co_return invalid("No such domain");
    AC_CO_CHECK(co_await call.issuer.directory().set_domain(pool.id, ""));
    co_return json::object();
}

Task<json::object> create_resource_server(Call call) {
    AC_CO_TRY(const Pool pool, co_await pool_of(call));
    AC_CO_TRY(const std::string id, required(call.input, "Identifier", 256));
    AC_CO_TRY([[maybe_unused]] const std::string name, required(call.input, "Name", 256));
    auto made = co_await call.issuer.directory().create_resource_server(
        pool.id, id, json::serialize(call.input));
    if (!made && made.error().code == ErrorCode::conflict) co_return invalid(made.error().message);
    AC_CO_CHECK(std::move(made));
    json::object out;
    out["ResourceServer"] = std::move(call.input);
    co_return out;
}

Task<json::object> describe_resource_server(Call call) {
    AC_CO_TRY(const Pool pool, co_await pool_of(call));
    AC_CO_TRY(const auto found, co_await call.issuer.directory().resource_server(
                                    pool.id, text_in(call.input, "Identifier")));
    if (!found) co_return fail(ErrorCode::not_found, "Resource server does not exist.");
    json::object out;
    out["ResourceServer"] = json::parse(*found);
    co_return out;
}

constexpr std::array<NamedOperation, 9> kOperations = {{
    {"CreateUserPool", create_user_pool},
    {"DescribeUserPool", describe_user_pool},
    {"DeleteUserPool", delete_user_pool},
    {"ListUserPools", list_user_pools},
    {"CreateUserPoolDomain", create_domain},
    {"DescribeUserPoolDomain", describe_domain},
    {"DeleteUserPoolDomain", delete_domain},
    {"CreateResourceServer", create_resource_server},
    {"DescribeResourceServer", describe_resource_server},
}};

}  // namespace

std::span<const NamedOperation> pool_operations() {
    return kOperations;
}

Task<Pool> pool_of(const Call& call) {
    AC_CO_TRY(std::string id, required(call.input, "UserPoolId", 55));
    co_return co_await call.issuer.directory().pool_in(call.scope, std::move(id));
}

}  // namespace ac::wire::cognito
