#pragma once
// What the model engine asks of a language model. server/app.cpp satisfies it with src/models.

#include <boost/json/value.hpp>
#include <string>

#include "async/task.h"

namespace ac::memory {

struct ModelRequest {
    std::string model;    // as the strategy or the configuration names it
    std::string account;  // who pays, for metering
    std::string system;
    std::string data;           // a JSON document: what the model works on
    boost::json::value schema;  // of the answer
};

// Thread-safe.
class LanguageModel {
  public:
    virtual ~LanguageModel() = default;
    // The answer's text, which should be JSON of that schema and may be anything. not_found: no
    // such model. Retries of the transport are inside.
    virtual Task<std::string> answer(ModelRequest request) = 0;
    // A model of that name is there that can do the work.
    virtual bool is_capable(const std::string& model) const = 0;
};

}  // namespace ac::memory
