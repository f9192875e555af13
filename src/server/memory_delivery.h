#pragma once
// Satisfies Memory's port of deliveries: objects go into the S3 front's buckets, messages to the
// URLs that the configuration gives for topics, in the form of an SNS notification over HTTP, and
// changes of records to what it gives for data streams: a URL, in the form in which Lambda
// functions get a Kinesis stream's records, or a bucket, in objects of one JSON document a line.

#include <map>
#include <memory>

#include "memory/delivery_target.h"
#include "net/outbound.h"
#include "objects/object_store.h"

namespace ac::server {

class MemoryDelivery final : public memory::DeliveryTarget {
  public:
    // `objects` and `timer` outlive this. The URLs are the operator's word: they may be on this
    // machine.
    struct Places {
        std::map<std::string, std::string> topics;   // URLs by ARN
        std::map<std::string, std::string> streams;  // URLs and s3://bucket/prefix by ARN
    };
    static Result<std::unique_ptr<MemoryDelivery>> open(objects::ObjectStore& objects, Timer& timer,
                                                        Places places, std::string ca_file);

    Task<> put_object(Scope scope, std::string bucket, std::string key, std::string body) override;
    Task<> notify(std::string topic_arn, std::string message_id, std::string message) override;
    bool has_stream(const std::string& arn) const override;
    Task<> tell(Scope scope, std::string stream_arn,
                std::vector<memory::StreamedChange> changes) override;

  private:
    MemoryDelivery(objects::ObjectStore& objects, Timer& timer, Places places)
        : objects_(objects), timer_(timer), places_(std::move(places)) {}

    Task<> put_changes(Scope scope, std::string place,
                       const std::vector<memory::StreamedChange>& changes);
    Task<> post(net::OutboundRequest request, std::string receiver);

    objects::ObjectStore& objects_;
    Timer& timer_;
    Places places_;
    std::unique_ptr<net::Outbound> outbound_;
};

}  // namespace ac::server
