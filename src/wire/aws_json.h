#pragma once
// Answers of AWS's JSON protocols: awsJson 1.1, where X-Amz-Target names the operation, and its
// errors, which clients tell apart by `__type`.

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "net/http_message.h"

namespace ac::wire {

// The operation in "X-Amz-Target: PREFIX.Operation"; empty: it has another prefix, or none.
std::string_view target_operation(const net::RequestHead& head, std::string_view prefix);

net::Response aws_json(const boost::json::object& output, const std::string& request_id);
// 400, and 500 for exceptions that are ours.
net::Response aws_json_error(std::string_view exception, std::string_view message,
                             const std::string& request_id);
// Of 500; its message never tells more.
inline constexpr std::string_view kInternalFailure = "InternalErrorException";

}  // namespace ac::wire
