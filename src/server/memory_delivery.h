#pragma once
// Satisfies Memory's port of deliveries: objects go into the S3 front's buckets, messages to the
// URLs that the configuration gives for topics, in the form of an SNS notification over HTTP.

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
    static Result<std::unique_ptr<MemoryDelivery>> open(objects::ObjectStore& objects, Timer& timer,
                                                        std::map<std::string, std::string> topics,
                                                        std::string ca_file);

    Task<> put_object(Scope scope, std::string bucket, std::string key, std::string body) override;
    Task<> notify(std::string topic_arn, std::string message_id, std::string message) override;

  private:
    MemoryDelivery(objects::ObjectStore& objects, Timer& timer,
                   std::map<std::string, std::string> topics)
        : objects_(objects), timer_(timer), topics_(std::move(topics)) {}

    objects::ObjectStore& objects_;
    Timer& timer_;
    std::map<std::string, std::string> topics_;
    std::unique_ptr<net::Outbound> outbound_;
};

}  // namespace ac::server
