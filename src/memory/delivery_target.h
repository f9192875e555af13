#pragma once
// Where a self-managed strategy's payloads go (an object in a bucket and a message to a topic) and
// where changes of records are told (a data stream). The daemon satisfies it with its S3 front and
// with HTTP endpoints that stand for topics and streams.

#include <string>
#include <vector>

#include "async/task.h"
#include "base/clock.h"
#include "base/ids.h"

namespace ac::memory {

// A change of a record, as a data stream gets it.
struct StreamedChange {
    std::string stream;         // ARN
    std::int64_t sequence = 0;  // grows within a memory
    std::string key;            // of the record: changes of one key are in order
    std::string document;       // {"memoryStreamEvent": ...}
    WallTime time;
};

// Thread-safe. Calls may be made again for the same delivery.
class DeliveryTarget {
  public:
    virtual ~DeliveryTarget() = default;
    // Overwrites. not_found: no such bucket.
    virtual Task<> put_object(Scope scope, std::string bucket, std::string key,
                              std::string body) = 0;
    // not_found: nothing is configured for that topic. unavailable: the receiver did not take it.
    virtual Task<> notify(std::string topic_arn, std::string message_id, std::string message) = 0;
    // Something is configured that takes this stream's changes.
    virtual bool has_stream(const std::string& arn) const = 0;
    // All or, as far as the receiver tells, none; in order. not_found: nothing is configured.
    virtual Task<> tell(Scope scope, std::string stream_arn,
                        std::vector<StreamedChange> changes) = 0;
};

}  // namespace ac::memory
