#pragma once
// restJson1 over the tables: requests into validated JSON objects keyed by member name, outputs
// into responses. What handlers see is described in api.h.

#include <boost/json/object.hpp>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "net/http_message.h"
#include "wire/operation.h"
#include "wire/patterns.h"
#include "wire/relaxations.h"
#include "wire/router.h"

namespace ac::wire {

namespace json = boost::json;

// What the input of an operation needs of the request's body.
enum class BodyUse {
    none,  // not looked at
    json,  // body members, or a payload member that is JSON
    raw,   // a payload member that takes the bytes as they are
};
BodyUse body_use(const OperationSpec& operation);

class Codec final {
  public:
    Codec();

    // invalid_argument names every violation found, up to a bound: reason CannotParse for a wrong
    // type or syntax, FieldValidationFailed for a broken constraint. `random` makes idempotency
    // tokens that the client left out. A raw payload becomes a member only when `body` is given;
    // nullptr: the handler reads it from the stream.
    Result<json::object> decode(const OperationSpec& operation, std::span<const PathLabel> labels,
                                const net::RequestHead& head, const std::string* body,
                                Random& random) const;

    // Never fails: what does not fit the output shape is a bug of the handler; it is left out and
    // logged. Leaves x-amzn-RequestId to the caller.
    net::Response encode(const OperationSpec& operation, const json::object& output) const;

    // One structure as a JSON text: an event of an event stream.
    std::string encode_structure(const Shape& shape, const json::object& value) const;

  private:
    Relaxations relaxations_;
    Patterns patterns_;
};

}  // namespace ac::wire
