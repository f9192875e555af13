#pragma once
// What a command that did not work tells its user and its caller: a message, the next step that
// mends it, and the exit code that scripts see.

#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace ac::cli {

// Documented in docs/reference/cli.md; never renumber.
enum class ExitCode : int {
    ok = 0,
    failed = 1,       // the operation was tried and did not succeed
    usage = 2,        // the command line or an input file of it is wrong
    unreachable = 3,  // no daemon answers
    not_found = 4,    // the agent, session, file or resource named does not exist
    agent_error = 5,  // the agent answered an error
    timed_out = 6,
};

struct Failure {
    ExitCode code = ExitCode::failed;
    std::string message;
    std::string next_step = {};  // a sentence or a command; may be empty
    // The command's own document, which tells of the failure, is on stdout already.
    bool has_document = false;
    // Not 0: the program that ran for the user ended so, has said why, and so does this one.
    int exit_status = 0;

    Failure(ExitCode c, std::string m, std::string next = {})
        : code(c), message(std::move(m)), next_step(std::move(next)) {}
    // Errors of the local machine and of libraries. What only the network means (unreachable) is
    // said by cli/net, which knows.
    Failure(const Error& error);  // NOLINT: conversion is the point
};

template <class T = void>
using Expected = std::expected<T, Failure>;

[[nodiscard]] inline std::unexpected<Failure> failed(ExitCode code, std::string message,
                                                     std::string next_step = {}) {
    return std::unexpected(Failure(code, std::move(message), std::move(next_step)));
}

std::string_view to_string(ExitCode code);

}  // namespace ac::cli
