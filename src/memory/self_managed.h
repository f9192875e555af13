#pragma once
// Self-managed strategies make no records: they collect a session's messages until a trigger fires
// (count, tokens, or nothing new for a while), and then hand them to the caller's own pipeline.
// What was collected and what is to be delivered are rows: a crash loses neither.

#include "memory/consolidation.h"

namespace ac::memory {

struct SelfManaged {
    std::size_t message_count = 0;  // triggers; 0: none of that kind
    std::size_t token_count = 0;
    std::int64_t idle_seconds = 0;
    std::size_t history = 0;  // messages before the new ones that are sent along
    std::string topic;
    std::string bucket;
};
// What a strategy's configuration says; nullopt when it is not self-managed.
std::optional<SelfManaged> self_managed_of(const Strategy& strategy);

// Adds a job's messages to its session's. When that fires, leaves a delivery: a job of the strategy
// whose payload is the document to deliver. True when it did.
Result<bool> collect(storage::Transaction& tx, const Memory& memory, const Strategy& strategy,
                     const store::Job& job, const RecordNumbers& numbers, WallTime now);
// Leaves deliveries for sessions that were idle long enough; the number of them.
Result<std::size_t> deliver_idle(storage::Transaction& tx, const RecordNumbers& numbers,
                                 WallTime now);

// Where a delivery's object lies, and what the notification says.
std::string delivery_key(const json::object& payload);
std::string delivery_message(const json::object& payload, const SelfManaged& settings);

}  // namespace ac::memory
