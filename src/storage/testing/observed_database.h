#pragma once
// For tests: a database that tells of each query before it runs, and fails those that it is told
// to.

#include <functional>

#include "storage/database.h"

namespace ac::storage::testing {

class ObservedDatabase final : public Database {
  public:
    // Called on the store's threads. An Error is the query's answer.
    using Observer = std::function<Result<>(std::string_view sql)>;
    explicit ObservedDatabase(Database& inner) : inner_(inner) {}

    // While nothing runs.
    void observe(Observer observer) { observer_ = std::move(observer); }
    Task<> migrate(std::span<const Migration> migrations) override {
        return inner_.migrate(migrations);
    }
    Statistics statistics() const override { return inner_.statistics(); }

  protected:
    void submit(Mode mode, Job job) override {
        job.work = [this, work = std::move(job.work)](Transaction& tx) mutable -> Result<> {
            Observed observed(tx, observer_);
            return work(observed);
        };
        (inner_.*(&Access::submit))(mode, std::move(job));
    }

  private:
    struct Access : Database {
        using Database::submit;
    };
    class Observed final : public Transaction {
      public:
        Observed(Transaction& inner, const Observer& observer)
            : inner_(inner), observer_(observer) {}
        Result<Rows> query(std::string_view sql, const Params& params) override {
            if (observer_) AC_CHECK(observer_(sql));
            return inner_.query(sql, params);
        }
        Result<std::int64_t> execute(std::string_view sql, const Params& params) override {
            if (observer_) AC_CHECK(observer_(sql));
            return inner_.execute(sql, params);
        }

      private:
        Transaction& inner_;
        const Observer& observer_;
    };

    Database& inner_;
    Observer observer_;
};

}  // namespace ac::storage::testing
