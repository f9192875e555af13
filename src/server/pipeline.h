#pragma once
// What happens to every request, in order: a request id; the open paths (/healthz, /metrics); who
// signed it; which service the signature is for; the body taken in and its hash checked with the
// signature; the service's front. One place catches exceptions, one place counts and logs.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "access/access_service.h"
#include "access/api_keys.h"
#include "async/thread_pool.h"
#include "base/clock.h"
#include "base/random.h"
#include "net/http_server.h"
#include "server/body_spool.h"
#include "server/metrics.h"
#include "sigv4/verifier.h"
#include "wire/api.h"
#include "wire/issuer_front.h"
#include "wire/model_front.h"
#include "wire/s3_front.h"
#include "wire/telemetry_front.h"

namespace ac::server {

// InvokeAgentRuntime's bound (API model); what other operations take less of, they check.
inline constexpr std::uint64_t kBodyBytesMax = 160'000'000;

// Who calls through a listener that only one agent can reach.
struct GuestCaller {
    // The session of the runtime's role, as its policies are now.
    std::function<access::Principal()> principal;
    std::string region;
    std::string runtime;
    std::string session;
};

// All outlive the pipeline.
struct PipelineParts {
    wire::Api& api;
    wire::S3Front& s3;
    wire::ModelFront& models;
    access::ApiKeys& api_keys;
    const access::KeyStore& keys;
    access::AccessService& access;
    telemetry::Settings& telemetry;
    const wire::Gate& gate;
    Metrics& metrics;
    const Clock& clock;
    Random& random;
    ThreadPool& pool;
    std::string spool_folder;
    SpoolMemory& spool_memory;
    std::string public_url;  // how callers reach this server; empty: as they say in Host
    bool is_secure = false;  // HTTPS
    // The development issuer; nullptr: it is off.
    issuer::Issuer* issuer = nullptr;
    wire::IssuerFront* issuer_front = nullptr;
    // Of the listener in one agent's sandbox: calls count as that agent's.
    std::optional<GuestCaller> guest = {};
};

class Pipeline final : public net::Handler {
  public:
    explicit Pipeline(PipelineParts parts) : parts_(std::move(parts)) {}
    Detached handle(net::Exchange& exchange) override;

  private:
    // Ends with the operation's name.
    using Answered = asio::awaitable<std::string_view, Executor>;
    struct Caller {
        sigv4::Authorization authorization;
        access::AccessKey key;
    };

    // What is meant for an agent passes through by way of a file: an invocation's memory is
    // bounded.
    SpoolPlace spool_place(const net::Exchange& exchange) {
        const bool is_passed_on =
            exchange.request().path().find("/invocations") != std::string_view::npos;
        return {.folder = parts_.spool_folder,
                .pool = parts_.pool,
                .memory = is_passed_on ? no_memory_ : parts_.spool_memory};
    }
    // The context is handle()'s, and goes to the front that answers.
    Answered answer(net::Exchange& exchange, wire::CallContext& context);
    Answered answer_guest(net::Exchange& exchange, wire::CallContext& context);
    Answered answer_unsigned(net::Exchange& exchange, wire::CallContext& context);
    access::RequestFacts facts_of(const net::Exchange& exchange, WallTime now) const;
    Answered refuse_signed(net::Exchange& exchange, wire::CallContext& context,
                           const sigv4::Authorization& authorization, Error error);
    Answered serve_query(net::Exchange& exchange, wire::CallContext& context, Caller& caller,
                         net::Body& body);
    Answered answer_issuer(net::Exchange& exchange, wire::CallContext& context);
    Answered serve_cognito(net::Exchange& exchange, wire::CallContext& context, net::Body& body);
    Answered serve_telemetry(net::Exchange& exchange, wire::CallContext& context,
                             const std::string& service, net::Body& body);
    Answered answer_signed(net::Exchange& exchange, wire::CallContext& context);
    Answered refuse(net::Exchange& exchange, wire::CallContext& context, Error error);
    Answered serve_s3(net::Exchange& exchange, wire::CallContext& context, Caller& caller);
    Answered serve_verified(net::Exchange& exchange, wire::CallContext& context, Caller& caller);
    std::string base_url(const net::RequestHead& head) const;
    Result<access::AccessKey> find_key(const sigv4::Authorization& authorization,
                                       WallTime now) const;
    // Of models, by an API key instead of a signature (pipeline_models.cpp).
    bool is_call_with_key(const net::RequestHead& head) const;
    Answered answer_with_key(net::Exchange& exchange, wire::CallContext& context);
    Task<access::Principal> owner_of_key(const net::RequestHead& head, WallTime now) const;

    PipelineParts parts_;
    SpoolMemory no_memory_{0};
    sigv4::Verifier verifier_;
};

}  // namespace ac::server
