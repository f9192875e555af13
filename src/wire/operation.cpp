#include "wire/operation.h"

#include <algorithm>

#include "wire/tables/operations.h"

namespace ac::wire {

std::string_view to_string(Plane plane) {
    switch (plane) {
        case Plane::control:
            return "control";
        case Plane::data:
            return "data";
        case Plane::models:
            return "models";
        case Plane::catalogue:
            return "catalogue";
    }
    return "-";
}

std::span<const OperationSpec> operations() {
    return tables::sorted_operations();
}

const OperationSpec* find_operation(std::string_view name) {
    const auto all = operations();
    const auto found = std::ranges::lower_bound(all, name, {}, &OperationSpec::name);
    return found != all.end() && found->name == name ? &*found : nullptr;
}

}  // namespace ac::wire
