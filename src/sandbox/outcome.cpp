#include "sandbox/outcome.h"

namespace ac::sandbox {

std::string_view to_string(Reason reason) {
    switch (reason) {
        case Reason::exited:
            return "exited";
        case Reason::signaled:
            return "signaled";
        case Reason::out_of_memory:
            return "out_of_memory";
        case Reason::timed_out:
            return "timed_out";
        case Reason::stopped:
            return "stopped";
        case Reason::failed_to_start:
            return "failed_to_start";
    }
    return "exited";
}

}  // namespace ac::sandbox
