#pragma once
// The facts of AWS's API model, generated into tables/ by tools/gen_wire.py: one OperationSpec for
// every operation of both AgentCore planes and of Amazon Bedrock, and the shapes of their inputs
// and outputs. Static data; views into it live forever.

#include <cstdint>
#include <span>
#include <string_view>

namespace ac::wire {

enum class Kind : std::uint8_t {
    structure,
    union_,
    list,
    map,
    string,
    integer,
    long_,
    float_,
    double_,
    boolean,
    timestamp,
    blob,
    document,
    event_stream,
};

enum class Location : std::uint8_t {
    body,
    uri,
    query,
    header,
    prefix_headers,
    status_code,
    payload
};

enum class TimeFormat : std::uint8_t { epoch_seconds, date_time, http_date };

struct Shape;

struct Member {
    std::string_view name;           // as handlers see it
    std::string_view location_name;  // on the wire
    const Shape* shape = nullptr;
    Location location = Location::body;
    TimeFormat time_format = TimeFormat::epoch_seconds;
    bool required = false;
    bool idempotency_token = false;
    bool streaming = false;
};

// Bounds count characters of strings (UTF-16 units do not matter: code points), bytes of blobs,
// elements of lists and maps, and the value of numbers.
struct Shape {
    std::string_view name;
    Kind kind = Kind::string;
    bool has_min = false;
    bool has_max = false;
    double min = 0;
    double max = 0;
    std::string_view pattern;  // must match the whole string; empty: any
    std::span<const std::string_view> enum_values;
    std::span<const Member> members;  // structure, union
    const Shape* element = nullptr;   // list element, map value
    const Shape* key = nullptr;       // map
    bool sensitive = false;           // must not be logged or quoted in errors
};

// Each is one service model of AWS's; models and catalogue (bedrock-runtime and bedrock) are signed
// as "bedrock", the others as "bedrock-agentcore".
enum class Plane : std::uint8_t { control, data, models, catalogue };

std::string_view to_string(Plane plane);

struct OperationSpec {
    std::string_view name;
    Plane plane = Plane::control;
    std::string_view method;
    std::string_view uri;  // "/runtimes/{agentRuntimeId}/"
    int status = 200;
    const Shape* input = nullptr;  // nullptr: an operation known by name only
    const Shape* output = nullptr;
    std::span<const std::string_view> errors;  // exception names it may answer
};

std::span<const OperationSpec> operations();
const OperationSpec* find_operation(std::string_view name);

}  // namespace ac::wire
