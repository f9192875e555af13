#pragma once
// Does the stored extraction jobs, one after the other, soon after they were stored and again after
// a restart of the daemon. A job that fails is tried again, then marked failed for the operator.

#include "async/task_group.h"
#include "memory/consolidation.h"
#include "memory/record_index.h"

namespace ac::memory {

class ExtractionWorker final {
  public:
    // `on_model_job` is told when a job was left for a model.
    ExtractionWorker(Context& context, RecordIndex& index, const EngineChoice& engines,
                     std::function<void()> on_model_job)
        : context_(context),
          index_(index),
          engines_(engines),
          on_model_job_(std::move(on_model_job)) {}

    void wake();  // thread-safe
    // Ends after stop().
    Detached run();
    void stop();
    // One round over the stored jobs; the number done. For tests, and for run().
    Task<std::size_t> run_once();

  private:
    Task<> do_job(store::Job job);
    Completion<void> next_wake();

    Context& context_;
    RecordIndex& index_;
    const EngineChoice& engines_;
    std::function<void()> on_model_job_;
    std::mutex mutex_;  // guards all below
    Completion<void> wake_;
    bool stopping_ = false;
};

}  // namespace ac::memory
