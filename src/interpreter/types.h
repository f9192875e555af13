#pragma once
// Code interpreters and their sessions as values.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"

namespace ac::interpreter {

using InterpreterId = StrongId<struct InterpreterIdTag>;
using SessionId = StrongId<struct SessionIdTag>;
using Tags = std::map<std::string, std::string>;

// The one that is always there.
inline constexpr std::string_view kSystemInterpreter = "aws.codeinterpreter.v1";

struct Idempotency {
    std::string token;        // empty: none
    std::string fingerprint;  // of the parameters
};

// SANDBOX: nothing; PUBLIC: what the operator allows of the internet; VPC: the operator's address
// blocks.
enum class NetworkMode { sandbox, internet, vpc };
constexpr std::string_view to_string(NetworkMode mode) {
    switch (mode) {
        case NetworkMode::sandbox:
            return "SANDBOX";
        case NetworkMode::internet:
            return "PUBLIC";
        case NetworkMode::vpc:
            return "VPC";
    }
    return "";
}
// What is none of the three is the closed one.
constexpr NetworkMode network_mode_of(std::string_view text) {
    if (text == "PUBLIC") return NetworkMode::internet;
    return text == "VPC" ? NetworkMode::vpc : NetworkMode::sandbox;
}

struct Interpreter {
    InterpreterId id;
    std::string name;
    std::string description;
    std::string role_arn;
    NetworkMode network = NetworkMode::sandbox;
    std::string vpc;  // with mode VPC: its subnets and security groups, as the caller gave them
    std::string status = "READY";
    WallTime created_at;
    WallTime updated_at;

    bool is_system() const { return id.text() == kSystemInterpreter; }
};

struct NewInterpreter {
    Interpreter interpreter;  // id and times are set by the catalogue
    Tags tags;
    Idempotency once;
};

enum class SessionStatus { ready, terminated };
constexpr std::string_view to_string(SessionStatus status) {
    return status == SessionStatus::ready ? "READY" : "TERMINATED";
}

struct SessionView {
    InterpreterId interpreter;
    SessionId id;
    std::string name;
    Seconds timeout{};
    SessionStatus status = SessionStatus::ready;
    WallTime created_at;
    WallTime updated_at;
};

struct NewSession {
    InterpreterId interpreter;
    std::string name;
    std::optional<Seconds> timeout;
    Idempotency once;
};

struct PageRequest {
    std::optional<int> items_max;
    std::string token;
};

template <class Item>
struct Page {
    std::vector<Item> items;
    std::string next_token;  // empty: the last page
};

enum class InterpreterKind { any, system, custom };

struct SessionQuery {
    InterpreterId interpreter;
    std::optional<SessionStatus> status;
    PageRequest page;
};

}  // namespace ac::interpreter
