#pragma once
// The SQL of code interpreters.

#include <span>

#include "interpreter/types.h"
#include "storage/database.h"

namespace ac::interpreter::store {

using storage::Transaction;

std::span<const storage::Migration> migrations();

Result<std::int64_t> count(Transaction& tx, const Scope& scope);
Result<> insert(Transaction& tx, const Scope& scope, const NewInterpreter& made);
Result<std::optional<Interpreter>> find(Transaction& tx, const Scope& scope,
                                        const InterpreterId& id);
Result<std::optional<Interpreter>> find_by_name(Transaction& tx, const Scope& scope,
                                                const std::string& name);
struct Known {
    std::string id;  // of what was made
    std::string fingerprint;
};
Result<std::optional<Known>> find_by_token(Transaction& tx, const Scope& scope,
                                           const std::string& token);
Result<std::vector<Interpreter>> list(Transaction& tx, const Scope& scope, const std::string& after,
                                      int items_max);
Result<bool> erase(Transaction& tx, const Scope& scope, const InterpreterId& id);

Result<Tags> tags(Transaction& tx, const Scope& scope, const InterpreterId& id);
Result<> put_tag(Transaction& tx, const Scope& scope, const InterpreterId& id,
                 const std::string& key, const std::string& value);
Result<> erase_tag(Transaction& tx, const Scope& scope, const InterpreterId& id,
                   const std::string& key);

Result<> insert_session(Transaction& tx, const Scope& scope, const SessionView& session,
                        const Idempotency& once);
Result<std::optional<SessionView>> find_session(Transaction& tx, const Scope& scope,
                                                const InterpreterId& interpreter,
                                                const SessionId& id);
Result<std::optional<Known>> find_session_by_token(Transaction& tx, const Scope& scope,
                                                   const InterpreterId& interpreter,
                                                   const std::string& token);
// Newest first; `before` is the key of the last one seen, empty at the start.
Result<std::vector<SessionView>> list_sessions(Transaction& tx, const Scope& scope,
                                               const SessionQuery& query, const std::string& before,
                                               int items_max);
std::string session_key(const SessionView& session);
Result<> end_session(Transaction& tx, const Scope& scope, const SessionId& id, WallTime now);
// Those of a daemon that has ended.
Result<> end_all_sessions(Transaction& tx, WallTime now);
Result<> erase_sessions_before(Transaction& tx, WallTime before);

}  // namespace ac::interpreter::store
