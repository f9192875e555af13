#pragma once
// Where an account wants the logs and traces of its resources to go, as deployment tools set it in
// Amazon CloudWatch Logs and AWS X-Ray. The documents are kept and given back as they are; nothing
// is delivered by them. Work runs in one transaction on the documents of one account and region,
// so that what it looks at is still so when it writes.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/ids.h"
#include "storage/database.h"

namespace ac::telemetry {

enum class Kind {
    log_group,
    resource_policy,
    delivery_source,
    delivery_destination,
    delivery,
    trace_destination,
    indexing_rule,
};

// Documents of one kind that an account may keep in a region: AWS's quotas are lower or the same,
// but for log groups (1 000 000), which are of no use here.
inline constexpr std::int64_t kDocumentsMax = 1000;
inline constexpr std::size_t kDocumentBytesMax = 128 * 1024;

// A document has a name of its kind's.
class Documents final {
  public:
    Documents(storage::Transaction& transaction, const Scope& scope)
        : transaction_(transaction), scope_(scope) {}

    Result<std::optional<std::string>> find(Kind kind, const std::string& name);
    Result<std::vector<std::string>> list(Kind kind);  // by name
    // Over what had the name. quota_exceeded; too_large.
    Result<> put(Kind kind, const std::string& name, const std::string& document);
    // False: there was none.
    Result<bool> remove(Kind kind, const std::string& name);

  private:
    storage::Transaction& transaction_;
    const Scope& scope_;
};

class Settings final {
  public:
    // Outlives it.
    explicit Settings(storage::Database& database) : database_(database) {}

    static std::span<const storage::Migration> migrations();

    // `Work` is a callable Result<T>(Documents&) without other effects: it may run again.
    template <class Work, class T = typename std::invoke_result_t<Work&, Documents&>::value_type>
    Task<T> change(Scope scope, Work work) {
        return database_.write(in_scope<Work, T>(std::move(scope), std::move(work)));
    }
    template <class Work, class T = typename std::invoke_result_t<Work&, Documents&>::value_type>
    Task<T> read(Scope scope, Work work) {
        return database_.read(in_scope<Work, T>(std::move(scope), std::move(work)));
    }

  private:
    template <class Work, class T>
    static auto in_scope(Scope scope, Work work) {
        return [scope = std::move(scope),
                work = std::move(work)](storage::Transaction& tx) mutable -> Result<T> {
            Documents documents(tx, scope);
            return work(documents);
        };
    }

    storage::Database& database_;
};

}  // namespace ac::telemetry
