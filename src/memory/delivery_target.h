#pragma once
// Where a self-managed strategy's payloads go: an object in a bucket and a message to a topic. The
// daemon satisfies it with its S3 front and with HTTP endpoints that stand for topics.

#include <string>

#include "async/task.h"
#include "base/ids.h"

namespace ac::memory {

// Thread-safe. Both calls may be made again for the same delivery.
class DeliveryTarget {
  public:
    virtual ~DeliveryTarget() = default;
    // Overwrites. not_found: no such bucket.
    virtual Task<> put_object(Scope scope, std::string bucket, std::string key,
                              std::string body) = 0;
    // not_found: nothing is configured for that topic. unavailable: the receiver did not take it.
    virtual Task<> notify(std::string topic_arn, std::string message_id, std::string message) = 0;
};

}  // namespace ac::memory
