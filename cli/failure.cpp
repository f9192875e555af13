#include "cli/failure.h"

namespace ac::cli {
namespace {

ExitCode exit_code_of(ErrorCode code) {
    switch (code) {
        case ErrorCode::invalid_argument:
            return ExitCode::usage;
        case ErrorCode::not_found:
            return ExitCode::not_found;
        case ErrorCode::guest_failed:
            return ExitCode::agent_error;
        case ErrorCode::deadline_exceeded:
            return ExitCode::timed_out;
        default:
            return ExitCode::failed;
    }
}

}  // namespace

Failure::Failure(const Error& error) : code(exit_code_of(error.code)), message(error.message) {}

std::string_view to_string(ExitCode code) {
    switch (code) {
        case ExitCode::ok:
            return "ok";
        case ExitCode::failed:
            return "failed";
        case ExitCode::usage:
            return "usage";
        case ExitCode::unreachable:
            return "unreachable";
        case ExitCode::not_found:
            return "not_found";
        case ExitCode::agent_error:
            return "agent_error";
        case ExitCode::timed_out:
            return "timed_out";
    }
    return "failed";
}

}  // namespace ac::cli
