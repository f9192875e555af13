#include "server/memory_delivery.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/time_text.h"

namespace ac::server {
namespace {

constexpr Milliseconds kNotifyTimeout{15'000};

}  // namespace

Result<std::unique_ptr<MemoryDelivery>> MemoryDelivery::open(
    objects::ObjectStore& objects, Timer& timer, std::map<std::string, std::string> topics,
    std::string ca_file) {
    std::unique_ptr<MemoryDelivery> out(new MemoryDelivery(objects, timer, std::move(topics)));
    net::OutboundOptions options{.guard = net::AddressGuard::allow_all(),
                                 .ca_file = std::move(ca_file)};
    AC_TRY(out->outbound_, net::make_outbound(std::move(options), timer));
    return out;
}

Task<> MemoryDelivery::put_object(Scope scope, std::string bucket, std::string key,
                                  std::string body) {
    // Before bytes are written for nothing.
    AC_CO_CHECK(co_await objects_.find_bucket(scope, bucket));
    AC_CO_TRY(auto writer, co_await objects_.begin());
    AC_CO_CHECK(co_await writer->write(body));
    objects::ObjectKey place{std::move(bucket), std::move(key)};
    objects::PutOptions options;
    options.attributes.emplace_back("content-type", "application/json");
    AC_CO_CHECK(
        co_await objects_.put(scope, std::move(place), std::move(options), std::move(writer)));
    co_return Result<>{};
}

Task<> MemoryDelivery::notify(std::string topic_arn, std::string message_id, std::string message) {
    const auto found = topics_.find(topic_arn);
    if (found == topics_.end())
        co_return fail(ErrorCode::not_found,
                       fmt::format("memory.topics has no URL for {}", topic_arn));
    AC_CO_TRY(auto url, net::parse_url(found->second));
    boost::json::object body;
    body["Type"] = "Notification";
    body["MessageId"] = message_id;
    body["TopicArn"] = topic_arn;
    body["Message"] = std::move(message);
    body["Timestamp"] = to_rfc3339(timer_.clock().wall());
    net::OutboundRequest request{.method = "POST", .url = std::move(url)};
    request.headers.set("Content-Type", "text/plain; charset=UTF-8");
    request.headers.set("x-amz-sns-message-type", "Notification");
    request.headers.set("x-amz-sns-message-id", message_id);
    request.headers.set("x-amz-sns-topic-arn", topic_arn);
    request.body = boost::json::serialize(body);
    const auto deadline = timer_.clock().steady() + kNotifyTimeout;
    AC_CO_TRY(const auto answer, co_await outbound_->fetch(std::move(request), deadline));
    if (answer.status / 100 != 2)
        co_return fail(ErrorCode::unavailable,
                       fmt::format("the receiver of {} answered {}", topic_arn, answer.status));
    co_return Result<>{};
}

}  // namespace ac::server
