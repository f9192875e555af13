#include "wire/aws_json.h"

#include <boost/json/serialize.hpp>

namespace ac::wire {
namespace {

net::Response answer(int status, const boost::json::object& body, const std::string& request_id) {
    net::Response response{.status = status, .headers = {}, .body = boost::json::serialize(body)};
    response.headers.add("Content-Type", "application/x-amz-json-1.1");
    response.headers.add("x-amzn-RequestId", request_id);
    return response;
}

}  // namespace

std::string_view target_operation(const net::RequestHead& head, std::string_view prefix) {
    const std::string_view target = head.headers.get("X-Amz-Target");
    const bool is_ours =
        target.starts_with(prefix) && target.substr(prefix.size()).starts_with('.');
    return is_ours ? target.substr(prefix.size() + 1) : std::string_view();
}

net::Response aws_json(const boost::json::object& output, const std::string& request_id) {
    return answer(200, output, request_id);
}

net::Response aws_json_error(std::string_view exception, std::string_view message,
                             const std::string& request_id) {
    const bool is_ours = exception == kInternalFailure;
    boost::json::object body;
    body["__type"] = exception;
    body["message"] = is_ours ? "internal error" : message;
    net::Response response = answer(is_ours ? 500 : 400, body, request_id);
    response.headers.add("x-amzn-errortype", std::string(exception));
    return response;
}

}  // namespace ac::wire
