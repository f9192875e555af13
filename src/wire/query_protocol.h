#pragma once
// AWS's query protocol, which STS and IAM speak: a form in, XML out. Answers are JSON objects
// here: a member becomes an element, a list its <member>s.

#include <boost/json/object.hpp>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "access/authorizer.h"
#include "access/principal.h"
#include "base/ids.h"
#include "net/http_message.h"

namespace ac::wire {

namespace json = boost::json;

class Form final {
  public:
    // invalid_argument with reason MalformedQueryString; a field given twice is one.
    static Result<Form> parse(std::string_view text);

    // "" when it is absent.
    const std::string& get(std::string_view name) const;
    bool has(std::string_view name) const { return !get(name).empty(); }
    // Tags.member.1.Key, Tags.member.1.Value: field "Key" of each member, in order.
    std::vector<std::string> list(std::string_view name, std::string_view field = {}) const;
    std::map<std::string, std::string> tags(std::string_view name = "Tags") const;
    // ValidationError.
    Result<std::int64_t> number(std::string_view name, std::int64_t otherwise) const;
    Result<std::string> require(std::string_view name) const;

  private:
    std::map<std::string, std::string, std::less<>> fields_;
};

// One authenticated request.
struct QueryCall {
    std::string request_id;
    Scope scope;
    access::Principal principal;
    access::RequestFacts facts;
    std::string access_key_id;
};

struct QueryService {
    std::string_view xml_namespace;
};
inline constexpr QueryService kSts{"https://sts.amazonaws.com/doc/2011-06-15/"};
inline constexpr QueryService kIam{"https://iam.amazonaws.com/doc/2010-05-08/"};

net::Response query_response(const QueryService& service, std::string_view action,
                             const json::object& result, std::string_view request_id);
net::Response query_error(const QueryService& service, const Error& error,
                          std::string_view request_id);

// "2026-01-02T03:04:05Z"
std::string query_time(WallTime time);

}  // namespace ac::wire
