#pragma once
// IAM's query protocol as the access commands use it. Answers as JSON: elements are members, a list
// of <member>s is an array, all else is text.

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cli/net/aws_client.h"

namespace ac::cli {

using QueryFields = std::vector<std::pair<std::string, std::string>>;

// What is in the answer's <ActionResult>.
Expected<boost::json::value> iam(AwsClient& client, const std::string& action,
                                 const QueryFields& fields = {});
// All pages of the list `member`.
Expected<boost::json::array> iam_list(AwsClient& client, const std::string& action,
                                      const std::string& member, QueryFields fields = {});
Expected<std::string> own_account(AwsClient& client);

}  // namespace ac::cli
