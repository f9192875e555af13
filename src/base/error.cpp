#include "base/error.h"

namespace ac {

std::string_view to_string(ErrorCode code) {
    switch (code) {
        case ErrorCode::invalid_argument:
            return "invalid_argument";
        case ErrorCode::unauthenticated:
            return "unauthenticated";
        case ErrorCode::permission_denied:
            return "permission_denied";
        case ErrorCode::not_found:
            return "not_found";
        case ErrorCode::conflict:
            return "conflict";
        case ErrorCode::busy:
            return "busy";
        case ErrorCode::quota_exceeded:
            return "quota_exceeded";
        case ErrorCode::throttled:
            return "throttled";
        case ErrorCode::too_large:
            return "too_large";
        case ErrorCode::deadline_exceeded:
            return "deadline_exceeded";
        case ErrorCode::cancelled:
            return "cancelled";
        case ErrorCode::unavailable:
            return "unavailable";
        case ErrorCode::guest_failed:
            return "guest_failed";
        case ErrorCode::not_implemented:
            return "not_implemented";
        case ErrorCode::internal:
            return "internal";
    }
    return "internal";
}

}  // namespace ac
