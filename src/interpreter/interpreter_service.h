#pragma once
// The Code Interpreter service: interpreters, their sessions, and what is run in them.

#include <memory>

#include "interpreter/catalog.h"
#include "interpreter/sessions.h"

namespace ac::interpreter {

class InterpreterService final {
  public:
    // All outlive the service.
    struct Dependencies {
        storage::Database& database;
        sandbox::Sandbox& sandbox;
        Timer& timer;
        Random& random;
        Loop& loop;
        ImageOptions image;
        InterpreterLimits limits = {};
        NetworkDoor* network = nullptr;  // nullptr: sessions reach nothing, whatever their mode
    };
    // Errors of GuestImage::open().
    static Result<std::unique_ptr<InterpreterService>> open(Dependencies dependencies);

    Task<> prepare() { return sessions_.prepare(); }
    Task<> drain() { return sessions_.drain(); }

    Catalog& catalog() { return catalog_; }
    Sessions& sessions() { return sessions_; }
    const InterpreterLimits& limits() const { return limits_; }
    Timer& timer() const { return timer_; }

  private:
    InterpreterService(Dependencies dependencies, GuestImage image);

    const InterpreterLimits limits_;
    const GuestImage image_;
    Timer& timer_;
    Catalog catalog_;
    Sessions sessions_;
};

}  // namespace ac::interpreter
