#pragma once
// Makes records with a language model: from the jobs of strategies that want one. New messages
// become statements, statements are compared with what is known, and decisions (ADD, UPDATE, NO-OP)
// are applied in one transaction, with the jobs' end. A replaced record stays, marked.
//
// The jobs of one actor and strategy are done in order, those that wait for one session together;
// different ones at the same time. Calls keep to a budget a minute. What fails is tried again, then
// marked failed for the operator: nothing is lost.
//
// Deliveries of self-managed strategies are such jobs too.

#include <map>

#include "async/task_group.h"
#include "memory/consolidation.h"
#include "memory/delivery_target.h"
#include "memory/model_answers.h"
#include "memory/record_index.h"

namespace ac::memory {

class ModelWorker final {
  public:
    static constexpr std::size_t kLanes = 4;  // actors whose jobs are done at one time

    // All outlive the worker. Without a target deliveries fail.
    ModelWorker(Context& context, RecordIndex& index, const EngineChoice& engines,
                DeliveryTarget* target)
        : context_(context), index_(index), engines_(engines), target_(target) {}

    void wake();  // thread-safe
    void stop();
    // Ends after stop(), or when cancelled.
    Detached run(std::size_t lane);
    // One batch of each lane; the number of jobs done. For tests.
    Task<std::size_t> run_once();

  private:
    // Jobs of one session and strategy, and what they are about.
    struct Batch {
        Memory memory;
        Strategy strategy;
        std::vector<store::Job> jobs;
        std::string space;
        std::vector<Message> messages;
        WallTime when;
    };
    struct Change {
        enum class Kind { add, update, no_op, rewrite };
        Kind kind = Kind::add;
        std::string space;
        std::string text;
        RecordMetadata metadata;
        std::string subject;
        std::optional<Record> record;  // of update and no_op
    };
    using Changes = std::vector<Change>;

    Task<std::size_t> run_lane(std::size_t lane);
    Task<std::vector<store::Job>> next_jobs(std::size_t lane);
    Task<std::optional<Batch>> open_batch(std::vector<store::Job> jobs);
    Task<> do_jobs(std::vector<store::Job> jobs);
    Task<> deliver(const Batch& batch);
    Task<> finish(std::vector<store::Job> jobs);
    Task<> fail(std::vector<store::Job> jobs, Error error);

    Task<Changes> changes_of(const Batch& batch);
    Task<Changes> statements(const Batch& batch);
    Task<Changes> summary(const Batch& batch);
    Task<Changes> episode(const Batch& batch);
    Task<Changes> reflections(const Batch& batch, const std::string& episode);
    Task<std::vector<Record>> similar(const Batch& batch,
                                      const std::vector<ModelStatement>& statements);
    Task<> apply(Batch batch, Changes changes);
    Task<std::string> ask(const Batch& batch, Step step, std::string data, json::value schema);
    Task<> take_call();
    Completion<void> next_wake(std::size_t lane);
    bool is_stopping();

    Context& context_;
    RecordIndex& index_;
    const EngineChoice& engines_;
    DeliveryTarget* target_;
    std::mutex mutex_;  // guards all below
    std::array<Completion<void>, kLanes> wakes_;
    std::map<std::string, SteadyTime> not_before_;  // by job
    std::deque<SteadyTime> calls_;                  // of the last minute
    bool stopping_ = false;
};

}  // namespace ac::memory
