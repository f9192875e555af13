#pragma once
// The bodies of InvokeModel are each model's own. A dialect reads one kind and answers in it; which
// one is meant shows in the body: whatever model serves a request, the caller gets back the form
// that it asked in.

#include <boost/json/object.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "models/chat.h"
#include "wire/chat_streaming.h"
#include "wire/codec.h"
#include "wire/operation.h"

namespace ac::wire {

class InvokeDialect {
  public:
    virtual ~InvokeDialect() = default;
    virtual Result<models::ChatRequest> request(const boost::json::object& body) const = 0;
    virtual boost::json::object answer(models::ChatAnswer answer) const = 0;
    virtual std::unique_ptr<ChatEncoder> encoder(const OperationSpec* operation) const = 0;
};

struct DialectParts {
    const Codec& codec;  // outlives the dialect
    Random& random;      // too
    std::string model;   // as the caller named it
};

// invalid_argument that lists the supported forms when the body has none of them.
Result<std::unique_ptr<InvokeDialect>> dialect_of(const boost::json::object& body,
                                                  DialectParts parts);

}  // namespace ac::wire
