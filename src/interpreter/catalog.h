#pragma once
// The code interpreters of an account: the system's, which is always there, and custom ones.

#include <string>
#include <utility>

#include "base/clock.h"
#include "base/random.h"
#include "interpreter/limits.h"
#include "interpreter/types.h"
#include "storage/database.h"

namespace ac::interpreter {

class Catalog final {
  public:
    // All outlive the catalogue. `languages`: what sessions run code in, told of the system's.
    Catalog(storage::Database& database, Random& random, const Clock& clock,
            const InterpreterLimits& limits, std::string languages)
        : database_(database),
          random_(random),
          clock_(clock),
          limits_(limits),
          languages_(std::move(languages)) {}

    // conflict: the name is taken. The same clientToken again answers what it made before.
    Task<Interpreter> create(Scope scope, NewInterpreter wanted);
    Task<Interpreter> get(Scope scope, InterpreterId id);
    Task<Page<Interpreter>> list(Scope scope, InterpreterKind kind, PageRequest page);
    // conflict: it is the system's.
    Task<Interpreter> remove(Scope scope, InterpreterId id);

    Task<Tags> tags(Scope scope, InterpreterId id);
    Task<> add_tags(Scope scope, InterpreterId id, Tags tags);
    Task<> remove_tags(Scope scope, InterpreterId id, std::vector<std::string> keys);

  private:
    storage::Database& database_;
    Random& random_;
    const Clock& clock_;
    const InterpreterLimits& limits_;
    const std::string languages_;
};

Interpreter system_interpreter(const std::string& languages);
Error no_interpreter(const InterpreterId& id);
Error other_parameters();  // a clientToken that was used for something else
Result<std::string> start_of(const std::string& listing, const PageRequest& page);

}  // namespace ac::interpreter
