#pragma once
// Tells every change of a memory's records to the data stream that its owner named
// (streamDeliveryResources). What is to be told is stored in the transaction of the change, so no
// crash loses or invents one; it is delivered in order, at least once, soon after. While a receiver
// is away, its memory's changes wait for a day, and no other memory's do.

#include <atomic>
#include <map>

#include "async/task_group.h"
#include "memory/consolidation.h"
#include "memory/delivery_target.h"
#include "memory/store.h"

namespace ac::memory {

enum class RecordEvent { created, updated, removed };

struct StreamSettings {
    std::string arn;
    bool with_text = false;  // level FULL_CONTENT
};
// nullopt: the memory has no stream.
std::optional<StreamSettings> stream_of(const Memory& memory);

// Inside the change's transaction. Nothing happens when the memory has no stream.
Result<> announce(storage::Transaction& tx, const Memory& memory, RecordEvent event,
                  const Record& record, const RecordNumbers& numbers, WallTime now);
// A stream's first message: it was enabled, or its settings changed.
Result<> announce_streaming(storage::Transaction& tx, const Memory& memory,
                            const RecordNumbers& numbers, WallTime now);

class RecordStream final {
  public:
    static constexpr std::size_t kLanes = 4;  // receivers that are waited for at one time

    // Both outlive this. Without a target nothing is delivered.
    RecordStream(Context& context, DeliveryTarget* target) : context_(context), target_(target) {}

    // A memory with a stream is there.
    void enable();
    // Something was announced, and is durable. Thread-safe; costs nothing before enable().
    void wake();
    void stop();
    // Ends after stop().
    Detached run(std::size_t lane);
    // One batch of each memory; the number of changes delivered. For tests.
    Task<std::size_t> run_once();

  private:
    Task<> look_for_streams();
    Task<std::size_t> run_lane(std::size_t lane);
    Task<std::size_t> deliver(std::int64_t memory);
    void delay(std::int64_t memory);
    bool is_delayed(std::int64_t memory);
    bool is_stopping();
    Completion<void> next_wake(std::size_t lane);

    struct Delay {
        int failures = 0;
        SteadyTime until;
    };

    Context& context_;
    DeliveryTarget* target_;
    std::atomic<bool> is_enabled_ = false;
    std::mutex mutex_;  // guards all below
    std::array<Completion<void>, kLanes> wakes_;
    std::map<std::int64_t, Delay> delays_;  // by memory
    bool stopping_ = false;
};

}  // namespace ac::memory
