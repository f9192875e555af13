#pragma once
// Whether a JSON value is a JSON Schema at all (2020-12 and draft 7, whose words agree in what is
// looked at here). Providers answer a broken schema with anything from a 500 to nonsense, so fronts
// refuse it first and say where it is broken.

#include <boost/json/value.hpp>
#include <optional>
#include <string>

namespace ac::wire {

struct SchemaFault {
    std::string path;     // "properties.city.type" below the schema; empty: the schema itself
    std::string message;  // "must be an object or a boolean"
};

// The first fault. Words that are not of JSON Schema's vocabulary are let pass.
std::optional<SchemaFault> find_schema_fault(const boost::json::value& schema);

}  // namespace ac::wire
