#pragma once
// What the generated operations.cpp defines.

#include <span>

#include "wire/operation.h"

namespace ac::wire::tables {

// A further route to an operation, for clients of another age.
struct RouteAlias {
    std::string_view operation;
    std::string_view method;
    std::string_view uri;
};

std::span<const OperationSpec> sorted_operations();  // by name
std::span<const RouteAlias> route_aliases();

}  // namespace ac::wire::tables
