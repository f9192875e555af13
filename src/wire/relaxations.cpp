#include "wire/relaxations.h"

#include <algorithm>
#include <unordered_set>
#include <vector>

#include "base/result.h"

namespace ac::wire {
namespace {

void reach(const Shape* root, std::unordered_set<const Shape*>& seen,
           std::vector<const Shape*>& out) {
    std::vector<const Shape*> pending{root};
    while (!pending.empty()) {
        const Shape* shape = pending.back();
        pending.pop_back();
        if (shape == nullptr || !seen.insert(shape).second) continue;
        out.push_back(shape);
        pending.push_back(shape->element);
        pending.push_back(shape->key);
        for (const Member& member : shape->members) pending.push_back(member.shape);
    }
}

const Member& member_of(std::string_view operation, std::string_view name) {
    const OperationSpec* spec = find_operation(operation);
    AC_ASSERT(spec != nullptr && spec->input != nullptr);
    const auto found = std::ranges::find(spec->input->members, name, &Member::name);
    AC_ASSERT(found != spec->input->members.end());
    return *found;
}

}  // namespace

std::vector<const Shape*> all_shapes() {
    std::unordered_set<const Shape*> seen;
    std::vector<const Shape*> out;
    for (const OperationSpec& operation : operations()) {
        reach(operation.input, seen, out);
        reach(operation.output, seen, out);
    }
    return out;
}

Relaxations::Relaxations() {
    // The guide's session ids are short ("session-123"); the model wants 33 characters. boto3
    // checks that itself; other clients and our CLI do not.
    for (const std::string_view operation :
         {"InvokeAgentRuntime", "InvokeAgentRuntimeCommand", "StopRuntimeSession", "GetAgentCard"})
        relax(*member_of(operation, "runtimeSessionId").shape).min = 1;
    // The guide keeps events from 1 to 365 days; the model wants 3.
    for (const std::string_view operation : {"CreateMemory", "UpdateMemory"})
        relax(*member_of(operation, "eventExpiryDuration").shape).min = 1;
    for (const Shape* shape : all_shapes()) {
        // The model takes images of ECR only; ours come from any registry.
        if (shape->name == "RuntimeContainerUri") relax(*shape).pattern = {};
        // The operator names models as their servers do: "qwen2.5:7b", "openai/gpt-oss-20b".
        if (shape->name == "ConversationalModelId" || shape->name == "InvokeModelIdentifier" ||
            shape->name == "GetFoundationModelIdentifier")
            relax(*shape).pattern = {};
        // A Lambda target of ours may name its function elsewhere.
        if (shape->name == "McpLambdaTargetConfiguration")
            relax_member(*shape, "lambdaArn").required = false;
    }
}

bool Relaxations::keeps_unknown_members(const Shape& shape) const {
    return shape.name == "SchemaDefinition";
}

Shape& Relaxations::relax(const Shape& shape) {
    if (const auto found = relaxed_.find(&shape); found != relaxed_.end()) return *found->second;
    shapes_.push_back(shape);
    relaxed_.emplace(&shape, &shapes_.back());
    return shapes_.back();
}

Member& Relaxations::relax_member(const Shape& structure, std::string_view member) {
    Shape& copy = relax(structure);
    members_.emplace_back(copy.members.begin(), copy.members.end());
    copy.members = members_.back();
    const auto found = std::ranges::find(members_.back(), member, &Member::name);
    AC_ASSERT(found != members_.back().end());
    return *found;
}

}  // namespace ac::wire
