#pragma once
// The lines of an exported memory (docs/formats/memory-export.md), and when an event or a record of
// a file is one that a memory has already: two are the same when all that a caller gave them is.

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <map>
#include <string>
#include <string_view>

#include "cli/failure.h"

namespace ac::cli {

inline constexpr int kExportFormat = 1;

enum class LineKind { memory, event, record };

struct TransferLine {
    LineKind kind = LineKind::memory;
    boost::json::object document;
};

std::string memory_line(const boost::json::value& memory);
std::string event_line(const boost::json::object& event);
std::string record_line(const boost::json::object& record);
// usage: not a line of an export, or of a later format.
Expected<TransferLine> parse_transfer_line(std::string_view line);

std::string event_identity(const boost::json::object& event);
std::string record_identity(const boost::json::object& record);

// Strategies of the exported memory under the ids that those of the same name have in another.
class StrategyNames final {
  public:
    StrategyNames() = default;
    StrategyNames(const boost::json::value& exported, const boost::json::value& target);

    // Empty when the target has no such strategy.
    std::string id_for(const std::string& exported_id) const;
    // A namespace with the ids in it replaced.
    std::string namespace_for(std::string space) const;

  private:
    std::map<std::string, std::string> ids_;
};

// Inputs of CreateEvent (without clientToken and branch) and of BatchCreateMemoryRecords.
boost::json::object event_input(const boost::json::object& event);
boost::json::object record_input(const boost::json::object& record, const StrategyNames& names);

}  // namespace ac::cli
