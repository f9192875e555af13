#include "server/memory_delivery.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/encoding.h"
#include "base/time_text.h"

namespace ac::server {
namespace {

constexpr Milliseconds kNotifyTimeout{15'000};
constexpr std::string_view kBucketScheme = "s3://";
constexpr std::string_view kShard = "shardId-000000000000";

// What a Lambda function is given of a Kinesis stream.
std::string lambda_event(const Scope& scope, const std::string& stream,
                         const std::vector<memory::StreamedChange>& changes) {
    boost::json::array records;
    for (const auto& change : changes) {
        const auto sequence = fmt::format("{:056}", change.sequence);
        boost::json::object kinesis;
        kinesis["kinesisSchemaVersion"] = "1.0";
        kinesis["partitionKey"] = change.key;
        kinesis["sequenceNumber"] = sequence;
        kinesis["data"] = to_base64(change.document);
        kinesis["approximateArrivalTimestamp"] =
            static_cast<double>(to_epoch_ms(change.time)) / 1000;
        boost::json::object record;
        record["kinesis"] = std::move(kinesis);
        record["eventSource"] = "aws:kinesis";
        record["eventVersion"] = "1.0";
        record["eventID"] = fmt::format("{}:{}", kShard, sequence);
        record["eventName"] = "aws:kinesis:record";
        record["awsRegion"] = scope.region;
        record["eventSourceARN"] = stream;
        records.emplace_back(std::move(record));
    }
    boost::json::object out;
    out["Records"] = std::move(records);
    return boost::json::serialize(out);
}

}  // namespace

Result<std::unique_ptr<MemoryDelivery>> MemoryDelivery::open(objects::ObjectStore& objects,
                                                             Timer& timer, Places places,
                                                             std::string ca_file) {
    std::unique_ptr<MemoryDelivery> out(new MemoryDelivery(objects, timer, std::move(places)));
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
    const auto found = places_.topics.find(topic_arn);
    if (found == places_.topics.end())
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
    co_return co_await post(std::move(request), std::move(topic_arn));
}

Task<> MemoryDelivery::post(net::OutboundRequest request, std::string receiver) {
    const auto deadline = timer_.clock().steady() + kNotifyTimeout;
    AC_CO_TRY(const auto answer, co_await outbound_->fetch(std::move(request), deadline));
    if (answer.status / 100 != 2)
        co_return fail(ErrorCode::unavailable,
                       fmt::format("the receiver of {} answered {}", receiver, answer.status));
    co_return Result<>{};
}

bool MemoryDelivery::has_stream(const std::string& arn) const {
    return places_.streams.contains(arn);
}

Task<> MemoryDelivery::tell(Scope scope, std::string stream_arn,
                            std::vector<memory::StreamedChange> changes) {
    const auto found = places_.streams.find(stream_arn);
    if (found == places_.streams.end())
        co_return fail(ErrorCode::not_found,
                       fmt::format("memory.streams has nothing for {}", stream_arn));
    if (found->second.starts_with(kBucketScheme))
        co_return co_await put_changes(std::move(scope), found->second, changes);
    AC_CO_TRY(auto url, net::parse_url(found->second));
    net::OutboundRequest request{.method = "POST", .url = std::move(url)};
    request.headers.set("Content-Type", "application/json");
    request.body = lambda_event(scope, stream_arn, changes);
    co_return co_await post(std::move(request), std::move(stream_arn));
}

// The object's name is the first change's place in order: what is told again overwrites it.
Task<> MemoryDelivery::put_changes(Scope scope, std::string place,
                                   const std::vector<memory::StreamedChange>& changes) {
    const auto rest = place.substr(kBucketScheme.size());
    const auto cut = rest.find('/');
    auto bucket = rest.substr(0, cut);
    auto prefix = cut == std::string::npos ? "" : rest.substr(cut + 1);
    if (!prefix.empty() && !prefix.ends_with('/')) prefix += '/';
    const auto& first = changes.front();
    std::string body;
    for (const auto& change : changes) body += change.document + "\n";
    auto key = fmt::format("{}{}/{:019}.jsonl", prefix, to_rfc3339(first.time).substr(0, 10),
                           first.sequence);
    co_return co_await put_object(std::move(scope), std::move(bucket), std::move(key),
                                  std::move(body));
}

}  // namespace ac::server
