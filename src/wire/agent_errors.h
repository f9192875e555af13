#pragma once
// Errors of invocations in the form that clients of the agent's protocol read: JSON-RPC for MCP and
// A2A, an event of the run for AG-UI. HTTP agents' callers get the API's own.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/body.h"
#include "net/http_message.h"
#include "runtime/protocol.h"

namespace ac::wire {

// Passes a body on and keeps its beginning, where a JSON-RPC request has its id.
class RememberingBody final : public net::Body {
  public:
    explicit RememberingBody(net::Body& inner) : inner_(inner) {}
    Task<std::size_t> read_some(std::span<char> out) override;
    std::optional<std::uint64_t> length() const override { return inner_.length(); }

    // The request whole, or as much as is kept of it; reads what has not been read.
    Task<std::string> text();

  private:
    net::Body& inner_;
    std::string kept_;
};

// nullopt: the API's own form is due. `request` is the JSON-RPC request that failed.
std::optional<net::Response> agent_error(runtime::ServerProtocol protocol, const Error& error,
                                         std::string_view request);

// The "id" of a JSON-RPC request as JSON text; "null" where there is none to be found.
std::string rpc_id(std::string_view request);

}  // namespace ac::wire
