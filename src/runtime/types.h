#pragma once
// The nouns of the Runtime service: a Runtime is a named agent; each create and update makes an
// immutable Version of it; an Endpoint is a name by which callers reach one Version. DEFAULT
// follows the newest Version that became ready.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "runtime/artifact_source.h"
#include "runtime/protocol.h"

namespace ac::runtime {

using RuntimeId = StrongId<struct RuntimeTag>;
using SessionId = StrongId<struct SessionTag>;
using Tags = std::map<std::string, std::string>;

inline constexpr std::string_view kDefaultEndpoint = "DEFAULT";

// The API model's AgentRuntimeStatus and AgentRuntimeEndpointStatus are the same list.
enum class Status { creating, create_failed, updating, update_failed, ready, deleting };
std::string_view to_string(Status status);  // "CREATING"
Status status_from(std::string_view text);  // of our own storage: anything else is a bug

// What lies outside a session's own loopback: what the operator lets agents of the mode reach.
enum class NetworkMode { internet, vpc };  // PUBLIC and VPC of the API model

// What is run, in the terms of the service.
struct Spec {
    std::string image;      // a container image; empty: code
    ArtifactLocation code;  // a zip, with what comes next
    std::string python;     // "3.12"; empty: Node.js
    std::string node;       // its major version, "22"; empty: Python
    std::vector<std::string> entry_point;
    std::map<std::string, std::string> environment;
    std::optional<Seconds> idle_timeout;
    std::optional<Seconds> lifetime_max;
    std::vector<std::string> header_allowlist;
    std::string role_arn;  // what the agent may do on the platform; empty: not said
    NetworkMode network = NetworkMode::internet;
    // Where, in its sandbox, a session finds folders that it keeps while it is stopped.
    std::vector<std::string> storage_paths;
    ServerProtocol protocol = ServerProtocol::http;
    // The customJWTAuthorizer that callers' tokens must satisfy, as JSON; empty: callers sign.
    std::string authorizer;
};

struct RuntimeView {
    RuntimeId id;
    std::string name;
    std::int64_t version = 0;
    Status status = Status::creating;
    std::string failure_reason;
    std::string description;
    std::string document;  // the input, in the caller's own notation; opaque to the service
    Spec spec;
    WallTime created_at;
    WallTime updated_at;
};

struct EndpointView {
    RuntimeId runtime;
    std::string name;
    std::string id;
    std::optional<std::int64_t> live_version;
    std::optional<std::int64_t> target_version;
    Status status = Status::creating;
    std::string description;
    std::string failure_reason;
    WallTime created_at;
    WallTime updated_at;
};

// Repeating a call with the same token and the same parameters has the answer of the first; other
// parameters are invalid_argument (reason IdempotentParameterMismatchException).
struct Idempotency {
    std::string token;       // empty: none
    std::string parameters;  // a hash of everything else in the input
};

struct NewRuntime {
    std::string name;
    std::string description;
    std::string document;
    Spec spec;
    Tags tags;
    Idempotency once;
};

struct RuntimeUpdate {
    RuntimeId id;
    std::string description;
    std::string document;
    Spec spec;
    Idempotency once;
};

struct NewEndpoint {
    RuntimeId runtime;
    std::string name;
    std::optional<std::int64_t> version;  // nullopt: the newest
    std::string description;
    Tags tags;
    Idempotency once;
};

struct EndpointUpdate {
    RuntimeId runtime;
    std::string name;
    std::optional<std::int64_t> version;
    std::optional<std::string> description;  // nullopt: unchanged
    Idempotency once;
};

struct PageRequest {
    std::optional<int> items_max;
    std::string token;  // empty: from the start
};

template <class Item>
struct Page {
    std::vector<Item> items;
    std::string next_token;  // empty: that was all
};

// A runtime, or one endpoint of it: what tags hang on.
struct Resource {
    RuntimeId runtime;
    std::string endpoint;  // empty: the runtime itself
};

std::string runtime_arn(const Scope& scope, const RuntimeId& id);
std::string endpoint_arn(const Scope& scope, const RuntimeId& id, std::string_view endpoint);
std::string workload_identity_arn(const Scope& scope, const RuntimeId& id);

}  // namespace ac::runtime
