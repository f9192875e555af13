#pragma once
// What a failed operation tells its caller. ErrorCode has no protocol in it: wire/error_map.cpp
// turns it into an AWS exception, the CLI into an exit code. Messages say what and which; they
// never hold a secret.

#include <string>
#include <utility>
#include <vector>

namespace ac {

enum class ErrorCode {
    invalid_argument,   // the caller's input breaks a rule of the API
    unauthenticated,    // who is calling could not be established
    permission_denied,  // known caller, not allowed
    not_found,          // the thing named does not exist
    conflict,           // it exists already, or is in a state that forbids this
    busy,               // the same, but it passes: the caller may retry at once
    quota_exceeded,     // a configured limit on how many there may be
    throttled,          // a configured limit on how often
    too_large,          // a body, header or file over its bound
    deadline_exceeded,  // the time allowed for it is over
    cancelled,          // the caller went away or we are shutting down
    unavailable,        // a peer or the disk cannot do it now; state is unchanged
    guest_failed,       // code of the user's, in a sandbox, failed or answered an error
    not_implemented,    // this system does not do that (yet)
    internal,           // a bug or broken machinery of ours
};

std::string_view to_string(ErrorCode code);

// One input member that is wrong; `path` is dotted, as the API model names its members.
struct FieldError {
    std::string path;
    std::string message;
};

struct Error {
    ErrorCode code = ErrorCode::internal;
    std::string message;
    // ValidationException's reason where the default (FieldValidationFailed when `fields` is not
    // empty) does not fit: CannotParse, IdempotentParameterMismatchException, ...
    std::string reason = {};
    std::vector<FieldError> fields = {};
};

}  // namespace ac
