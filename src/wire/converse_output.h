#pragma once
// Answers of models as Converse and ConverseStream give them.

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/chat.h"
#include "wire/chat_streaming.h"
#include "wire/operation.h"

namespace ac::wire {

// additionalModelResponseFieldPaths: JSON pointers (RFC 6901) into what the model said besides.
using FieldPaths = std::vector<std::string>;
FieldPaths field_paths_from(const boost::json::object& input);

// The output of Converse, as the table's shape wants it.
boost::json::object converse_output(models::ChatAnswer answer, const FieldPaths& paths);

struct ConverseEvent {
    std::string_view type;  // "contentBlockDelta"
    boost::json::object payload;
};
// nullopt: Bedrock has no event for it.
std::optional<ConverseEvent> converse_event(const models::ChatEvent& event,
                                            const FieldPaths& paths);

// Events in the order and shape that Bedrock sends: a contentBlockStart for tool use only.
class ConverseEvents final : public ChatEncoder {
  public:
    ConverseEvents(const OperationSpec* operation, FieldPaths paths)
        : operation_(operation), paths_(std::move(paths)) {}
    std::string_view content_type() const override;
    std::string encode(const models::ChatEvent& event) override;
    std::string end() override { return {}; }
    std::string error(const Error& error) override;

  private:
    const OperationSpec* operation_;
    FieldPaths paths_;
};

}  // namespace ac::wire
