#pragma once
// The AgentCore API over rest-json: finds the operation, decodes and validates its input against
// the tables, calls the service's handler and encodes the output or the error. Handlers see and
// return JSON objects keyed by member name, wherever on the wire a member lives, with
//   timestamps as integers (epoch milliseconds), in and out;
//   blobs as raw bytes in strings, in and out;
//   header, path and query members beside body members.
// An operation without a handler answers a modelled error that names it.

#include <boost/json/object.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/authorizer.h"
#include "access/principal.h"
#include "base/clock.h"
#include "base/ids.h"
#include "net/http_server.h"
#include "wire/gate.h"
#include "wire/operation.h"

namespace ac::wire {

namespace json = boost::json;

struct CallContext {
    std::string request_id;  // UUID; answered as x-amzn-RequestId
    Scope scope;
    access::Principal principal;
    access::RequestFacts facts = {};  // for conditions of policies
    std::string access_key_id = {};   // that signed; empty: none did
    WallTime now;
    const OperationSpec* operation = nullptr;  // nullptr for extensions
    const net::RequestHead* head = nullptr;    // lives as long as the call
    // Set when an agent calls from its sandbox: its runtime and session.
    std::string guest_runtime = {};
    std::string guest_session = {};
    // How the caller reaches this server: "https://host:port".
    std::string base_url;
    // False: nobody signed this; scope and principal are empty, and only handlers that were bound
    // with bind_unsigned() see it. They decide by the token, when there is one.
    bool is_signed = true;
    std::optional<std::string> bearer_token = {};
};

// Where the model has a status code member it is called this; it decides the response's status.
inline constexpr std::string_view kStatusMember = "statusCode";

// Returns the output members. Members that the operation does not answer are left out, so that one
// view of a resource serves its Get, Create and Update.
using Handler = std::function<Task<json::object>(CallContext, json::object input)>;

// Answers the exchange itself (raw and event streams). `body` is the verified request payload; it
// has been read already unless the input has a raw payload member (InvokeAgentRuntime). An
// Error returned before exchange.started() is encoded as a modelled error; after it the connection
// is aborted.
using StreamHandler = std::function<Task<>(CallContext, json::object input, net::Exchange& exchange,
                                           net::Body& body)>;

class Api {
  public:
    virtual ~Api() = default;

    // Before serving. `operation` must exist in the tables (asserted).
    virtual void bind(std::string_view operation, Handler handler) = 0;
    virtual void bind_stream(std::string_view operation, StreamHandler handler) = 0;
    // An operation that the API model does not have: one of AWS's (WebSockets), or one of ours
    // under /x/, as in ("GET", "/x/runtimes/{agentRuntimeId}/logs"). Labels and query parameters
    // arrive as strings.
    virtual void bind_extension(std::string_view method, std::string_view uri,
                                StreamHandler handler) = 0;
    // Handles requests of an extension that is bound already and that come without a signature.
    virtual void bind_unsigned_extension(std::string_view method, std::string_view uri,
                                         StreamHandler handler) = 0;
    // Handles requests of an operation that come without a signature. `uri` as in bind_extension,
    // but anywhere: for what lies outside the model and is open to all (RFC 9728 metadata).
    virtual void bind_unsigned(std::string_view operation, StreamHandler handler) = 0;
    virtual void bind_open(std::string_view method, std::string_view uri,
                           StreamHandler handler) = 0;
    virtual bool takes_unsigned(const net::RequestHead& head) const = 0;
    // Before serving: whom to ask before each handler of a signed call. Without one, all is
    // admitted.
    virtual void guard_with(const Gate& gate) = 0;
    virtual bool implements(std::string_view operation) const = 0;
    // Names of the operations of the tables that have no handler, sorted. GET /x/operations answers
    // the same as {"operations": [{"name", "plane", "implemented"}]}.
    virtual std::vector<std::string_view> unimplemented() const = 0;

    // Serves one authenticated request; always answers. Ends with the operation's name, for
    // metrics: "-" where the path means none.
    virtual asio::awaitable<std::string_view, Executor> serve(net::Exchange& exchange,
                                                              CallContext context,
                                                              net::Body& body) = 0;
    // Answers an error the same way, for failures before serve() (authentication, size).
    virtual Detached serve_error(net::Exchange& exchange, CallContext context, Error error) = 0;
};

std::unique_ptr<Api> make_api(const Clock& clock);

}  // namespace ac::wire
