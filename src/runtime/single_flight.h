#pragma once
// Work that several ask for at once is done once: who comes while it is under way waits for its
// result. One loop only.

#include <map>
#include <string>
#include <vector>

#include "async/completion.h"
#include "async/task.h"

namespace ac::runtime {

class SingleFlight final {
  public:
    // `work` is not started when the same key is under way.
    Task<> run(std::string key, Task<> work) {
        const auto found = waiting_.find(key);
        if (found != waiting_.end()) {
            found->second.emplace_back();
            co_return co_await found->second.back().cancellable_result();
        }
        waiting_[key];
        Result<> result = co_await std::move(work);
        auto waiters = waiting_.extract(key);
        for (const auto& waiter : waiters.mapped()) waiter.complete(result);
        co_return result;
    }

  private:
    std::map<std::string, std::vector<Completion<void>>> waiting_;
};

}  // namespace ac::runtime
