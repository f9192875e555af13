#pragma once
// Memory's inputs and outputs between the members of the API model and the types of the service.
// Inputs have been validated against the model's tables; what the model cannot say (exactly one of
// namespace and namespacePath) is checked here.

#include "base/result.h"
#include "memory/memory_service.h"

namespace ac::wire {

namespace json = boost::json;

inline constexpr std::string_view kMemoryArnMark = ":memory/";

// {memoryId}: an id, or the ARN of a memory of this scope (not_found: of another).
Result<memory::MemoryId> memory_id_from(const Scope& scope, const json::object& input);
Result<memory::MemoryId> memory_id_of(const Scope& scope, const std::string& id_or_arn);
memory::PageRequest memory_page_from(const json::object& input);

Result<memory::NewMemory> new_memory_from(const json::object& input);
Result<memory::MemoryChange> memory_change_from(const Scope& scope, const json::object& input);
json::object memory_output(const memory::Memory& memory);
json::object memory_summary(const memory::Memory& memory);

Result<memory::Address> event_address_from(const Scope& scope, const json::object& input);
Result<memory::NewEvent> new_event_from(const Scope& scope, const json::object& input);
Result<memory::NewEvent> ingested_from(const Scope& scope, const json::object& input);
Result<memory::EventQuery> event_query_from(const Scope& scope, const json::object& input);
json::object event_output(const memory::Event& event);

std::vector<memory::NewRecord> new_records_from(const json::object& input);
std::vector<memory::RecordChange> record_changes_from(const json::object& input);
Result<memory::RecordQuery> record_query_from(const Scope& scope, const json::object& input);
// recordExpirySpecification. invalid_argument: REMOVE where something is created.
enum class ExpiryUse { create, change };
Result<memory::RecordExpiry> record_expiry_from(const json::object& input, ExpiryUse use);
json::object record_output(const memory::Record& record);
// A batch's answer: successfulRecords and failedRecords.
json::object batch_output(const std::vector<memory::BatchOutcome>& outcomes);
json::object job_output(const memory::FailedJob& job);

}  // namespace ac::wire
